"""LZF, the compression inside PCD files: runs of literals and of earlier bytes.

A token below 32 announces that many bytes and one more. Else its upper three bits are the length
less 2 (7: one more byte adds to it), and its lower five and the next byte the distance less 1.
"""

from __future__ import annotations

from gen3d.errors import FormatError

_MOST_LITERALS = 32
_LONGEST = 264
_FURTHEST = 8192


def lzf_decompress(data: bytes, size: int) -> bytes:
    """Return the ``size`` bytes that were compressed.

    Raises:
        FormatError: The data are damaged, or hold another number of bytes.
    """
    out = bytearray()
    at = 0
    while at < len(data) and len(out) < size:
        token = data[at]
        at += 1
        if token < _MOST_LITERALS:
            literals = data[at : at + token + 1]
            out += literals
            if len(literals) <= token:
                break
            at += token + 1
            continue
        length = token >> 5
        head = data[at : at + (2 if length == 7 else 1)]
        at += len(head)
        if len(head) < (2 if length == 7 else 1):
            break
        if length == 7:
            length += head[0]
        back = ((token & 31) << 8) + head[-1] + 1
        if back > len(out):
            raise FormatError("the compressed data point before their beginning")
        start = len(out) - back
        # Ranges may overlap: what is copied repeats.
        piece = out[start : start + length + 2]
        out += (piece * (-(-(length + 2) // len(piece))))[: length + 2]
    if len(out) != size or at != len(data):
        raise FormatError(f"the compressed data hold {len(out)} bytes, {size} were announced")
    return bytes(out)


def lzf_compress(data: bytes) -> bytes:
    """Return the data compressed, by taking the latest earlier place with equal three bytes."""
    out = bytearray()
    seen: dict[bytes, int] = {}
    at = done = 0
    while at < len(data) - 2:
        key = data[at : at + 3]
        earlier = seen.get(key, -_FURTHEST)
        seen[key] = at
        if at - earlier > _FURTHEST or earlier < 0:
            at += 1
            continue
        length = 3
        most = min(_LONGEST, len(data) - at)
        while length < most and data[earlier + length] == data[at + length]:
            length += 1
        _literals(out, data[done:at])
        back, code = at - earlier - 1, length - 2
        out.append((min(code, 7) << 5) | (back >> 8))
        if code >= 7:
            out.append(code - 7)
        out.append(back & 255)
        at += length
        done = at
    _literals(out, data[done:])
    return bytes(out)


def _literals(out: bytearray, data: bytes) -> None:
    for start in range(0, len(data), _MOST_LITERALS):
        run = data[start : start + _MOST_LITERALS]
        out.append(len(run) - 1)
        out += run
