"""Lengths with units, as people write them."""

from __future__ import annotations

import re

from gen3d.errors import InputError

MILLIMETRES: dict[str, float] = {
    "mm": 1.0,
    "cm": 10.0,
    "m": 1000.0,
    "in": 25.4,
    "inch": 25.4,
    "inches": 25.4,
    '"': 25.4,
    "ft": 304.8,
}
"""Millimetres of each unit; inch and foot are those of 1959."""

_LENGTH = re.compile(r'\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([a-z"]+)\s*', re.IGNORECASE)


def parse_length_mm(text: str) -> float:
    """Return a length such as ``100mm``, ``10 cm``, ``0.1m`` or ``4in`` in millimetres.

    A bare number is refused: one program's 100 are millimetres, another's metres.

    Raises:
        InputError: It is no positive number with a known unit.
    """
    match = _LENGTH.fullmatch(text)
    unit = match.group(2).lower() if match else ""
    if match is None or unit not in MILLIMETRES or not float(match.group(1)) > 0:
        raise InputError(
            f"a length is a positive number with a unit (mm, cm, m, in, ft), got {text!r}",
            hint="for example 100mm or 4in",
        )
    return float(match.group(1)) * MILLIMETRES[unit]
