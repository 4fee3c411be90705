"""Careful access to glTF documents of unknown origin: every surprise is a FormatError."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np

from gen3d.errors import FormatError

COMPONENTS = {
    5120: np.dtype("i1"),
    5121: np.dtype("u1"),
    5122: np.dtype("<i2"),
    5123: np.dtype("<u2"),
    5125: np.dtype("<u4"),
    5126: np.dtype("<f4"),
}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


class Document:
    """Typed access to a glTF document of unknown origin.

    Args:
        root: The JSON document.
        binary: The GLB file's own buffer.
    """

    def __init__(self, root: dict[str, Any], binary: bytes) -> None:
        self.root = root
        self._binary = binary

    def item(self, collection: str, index: Any) -> dict[str, Any]:
        """Return an object of one of the top-level arrays.

        Raises:
            FormatError: There is no such object.
        """
        items = self.root.get(collection)
        if not isinstance(items, list) or not is_index(index) or index >= len(items):
            raise FormatError(f"the glTF document has no {collection}[{index!r}]")
        if not isinstance(items[index], dict):
            raise FormatError(f"{collection}[{index}] in the glTF document is not an object")
        return items[index]

    def accessor(self, index: Any) -> np.ndarray:
        """Return the values of an accessor, (count, width), normalised integers as floats.

        Raises:
            FormatError: It is malformed, sparse, or lies outside its buffer.
        """
        entry = self.item("accessors", index)
        if "sparse" in entry:
            raise FormatError("sparse glTF accessors are not supported")
        dtype, width = COMPONENTS.get(_hashable(entry.get("componentType"))), None
        if isinstance(entry.get("type"), str):
            width = WIDTHS.get(entry["type"])
        if dtype is None or width is None:
            raise FormatError(
                f"accessor {index}: unknown type {entry.get('type')!r} "
                f"of component {entry.get('componentType')!r}"
            )
        count = integer(entry, "count", -1)
        view = self.item("bufferViews", entry.get("bufferView"))
        data = self._buffer(view)
        element = dtype.itemsize * width
        stride = integer(view, "byteStride", element)
        start = integer(entry, "byteOffset", 0)
        if count < 1 or stride < element or start + stride * (count - 1) + element > len(data):
            raise FormatError(f"accessor {index} does not fit into its buffer")
        rows = np.ndarray((count, width), dtype, data, start, (stride, dtype.itemsize))
        if entry.get("normalized") is True and dtype.kind != "f":
            scaled = rows.astype(np.float64) / np.iinfo(dtype).max
            return np.maximum(scaled, -1.0)
        return rows.copy()

    def view(self, index: Any) -> bytes:
        """Return the bytes of a buffer view, such as an image's.

        Raises:
            FormatError: There is no such view, or it lies outside its buffer.
        """
        return self._buffer(self.item("bufferViews", index))

    def _buffer(self, view: dict[str, Any]) -> bytes:
        index = view.get("buffer")
        buffer = self.item("buffers", index)
        data = self._binary
        if "uri" in buffer:
            uri = buffer["uri"]
            if not isinstance(uri, str) or not uri.startswith("data:"):
                raise FormatError("glTF buffers in other files are not supported")
            try:
                data = base64.b64decode(uri.partition(",")[2], validate=True)
            except (binascii.Error, ValueError) as error:
                raise FormatError(f"a glTF buffer holds broken base64: {error}") from error
        start, length = integer(view, "byteOffset", 0), integer(view, "byteLength", -1)
        if length < 0 or start + length > len(data):
            raise FormatError("a glTF buffer view lies outside its buffer")
        return data[start : start + length]


def integer(entry: dict[str, Any], key: str, default: int) -> int:
    """Return a non-negative integer of an object, or the default where it is missing."""
    value = entry.get(key, default)
    if value is not default and not is_index(value):
        raise FormatError(f"{key} in the glTF document must be a count, got {value!r}")
    return value


def numbers(entry: dict[str, Any], key: str, default: tuple[float, ...]) -> np.ndarray:
    """Return a list of numbers as long as the default, in float64, or the default."""
    values = entry.get(key)
    if values is None:
        return np.array(default)
    good = isinstance(values, list) and len(values) == len(default)
    if not good or any(isinstance(v, bool) or not isinstance(v, int | float) for v in values):
        raise FormatError(f"{key} in the glTF document must be {len(default)} numbers")
    try:
        return np.array(values, dtype=np.float64)
    except OverflowError as error:
        raise FormatError(f"{key} in the glTF document is out of range") from error


def is_index(value: Any) -> bool:
    """Tell whether a JSON value can be an index; true and false are no numbers here."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _hashable(value: Any) -> int:
    return value if is_index(value) else -1
