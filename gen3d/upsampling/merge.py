"""From moved patches back to one cloud."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gen3d.upsampling.patches import Patches

_RIM = 0.15
"""Share of a patch's reach over which its say fades out: its last points lack neighbours."""


@dataclass(frozen=True)
class Owners:
    """Which patches hold each point of a cloud nearest to their seeds.

    Attributes:
        first: Place in the flattened patches, of the patch whose seed is nearest; -1 where no
            patch holds the point.
        second: Likewise of the second nearest; -1 where there is none.
        say: Weight of the second, 0 to 1/2; both weigh the same where both seeds are as far.
    """

    first: Int[Tensor, " n"]
    second: Int[Tensor, " n"]
    say: Float[Tensor, " n"]


@dataclass(frozen=True)
class MergedPoints:
    """One position for every point that some patch holds.

    Attributes:
        points: Positions.
        disagreement: Distance between what its two patches say; 0 where there is one.
    """

    points: Float[Tensor, "n 3"]
    disagreement: Float[Tensor, " n"]


def find_owners(patches: Patches, count: int) -> Owners:
    """Find for each point of a cloud the patches whose seeds are nearest, among those with it.

    Ties go to the patch that comes first.

    Args:
        patches: Cut from the cloud.
        count: Points of the cloud.
    """
    held, distances = patches.indices.flatten(), patches.seed_distances.flatten()
    first = _nearest_place(held, distances, count)
    rest = distances.clone()
    rest[first[first >= 0]] = torch.inf
    second = _nearest_place(held, rest, count)
    both = second >= 0
    near = distances[first.clamp(min=0)].sqrt()
    far = distances[second.clamp(min=0)].sqrt()
    reach = patches.seed_distances[:, -1].sqrt()
    reach = reach[second.clamp(min=0) // patches.indices.shape[1]]
    rim = ((reach - far) / (_RIM * reach).clamp(min=1e-20)).clamp(0, 1)
    # Sinks fast on the way from the border between two seeds, and so does what a seam could show.
    say = 0.5 * (near / far.clamp(min=1e-20)).clamp(max=1) ** 4 * rim
    return Owners(first, second, torch.where(both, say, torch.zeros_like(say)))


def owning_patches(
    owners: Owners, patches: Patches, wanted: Bool[Tensor, " n"]
) -> Bool[Tensor, " patches"]:
    """Return which patches say where the wanted points go."""
    says = torch.zeros(len(patches), dtype=torch.bool, device=wanted.device)
    for places in (owners.first, owners.second):
        places = places[wanted]
        says[places[places >= 0] // patches.indices.shape[1]] = True
    return says


def merge_patches(
    moved: Float[Tensor, "patches size 3"], owners: Owners, *, blend: bool = True
) -> MergedPoints:
    """Return where each point went according to the patch that owns it.

    Args:
        moved: Points of all patches, in the frame of the cloud.
        owners: Of the same patches.
        blend: Let the second patch have its say, so that nothing jumps between two patches.
    """
    flat = moved.reshape(-1, 3)
    first, second = flat[owners.first.clamp(min=0)], flat[owners.second.clamp(min=0)]
    apart = torch.where((owners.second >= 0)[:, None], second - first, torch.zeros_like(first))
    points = first + owners.say[:, None] * apart if blend else first
    return MergedPoints(points, apart.norm(dim=1))


def _nearest_place(
    held: Int[Tensor, " places"], distances: Float[Tensor, " places"], count: int
) -> Int[Tensor, " n"]:
    """Return for each point the place that holds it at the least (finite) distance, or -1."""
    best = torch.full((count,), torch.inf, device=distances.device, dtype=distances.dtype)
    best.scatter_reduce_(0, held, distances, "amin")
    there = ((distances == best[held]) & distances.isfinite()).nonzero()[:, 0]
    none = len(held)
    place = torch.full((count,), none, dtype=torch.int64, device=held.device)
    place.scatter_reduce_(0, held[there], there, "amin")
    return torch.where(place < none, place, torch.full_like(place, -1))
