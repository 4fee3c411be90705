"""What a bench hands over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


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
