"""Finished measurements on disk, so that a stopped bench resumes; and tables of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar

Row: TypeAlias = dict[str, float]
Table: TypeAlias = tuple[str, tuple[str, ...], list[list[str]]]
AnyRows = TypeVar("AnyRows", Row, dict[str, Row])


class Rows:
    """Measurements by name and settings.

    Args:
        folder: Where they lie; made when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, name: str, settings: object, measure: Callable[[], AnyRows]) -> AnyRows:
        """Return the measurement of that name and settings (JSON), taken now if it is new."""
        text = json.dumps([name, settings], sort_keys=True)
        path = self.folder / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"
        if not path.exists():
            # Never a half-written file: a bench may be stopped at any time.
            part = path.with_suffix(".part")
            part.write_text(json.dumps(measure()))
            part.replace(path)
        return json.loads(path.read_text())


def median(values: Sequence[float]) -> float:
    """Return the middle one; of an even number the larger of both."""
    return sorted(values)[len(values) // 2]


def table_of(title: str, rows: Mapping[str, Row]) -> Table:
    """Lay rows out for people, one column per figure that some row has."""
    head = tuple(dict.fromkeys(name for row in rows.values() for name in row))
    body = [
        [label, *(_text(row[name]) if name in row else "" for name in head)]
        for label, row in rows.items()
    ]
    return title, ("", *head), body


def _text(value: float) -> str:
    """Counts in full, all else to four digits."""
    return f"{value:.0f}" if value == round(value) or abs(value) >= 1000 else f"{value:.4g}"
