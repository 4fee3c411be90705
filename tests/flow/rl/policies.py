"""A policy whose every number is known: the flow of a Gaussian with a mean to be learned."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from gen3d.flow import LINEAR, Path, Prediction


@dataclass(frozen=True)
class LearnedGaussian:
    """The exact field of N(mean, std^2) on the linear path; a condition is added to the mean."""

    mean: Tensor
    std: float = 0.5
    path: Path = LINEAR

    def __call__(self, x: Tensor, t: float, cond: Tensor | None = None) -> Prediction:
        a, b = self.path.a(t), self.path.b(t)
        mean = self.mean if cond is None else self.mean + cond
        gain = a * self.std**2 / ((a * self.std) ** 2 + b**2)
        return Prediction("x0", mean + gain * (x - a * mean))
