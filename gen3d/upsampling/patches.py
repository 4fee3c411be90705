"""Overlapping patches of a cloud, each in a unit ball of its own."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gen3d.errors import InputError
from gen3d.ops.points import farthest_point_sample, knn

OVERLAP = 1.5
_FLAT = 1e-12


@dataclass(frozen=True)
class Patches:
    """Patches that together hold every point of a cloud.

    Attributes:
        indices: Points of each patch, in ascending distance from its seed.
        seed_distances: Squared distances from the seed.
        centres: Centroid of each patch.
        radii: Largest distance from the centroid; 1 where all points of a patch are equal.
    """

    indices: Int[Tensor, "patches size"]
    seed_distances: Float[Tensor, "patches size"]
    centres: Float[Tensor, "patches 3"]
    radii: Float[Tensor, " patches"]

    def __len__(self) -> int:
        return len(self.indices)

    def normalise(self, points: Float[Tensor, "n 3"]) -> Float[Tensor, "patches size 3"]:
        """Return the patches of a cloud, each centred and in the unit ball."""
        return (points[self.indices] - self.centres[:, None]) / self.radii[:, None, None]

    def restore(self, local: Float[Tensor, "patches size 3"]) -> Float[Tensor, "patches size 3"]:
        """Undo :meth:`normalise`."""
        return local * self.radii[:, None, None] + self.centres[:, None]

    def select(self, keep: Bool[Tensor, " patches"]) -> Patches:
        """Return some of the patches."""
        return Patches(
            self.indices[keep], self.seed_distances[keep], self.centres[keep], self.radii[keep]
        )


def cut_patches(points: Float[Tensor, "n 3"], size: int, *, overlap: float = OVERLAP) -> Patches:
    """Cut a cloud into patches of its ``size`` nearest points around far-apart seeds.

    Seeds are a farthest point sample of n / size * ``overlap`` points. Where points are in no
    patch, far-apart ones among these become seeds, too, until none is left out. A cloud of
    fewer than ``size`` points is one patch.

    Args:
        points: At least one.
        size: Points of a patch.
        overlap: Points of all patches over points of the cloud, at least 1.

    Raises:
        InputError: There are no points, or a value is out of its range.
    """
    if not len(points) or size < 1 or not overlap >= 1:
        raise InputError(
            f"patches need points, a size >= 1 and an overlap >= 1, got {len(points)} points, "
            f"size {size}, overlap {overlap}"
        )
    size = min(size, len(points))
    count = 1 if size == len(points) else max(1, round(len(points) / size * overlap))
    parts = []
    missing = torch.ones(len(points), dtype=torch.bool, device=points.device)
    left = torch.arange(len(points), device=points.device)
    while len(left):
        seeds = left[farthest_point_sample(points[left], min(count, len(left)))].unique()
        indices, distances = _around(points, seeds, size)
        parts.append((indices, distances))
        missing[indices.flatten()] = False
        left = missing.nonzero()[:, 0]
        count = max(1, -(-len(left) // size))
    indices, distances = (torch.cat(part) for part in zip(*parts, strict=True))
    return frame_patches(points, indices, distances)


def _around(
    points: Float[Tensor, "n 3"], seeds: Int[Tensor, " s"], size: int
) -> tuple[Int[Tensor, "s size"], Float[Tensor, "s size"]]:
    near = knn(points[seeds], points, size)
    indices, distances = near.indices.clone(), near.distances_squared.clone()
    # Among more equal points than a patch holds, a seed may not be among its own nearest.
    alone = ~(indices == seeds[:, None]).any(dim=1)
    indices[alone, 0], distances[alone, 0] = seeds[alone], 0.0
    return indices, distances


def frame_patches(
    points: Float[Tensor, "n 3"],
    indices: Int[Tensor, "patches size"],
    seed_distances: Float[Tensor, "patches size"],
) -> Patches:
    """Return patches of given points, each with its centroid and largest radius."""
    inside = points[indices]
    centres = inside.mean(dim=1)
    radii = (inside - centres[:, None]).norm(dim=-1).amax(dim=1)
    radii = torch.where(radii > _FLAT, radii, torch.ones_like(radii))
    return Patches(indices, seed_distances, centres, radii)
