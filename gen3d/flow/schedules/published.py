"""Schedules of published models, kept for loading them and for comparisons."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.schedules.schedule import UNIFORM, Schedule


@dataclass(frozen=True)
class ConsistencySchedule(Schedule):
    """The times at which a phased-consistency student was trained to jump (Hunyuan3D-2 turbo).

    Of ``train_steps`` noise levels ``sigma_j = j / (train_steps - 1)`` (noise at 0, as published),
    ``intervals`` are starting points: level 0, then the last of every interval; S steps start at
    every ``intervals / S``-th of them (PCM, Wang et al. 2024, arXiv 2405.18407). Times here run the
    other way: ``t = 1 - sigma``.

    Args:
        intervals: Starting points; 100 in the published turbo configurations.
        train_steps: Noise levels.

    Raises:
        InputError: Not ``1 <= intervals <= train_steps``.
    """

    intervals: int = 100
    train_steps: int = 1000

    def __post_init__(self) -> None:
        if not 1 <= self.intervals <= self.train_steps:
            raise InputError(
                f"the intervals must lie in 1..{self.train_steps}, got {self.intervals}"
            )

    def grid(self, steps: int) -> Float64[Tensor, " steps_plus_1"]:
        """Return the starting points of the steps, and 0.

        Raises:
            InputError: There are more steps than starting points.
        """
        if not 1 <= steps <= self.intervals:
            raise InputError(f"this schedule takes 1 to {self.intervals} steps, got {steps}")
        chosen = torch.arange(steps) * self.intervals // steps
        level = (chosen * (self.train_steps // self.intervals) - 1).clamp(min=0)
        sigma = level.double() / (self.train_steps - 1)
        return torch.cat([1 - sigma, torch.zeros(1, dtype=torch.float64)])


@dataclass(frozen=True)
class ZeroLastStep(Schedule):
    """Spends the last step on no distance at all, as the published Euler sampler does.

    Its S steps visit ``linspace(0, 1, S)`` and then 1 again, so one evaluation in S changes
    nothing. For comparisons only: S steps here give what S - 1 steps of ``base`` give.

    Args:
        base: The schedule of the other steps.
    """

    base: Schedule = UNIFORM

    def grid(self, steps: int) -> Float64[Tensor, " steps_plus_1"]:
        """Return the base's times for one step less, the last one twice; one step stays one."""
        if steps == 1:
            return self.base.grid(1)
        times = self.base.grid(steps - 1)
        return torch.cat([times, times[-1:]])
