"""Targets whose flow is known exactly: the truth that the solvers are held against.

Every coordinate is a one-dimensional Gaussian mixture, independent of the others. Its velocity has
a closed form; its flow map is the monotone rearrangement ``x_t = F_t^-1(F_s(x_s))`` of the marginal
distribution functions, found by bisection. One component gives the Gaussian.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gen3d.flow import LINEAR, Kind, Path, Prediction


@dataclass(frozen=True)
class Mixture:
    """An exact field that answers in any kind of prediction; a condition shifts its means."""

    weights: tuple[float, ...] = (0.4, 0.6)
    means: tuple[float, ...] = (-1.2, 1.0)
    stds: tuple[float, ...] = (0.45, 0.35)
    path: Path = LINEAR
    kind: Kind = "velocity"

    def __call__(self, x: Tensor, t: float, cond: Tensor | None = None) -> Prediction:
        wide = x.double()
        shift = 0.0 if cond is None else cond.double()
        return Prediction(self.kind, self.exact(wide, t, shift).to(x.dtype))

    def exact(self, x: Tensor, t: float, shift: float | Tensor = 0.0) -> Tensor:
        a, b = self.path.a(t), self.path.b(t)
        weights, means, stds = (x.new_tensor(v) for v in (self.weights, self.means, self.stds))
        variances = (a * stds) ** 2 + b**2
        residuals = (x - a * shift)[..., None] - a * means
        logits = weights.log() - variances.log() / 2 - residuals**2 / (2 * variances)
        shares = logits.softmax(-1)
        x0 = (shares * (means + a * stds**2 / variances * residuals)).sum(-1) + shift
        eps = (shares * (b / variances * residuals)).sum(-1)
        return {
            "x0": x0,
            "eps": eps,
            "velocity": self.path.da(t) * x0 + self.path.db(t) * eps,
            "score": -(shares / variances * residuals).sum(-1),
            "v_salimans_ho": a * eps - b * x0,
            "flow": eps - x0,
        }[self.kind]

    def cdf(self, x: Tensor, t: float) -> Tensor:
        a, b = self.path.a(t), self.path.b(t)
        weights, means, stds = (x.new_tensor(v) for v in (self.weights, self.means, self.stds))
        scale = ((a * stds) ** 2 + b**2).sqrt()
        return (weights * torch.special.ndtr((x[..., None] - a * means) / scale)).sum(-1)

    def flow(self, x: Tensor, s: float, t: float) -> Tensor:
        """Carry points from time s to time t exactly."""
        mass = self.cdf(x, s)
        low, high = torch.full_like(x, -20.0), torch.full_like(x, 20.0)
        for _ in range(80):
            middle = (low + high) / 2
            below = self.cdf(middle, t) < mass
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        return (low + high) / 2


def gaussian(mean: float, std: float, path: Path = LINEAR, kind: Kind = "velocity") -> Mixture:
    """The Gaussian N(mean, std^2)."""
    return Mixture((1.0,), (mean,), (std,), path, kind)


def gaussian_flow(mean: float, std: float, path: Path, x: Tensor, s: float, t: float) -> Tensor:
    """The flow map of a Gaussian: ``x_t = a_t m + sqrt(V_t / V_s) (x_s - a_s m)``."""

    def variance(u: float) -> float:
        return (path.a(u) * std) ** 2 + path.b(u) ** 2

    scale = (variance(t) / variance(s)) ** 0.5
    return path.a(t) * mean + scale * (x - path.a(s) * mean)
