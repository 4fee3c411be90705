"""The binary side of a glTF document under construction: views and accessors over one buffer."""

from __future__ import annotations

from typing import Any

import numpy as np

VERTEX_TARGET, INDEX_TARGET = 34962, 34963
_COMPONENT = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}
_KIND = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}


class GltfBuffer:
    """Grows the binary buffer together with its views and accessors."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def add_blob(self, data: bytes) -> int:
        """Add raw bytes, such as an image; return the index of their view."""
        return self._view(data, {})

    def add(
        self, values: np.ndarray, *, bounds: bool = False, target: int = VERTEX_TARGET, **extra: Any
    ) -> int:
        """Add rows of numbers; return the index of their accessor.

        Rows of vertices are padded to a multiple of four bytes, as glTF asks for.

        Args:
            values: (count, width) or (count,), of a dtype that glTF knows.
            bounds: Whether to state the least and greatest value of each column.
            target: Vertices or indices.
            **extra: Further properties of the accessor.
        """
        rows = values if values.ndim == 2 else values[:, None]
        size = rows.shape[1] * rows.itemsize
        stride = size if target == INDEX_TARGET else size + -size % 4
        view: dict[str, Any] = {"target": target}
        if stride != size:
            padded = np.zeros((len(rows), stride // rows.itemsize), rows.dtype)
            padded[:, : rows.shape[1]] = rows
            rows, view["byteStride"] = padded, stride
        if bounds:
            extra["min"], extra["max"] = values.min(axis=0).tolist(), values.max(axis=0).tolist()
        self.accessors.append(
            {
                "bufferView": self._view(rows.tobytes(), view),
                "componentType": _COMPONENT[values.dtype.str[1:]],
                "count": len(values),
                "type": _KIND[1 if values.ndim == 1 else values.shape[1]],
                **extra,
            }
        )
        return len(self.accessors) - 1

    def _view(self, data: bytes, view: dict[str, Any]) -> int:
        self.data += bytes(-len(self.data) % 4)
        view |= {"buffer": 0, "byteOffset": len(self.data), "byteLength": len(data)}
        self.views.append(view)
        self.data += data
        return len(self.views) - 1
