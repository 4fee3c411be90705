"""The point cloud container."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from gen3d.errors import InputError
from gen3d.geometry.mesh import colour_rows, float_rows


@dataclass(frozen=True, eq=False)
class PointCloud:
    """Points, perhaps with normals and colours; checked once, when made.

    Args:
        points: (N, 3) float32 positions.
        normals: (N, 3) float32 unit normals, or None.
        colors: (N, 3) float32 sRGB in [0, 1], or None.
        metadata: Whatever travels with the cloud; ``metadata["gen3d"]`` is the record that writers
            embed in files.

    Raises:
        InputError: A shape is wrong, a value is not finite, or a colour is out of range.
    """

    points: Float[np.ndarray, "n 3"]
    normals: Float[np.ndarray, "n 3"] | None = None
    colors: Float[np.ndarray, "n 3"] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        points = float_rows("points", self.points)
        object.__setattr__(self, "points", points)
        if self.normals is not None:
            object.__setattr__(
                self, "normals", float_rows("normals", self.normals, count=len(points))
            )
        if self.colors is not None:
            object.__setattr__(self, "colors", colour_rows(self.colors, count=len(points)))

    def __len__(self) -> int:
        return len(self.points)

    @property
    def bounds(self) -> Float[np.ndarray, "2 3"]:
        """Lowest and highest corner.

        Raises:
            InputError: The cloud is empty.
        """
        if not len(self.points):
            raise InputError("an empty cloud has no bounds")
        return np.stack([self.points.min(axis=0), self.points.max(axis=0)])

    def with_(self, **changes: Any) -> PointCloud:
        """Return a copy with some fields replaced, checked anew."""
        return replace(self, **changes)
