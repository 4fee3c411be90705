"""Constraints that keep moved points near where the cloud says that the surface is."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.ops.points import knn

PUBLISHED_STEP = 0.01


def pull(
    points: Float[Tensor, "*n 3"],
    targets: Float[Tensor, "*n 3"],
    *,
    share: float = 1.0,
    most: Float[Tensor, "*n"] | float | None = None,
) -> Float[Tensor, "*n 3"]:
    """Move each point towards its target, and never past it.

    Args:
        points: What moves.
        targets: Where to, one for each.
        share: Of the way, 0 to 1.
        most: Longest way; None: no limit.
    """
    way = (targets - points) * share
    if most is None:
        return points + way
    length = way.norm(dim=-1, keepdim=True)
    limit = torch.as_tensor(most, dtype=way.dtype, device=way.device)
    limit = limit[..., None] if limit.ndim else limit
    return points + way * (limit / length.clamp(min=1e-20)).clamp(max=1.0)


def pull_to_nearest(
    points: Float[Tensor, "n 3"],
    cloud: Float[Tensor, "m 3"],
    *,
    step: float = PUBLISHED_STEP,
) -> Float[Tensor, "n 3"]:
    """Take a step of that length towards the nearest point of a cloud, never past it."""
    return pull(points, nearest(points, cloud), most=step)


def pull_as_published(
    points: Float[Tensor, "n 3"],
    cloud: Float[Tensor, "m 3"],
    *,
    step: float = PUBLISHED_STEP,
) -> Float[Tensor, "n 3"]:
    """Take the step of the public evaluator of PUFM++ towards the nearest points of a cloud.

    It descends on mean |q - u| (L1) with the gradient divided by its norm over the *points*, so
    that a coordinate moves by step / sqrt(n): the sign of q - u over the root of how many points
    are not there yet. Closed form of what it computes by automatic differentiation. It may
    overshoot; kept for comparison.
    """
    sign = (nearest(points, cloud) - points).sign()
    return points + step * sign / sign.abs().sum(dim=0).clamp(min=1).sqrt()


def nearest(points: Float[Tensor, "n 3"], cloud: Float[Tensor, "m 3"]) -> Float[Tensor, "n 3"]:
    """Return the nearest point of a cloud for each point."""
    return cloud[knn(points, cloud, 1).indices[:, 0]]


def limit_drift(
    points: Float[Tensor, "n 3"],
    start: Float[Tensor, "n 3"],
    reach: Float[Tensor, " n"],
) -> Float[Tensor, "n 3"]:
    """Bring back what went farther from its start than it may.

    Where a point is within reach nothing changes, so that a good network is left alone and a bad
    answer cannot throw points off the surface.

    Args:
        points: Where they are.
        start: Where they were.
        reach: How far each may get.
    """
    way = points - start
    length = way.norm(dim=-1, keepdim=True).clamp(min=1e-20)
    return start + way * (reach[:, None] / length).clamp(max=1.0)
