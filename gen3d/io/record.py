"""The record of how an artifact was made, as it travels inside the file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gen3d.errors import FormatError, InputError

KEY = "gen3d"
"""Where the record lies: in a container's metadata, in glTF extras, in comments and PNG text."""


def encode_record(record: Mapping[str, Any]) -> str:
    """Return the record as one line of ASCII JSON, keys sorted: equal records give equal bytes.

    Raises:
        InputError: It holds something that JSON cannot, such as NaN or an array.
    """
    try:
        return json.dumps(record, sort_keys=True, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise InputError(f"a record must hold JSON values only: {error}") from error


def decode_record(text: str | bytes) -> dict[str, Any]:
    """Parse a record.

    Raises:
        FormatError: It is no JSON object.
    """
    record = parse_json(text)
    if not isinstance(record, dict):
        raise FormatError("the gen3d record in the file is not a JSON object")
    return record


def parse_json(text: str | bytes) -> Any:
    """Parse JSON of unknown origin; every way in which that fails is a FormatError."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"broken JSON inside the file: {error}") from error


def record_in(lines: list[str]) -> dict[str, Any] | None:
    """Return the record among comment lines, which follows the word ``gen3d``; None without one.

    A foreign comment may begin with that word too; only a JSON object counts.
    """
    for line in lines:
        word, _, rest = line.strip().partition(" ")
        if word == KEY and rest.startswith("{"):
            return decode_record(rest)
    return None
