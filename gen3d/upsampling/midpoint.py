"""Midpoint interpolation: any number of points between those of a cloud."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d.errors import InputError
from gen3d.ops.points import farthest_point_sample, knn

MAX_NEIGHBOURS = 100
SPACING_RANK = 4
"""The spacing at a point is the distance of its fourth neighbour: the third of a regular grid's
four may lie beyond a border."""


def midpoint_interpolate(
    points: Float[Tensor, "n 3"], count: int, *, max_edge: float | None = None
) -> Float[Tensor, "count 3"]:
    """Return ``count`` points that lie on the points and halfway between neighbours.

    Candidates are the midpoints of every point with its int(2 count / n) nearest, itself among
    them; farthest point sampling from the first point chooses (He et al. 2023, "Grad-PU", arXiv
    2305.03331, section 3.2, as PUFM does). Where there are fewer different candidates than asked
    for, they are interpolated again; equal points, between which nothing lies, are repeated.

    Args:
        points: At least one.
        count: How many to make; fewer than there are means a farthest point sample.
        max_edge: Leave out candidates between points that are farther apart than so many times the
            spacing at either, so that gaps stay gaps; None: keep all.

    Raises:
        InputError: There are no points, or ``count`` is not positive.
    """
    if not len(points) or count < 1:
        raise InputError(f"cannot interpolate {len(points)} points to {count}, both must be >= 1")
    while True:
        candidates = midpoint_candidates(points, count / len(points), max_edge=max_edge)
        # A sample that runs out of different candidates repeats its first: those are all.
        chosen = farthest_point_sample(candidates, min(count, len(candidates)))
        distinct = chosen[_first_of_each(chosen)]
        if len(distinct) == count:
            return candidates[chosen]
        if len(distinct) <= len(points):
            return candidates[distinct[torch.arange(count, device=points.device) % len(distinct)]]
        points = candidates[distinct]


def midpoint_candidates(
    points: Float[Tensor, "n 3"], rate: float, *, max_edge: float | None = None
) -> Float[Tensor, "candidates 3"]:
    """Return the points and the midpoints with their neighbours, each pair where it comes first.

    The order is that of the points and their neighbours from near to far, which decides ties.

    Args:
        points: At least one.
        rate: Of the interpolation; int(2 rate) nearest points are neighbours, itself included.
        max_edge: See :func:`midpoint_interpolate`.
    """
    n = len(points)
    wanted = min(n, MAX_NEIGHBOURS, max(1, int(2 * rate)))
    near = knn(points, points, min(n, max(wanted, SPACING_RANK + 1)))
    index = near.indices[:, :wanted]
    first = torch.arange(n, device=points.device)[:, None].expand_as(index)
    kept = torch.ones_like(index, dtype=torch.bool)
    if max_edge is not None:
        spacing = near.distances_squared[:, min(SPACING_RANK, n - 1)]
        limit = max_edge**2 * torch.minimum(spacing[:, None], spacing[index])
        kept = near.distances_squared[:, :wanted] <= limit
    first, second = first[kept], index[kept]
    pairs = torch.minimum(first, second) * n + torch.maximum(first, second)
    pairs = pairs[_first_of_each(torch.unique(pairs, return_inverse=True)[1])]
    return (points[pairs // n] + points[pairs % n]) / 2


def point_spacing(points: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
    """Return the distance of every point to its fourth neighbour (the last there is, if fewer)."""
    near = knn(points, points, min(len(points), SPACING_RANK + 1))
    return near.distances_squared[:, -1].sqrt()


def stage_rates(rate: float, *, most: float = 4.0) -> list[float]:
    """Split a rate into equal factors of at most ``most``: 16 becomes 4 times 4, 5 twice 2.24.

    Raises:
        InputError: The rate is not positive.
    """
    if not rate > 0:
        raise InputError(f"rate must be positive, got {rate}")
    stages = 1
    while rate ** (1 / stages) > most * (1 + 1e-9):
        stages += 1
    return [rate ** (1 / stages)] * stages


def _first_of_each(labels: Int[Tensor, " m"]) -> Int[Tensor, " d"]:
    """Return where each label occurs first, in ascending order."""
    place = torch.arange(len(labels), device=labels.device)
    first = labels.new_full((int(labels.max()) + 1,), len(labels))
    first.scatter_reduce_(0, labels, place, "amin")
    return (first[labels] == place).nonzero()[:, 0]
