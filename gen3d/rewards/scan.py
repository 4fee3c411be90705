"""A reward for agreement with a partial scan."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from gen3d.errors import InputError
from gen3d.geometry.mesh import Mesh, float_rows
from gen3d.io import load

_FACES = 16


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


def surface_distance(points: Float[np.ndarray, "n 3"], mesh: Mesh) -> Float[np.ndarray, " n"]:
    """Return the distance of each point to a mesh's surface.

    Exact to the 16 faces whose middles are the nearest, which is the distance to the surface
    wherever faces are of similar size, as those of an extracted surface are; else a bound from
    above.
    """
    corners = mesh.corners.astype(np.float64)
    count = min(_FACES, len(corners))
    middles = torch.from_numpy(corners.mean(axis=1)).float()
    gaps = torch.cdist(torch.from_numpy(np.float32(points)), middles)
    near = gaps.topk(count, dim=1, largest=False).indices.numpy()
    return triangle_distance(points[:, None].astype(np.float64), corners[near]).min(axis=1)


def triangle_distance(
    points: Float[np.ndarray, "*n 3"], corners: Float[np.ndarray, "*n 3 3"]
) -> Float[np.ndarray, "*n"]:
    """Return the distance of points to triangles, one each; leading dimensions broadcast."""
    ends = np.roll(corners, -1, axis=-2)
    edges, offsets = ends - corners, points[..., None, :] - corners
    lengths = np.maximum((edges**2).sum(-1), 1e-30)
    along = np.clip((offsets * edges).sum(-1) / lengths, 0, 1)
    to_edges = np.linalg.norm(offsets - along[..., None] * edges, axis=-1).min(axis=-1)
    normal = np.cross(edges[..., 0, :], edges[..., 1, :])
    size = np.linalg.norm(normal, axis=-1)
    # Over the triangle: on the inner side of each edge, as seen along the normal.
    sides = (np.cross(edges, offsets) * normal[..., None, :]).sum(-1)
    over = (sides >= 0).all(axis=-1) & (size > 0)
    to_plane = np.abs((offsets[..., 0, :] * normal).sum(-1)) / np.maximum(size, 1e-30)
    return np.where(over, to_plane, to_edges)


def read_scan(path: Path) -> ScanAgreement:
    """Read a point cloud, or the vertices of a mesh, in the public frame.

    Raises:
        UserError: The file cannot be read, or is empty.
    """
    shape = load(path)
    return ScanAgreement(shape.vertices if isinstance(shape, Mesh) else shape.points)
