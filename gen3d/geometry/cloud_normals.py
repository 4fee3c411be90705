"""Normals of points that came without them."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float

from gen3d.errors import InputError

NEIGHBOURS = 12
# Distances held at once; 64 MB in float32.
_MAX_ENTRIES = 2**24


def estimate_normals(
    points: Float[np.ndarray, "n 3"], *, neighbours: int = NEIGHBOURS
) -> Float[np.ndarray, "n 3"]:
    """Return the direction in which the nearest points spread least, at every point.

    (Hoppe et al. 1992, "Surface reconstruction from unorganized points", section 3.2.) Which of
    the two sides is outside is only guessed: away from the middle of all points, which is right
    for round shapes and wrong in hollows.

    Args:
        points: Positions, at least as many as ``neighbours``.
        neighbours: Points to look at, itself included, at least 3.

    Raises:
        InputError: There are too few points or neighbours.
    """
    if not 3 <= neighbours <= len(points):
        raise InputError(f"{neighbours} neighbours of {len(points)} points give no normals")
    cloud = torch.from_numpy(np.asarray(points, dtype=np.float32))
    cloud = cloud - cloud.mean(dim=0)
    nearest = torch.cat(
        [
            torch.cdist(part, cloud).topk(neighbours, largest=False).indices
            for part in cloud.split(max(1, _MAX_ENTRIES // len(cloud)))
        ]
    )
    patch = cloud.double()[nearest]
    patch = patch - patch.mean(dim=1, keepdim=True)
    _, axes = torch.linalg.eigh(patch.mT @ patch)
    normals = axes[..., 0]
    inward = (normals * cloud).sum(dim=1, keepdim=True) < 0
    return torch.where(inward, -normals, normals).float().numpy()
