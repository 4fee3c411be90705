"""Step schedules: the times that a sampler visits, from noise to data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from gen3d.errors import InputError


class Schedule(ABC):
    """Gives a grid of times for any number of steps; schedules compose by wrapping."""

    @abstractmethod
    def grid(self, steps: int) -> Float64[Tensor, " steps_plus_1"]:
        """Return ``t_0 > t_1 > ... > t_steps`` in float64.

        Raises:
            InputError: ``steps`` is less than 1.
        """


@dataclass(frozen=True)
class UniformSchedule(Schedule):
    """Equal steps.

    Args:
        start: First time; below 1 to start from partly noised data.
        end: Last time; above 0 to stop early.

    Raises:
        InputError: Not ``1 >= start > end >= 0``.
    """

    start: float = 1.0
    end: float = 0.0

    def __post_init__(self) -> None:
        if not 1 >= self.start > self.end >= 0:
            raise InputError(
                f"a schedule needs 1 >= start > end >= 0, got {self.start} and {self.end}"
            )

    def grid(self, steps: int) -> Float64[Tensor, " steps_plus_1"]:
        """Return ``steps + 1`` equidistant times."""
        if steps < 1:
            raise InputError(f"sampling needs at least 1 step, got {steps}")
        return torch.linspace(self.start, self.end, steps + 1, dtype=torch.float64)


UNIFORM = UniformSchedule()


@dataclass(frozen=True)
class ShiftedSchedule(Schedule):
    """Moves the times of another schedule: ``t' = s t / (1 + (s - 1) t)``.

    That is ``logit t' = logit t + ln s``: with s > 1 more steps go to the noise, as latents with
    more tokens want it (Stable Diffusion 3, arXiv 2403.03206, eq. 23, where ``s = sqrt(m / n)``
    for m tokens against n; the same as TRELLIS's ``rescale_t``). The ends 0 and 1 stay.

    Args:
        shift: The factor s; 1 changes nothing.
        base: The schedule to be shifted.

    Raises:
        InputError: ``shift`` is not positive.
    """

    shift: float
    base: Schedule = UNIFORM

    def __post_init__(self) -> None:
        if not self.shift > 0:
            raise InputError(f"the shift must be positive, got {self.shift}")

    def grid(self, steps: int) -> Float64[Tensor, " steps_plus_1"]:
        """Return the shifted times."""
        t = self.base.grid(steps)
        return self.shift * t / (1 + (self.shift - 1) * t)


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
