"""A reward for agreement with a partial scan."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from gen3d.errors import InputError
from gen3d.geometry.mesh import Mesh, float_rows
from gen3d.geometry.triangle_distance import surface_distance
from gen3d.io import load


@dataclass(frozen=True, eq=False)
class ScanAgreement:
    """``exp(-d / scale)`` with the mean distance of a scan's points to the surface.

    The distance is one-sided: what the scan did not see is not judged. 1 where all points lie on
    the surface, 1/e at a mean distance of ``scale``; 0 for a mesh without faces.

    Args:
        points: The scan, in the public frame (longest side of the object 1).
        scale: Distance in the units of the public frame.

    Raises:
        InputError: There are no points, or ``scale`` is not positive.
    """

    points: Float[np.ndarray, "n 3"]
    scale: float = 0.05

    def __post_init__(self) -> None:
        points = float_rows("points", self.points)
        if not len(points) or not self.scale > 0:
            raise InputError(
                f"a scan needs points and a positive scale, got {len(points)} and {self.scale}"
            )
        object.__setattr__(self, "points", points)

    def __call__(self, mesh: Mesh) -> float:
        """Compare a mesh with the scan."""
        return math.exp(-self.distance(mesh) / self.scale)

    def distance(self, mesh: Mesh) -> float:
        """Return the mean distance of the scan to the surface; infinite without faces."""
        if not len(mesh.faces):
            return math.inf
        return float(surface_distance(self.points, mesh).mean())


def read_scan(path: Path) -> ScanAgreement:
    """Read a point cloud, or the vertices of a mesh, in the public frame.

    Raises:
        UserError: The file cannot be read, or is empty.
    """
    shape = load(path)
    return ScanAgreement(shape.vertices if isinstance(shape, Mesh) else shape.points)
