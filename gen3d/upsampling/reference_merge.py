"""The inference of PUFM++'s public evaluators: patches cut and merged anew at every step."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.ops.points import farthest_point_sample, knn
from gen3d.upsampling.manifold import pull_as_published
from gen3d.upsampling.motion import LEAST_POINTS, Flow
from gen3d.upsampling.patches import Patches, frame_patches

PATCH_RATE = 3
"""Points of all patches over points of the cloud."""


@torch.no_grad()
def flow_by_merging(
    start: Float[Tensor, "m 3"],
    points: Float[Tensor, "n 3"],
    flow: Flow,
    *,
    constrained: bool = True,
    between: Callable[[int], None] = lambda patches: None,
) -> Float[Tensor, "m 3"]:
    """Move interpolated points as the public code of PUFM++ does (arXiv 2512.20988).

    Each step cuts the cloud into three times as many patches as would hold it, moves them by one
    Euler step without a latent from before, clamps them to their cube, adds the input points, and
    thins all by farthest point sampling; the points are then pulled towards ``start``.

    Args:
        start: The interpolated cloud, in the unit ball.
        points: The input.
        flow: The network and its times.
        constrained: Pull towards the interpolated cloud after each step.
        between: Called after each batch with the number of its patches.
    """
    if flow.network is None or len(start) < LEAST_POINTS:
        return start
    cloud = start
    for t, t_next in pairwise(flow.times):
        patches = _cut(cloud, flow.patch_points)
        local = patches.normalise(cloud)
        moved = [_step(flow, part, t, t_next, between) for part in local.split(flow.batch)]
        found = patches.restore(torch.cat(moved)).reshape(-1, 3)
        candidates = torch.cat([found, points])
        cloud = candidates[farthest_point_sample(candidates, len(start))]
        if constrained:
            cloud = pull_as_published(cloud, start)
    return cloud


def _step(
    flow: Flow, local: Tensor, t: float, t_next: float, between: Callable[[int], None]
) -> Tensor:
    assert flow.network is not None, "asked for before"
    velocity, _ = flow.network(local, local.new_full((len(local),), t))
    between(len(local))
    return (local + (t_next - t) * velocity).clamp(-1, 1)


def _cut(cloud: Float[Tensor, "m 3"], size: int) -> Patches:
    size = min(size, len(cloud))
    # As published, but for small clouds, of which it would take no patch at all.
    count = max(1, int(len(cloud) / size * PATCH_RATE)) if size < len(cloud) else 1
    seeds = farthest_point_sample(cloud, count)
    near = knn(cloud[seeds], cloud, size)
    return frame_patches(cloud, near.indices, near.distances_squared)
