"""The solid inside a mesh, as cells of a grid."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from gen3d.errors import InputError
from gen3d.geometry.mesh import Mesh

# Rays pass beside vertices and edges that lie on round numbers; odd shares of a cell do.
_NUDGE = np.array([0.5 + 0.0070710678, 0.5 - 0.0057735027])


def solid_cells(mesh: Mesh, resolution: int = 48) -> Bool[np.ndarray, "r r r"]:
    """Tell for each cell of a grid whether its centre lies inside the mesh.

    A ray along x passes through every column of cells. Each face that it meets changes the winding
    number of what follows by one, up or down as the face looks; cells of positive winding are
    inside. Columns whose winding does not return to zero, as behind a hole, count as empty.

    Args:
        mesh: A closed mesh; cells cover the cube from -1/2 to 1/2, which the public frame fills.
        resolution: Cells per axis.

    Returns:
        Insideness, indexed x, y, z.

    Raises:
        InputError: The resolution is less than 1.
    """
    if resolution < 1:
        raise InputError(f"the resolution must be at least 1, got {resolution}")
    # From here on in cells.
    corners = (mesh.corners.astype(np.float64) + 0.5) * resolution
    face, column = _columns_below(corners[..., 1:], resolution)
    a, b, c = (corners[face, k, 1:] - (column + _NUDGE) for k in range(3))
    weights = np.stack([_cross(b, c), _cross(c, a), _cross(a, b)], axis=1)
    area = weights.sum(axis=1)
    hit = (np.sign(weights) == np.sign(area)[:, None]).all(axis=1) & (area != 0)
    face, column, weights, area = face[hit], column[hit], weights[hit], area[hit]
    x = (weights * corners[face, :, 0]).sum(axis=1) / area
    # The first cell whose centre lies behind the hit; a face that looks towards +x is an exit.
    behind = np.clip(np.ceil(x - 0.5), 0, resolution).astype(np.int64)
    winding = np.zeros((resolution + 1, resolution, resolution), np.int32)
    np.add.at(winding, (behind, column[:, 0], column[:, 1]), np.where(area > 0, -1, 1))
    closed = winding.sum(axis=0) == 0
    return (winding.cumsum(axis=0)[:-1] > 0) & closed


def _columns_below(
    corners: Float[np.ndarray, "f 3 2"], resolution: int
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, "n 2"]]:
    """List each face with each column of cells that its bounding rectangle may cover."""
    low = np.clip(np.floor(corners.min(axis=1) - 1), 0, resolution).astype(np.int64)
    high = np.clip(np.ceil(corners.max(axis=1)), 0, resolution).astype(np.int64)
    sides = np.maximum(high - low, 0)
    counts = sides.prod(axis=1)
    face = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(face)) - np.repeat(counts.cumsum() - counts, counts)
    width = sides[face, 1]
    return face, low[face] + np.stack([within // width, within % width], axis=1)


def _cross(u: Float[np.ndarray, "n 2"], v: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, " n"]:
    return u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
