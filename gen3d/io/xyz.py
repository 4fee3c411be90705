"""Points as text: XYZ, XYZN, XYZRGB, and tables with named columns.

One point per line, numbers apart by blanks, commas, semicolons or tabs; ``#``, ``//`` and ``%``
begin comments. A line of names before the first point names the columns, also as a comment (as
CloudCompare and we write them); a line with one number alone announces how many points follow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from gen3d.errors import FormatError, InputError
from gen3d.geometry.cloud import PointCloud
from gen3d.io.cloud_columns import COLOUR, NORMAL, POSITION, cloud_from_columns, columns_of
from gen3d.io.record import KEY, encode_record, record_in

_COMMENT = re.compile(r"#|//|%")
_SEPARATORS = str.maketrans(",;\t", "   ")
_NAME = re.compile(r"[A-Za-z_]\w*")
_INFINITE = {"nan", "inf", "infinity"}


def read_xyz(data: bytes) -> PointCloud:
    """Read a table of points whose columns are named, or else guessed.

    Three columns are positions, a fourth intensity. The next three are normals where they have
    unit length, else colours where they lie in 0..255; the rest become ``column_7`` and so on.

    Raises:
        FormatError: The text is malformed, or has no points.
    """
    names, rows, comments = _table(data, "XYZ")
    return _cloud(names or guess_columns(rows), rows, comments, "XYZ")


def read_xyzn(data: bytes) -> PointCloud:
    """Read positions and normals, six columns or more.

    Raises:
        FormatError: As :func:`read_xyz`; or there are fewer columns.
    """
    return _read_six(data, NORMAL, "XYZN")


def read_xyzrgb(data: bytes) -> PointCloud:
    """Read positions and colours, six columns or more; colours above 1 count as bytes.

    Raises:
        FormatError: As :func:`read_xyz`; or there are fewer columns.
    """
    return _read_six(data, COLOUR, "XYZRGB")


def write_xyz(cloud: PointCloud, record: Mapping[str, Any] | None = None) -> bytes:
    """Return a cloud as text with all that it has, exact to its dtypes.

    Where that is more than positions, a comment names the columns.

    Raises:
        InputError: The cloud is empty, or the record is not JSON.
    """
    columns = columns_of(cloud)
    names = [re.sub(r"\W", "_", name) for name in columns]
    head = [] if len(names) == 3 else [f"# {' '.join(names)}"]
    return _text(list(columns.values()), record, head)


def write_xyzn(cloud: PointCloud, record: Mapping[str, Any] | None = None) -> bytes:
    """Return positions and normals as text.

    Raises:
        InputError: The cloud is empty or without normals, or the record is not JSON.
    """
    if cloud.normals is None:
        raise InputError("an xyzn file needs normals, the cloud has none", hint="write xyz")
    return _text([*_positions(cloud), *cloud.normals.T], record)


def write_xyzrgb(cloud: PointCloud, record: Mapping[str, Any] | None = None) -> bytes:
    """Return positions and colours in 0..1 as text.

    Raises:
        InputError: The cloud is empty or without colours, or the record is not JSON.
    """
    if cloud.colors is None:
        raise InputError("an xyzrgb file needs colours, the cloud has none", hint="write xyz")
    return _text([*_positions(cloud), *cloud.colors.T], record)


def read_text_record(data: bytes) -> dict[str, Any] | None:
    """Return the record among the comments at the head of the file, or None."""
    head = []
    for line in data.decode("utf-8", errors="replace").splitlines():
        if not line.startswith("#"):
            break
        head.append(line[1:])
    return record_in(head)


def parse_rows(lines: list[str], kind: str) -> np.ndarray:
    """Return the numbers of some lines, (n, columns) float64.

    Raises:
        FormatError: A word is no number, or lines differ in their number of words.
    """
    try:
        return np.loadtxt(lines, dtype=np.float64, comments=None, ndmin=2)
    except ValueError as error:
        reason = str(error).partition(";")[0]
        raise FormatError(f"the {kind} text is malformed: {reason}") from error


def split_lines(data: bytes) -> list[str]:
    """Return the lines of a text, with every separator as a blank."""
    text = data.decode("utf-8-sig", errors="replace").replace("\0", "\ufffd")
    return text.translate(_SEPARATORS).splitlines()


def _table(data: bytes, kind: str) -> tuple[list[str], np.ndarray, list[str]]:
    """Return the names of columns (none: not given), the numbers, and the comments."""
    lines = split_lines(data)
    comments: list[str] = []
    if any(_COMMENT.search(line) for line in lines):
        parts = [_COMMENT.split(line, maxsplit=1) for line in lines]
        comments = [part[1].strip() for part in parts if len(part) > 1]
        lines = [part[0] for part in parts]
    lines = [line for line in lines if line.strip()]
    names: list[str] = []
    if lines and _are_names(lines[0].split()):
        names = lines.pop(0).lower().split()
    announced = lines[0].split() if lines else []
    if len(announced) == 1 and announced[0].isascii() and announced[0].isdigit():
        check_count(announced[0], len(lines) - 1, kind)
        del lines[0]
    if not lines:
        raise FormatError(f"the {kind} file has no points")
    rows = parse_rows(lines, kind)
    for comment in [] if names else comments:
        words = comment.lower().split()
        if words[:3] == list(POSITION) and _are_names(words):
            names = words
    if names and len(names) != rows.shape[1]:
        raise FormatError(
            f"the {kind} file names {len(names)} columns, its lines have {rows.shape[1]}"
        )
    if len(set(names)) < len(names):
        raise FormatError(f"the {kind} file names a column twice")
    return names, rows, comments


def check_count(announced: str, found: int, kind: str) -> None:
    """Compare the number of points that a file announces with that of its lines.

    Raises:
        FormatError: They differ.
    """
    if announced.lstrip("0") != str(found).lstrip("0"):
        raise FormatError(
            f"the {kind} file announces {announced[:20]} points, it holds {found}",
            hint="the file may be cut off",
        )


def _are_names(words: list[str]) -> bool:
    return (
        len(words) > 2
        and all(_NAME.fullmatch(word) for word in words)
        and not any(word.lower() in _INFINITE for word in words)
    )


def _read_six(data: bytes, last: tuple[str, ...], kind: str) -> PointCloud:
    names, rows, comments = _table(data, kind)
    if rows.shape[1] < 6:
        raise FormatError(f"the {kind} file has {rows.shape[1]} columns, it must have 6")
    others = [f"column_{i}" for i in range(7, rows.shape[1] + 1)]
    return _cloud(names or [*POSITION, *last, *others], rows, comments, kind)


def guess_columns(rows: np.ndarray) -> list[str]:
    """Return names for the columns of a table, as :func:`read_xyz` guesses them."""
    width = rows.shape[1]
    names: list[str] = [*POSITION]
    if width in (4, 7):
        names.append("intensity")
    if width >= 6:
        three = rows[:, len(names) : len(names) + 3]
        with np.errstate(over="ignore", invalid="ignore"):
            unit = np.abs(np.linalg.norm(three, axis=1) - 1) < 0.01
        # A few normals of length zero are common where none was found.
        if unit.mean() > 0.9:
            names += NORMAL
        elif ((three >= 0) & (three <= 255)).all():
            names += COLOUR
    return names + [f"column_{i}" for i in range(len(names) + 1, width + 1)]


def _cloud(names: list[str], rows: np.ndarray, comments: list[str], kind: str) -> PointCloud:
    columns = dict(zip(names, rows.T, strict=False))
    record = record_in(comments)
    return cloud_from_columns(columns, {} if record is None else {KEY: record}, kind=kind)


def _positions(cloud: PointCloud) -> np.ndarray:
    columns = columns_of(PointCloud(cloud.points, offset=cloud.offset))
    return np.stack([columns[name] for name in POSITION])


def _text(
    columns: list[np.ndarray],
    record: Mapping[str, Any] | None,
    head: list[str] | None = None,
) -> bytes:
    lines = [] if record is None else [f"# {KEY} {encode_record(record)}"]
    kinds = [number_format(column.dtype) for column in columns]
    row = " ".join(kinds)
    # Whole columns become Python numbers first, which format faster than numpy's.
    lines += [
        *(head or []),
        *(row % values for values in zip(*(c.tolist() for c in columns), strict=True)),
    ]
    return ("\n".join(lines) + "\n").encode()


def number_format(dtype: np.dtype) -> str:
    """Return the printf format that keeps every number of a dtype exactly.

    float64 is cut to 15 digits, of which it keeps any.
    """
    if dtype.kind in "biu":
        return "%d"
    return "%.15g" if dtype.itemsize > 4 else "%.9g"
