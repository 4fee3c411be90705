"""What a schedule is; equal steps, and steps at given times."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence
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


@dataclass(frozen=True)
class FixedSchedule(Schedule):
    """Steps at given times, for exactly one number of steps: what a search or a fit has found.

    Args:
        times: Falling, within 1..0. A tuple of floats, which JSON keeps exactly; `of` takes
            anything else.

    Raises:
        InputError: There are fewer than two times, or they do not fall within 1..0.

    Example:
        >>> FixedSchedule.of(json.loads(text)).grid(3)
    """

    times: tuple[float, ...]

    def __post_init__(self) -> None:
        falling = all(s > t for s, t in itertools.pairwise(self.times))
        if len(self.times) < 2 or not (falling and self.times[0] <= 1 and self.times[-1] >= 0):
            raise InputError(
                f"a schedule needs 2 or more times that fall within 1..0: {self.times}"
            )

    @classmethod
    def of(cls, times: Sequence[float] | Float64[Tensor, " steps_plus_1"]) -> FixedSchedule:
        """Build from a list or a tensor."""
        return cls(tuple(float(t) for t in times))

    @property
    def steps(self) -> int:
        """The number of steps that it serves."""
        return len(self.times) - 1

    def grid(self, steps: int) -> Float64[Tensor, " steps_plus_1"]:
        """Return the times.

        Raises:
            InputError: Another number of steps is asked for.
        """
        if steps != self.steps:
            raise InputError(f"this schedule has {self.steps} steps, {steps} are asked for")
        return torch.tensor(self.times, dtype=torch.float64)


UNIFORM = UniformSchedule()
