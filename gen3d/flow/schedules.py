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
