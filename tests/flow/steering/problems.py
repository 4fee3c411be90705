"""Flows whose steered samples are known in closed form, and a small network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gen3d.flow import LINEAR, Path, Prediction


@dataclass(frozen=True)
class CorrelatedGaussian:
    """The exact field of data from N(mean, covariance), rows being samples."""

    mean: Tensor
    covariance: Tensor
    path: Path = LINEAR

    def __call__(self, x: Tensor, t: float, cond: Tensor | None = None) -> Prediction:
        a, b = self.path.a(t), self.path.b(t)
        total = a * a * self.covariance + b * b * torch.eye(len(self.mean), dtype=x.dtype)
        gain = a * self.covariance @ torch.linalg.inv(total)
        return Prediction("x0", self.mean + (x - a * self.mean) @ gain.T)

    def mode_given(self, known: Tensor, values: Tensor) -> Tensor:
        """The most probable data with ``values`` at the entries where ``known`` is True."""
        free = ~known
        inner = self.covariance[known][:, known]
        across = self.covariance[free][:, known]
        mode = values.clone()
        rest = torch.linalg.solve(inner, (values[known] - self.mean[known]))
        mode[free] = self.mean[free] + across @ rest
        return mode


class TinyNetwork(torch.nn.Module):
    """A velocity with a condition, in float64."""

    def __init__(self, width: int = 3) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.first = torch.nn.Parameter(
            torch.randn(16, width + 1, generator=generator, dtype=torch.float64) / 2
        )
        self.second = torch.nn.Parameter(
            torch.randn(width, 16, generator=generator, dtype=torch.float64) / 4
        )

    def forward(self, x: Tensor, t: Tensor, cond: Tensor | None = None) -> Tensor:
        joint = torch.cat([x, t[:, None]], dim=1)
        shift = 0.0 if cond is None else cond
        return torch.tanh(joint @ self.first.T) @ self.second.T + shift
