"""Stage 1: velocities along straight lines from interpolated patches to the surface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import nn

from gen3d.flow import TimeDistribution
from gen3d.nn.attention import muon_row_chunks
from gen3d.training.objective import EXAMPLES, LossResult
from gen3d.upsampling.config import RINConfig
from gen3d.upsampling.patch_batches import (
    BatchConfig,
    draw_patches,
    loss_unit,
    mean_square,
    velocity_error,
)
from gen3d.upsampling.patch_data import PatchSet
from gen3d.upsampling.patch_figures import endpoint_figures, velocity_losses
from gen3d.upsampling.rin import RIN
from gen3d.upsampling.schedule import CosineTimes

_VALIDATION_TIMES = 5


class FlowObjectiveConfig(BatchConfig):
    """Batches of stage 1.

    Attributes:
        self_condition: Share of the steps in which the network first runs without memory and
            without gradient, and then with what it then remembered.
    """

    self_condition: float = Field(default=0.9, ge=0, le=1)


class PatchObjective(ABC):
    """What both stages share: a RIN, patches, and how they are measured.

    Args:
        model: Sizes of the network.
        batches: Batches.
        train: Patches to train on.
        held_out: Patches to measure on.
        seed: Seed of the initial weights.
        start: A network of the same sizes to go on with.
    """

    times: ClassVar[TimeDistribution] = CosineTimes()

    def __init__(
        self,
        model: RINConfig,
        batches: BatchConfig,
        train: PatchSet,
        held_out: PatchSet,
        *,
        seed: int = 0,
        start: RIN | None = None,
    ) -> None:
        self._batches, self._train, self._held_out = batches, train, held_out
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.module: RIN = RIN(model)
        if start is not None:
            self.module.load_state_dict(start.state_dict())

    @abstractmethod
    def loss(self, step: int, generator: torch.Generator) -> LossResult:
        """Draw the batch of ``step`` and compute its loss."""

    def muon_splits(self) -> dict[str, int]:
        """All matrices of attention and MLPs."""
        return muon_row_chunks(self.module)

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Measure the velocity at a few times, and one step's end against the start."""
        assert isinstance(module, RIN)
        losses = velocity_losses(module, self._held_out, self._batches, _VALIDATION_TIMES)
        figures = endpoint_figures(module, self._held_out, self._batches)
        return {"velocity_mse": float(np.mean(losses)), **figures}


class FlowObjective(PatchObjective):
    """Trains a RIN from interpolated patches to the surface (PUFM++, stage 1).

    Matching was done when the patches were cut, before noise is added, so no step waits for it.

    Args:
        model: Sizes of the network.
        config: Batches.
        train: Patches to train on.
        held_out: Patches to measure on.
        seed: Seed of the initial weights.
        start: A network of the same sizes to go on with.
    """

    def __init__(
        self,
        model: RINConfig,
        config: FlowObjectiveConfig,
        train: PatchSet,
        held_out: PatchSet,
        *,
        seed: int = 0,
        start: RIN | None = None,
    ) -> None:
        super().__init__(model, config, train, held_out, seed=seed, start=start)
        self.config = config

    def loss(self, step: int, generator: torch.Generator) -> LossResult:
        """Draw patches and times, and compute the velocity's error."""
        config, device = self.config, self.module.out.weight.device
        batch = draw_patches(self._train, config, generator, device)
        t = self.times.sample(config.batch_size, generator).float().to(device)
        remember = bool(torch.rand((), generator=generator) < config.self_condition)
        error = velocity_error(self.module, batch, t, remember=remember)
        unit = loss_unit(error.shape[1])
        loss = mean_square(error, batch.normals, config.normal_weight).mean() / unit
        plain = error.detach().square().sum(-1).mean() / unit
        return LossResult(loss, {EXAMPLES: config.batch_size, "velocity_mse": plain})
