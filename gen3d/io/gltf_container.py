"""The GLB container: a header, a JSON chunk and a binary chunk (glTF 2.0, section 4.4)."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

from gen3d.errors import FormatError
from gen3d.io.record import parse_json

MAGIC = 0x46546C67
_JSON, _BIN = 0x4E4F534A, 0x004E4942


def pack_glb(document: Mapping[str, Any], binary: bytes) -> bytes:
    """Join a glTF document and its buffer; keys are sorted, so equal input gives equal bytes."""
    text = json.dumps(document, sort_keys=True, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    binary += bytes(-len(binary) % 4)
    total = 12 + 8 + len(text) + 8 + len(binary)
    return b"".join(
        (
            struct.pack("<III", MAGIC, 2, total),
            struct.pack("<II", len(text), _JSON),
            text,
            struct.pack("<II", len(binary), _BIN),
            binary,
        )
    )


def unpack_glb(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Split a GLB file into its document and its buffer, which is empty when there is none.

    Raises:
        FormatError: It is no GLB file of version 2, or it is cut off.
    """
    if len(data) < 20:
        raise FormatError(f"a GLB file has at least 20 bytes, this has {len(data)}")
    magic, version, total = struct.unpack_from("<III", data)
    if magic != MAGIC:
        raise FormatError("not a GLB file: it does not begin with 'glTF'")
    if version != 2:
        raise FormatError(f"GLB version 2 expected, got {version}")
    if total > len(data):
        raise FormatError(f"the GLB file is cut off: {total} bytes announced, {len(data)} there")
    chunks: dict[int, bytes] = {}
    at = 12
    while at + 8 <= total:
        length, kind = struct.unpack_from("<II", data, at)
        at += 8
        if length > total - at:
            raise FormatError(f"a GLB chunk of {length} bytes goes past the end of the file")
        # Only the first chunk of each kind counts; unknown kinds shall be ignored.
        chunks.setdefault(kind, data[at : at + length])
        at += length
    if _JSON not in chunks:
        raise FormatError("the GLB file has no JSON chunk")
    document = parse_json(chunks[_JSON])
    if not isinstance(document, dict):
        raise FormatError("the JSON of a GLB file must be an object")
    return document, chunks.get(_BIN, b"")
