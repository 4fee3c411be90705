"""The point cloud container."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from gen3d.errors import InputError
from gen3d.geometry.mesh import colour_rows, float_rows

_FAR = 1e4
"""Where float32 steps pass a thousandth: further out, files of scans are read shifted."""

_FAR_EXTENTS = 1e2
"""The same in extents of the cloud: further out, float32 keeps less than 1e-5 of the extent."""


@dataclass(frozen=True, eq=False)
class PointCloud:
    """Points, perhaps with normals, colours and other values; checked once, when made.

    Args:
        points: (N, 3) float32 positions, from ``offset``.
        normals: (N, 3) float32 unit normals, or None.
        colors: (N, 3) float32 sRGB in [0, 1], or None.
        metadata: Whatever travels with the cloud; ``metadata["gen3d"]`` is the record that writers
            embed in files.
        offset: (3,) float64 global shift. Scans lie millions of metres from the origin of their
            survey, where float32 steps are coarser than their points: readers take the shift off
            and writers add it again, in float64.
        attributes: Other values of each point by name: arrays of any numeric dtype whose first
            axis is N, such as ``intensity`` or ``classification``. They may hold NaN.

    Raises:
        InputError: A shape is wrong, a value is not finite, or a colour is out of range.
    """

    points: Float[np.ndarray, "n 3"]
    normals: Float[np.ndarray, "n 3"] | None = None
    colors: Float[np.ndarray, "n 3"] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    offset: Float[np.ndarray, " 3"] = field(default_factory=lambda: np.zeros(3))
    attributes: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        points = float_rows("points", self.points)
        object.__setattr__(self, "points", points)
        if self.normals is not None:
            object.__setattr__(
                self, "normals", float_rows("normals", self.normals, count=len(points))
            )
        if self.colors is not None:
            object.__setattr__(self, "colors", colour_rows(self.colors, count=len(points)))
        offset = np.asarray(self.offset, dtype=np.float64)
        if offset.shape != (3,) or not np.isfinite(offset).all():
            raise InputError(f"offset must be three finite numbers, got {offset.tolist()}")
        object.__setattr__(self, "offset", offset)
        checked = {
            name: _attribute(name, values, len(points)) for name, values in self.attributes.items()
        }
        object.__setattr__(self, "attributes", checked)

    def __len__(self) -> int:
        return len(self.points)

    @classmethod
    def from_positions(cls, positions: Float[np.ndarray, "n 3"], **fields: Any) -> PointCloud:
        """Take positions in float64; far from the origin they are kept from a shift of their own.

        That is where coordinates pass 1e4, or a hundred times the extent of the cloud. The shift
        is the middle, rounded to a power of ten about as large as the extent.

        Args:
            positions: (N, 3) positions.
            **fields: Other fields of the cloud.

        Raises:
            InputError: As for the class; or a position is not finite.
        """
        rows = np.asarray(positions, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != 3 or not np.isfinite(rows).all() or not len(rows):
            return cls(rows, **fields)
        offset = shift_of(np.stack([rows.min(axis=0), rows.max(axis=0)]))
        return cls(rows - offset, offset=offset, **fields)

    @property
    def positions(self) -> Float[np.ndarray, "n 3"]:
        """Where the points are, shift included, in float64."""
        return self.points + self.offset

    @property
    def bounds(self) -> Float[np.ndarray, "2 3"]:
        """Lowest and highest corner of ``points``.

        Raises:
            InputError: The cloud is empty.
        """
        if not len(self.points):
            raise InputError("an empty cloud has no bounds")
        return np.stack([self.points.min(axis=0), self.points.max(axis=0)])

    def with_(self, **changes: Any) -> PointCloud:
        """Return a copy with some fields replaced, checked anew."""
        return replace(self, **changes)

    def select(self, keep: Bool[np.ndarray, " n"] | Int[np.ndarray, " k"]) -> PointCloud:
        """Return some points with all that belongs to them.

        Args:
            keep: Mask, or indices in any order.
        """
        return self.with_(
            points=self.points[keep],
            normals=None if self.normals is None else self.normals[keep],
            colors=None if self.colors is None else self.colors[keep],
            attributes={name: values[keep] for name, values in self.attributes.items()},
        )


def shift_of(bounds: Float[np.ndarray, "2 3"]) -> Float[np.ndarray, " 3"]:
    """Return the global shift for positions within some bounds: zeros where none is needed.

    See :meth:`PointCloud.from_positions`.

    Args:
        bounds: Lowest and highest corner, float64.
    """
    low, high = bounds
    extent = float((high - low).max())
    furthest = float(np.abs(bounds).max())
    if furthest < _FAR and (extent == 0 or furthest < _FAR_EXTENTS * extent):
        return np.zeros(3)
    unit = 10.0 ** np.floor(np.log10(extent)) if extent > 0 else 1.0
    middle = low + (high - low) / 2
    with np.errstate(over="ignore"):
        shift = np.rint(middle / unit) * unit
    return np.where(np.isfinite(shift), shift, middle)


def split_attribute(name: str, values: np.ndarray) -> Mapping[str, np.ndarray]:
    """Return an attribute as columns of one value each: itself, or ``NAME_0``, ``NAME_1``, ..."""
    if values.ndim == 1:
        return {name: values}
    flat = values.reshape(len(values), int(np.prod(values.shape[1:])))
    return {f"{name}_{i}": flat[:, i] for i in range(flat.shape[1])}


def _attribute(name: str, values: Any, count: int) -> np.ndarray:
    rows = np.asarray(values)
    if not isinstance(name, str) or not name:
        raise InputError(f"attributes need names, got {name!r}")
    if rows.dtype.kind not in "biuf" or rows.ndim < 1 or len(rows) != count:
        raise InputError(
            f"the attribute {name!r} must be numbers of shape ({count}, ...), "
            f"got {rows.dtype} {rows.shape}"
        )
    return rows
