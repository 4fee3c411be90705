"""What a bench hands over."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Report:
    """Results of one bench.

    Attributes:
        figures: Flat numbers by key.
        tables: For people: title, header, rows of text.
        notes: Where and on what it was measured.
    """

    figures: dict[str, float]
    tables: Sequence[tuple[str, Sequence[str], Sequence[Sequence[str]]]]
    notes: dict[str, str] = field(default_factory=dict)

    def markdown(self) -> str:
        """Return notes, figures and tables in Markdown."""
        notes = "\n".join(
            f"- {name.replace('_', ' ')}: {text}" for name, text in self.notes.items()
        )
        figures = [(f"`{name}`", f"{value:.4g}") for name, value in self.figures.items()]
        tables = [("Figures", ("key", "value"), figures), *self.tables]
        parts = [notes]
        for title, head, rows in tables:
            rule = ["---", *["---:"] * (len(head) - 1)]
            lines = [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]
            parts += [f"**{title}**", "\n".join(lines)]
        return "\n\n".join(parts) + "\n"


def machine_name() -> str:
    """Return the processor's name and number of cores, as far as the system tells."""
    name, cores = platform.processor() or platform.machine(), os.cpu_count() or 1
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        models = [x for x in listing.read_text().splitlines() if x.startswith("model name")]
        name = models[0].partition(":")[2].strip() if models else name
    return f"{name}, {cores} cores"
