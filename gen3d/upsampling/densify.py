"""The heart of upsampling: from the points of a region to an exact number of new ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gen3d.ops.points import eliminate_samples, knn, packing_radius
from gen3d.upsampling.denoise import denoise_points
from gen3d.upsampling.midpoint import SPACING_RANK, midpoint_interpolate, stage_rates
from gen3d.upsampling.motion import Flow, move_points
from gen3d.upsampling.options import UpsampleOptions
from gen3d.upsampling.reference_merge import flow_by_merging

_MARGINS = (1.01, 1.1, 1.5, 3.0)
"""How many more points than its share a core asks for; where its share of the region's
interpolated points falls short, the next is tried."""

_ORIGINAL_WORTH = 1e6
_ON_TOP = 0.5


@dataclass(frozen=True)
class Core:
    """The part of space that a region answers for, low <= x < high.

    Attributes:
        low: Corner; may be infinite.
        high: Likewise.
    """

    low: tuple[float, float, float]
    high: tuple[float, float, float]

    def holds(self, points: Float[Tensor, "n 3"]) -> Bool[Tensor, " n"]:
        """Return which points lie in it."""
        low, high = points.new_tensor(self.low), points.new_tensor(self.high)
        return ((points >= low) & (points < high)).all(dim=1)


EVERYWHERE = Core((-math.inf, -math.inf, -math.inf), (math.inf, math.inf, math.inf))


@dataclass(frozen=True)
class DensePoints:
    """What a region made.

    Attributes:
        points: New points.
        confidence: 0 to 1: see :func:`confidence_of`.
    """

    points: Float[Tensor, "n 3"]
    confidence: Float[Tensor, " n"]


def densify(
    points: Float[Tensor, "n 3"],
    rate: float,
    count: int,
    flow: Flow,
    options: UpsampleOptions,
    *,
    generator: torch.Generator,
    core: Core = EVERYWHERE,
    kept: Float[Tensor, "k 3"] | None = None,
    between: Callable[[int], None] = lambda patches: None,
) -> DensePoints:
    """Make new points in the core of a region.

    Rates above 4 are reached in equal stages of at most 4, of which the last gives the exact count.

    Args:
        points: All different; those of the core and of a halo around it.
        rate: New points over points.
        count: How many to make in the core, where ``rate`` is only aimed at.
        flow: The network.
        options: How.
        generator: Of noise, if any.
        core: What counts.
        kept: Points in the core that stay as they are and come in addition to ``count``: new ones
            keep away from them.
        between: Called after each batch of patches with their number.
    """

    def move(start: Tensor, cloud: Tensor, wanted: Tensor | None = None) -> tuple[Tensor, Tensor]:
        if options.mode == "reference":
            moved = flow_by_merging(start, cloud, flow, between=between)
            return moved, moved.new_zeros(len(moved))
        found = move_points(
            start,
            flow,
            options,
            source=cloud,
            generator=generator,
            wanted=wanted,
            between=between,
        )
        return found.points, found.disagreement

    cloud = points
    if options.denoise:
        cloud = denoise_points(cloud, flow, options, generator=generator, between=between)
    *early, last = stage_rates(rate)
    for factor in early:
        start = midpoint_interpolate(
            cloud, math.ceil(len(cloud) * factor), max_edge=options.max_edge
        )
        cloud, _ = move(start, cloud)
    made = count + (0 if kept is None else len(kept))
    start, inside = _start(cloud, last, made, options, core)
    moved, apart = move(start, cloud, None if core is EVERYWHERE else inside)
    if options.mode == "reference" and core is not EVERYWHERE:
        inside = core.holds(moved)
    # What lies beyond the core crowds its rim as it does elsewhere; else seams would be denser.
    around = moved[~inside] if kept is None else torch.cat([kept, moved[~inside]])
    moved, apart = _repeated(moved[inside], apart[inside], made, points[core.holds(points)])
    chosen = thin(moved, count, beside=around)
    moved, apart = moved[chosen], apart[chosen]
    return DensePoints(moved, confidence_of(moved, points, apart))


def thin(
    points: Float[Tensor, "n 3"], count: int, *, beside: Float[Tensor, "k 3"] | None = None
) -> Int[Tensor, " count"]:
    """Choose the least crowded points.

    Args:
        points: At least ``count``.
        count: How many.
        beside: Points that are there, too, and crowd their surroundings.
    """
    if beside is None or not len(beside):
        return eliminate_samples(points, count)
    radius = packing_radius(torch.cat([beside, points]), len(beside) + count)
    distances = knn(points, beside, 1).distances_squared[:, 0].sqrt()
    # Those on top of given points go first: elimination minds very small distances little.
    order = distances.argsort(stable=True)
    on_top = int((distances < _ON_TOP * radius).sum())
    left = order[min(len(points) - count, on_top) :].sort().values
    together = torch.cat([beside, points[left]])
    worth = torch.ones(len(together))
    worth[: len(beside)] = _ORIGINAL_WORTH
    best = eliminate_samples(together, len(beside) + count, weights=worth, radius=radius)
    chosen = left[best[best >= len(beside)] - len(beside)]
    # A point that crowds nobody may outlive one of great worth.
    return chosen if len(chosen) == count else chosen[eliminate_samples(points[chosen], count)]


def confidence_of(
    made: Float[Tensor, "m 3"], points: Float[Tensor, "n 3"], disagreement: Float[Tensor, " m"]
) -> Float[Tensor, " m"]:
    """Say how well each new point is supported, 0 to 1.

    1 where the nearest input point is within half the spacing there and both patches agree; it
    falls with the reciprocal of how much farther that is and of their disagreement, in spacings.

    Args:
        made: New points.
        points: The input.
        disagreement: Distance between the answers of two patches.
    """
    count = min(len(points), SPACING_RANK + 1)
    if count < 2:
        return made.new_ones(len(made))
    # The spacing of the input where the new point lies, without a search among the input itself.
    distances = knn(made, points, count).distances_squared.sqrt()
    spacing = distances[:, -1].clamp(min=1e-12)
    gap = (distances[:, 0] / spacing - 0.5).clamp(min=0)
    return 1 / (1 + 2 * gap) / (1 + disagreement / spacing)


def _start(
    cloud: Tensor, rate: float, made: int, options: UpsampleOptions, core: Core
) -> tuple[Tensor, Tensor]:
    """Interpolate so that the core has enough points, and say which those are."""
    if core is EVERYWHERE:
        start = midpoint_interpolate(
            cloud, math.ceil(made * options.oversample), max_edge=options.max_edge
        )
        return start, torch.ones(len(start), dtype=torch.bool, device=start.device)
    start, inside = cloud, core.holds(cloud)
    for margin in _MARGINS:
        aim = math.ceil(len(cloud) * rate * options.oversample * margin)
        start = midpoint_interpolate(cloud, aim, max_edge=options.max_edge)
        inside = core.holds(start)
        if int(inside.sum()) >= made:
            break
    return start, inside


def _repeated(moved: Tensor, apart: Tensor, count: int, points: Tensor) -> tuple[Tensor, Tensor]:
    """Where a core has too few places for points, use them more than once."""
    if not len(moved):
        moved, apart = points, apart.new_zeros(len(points))
    if len(moved) >= count:
        return moved, apart
    index = torch.arange(count, device=moved.device) % len(moved)
    return moved[index], apart[index]
