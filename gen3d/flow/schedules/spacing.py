"""Schedules that are even in another coordinate than time.

Coordinates that are infinite at an end of the path space the first times of all steps between two
times inside; the grid then begins at exactly 1, where the noise is, and the last step ends at 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.paths import LINEAR, Path
from gen3d.flow.schedules.schedule import UNIFORM, Schedule


@dataclass(frozen=True)
class PowerSchedule(Schedule):
    """``t' = t^power``: with 2, the quadratic steps of DDIM (arXiv 2010.02502, app. D.2).

    Args:
        power: Above 1 more steps go to the data, below 1 to the noise.
        base: The schedule whose times are raised.

    Raises:
        InputError: ``power`` is not positive.
    """

    power: float = 2.0
    base: Schedule = UNIFORM

    def __post_init__(self) -> None:
        if not self.power > 0:
            raise InputError(f"the power must be positive, got {self.power}")

    def grid(self, steps: int) -> Float64[Tensor, " steps_plus_1"]:
        """Return the base's times, raised."""
        return self.base.grid(steps) ** self.power


@dataclass(frozen=True)
class LogSNRSchedule(Schedule):
    """Equal steps of the half-log-SNR, in which DPM-Solver++ and UniPC are exponential integrators.

    Lu et al. 2022 (arXiv 2206.00927, sec. 3.4).

    Args:
        start: Time from which the steps are even; the first step leaves from 1 instead.
        end: Time to which they are even, and from which the last step goes to 0.
        path: Gives the half-log-SNR.

    Raises:
        InputError: Not ``1 > start > end > 0``.
    """

    start: float = 0.98
    end: float = 0.02
    path: Path = LINEAR

    def __post_init__(self) -> None:
        if not 1 > self.start > self.end > 0:
            raise InputError(f"needs 1 > start > end > 0, got {self.start} and {self.end}")

    def grid(self, steps: int) -> Float64[Tensor, " steps_plus_1"]:
        """Return the times; the first is 1, the last 0."""
        _check_steps(steps)
        first, last = self.path.lam(self.start), self.path.lam(self.end)
        inside = self.path.t_of_lam(torch.linspace(first, last, steps, dtype=torch.float64))
        return _with_ends(inside)


@dataclass(frozen=True)
class KarrasSchedule(Schedule):
    """Equal steps of ``sigma^(1/rho)`` with ``sigma = b / a``.

    Karras et al. 2022 (arXiv 2206.00364, eq. 5), brought to any path by equal sigma.

    Args:
        rho: 7 in the paper; the larger, the closer to equal steps of the half-log-SNR.
        sigma_max: Sigma from which the steps are even; the first step leaves from t = 1 instead.
        sigma_min: Sigma to which they are even, and from which the last step goes to 0.
        path: Gives the time of a sigma.

    Raises:
        InputError: ``rho`` is not positive, or not ``sigma_max > sigma_min > 0``.
    """

    rho: float = 7.0
    sigma_max: float = 80.0
    sigma_min: float = 0.002
    path: Path = LINEAR

    def __post_init__(self) -> None:
        if not self.rho > 0:
            raise InputError(f"rho must be positive, got {self.rho}")
        if not math.inf > self.sigma_max > self.sigma_min > 0:
            raise InputError(
                f"needs sigma_max > sigma_min > 0, got {self.sigma_max} and {self.sigma_min}"
            )

    def grid(self, steps: int) -> Float64[Tensor, " steps_plus_1"]:
        """Return the times; the first is 1, the last 0."""
        _check_steps(steps)
        first, last = (sigma ** (1 / self.rho) for sigma in (self.sigma_max, self.sigma_min))
        sigma = torch.linspace(first, last, steps, dtype=torch.float64) ** self.rho
        return _with_ends(self.path.t_of_lam(-sigma.log()))


def _check_steps(steps: int) -> None:
    if steps < 1:
        raise InputError(f"sampling needs at least 1 step, got {steps}")


def _with_ends(starts: Float64[Tensor, " steps"]) -> Float64[Tensor, " steps_plus_1"]:
    return torch.cat([starts.new_ones(1), starts[1:], starts.new_zeros(1)])
