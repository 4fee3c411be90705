"""How evenly points cover a surface, by counting in small disks (PU-GAN, arXiv 1907.10844)."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float

from gen3d.errors import InputError
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import face_areas
from gen3d.geometry.sample import sample_surface

SHARES = (0.004, 0.006, 0.008, 0.010, 0.012)
DISKS = 1000
_MIN_POINTS = 5


def disk_uniformity(
    points: Float[np.ndarray, "n 3"],
    normals: Float[np.ndarray, "n 3"],
    mesh: Mesh,
    generator: torch.Generator,
    *,
    shares: tuple[float, ...] = SHARES,
) -> dict[float, float | None]:
    """Return PU-GAN's uniformity loss by the disks' share of the area; lower is more even.

    The mean over disks of imbalance times clutter (section 3.3, eq. 3 to 5): with N points, |S| of
    them in a disk of share p and radius r, ``(|S| - p N)^2 / (p N)`` times the mean of
    ``(d - e)^2 / e``, where d is the distance to the nearest other point of the disk and
    ``e = sqrt(2 pi r^2 / (|S| sqrt 3))`` what it is on a hexagonal grid. Disks with fewer than 5
    points are skipped. Geodesic disks are approximated by balls, of which only points on the side
    of the middle count (by the normals). Lengths are in units of the mesh's bounding radius.

    Args:
        points: The cloud.
        normals: Of the surface at the points.
        mesh: The surface.
        generator: CPU source of the 1000 middles.
        shares: Of the surface's area.

    Returns:
        None for shares where every disk was skipped.

    Raises:
        InputError: The mesh has no area.
    """
    low, high = mesh.bounds.astype(np.float64)
    radius = float(np.linalg.norm(high - low)) / 2
    if not radius > 0:
        raise InputError("a mesh without extent cannot be covered evenly")
    seeds = sample_surface(mesh.with_(normals=None), DISKS, generator)
    assert seeds.normals is not None
    middles = torch.from_numpy(seeds.points.astype(np.float64)) / radius
    cloud = torch.from_numpy(np.asarray(points, np.float64)) / radius
    facing = torch.from_numpy(seeds.normals), torch.from_numpy(np.float32(normals))
    area = float(face_areas(mesh).sum()) / radius**2
    sums = {share: [0.0, 0] for share in shares}
    for start in range(0, DISKS, 100):
        rows = slice(start, start + 100)
        gaps = torch.cdist(middles[rows], cloud)
        gaps[facing[0][rows] @ facing[1].T <= 0] = torch.inf
        for share, total in sums.items():
            reach = math.sqrt(share * area / math.pi)
            for inside in gaps < reach:
                disk = cloud[inside]
                if len(disk) >= _MIN_POINTS:
                    total[0] += _disk(disk, share * len(points), reach)
                    total[1] += 1
    return {share: total / count if count else None for share, (total, count) in sums.items()}


def _disk(disk: torch.Tensor, expected: float, reach: float) -> float:
    gaps = torch.cdist(disk, disk).fill_diagonal_(torch.inf).amin(1)
    even = math.sqrt(2 * math.pi * reach**2 / (len(disk) * math.sqrt(3)))
    imbalance = (len(disk) - expected) ** 2 / expected
    return imbalance * float(((gaps - even) ** 2 / even).mean())
