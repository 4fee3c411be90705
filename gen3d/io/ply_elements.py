"""The PLY container: its header, and elements in each of the three encodings."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from gen3d.errors import FormatError

_TYPES = {
    "char": "i1",
    "int8": "i1",
    "uchar": "u1",
    "uint8": "u1",
    "short": "i2",
    "int16": "i2",
    "ushort": "u2",
    "uint16": "u2",
    "int": "i4",
    "int32": "i4",
    "uint": "u4",
    "uint32": "u4",
    "float": "f4",
    "float32": "f4",
    "double": "f8",
    "float64": "f8",
}
_ORDERS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}
_MAX_HEADER = 2**20


@dataclass(frozen=True)
class Property:
    """A property of an element: a scalar, or a list where ``count`` is the type of its length."""

    name: str
    kind: str
    count: str = ""


@dataclass(frozen=True)
class Declaration:
    """An element as the header declares it."""

    name: str
    rows: int
    properties: list[Property] = field(default_factory=list)


@dataclass(frozen=True)
class Header:
    """A parsed header.

    Attributes:
        encoding: ``ascii``, ``binary_little_endian`` or ``binary_big_endian``.
        declarations: Elements in the order of the file.
        comments: Without the word ``comment``.
        size: Bytes up to the body.
    """

    encoding: str
    declarations: list[Declaration]
    comments: list[str]
    size: int


@dataclass(frozen=True, eq=False)
class Element:
    """The data of an element.

    Attributes:
        name: Such as ``vertex``.
        values: Scalar properties, one array of all rows each.
        lists: List properties: lengths of all rows, and the joined lists.
    """

    name: str
    values: dict[str, np.ndarray]
    lists: dict[str, tuple[np.ndarray, np.ndarray]]


def parse_header(data: bytes) -> Header:
    """Parse the header of a PLY file.

    Raises:
        FormatError: It is malformed or has no end.
    """
    if data[:3] != b"ply":
        raise FormatError("not a PLY file: it does not begin with 'ply'")
    end = data.find(b"end_header", 0, _MAX_HEADER)
    stop = data.find(b"\n", end)
    if end < 0 or stop < 0:
        raise FormatError("the PLY file's header has no end")
    encoding, comments, declarations = "", [], []
    for line in data[:end].decode("ascii", errors="replace").splitlines()[1:]:
        words = line.split()
        match words:
            case ["format", name, _] if name in _ORDERS:
                encoding = name
            case ["comment" | "obj_info", *_]:
                comments.append(line.strip().partition(" ")[2])
            case ["element", name, rows] if rows.isascii() and rows.isdigit() and len(rows) < 16:
                declarations.append(Declaration(name, int(rows)))
            case ["property", "list", count, kind, name] if declarations:
                if _TYPES.get(count, "f")[0] == "f" or kind not in _TYPES:
                    raise FormatError(f"unknown type in the PLY header: {line[:80]!r}")
                declarations[-1].properties.append(Property(name, _TYPES[kind], _TYPES[count]))
            case ["property", kind, name] if declarations and kind in _TYPES:
                declarations[-1].properties.append(Property(name, _TYPES[kind]))
            case []:
                continue
            case _:
                raise FormatError(f"malformed line in the PLY header: {line[:80]!r}")
    if not encoding:
        raise FormatError("the PLY header names no known format")
    for declaration in declarations:
        names = [entry.name for entry in declaration.properties]
        if len(set(names)) < len(names):
            raise FormatError(f"the PLY element {declaration.name!r} repeats a property")
    return Header(encoding, declarations, comments, stop + 1)


def read_elements(data: bytes, header: Header) -> list[Element]:
    """Read all elements.

    Raises:
        FormatError: The body is cut off or malformed.
    """
    if header.encoding == "ascii":
        words = data[header.size :].split()
        source: _Words | _Bytes = _Words(words)
    else:
        source = _Bytes(data, header.size, _ORDERS[header.encoding])
    # Elements without properties hold nothing, however many rows they announce.
    return [
        _read(declaration, source) for declaration in header.declarations if declaration.properties
    ]


class _Bytes:
    """A cursor over binary values."""

    def __init__(self, data: bytes, at: int, order: str) -> None:
        self._data, self._at, self._order = data, at, order

    def take(self, kind: str, count: int) -> np.ndarray:
        dtype = np.dtype(self._order + kind)
        return self.rows(dtype, count)

    def rows(self, dtype: np.dtype, count: int) -> np.ndarray:
        if count * dtype.itemsize > len(self._data) - self._at:
            raise _cut_off()
        values = np.frombuffer(self._data, dtype, count, self._at)
        self._at += count * dtype.itemsize
        return values

    def table(self, properties: list[Property], rows: int) -> dict[str, np.ndarray]:
        dtype = np.dtype([(entry.name, self._order + entry.kind) for entry in properties])
        table = self.rows(dtype, rows)
        return {entry.name: table[entry.name] for entry in properties}

    def uniform_lists(self, entry: Property, rows: int) -> np.ndarray | None:
        """Return (rows, n) when all lists are as long as the first; else read nothing."""
        start = self._at
        length = int(self.take(entry.count, 1)[0]) if rows else 0
        self._at = start
        row = np.dtype(
            [("n", self._order + entry.count), ("v", self._order + entry.kind, (max(length, 0),))]
        )
        if not 0 < length < 256 or rows * row.itemsize > len(self._data) - start:
            return None
        table = self.rows(row, rows)
        if (table["n"] == length).all():
            return table["v"]
        self._at = start
        return None


class _Words:
    """A cursor over values as text."""

    def __init__(self, words: list[bytes]) -> None:
        self._words, self._at = words, 0

    def take(self, kind: str, count: int) -> np.ndarray:
        if count > len(self._words) - self._at:
            raise _cut_off()
        words = islice(self._words, self._at, self._at + count)
        self._at += count
        try:
            # Through float, since some exporters write 3.0 for a byte.
            values = np.array([float(word) for word in words], dtype=np.float64)
        except ValueError as error:
            raise FormatError(f"the PLY file holds no number: {error}") from error
        return _cast(values, kind)

    def table(self, properties: list[Property], rows: int) -> dict[str, np.ndarray]:
        width = len(properties)
        values = self.take("f8", rows * width).reshape(rows, width)
        return {entry.name: _cast(values[:, i], entry.kind) for i, entry in enumerate(properties)}

    def uniform_lists(self, entry: Property, rows: int) -> np.ndarray | None:
        """Lists of text are read one by one."""
        return None


def _read(declaration: Declaration, source: _Words | _Bytes) -> Element:
    properties, rows = declaration.properties, declaration.rows
    if not any(entry.count for entry in properties):
        return Element(declaration.name, source.table(properties, rows), {})
    if len(properties) == 1:
        (entry,) = properties
        uniform = source.uniform_lists(entry, rows)
        if uniform is not None:
            counts = np.full(rows, uniform.shape[1])
            return Element(declaration.name, {}, {entry.name: (counts, uniform.reshape(-1))})
    columns: list[list[np.ndarray]] = [[] for _ in properties]
    # Every row takes at least one byte or word, so a false count ends with the file.
    for _ in range(rows):
        for entry, column in zip(properties, columns, strict=True):
            length = int(source.take(entry.count, 1)[0]) if entry.count else 1
            if length < 0:
                raise FormatError(
                    f"a list in the PLY element {declaration.name!r} has {length} entries"
                )
            column.append(source.take(entry.kind, length))
    values: dict[str, np.ndarray] = {}
    lists: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for entry, column in zip(properties, columns, strict=True):
        flat = np.concatenate(column) if column else np.zeros(0, entry.kind)
        if entry.count:
            lists[entry.name] = (np.array([len(part) for part in column], np.int64), flat)
        else:
            values[entry.name] = flat
    return Element(declaration.name, values, lists)


def _cast(values: np.ndarray, kind: str) -> np.ndarray:
    if kind[0] == "f":
        with np.errstate(over="ignore"):
            return values.astype(kind)
    bounds = np.iinfo(kind)
    if not ((values >= bounds.min) & (values <= bounds.max)).all():
        raise FormatError(f"a number in the PLY file is out of {bounds.min}..{bounds.max}")
    return values.astype(kind)


def _cut_off() -> FormatError:
    return FormatError("the PLY file is cut off")
