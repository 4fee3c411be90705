"""What a network makes of held-out patches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.ops.points import chamfer
from gen3d.upsampling.patch_batches import (
    BatchConfig,
    PatchBatch,
    draw_start_noise,
    loss_unit,
    read_patches,
    velocity_error,
    with_memory,
)
from gen3d.upsampling.patch_data import PatchSet
from gen3d.upsampling.rin import RIN

_VALIDATION_SEED = 3
_VALIDATION_BATCH = 16


@dataclass(frozen=True)
class EndpointDistances:
    """How far points are from the dense patch they should be.

    Attributes:
        chamfer: Half the sum of the mean squared distances both ways, per patch.
        plane: Of each point to the tangent plane at its nearest target, with sign.
    """

    chamfer: Float[Tensor, " batch"]
    plane: Float[Tensor, "batch n"]


def endpoint_distances(points: Float[Tensor, "batch n 3"], batch: PatchBatch) -> EndpointDistances:
    """Measure points against a batch's targets, as a set."""
    found = chamfer(points, batch.target)
    items = torch.arange(len(points), device=points.device)[:, None]
    nearest, normals = (x[items, found.a_indices] for x in (batch.target, batch.normals))
    both = (found.a_to_b.mean(-1) + found.b_to_a.mean(-1)) / 2
    return EndpointDistances(both, ((points - nearest) * normals).sum(-1))


def validation_batches(patches: PatchSet, config: BatchConfig) -> list[PatchBatch]:
    """Return some patches of a set, evenly spread, with noise that is always the same."""
    total = len(patches)
    index = torch.linspace(0, total - 1, min(config.validation_patches, total)).round().long()
    generator = torch.Generator().manual_seed(_VALIDATION_SEED)
    batches = []
    for part in index.split(_VALIDATION_BATCH):
        batch = read_patches(patches, part)
        start = batch.start + draw_start_noise(batch.start, config, generator)
        batches.append(PatchBatch(start, batch.target, batch.normals))
    return batches


@torch.no_grad()
def velocity_losses(
    network: RIN, patches: PatchSet, config: BatchConfig, count: int
) -> Float[np.ndarray, " count"]:
    """Return the velocity's error at ``count`` times that fall from 1 to 0, in loss units.

    Args:
        network: In eval mode.
        patches: To measure on.
        config: Which of them, and the noise.
        count: 2 or more.
    """
    device = network.out.weight.device
    batches = validation_batches(patches, config)
    losses = np.zeros(count)
    for at, t in enumerate(torch.linspace(1, 0, count).tolist()):
        for batch in batches:
            part = PatchBatch(batch.start.to(device), batch.target.to(device), batch.normals)
            times = torch.full((len(part.start),), t, device=device)
            error = velocity_error(network, part, times, remember=True)
            losses[at] += float(error.square().sum(-1).mean(-1).sum())
    return losses / sum(len(b.start) for b in batches) / loss_unit(patches.start.shape[1])


@torch.no_grad()
def endpoint_figures(network: RIN, patches: PatchSet, config: BatchConfig) -> dict[str, float]:
    """Compare one step from the start with the start itself.

    Returns:
        ``plane_ratio``: mean distance to the tangent plane at each point's nearest target, over
        that of the clean start (where normals are known); ``chamfer_ratio``: likewise of the
        symmetric squared Chamfer distance.
    """
    device = network.out.weight.device
    sums = np.zeros(4)
    for batch in validation_batches(patches, config.model_copy(update={"start_noise": 0.0})):
        moved = PatchBatch(
            batch.start.to(device), batch.target.to(device), batch.normals.to(device)
        )
        t = torch.ones(len(moved.start), device=device)
        end = moved.start - with_memory(network, moved.start, t, remember=True)
        for offset, points in ((0, moved.start), (2, end)):
            found = endpoint_distances(points, moved)
            sums[offset] += float(found.chamfer.sum())
            sums[offset + 1] += float(found.plane.abs().mean(-1).sum())
    figures = {"chamfer_ratio": float(sums[2] / sums[0])}
    if patches.normals is not None:
        figures["plane_ratio"] = float(sums[3] / sums[1])
    return figures
