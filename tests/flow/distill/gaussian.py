"""A Gaussian whose flow map is known: N(mean, std^2) in every coordinate, on the linear path."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gen3d.flow.distill import Batch


@dataclass(frozen=True)
class Gaussian:
    mean: float = 0.7
    std: float = 0.4

    def velocity(self, x: Tensor, t: Tensor, cond: Tensor | None = None) -> Tensor:
        """The exact velocity; a condition shifts the mean."""
        mean = self.mean if cond is None else self.mean + cond
        slope = (t - (1 - t) * self.std**2) / self._variance(t)
        return -mean + slope[:, None] * (x - (1 - t[:, None]) * mean)

    def carry(self, x: Tensor, t: Tensor, r: Tensor) -> Tensor:
        """The exact flow map."""
        scale = (self._variance(r) / self._variance(t)).sqrt()[:, None]
        return (1 - r[:, None]) * self.mean + scale * (x - (1 - t[:, None]) * self.mean)

    def average_velocity(self, x: Tensor, t: Tensor, r: Tensor, cond: object = None) -> Tensor:
        length = torch.where(t == r, 1.0, t - r)[:, None]
        jump = (x - self.carry(x, t, r)) / length
        return torch.where((t == r)[:, None], self.velocity(x, t), jump)

    def batch(self, count: int = 64, seed: int = 0) -> Batch:
        generator = torch.Generator().manual_seed(seed)
        x0 = self.mean + self.std * torch.randn(count, 3, dtype=torch.float64, generator=generator)
        return Batch(x0, None, generator)

    def _variance(self, t: Tensor) -> Tensor:
        return ((1 - t) * self.std) ** 2 + t**2


class Shifted(torch.nn.Module):
    """The exact flow map plus a constant, which a right objective drives to zero."""

    def __init__(self, truth: Gaussian, shift: float) -> None:
        super().__init__()
        self.truth = truth
        self.shift = torch.nn.Parameter(torch.tensor(shift, dtype=torch.float64))

    def forward(self, x: Tensor, t: Tensor, r: Tensor, cond: object = None) -> Tensor:
        return self.truth.average_velocity(x, t, r) + self.shift


def slope_of(loss: Tensor, student: Shifted) -> float:
    """The gradient of a loss with respect to the shift."""
    (gradient,) = torch.autograd.grad(loss, student.shift)
    return float(gradient)
