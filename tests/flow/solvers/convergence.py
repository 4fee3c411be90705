"""How fast a solver's error falls on a target whose flow is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gen3d.flow import LINEAR, Path, Schedule, Solver, UniformSchedule, sample
from tests.flow.oracle import Mixture


@dataclass(frozen=True)
class EvenInLam(Schedule):
    """Equal steps of half-log-SNR, without the way to either end."""

    path: Path = LINEAR

    def grid(self, steps: int) -> Tensor:
        ends = (LINEAR.lam(0.95), LINEAR.lam(0.05))
        return self.path.t_of_lam(torch.linspace(*ends, steps + 1, dtype=torch.float64))


EVEN_IN_TIME = UniformSchedule(0.95, 0.05)
EVEN_IN_LAM = EvenInLam()


def starts() -> Tensor:
    return torch.linspace(-2, 2, 21, dtype=torch.float64)


def reached(
    field: Mixture, solver: Solver, schedule: Schedule, steps: int, x: Tensor | None = None
) -> Tensor:
    x = starts() if x is None else x
    return sample(field, x, steps=steps, schedule=schedule, solver=solver).x0


def error(field: Mixture, solver: Solver, schedule: Schedule, steps: int) -> float:
    grid = schedule.grid(steps)
    truth = field.flow(starts(), grid[0].item(), grid[-1].item())
    return (reached(field, solver, schedule, steps) - truth).square().mean().sqrt().item()


def order(field: Mixture, solver: Solver, schedule: Schedule, steps: int = 80) -> float:
    coarse, fine = (error(field, solver, schedule, n) for n in (steps, 2 * steps))
    return math.log2(coarse / fine)
