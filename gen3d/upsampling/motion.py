"""A network at work on whole clouds: patches, flow, merge, constraint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gen3d.runtime.memory import USABLE, free_memory_bytes
from gen3d.upsampling.curvature import curvature_weight
from gen3d.upsampling.manifold import limit_drift, pull_to_nearest
from gen3d.upsampling.merge import MergedPoints, find_owners, merge_patches, owning_patches
from gen3d.upsampling.midpoint import point_spacing
from gen3d.upsampling.options import UpsampleOptions
from gen3d.upsampling.patches import cut_patches
from gen3d.upsampling.sampler import Velocity, flow_patches
from gen3d.upsampling.surface import fit_quadrics

LEAST_POINTS = 16
"""Fewer points tell a network nothing; they stay where the interpolation put them."""

MAX_BATCH = 512
_CPU_BATCH = 8
_POINT_BYTES = 64 << 10
"""Memory for each point of a patch in a network: some 30 activations of 512 channels at most."""


@dataclass(frozen=True)
class Flow:
    """A network and how to run it.

    Attributes:
        network: The velocity; None: points stay where they are put.
        times: Of the steps, from 1 to 0.
        patch_points: Points of a patch.
        batch: Patches at a time.
        device: Where the network lives.
    """

    network: Velocity | None
    times: tuple[float, ...]
    patch_points: int
    batch: int
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))


def patch_batch(device: torch.device, patch_points: int) -> int:
    """Return how many patches at a time fit into the memory that is free.

    On the CPU a few at a time are fastest, since their activations stay in its caches.
    """
    free = free_memory_bytes(device)
    most = MAX_BATCH if device.type == "cuda" else _CPU_BATCH
    if free is None:
        return most
    return max(1, min(most, int(USABLE * free) // (patch_points * _POINT_BYTES)))


@torch.no_grad()
def move_points(
    start: Float[Tensor, "n 3"],
    flow: Flow,
    options: UpsampleOptions,
    *,
    source: Float[Tensor, "m 3"],
    generator: torch.Generator,
    wanted: Bool[Tensor, " n"] | None = None,
    between: Callable[[int], None] = lambda patches: None,
) -> MergedPoints:
    """Let points flow to the surface, each in the patch whose seed is nearest to it.

    Args:
        start: Interpolated points; they keep their order.
        flow: The network.
        options: How.
        source: The points between which they were put.
        generator: Of the noise, if any.
        wanted: Points that matter; patches without any are left out, and their points stay.
        between: Called after each batch with the number of its patches.
    """
    if flow.network is None or len(start) < LEAST_POINTS:
        return MergedPoints(start, start.new_zeros(len(start)))
    patches = cut_patches(start, flow.patch_points, overlap=options.overlap)
    owners = find_owners(patches, len(start))
    local = patches.normalise(start)
    if options.noise:
        noise = torch.randn(local.shape, generator=generator)
        local = local + options.noise * noise.to(local.device)
    needed = torch.ones(len(patches), dtype=torch.bool, device=start.device)
    if wanted is not None:
        needed = owning_patches(owners, patches, wanted)
    weight = None
    if options.curvature:
        weight = curvature_weight(start, options.curvature)[patches.indices][needed]
    local[needed] = flow_patches(
        flow.network, local[needed], flow.times, batch=flow.batch, weight=weight, between=between
    )
    merged = merge_patches(patches.restore(local), owners)
    return MergedPoints(constrain(merged.points, start, source, options), merged.disagreement)


def constrain(
    points: Float[Tensor, "n 3"],
    start: Float[Tensor, "n 3"],
    source: Float[Tensor, "m 3"],
    options: UpsampleOptions,
) -> Float[Tensor, "n 3"]:
    """Hold moved points near the surface: see :class:`UpsampleOptions`.

    Args:
        points: Where the flow put them.
        start: Where they were.
        source: The points between which that was.
        options: Says how.
    """
    if options.manifold == "nearest":
        return pull_to_nearest(points, start)
    if options.manifold == "surface":
        return fit_quadrics(source).project(points)
    if options.manifold == "drift":
        return limit_drift(points, start, point_spacing(start))
    return points
