"""When to take steps: the times of training, and times of sampling measured from the loss."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float64
from pydantic import Field, model_validator
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow import Schedule, TimeDistribution
from gen3d.training.config import Settings


class CosineTimes(TimeDistribution):
    """``t = cos(u pi / 2)`` for uniform u: dense at 1, where sampling starts (PUFM's ``1 - t``)."""

    def quantile(self, u: Float64[Tensor, " n"]) -> Float64[Tensor, " n"]:
        """Return ``sin(u pi / 2)``."""
        return torch.sin(u * (math.pi / 2))

    def density(self, t: Float64[Tensor, " n"]) -> Float64[Tensor, " n"]:
        """Return ``2 / (pi sqrt(1 - t^2))``."""
        return 2 / (math.pi * torch.sqrt(1 - t * t))


class LossCurve(Settings):
    """The loss of a network over time, and the steps that follow from it.

    PUFM++ (arXiv 2512.20988): steps share the integral of ``w = (loss + offset)^power`` from the
    start on, so they are short where the network errs.

    Attributes:
        times: Falling from 1 to 0.
        losses: Velocity errors there, above 0, in any unit.
        power: Above 0 the loss counts, at 0 steps are equal.
        offset: In the unit of the losses.
    """

    times: tuple[float, ...]
    losses: tuple[float, ...]
    power: float = Field(default=1.0, ge=0)
    offset: float = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _is_a_curve(self) -> LossCurve:
        falling = bool((np.diff(self.times) < 0).all())
        if len(self.times) < 2 or not falling or (self.times[0], self.times[-1]) != (1.0, 0.0):
            raise ValueError("times must fall from 1 to 0")
        if len(self.losses) != len(self.times):
            raise ValueError(f"{len(self.losses)} losses for {len(self.times)} times")
        if not all(0 < loss < math.inf for loss in self.losses):
            raise ValueError("losses must be above 0 and finite")
        return self

    def sampling_times(self, steps: int) -> tuple[float, ...]:
        """Return ``steps`` + 1 times that fall from 1 to 0.

        Raises:
            InputError: ``steps`` is less than 1.
        """
        if steps < 1:
            raise InputError(f"sampling needs at least 1 step, got {steps}")
        weight = (np.asarray(self.losses) + self.offset) ** self.power
        passed = 1 - np.asarray(self.times)
        mass = np.concatenate([[0.0], np.cumsum((weight[1:] + weight[:-1]) / 2 * np.diff(passed))])
        inside = np.interp(np.arange(1, steps) / steps, mass / mass[-1], passed)
        return (1.0, *(1 - inside).tolist(), 0.0)


class AdaptiveSchedule(Schedule):
    """A loss curve's steps, for the samplers of :mod:`gen3d.flow`.

    Args:
        curve: The loss curve.
    """

    def __init__(self, curve: LossCurve) -> None:
        self.curve = curve

    def grid(self, steps: int) -> Float64[Tensor, " steps_plus_1"]:
        """Return the times."""
        return torch.tensor(self.curve.sampling_times(steps), dtype=torch.float64)
