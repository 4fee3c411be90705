"""Stage 2: where one step ends, against the dense patch as a set."""

from __future__ import annotations

import torch
from pydantic import Field

from gen3d.training.objective import EXAMPLES, LossResult
from gen3d.upsampling.config import RINConfig
from gen3d.upsampling.objective import PatchObjective
from gen3d.upsampling.patch_batches import (
    BatchConfig,
    draw_patches,
    loss_unit,
    mean_square,
    velocity_error,
    with_memory,
)
from gen3d.upsampling.patch_data import PatchSet
from gen3d.upsampling.patch_figures import endpoint_distances
from gen3d.upsampling.rin import RIN


class RefineObjectiveConfig(BatchConfig):
    """Batches of stage 2.

    Attributes:
        flow_weight: Weight of stage 1's loss, on the same patches at other times, so that several
            steps stay as good as one; 0 as published.
    """

    flow_weight: float = Field(default=0.0, ge=0)


class RefineObjective(PatchObjective):
    """Trains a RIN so that one step from the start ends well (PUFM++, stage 2).

    The end ``x - v(x, 1)`` is compared by Chamfer distance, and by its distance to the tangent
    planes of the nearest targets where normals count. The network always has its memory.

    Args:
        model: Sizes of the network.
        config: Batches.
        train: Patches to train on.
        held_out: Patches to measure on.
        seed: Seed of the initial weights.
        start: The network of stage 1.
    """

    def __init__(
        self,
        model: RINConfig,
        config: RefineObjectiveConfig,
        train: PatchSet,
        held_out: PatchSet,
        *,
        seed: int = 0,
        start: RIN | None = None,
    ) -> None:
        super().__init__(model, config, train, held_out, seed=seed, start=start)
        self.config = config

    def loss(self, step: int, generator: torch.Generator) -> LossResult:
        """Draw patches, make one step, and measure where it ends."""
        config, device = self.config, self.module.out.weight.device
        batch = draw_patches(self._train, config, generator, device)
        unit = loss_unit(batch.start.shape[1])
        t = torch.ones(config.batch_size, device=device)
        end = batch.start - with_memory(self.module, batch.start, t, remember=True)
        found = endpoint_distances(end, batch)
        distance = found.chamfer.mean() / unit
        plane = found.plane.square().mean() / unit
        figures = {EXAMPLES: config.batch_size, "chamfer": distance, "plane": plane}
        loss = distance + config.normal_weight * plane
        if config.flow_weight > 0:
            times = self.times.sample(config.batch_size, generator).float().to(device)
            error = velocity_error(self.module, batch, times, remember=True)
            flow = mean_square(error, batch.normals, config.normal_weight).mean() / unit
            figures["flow"] = flow
            loss = loss + config.flow_weight * flow
        return LossResult(loss, figures)
