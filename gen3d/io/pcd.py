"""PCD, the format of the Point Cloud Library: text, binary, and binary compressed with LZF."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gen3d.errors import FormatError, InputError
from gen3d.geometry.cloud import PointCloud
from gen3d.io.cloud_columns import COLOUR, NORMAL, POSITION, cloud_from_columns, columns_of
from gen3d.io.lzf import lzf_compress, lzf_decompress
from gen3d.io.record import KEY, encode_record, record_in
from gen3d.io.xyz import parse_rows

_MAX_HEADER = 1 << 16
_MAX_POINTS = 1 << 40
_KINDS = {"I": "i", "U": "u", "F": "f"}
_LETTERS = {kind: letter for letter, kind in _KINDS.items()}
_NORMAL_NAMES = ("normal_x", "normal_y", "normal_z")
_VIEWPOINT = "0 0 0 1 0 0 0"

Encoding = Literal["ascii", "binary", "binary_compressed"]


@dataclass(frozen=True)
class _Header:
    fields: list[tuple[str, np.dtype, int]]
    points: int
    viewpoint: str
    encoding: str
    comments: list[str]
    size: int


def read_pcd(data: bytes) -> PointCloud:
    """Read a PCD file; all fields are kept, and the viewpoint in ``metadata["pcd_viewpoint"]``.

    Points whose position is NaN are places where nothing was measured, and left out.

    Raises:
        FormatError: The file is malformed, cut off, or has no points.
    """
    header = _parse_header(data)
    body = data[header.size :]
    read = _read_text if header.encoding == "ascii" else _read_binary
    table = read(body, header)
    columns: dict[str, np.ndarray] = {}
    for (name, _, count), values in zip(header.fields, table, strict=True):
        if name in ("rgb", "rgba") and values.dtype.itemsize == 4 and count == 1:
            columns |= _unpack_colours(name, values)
        elif name != "_":
            columns[name] = values
    if all(name in columns and columns[name].ndim == 1 for name in POSITION):
        position = np.stack([columns[name].astype(np.float64) for name in POSITION])
        measured = ~np.isnan(position).any(axis=0)
        if not measured.all():
            columns = {name: values[measured] for name, values in columns.items()}
    record = record_in(header.comments)
    metadata: dict[str, Any] = {} if record is None else {KEY: record}
    if header.viewpoint != _VIEWPOINT:
        metadata["pcd_viewpoint"] = header.viewpoint
    if any(columns[name].ndim > 1 for name in POSITION + NORMAL + _NORMAL_NAMES if name in columns):
        raise FormatError("positions and normals of the PCD file must be of one value each")
    return cloud_from_columns(columns, metadata, kind="PCD")


def write_pcd(
    cloud: PointCloud,
    record: Mapping[str, Any] | None = None,
    *,
    encoding: Encoding = "binary",
) -> bytes:
    """Return a cloud as PCD; colours are packed into ``rgb`` as the library does.

    Positions are float32, and float64 where the cloud has a global shift.

    Raises:
        InputError: The cloud is empty, the record is not JSON, or a name holds a blank.
    """
    columns = _pcd_columns(cloud)
    if any(len(name.split()) != 1 or not name.isascii() for name in columns):
        raise InputError("PCD has no room for names with blanks", hint="rename the attributes")
    kinds = [values.dtype for values in columns.values()]
    viewpoint = str(cloud.metadata.get("pcd_viewpoint", _VIEWPOINT))
    header = ["# .PCD v0.7 - Point Cloud Data file format"]
    if record is not None:
        header.append(f"# {KEY} {encode_record(record)}")
    header += [
        "VERSION 0.7",
        f"FIELDS {' '.join(columns)}",
        f"SIZE {' '.join(str(kind.itemsize) for kind in kinds)}",
        f"TYPE {' '.join(_LETTERS[kind.kind] for kind in kinds)}",
        f"COUNT {' '.join('1' for _ in kinds)}",
        f"WIDTH {len(cloud)}",
        "HEIGHT 1",
        f"VIEWPOINT {viewpoint}",
        f"POINTS {len(cloud)}",
        f"DATA {encoding}",
        "",
    ]
    return "\n".join(header).encode() + _body(columns, encoding)


def read_pcd_record(data: bytes) -> dict[str, Any] | None:
    """Return the record among the comments, or None.

    Raises:
        FormatError: It is no PCD file.
    """
    return record_in(_parse_header(data).comments)


def _body(columns: dict[str, np.ndarray], encoding: Encoding) -> bytes:
    little = [values.astype(values.dtype.newbyteorder("<")) for values in columns.values()]
    if encoding == "binary_compressed":
        whole = b"".join(values.tobytes() for values in little)
        packed = lzf_compress(whole)
        return np.array([len(packed), len(whole)], "<u4").tobytes() + packed
    if encoding == "ascii":
        # repr is the shortest text that reads back as the same number of the same dtype.
        text = [values.astype(str).tolist() for values in little]
        return ("\n".join(" ".join(row) for row in zip(*text, strict=True)) + "\n").encode()
    fields = [(name, values.dtype) for name, values in zip(columns, little, strict=True)]
    rows = np.empty(len(little[0]), fields)
    for name, values in zip(columns, little, strict=True):
        rows[name] = values
    return rows.tobytes()


def _pcd_columns(cloud: PointCloud) -> dict[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {}
    for name, values in columns_of(cloud).items():
        if name in NORMAL and cloud.normals is not None:
            columns[f"normal_{name[1]}"] = values
        elif name == COLOUR[2] and cloud.colors is not None:
            red, green, blue = (columns_of(cloud)[key].astype(np.uint32) for key in COLOUR)
            columns["rgb"] = ((red << 16) | (green << 8) | blue).view(np.float32)
        elif name in COLOUR and cloud.colors is not None:
            continue
        elif values.dtype.kind == "b":
            columns[name] = values.astype(np.uint8)
        elif values.dtype.kind == "f" and values.dtype.itemsize not in (4, 8):
            columns[name] = values.astype(np.float32 if values.dtype.itemsize < 4 else np.float64)
        else:
            columns[name] = values
    return columns


def _parse_header(data: bytes) -> _Header:
    values: dict[str, list[str]] = {}
    comments: list[str] = []
    at = 0
    while "DATA" not in values:
        end = data.find(b"\n", at, _MAX_HEADER)
        if end < 0:
            raise FormatError("not a PCD file: its header has no DATA")
        line = data[at:end].decode("ascii", errors="replace").strip()
        at = end + 1
        if line.startswith("#"):
            comments.append(line[1:])
        elif line:
            word, *rest = line.split()
            if word in values:
                raise FormatError(f"the PCD header repeats {word[:20]!r}")
            values[word] = rest
    fields = _fields(values)
    height = _whole(values.get("HEIGHT", ["1"]), "HEIGHT")
    points = _whole(values.get("WIDTH", ["?"]), "WIDTH") * height
    if "POINTS" in values and _whole(values["POINTS"], "POINTS") != points:
        raise FormatError(
            f"the PCD header announces {values['POINTS'][0]} points, WIDTH x HEIGHT is {points}"
        )
    encoding = " ".join(values["DATA"])
    if encoding not in ("ascii", "binary", "binary_compressed") or points > _MAX_POINTS:
        raise FormatError(f"unknown PCD data {encoding[:40]!r} of {points} points")
    viewpoint = " ".join(values.get("VIEWPOINT", _VIEWPOINT.split()))
    return _Header(fields, points, viewpoint, encoding, comments, at)


def _fields(values: dict[str, list[str]]) -> list[tuple[str, np.dtype, int]]:
    names = values.get("FIELDS", values.get("COLUMNS", []))
    sizes, types = values.get("SIZE", []), values.get("TYPE", [])
    counts = values.get("COUNT", ["1"] * len(names))
    if not len(names) == len(sizes) == len(types) == len(counts) or not names:
        raise FormatError(
            f"the PCD header has {len(names)} fields, {len(sizes)} sizes, {len(types)} types and "
            f"{len(counts)} counts"
        )
    kept = [name for name in names if name != "_"]
    if len(set(kept)) < len(kept):
        raise FormatError("the PCD header names a field twice")
    fields = []
    for name, size, letter, text in zip(names, sizes, types, counts, strict=True):
        count = _whole([text], "COUNT")
        known = letter in _KINDS and size in ("1", "2", "4", "8")
        if not known or (letter == "F" and size in ("1", "2")) or not 0 < count < 1 << 16:
            raise FormatError(
                f"unknown PCD field {name[:40]!r}: type {letter[:8]!r}, size {size[:8]!r}, "
                f"count {count}"
            )
        fields.append((name, np.dtype(f"<{_KINDS[letter]}{size}"), count))
    return fields


def _whole(words: list[str], what: str) -> int:
    if len(words) != 1 or not (words[0].isascii() and words[0].isdigit()) or len(words[0]) > 15:
        raise FormatError(
            f"{what} of the PCD header must be a number, got {' '.join(words)[:40]!r}"
        )
    return int(words[0])


def _read_binary(body: bytes, header: _Header) -> list[np.ndarray]:
    row = sum(kind.itemsize * count for _, kind, count in header.fields)
    if header.encoding == "binary":
        if len(body) < row * header.points:
            raise _cut_off(len(body), row * header.points)
        places = [(f"f{i}", kind, (count,)) for i, (_, kind, count) in enumerate(header.fields)]
        rows = np.frombuffer(body, np.dtype(places), header.points)
        table = [rows[f"f{i}"] for i in range(len(places))]
    else:
        if len(body) < 8:
            raise _cut_off(len(body), 8)
        packed, whole = np.frombuffer(body, "<u4", 2).tolist()
        if whole != row * header.points or len(body) < 8 + packed:
            raise _cut_off(len(body), 8 + packed)
        plain = lzf_decompress(body[8 : 8 + packed], whole)
        table, at = [], 0
        for _, kind, count in header.fields:
            values = np.frombuffer(plain, kind, header.points * count, at)
            table.append(values.reshape(header.points, count))
            at += values.nbytes
    return [values[:, 0] if values.shape[1] == 1 else values for values in table]


def _read_text(body: bytes, header: _Header) -> list[np.ndarray]:
    lines = [line for line in body.decode("ascii", errors="replace").splitlines() if line.strip()]
    if len(lines) != header.points:
        raise FormatError(f"the PCD file announces {header.points} points, it holds {len(lines)}")
    if not lines:
        raise FormatError("the PCD file has no points")
    rows = parse_rows(lines, "PCD")
    width = sum(count for _, _, count in header.fields)
    if rows.shape[1] != width:
        raise FormatError(f"PCD lines must hold {width} numbers, they hold {rows.shape[1]}")
    table, at = [], 0
    for name, kind, count in header.fields:
        values = rows[:, at] if count == 1 else rows[:, at : at + count]
        at += count
        table.append(_cast(name, values, kind))
    return table


def _cast(name: str, values: np.ndarray, kind: np.dtype) -> np.ndarray:
    native = kind.newbyteorder("=")
    if kind.kind == "f":
        with np.errstate(over="ignore"):
            return values.astype(native)
    bounds = np.iinfo(native)
    # float64 rounds the largest 64-bit integers up, out of the range that it can be cast to.
    if not ((values >= bounds.min) & (values <= bounds.max) & (values < 2.0**63)).all():
        raise FormatError(f"a number of the PCD field {name[:40]!r} is out of its range")
    return values.astype(native)


def _unpack_colours(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    bits = np.ascontiguousarray(values).view("<u4")
    columns = {
        key: ((bits >> shift) & 255).astype(np.uint8)
        for key, shift in zip(COLOUR, (16, 8, 0), strict=True)
    }
    return columns if name == "rgb" else columns | {"alpha": (bits >> 24).astype(np.uint8)}


def _cut_off(got: int, expected: int) -> FormatError:
    return FormatError(f"the PCD file is cut off: {got} bytes of data, {expected} expected")
