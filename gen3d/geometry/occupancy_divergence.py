"""How far two clouds differ in where they put their points, by the cells of a coarse grid."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int

from gen3d.errors import InputError

RESOLUTION = 28


def occupancy_divergence(
    made: Float[np.ndarray, "n 3"], true: Float[np.ndarray, "m 3"], *, resolution: int = RESOLUTION
) -> float:
    """Return the Jensen-Shannon divergence of two clouds, in bits: 0 equal, 1 nothing in common.

    Every point votes for the nearest of the grid points that lie within the sphere (Achlioptas et
    al. 2018, arXiv 1707.02392, section 4). Both clouds are moved so that ``true`` fills that
    sphere. Two samplings of one surface differ by chance alone, the more the fewer points they
    have: 8192 and 8192 points of a sphere by 0.09.

    Args:
        made: At least one point.
        true: At least two places.
        resolution: Grid points per axis, at least 2.

    Raises:
        InputError: A cloud is empty, or ``true`` is a single place.
    """
    if not len(made) or not len(true):
        raise InputError("the divergence of empty clouds was asked for")
    middle = true.mean(axis=0, dtype=np.float64)
    radius = float(np.linalg.norm(true - middle, axis=1).max())
    if not radius > 0:
        raise InputError("the true cloud is a single place and fills no grid")
    votes = [
        np.bincount(_cells((cloud - middle) / (2 * radius), resolution), minlength=resolution**3)
        for cloud in (made, true)
    ]
    p, q = (vote / vote.sum() for vote in votes)
    return _entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2


def _cells(places: Float[np.ndarray, "n 3"], resolution: int) -> Int[np.ndarray, " n"]:
    """Return the nearest grid point within the sphere of each place in [-0.5, 0.5]^3."""
    side = resolution - 1
    # A little slack: the outermost grid points on the axes lie on the sphere itself.
    reach = 0.5 + 1e-9
    index = np.rint((places + 0.5) * side).clip(0, side).astype(np.int64)
    outside = np.linalg.norm(index / side - 0.5, axis=1) > reach
    if outside.any():
        axis = np.arange(resolution)
        grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
        grid = grid[np.linalg.norm(grid / side - 0.5, axis=1) <= reach]
        # Only the rim is ever the nearest of what lies outside.
        grid = grid[np.linalg.norm(grid / side - 0.5, axis=1) > reach - 3 / side]
        places_, grid_ = (torch.from_numpy(x) for x in (places[outside], grid / side - 0.5))
        nearest = torch.cat([torch.cdist(part, grid_).argmin(1) for part in places_.split(1024)])
        index[outside] = grid[nearest.numpy()]
    return (index[:, 0] * resolution + index[:, 1]) * resolution + index[:, 2]


def _entropy(p: Float[np.ndarray, " cells"]) -> float:
    p = p[p > 0]
    return float(-(p * np.log2(p)).sum())
