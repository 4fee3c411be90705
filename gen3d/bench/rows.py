"""Finished measurements on disk, so that a stopped bench resumes; and tables of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias, TypeVar

from gen3d.runtime.atomic import atomic_write

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
            row = measure()
            with atomic_write(path) as file:
                file.write(json.dumps(row).encode())
        return json.loads(path.read_text())


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
