"""FLAIR: the mode of a flow's posterior, under data that must be met exactly."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.fields import BoundField
from gen3d.flow.reduce import DENSE, Reducer
from gen3d.flow.steering.problem import Descent, Problem, Rule, SteeringMethod, check_positive

_STRENGTH = 0.5
_FLOOR = 1e-7


@dataclass(frozen=True)
class ErrorWeights:
    """The weight of the prior by time, from the model's own error: sure where it is good.

    ``w(t) = 1/2 (u(t) - u(t_last))``, at least 0, where ``u = 1 / (error + 1e-7)`` scaled to a
    maximum of 1 (Erbach et al. 2025, arXiv 2506.02680). Between the times of the calibration, w is
    interpolated.

    Args:
        times: Falling.
        errors: Mean squared errors of the velocity at these times.

    Raises:
        InputError: The times do not fall, or their number is not that of the errors.
    """

    times: tuple[float, ...]
    errors: tuple[float, ...]

    def __post_init__(self) -> None:
        falling = all(s > t for s, t in itertools.pairwise(self.times))
        if not falling or len(self.times) != len(self.errors) or not self.times:
            raise InputError("weights need falling times and as many errors")

    def __call__(self, t: float) -> float:
        """Return ``w(t)``; beyond the calibrated times, that of the nearest."""
        inverse = 1 / (torch.tensor(self.errors, dtype=torch.float64) + _FLOOR)
        scaled = inverse / inverse.max()
        weights = (_STRENGTH * (scaled - scaled[-1])).clamp(min=0).tolist()
        ascending = list(zip(self.times, weights, strict=True))[::-1]
        before = [pair for pair in ascending if pair[0] <= t]
        after = [pair for pair in ascending if pair[0] > t]
        if not before or not after:
            return (before or after)[-1 if before else 0][1]
        (low, w_low), (high, w_high) = before[-1], after[0]
        return w_low + (w_high - w_low) * (t - low) / (high - low)


@torch.no_grad()
def calibrate(
    field: BoundField,
    data: Float[Tensor, "*shape"],
    times: Sequence[float],
    generators: Sequence[torch.Generator],
    *,
    reducer: Reducer = DENSE,
) -> ErrorWeights:
    """Measure a model's error of the velocity on data at every time.

    Args:
        field: The model with its condition and guidance.
        data: Samples that the model was not trained on.
        times: Falling, inside 0..1.
        generators: One CPU generator per sample.
        reducer: Knows the samples.
    """
    noise = reducer.randn(data.shape, generators, device=data.device, dtype=data.dtype)
    errors = []
    for t in times:
        x = field.path.interpolate(data, noise, t)
        wrong = field.velocity(x, t) - field.path.velocity(data, noise, t)
        errors.append(float(reducer.mean(wrong.square()).mean()))
    return ErrorWeights(tuple(times), tuple(errors))


@dataclass(frozen=True)
class FLAIR(SteeringMethod):
    """Variational search for the mode with hard data consistency (Erbach et al. 2025).

    The driver's ``x`` is a first estimate of the data, mu. Per time (arXiv 2506.02680): noise that
    is partly the one predicted before (``alpha eps_hat + sqrt(1 - alpha^2) n`` with
    ``alpha = a(t)``: the trajectory adjustment), a step on the prior's term
    ``mu <- mu - rate w(t) (mu - x_0_hat) / b(t)``, which on the linear path is
    ``w (v - (eps - mu))``, and then descents on the data's term until every sample's objective is
    below ``tolerance``. The two never enter one gradient.

    Args:
        weights: w(t), from :func:`calibrate`.
        rate: Of the prior's term.
        data_rate: Step length of the data's term.
        data_steps: Descents on the data's term per time, at most.
        data_rule: Plain steps, or Adam's, whose moments are begun anew at every time.
        tolerance: A sample with a lower objective is not moved by its data; 0 always does.
        adjust: Whether to carry the predicted noise along. That keeps the detail of one
            trajectory, as published; without, mu settles at the mode itself.

    Raises:
        InputError: A setting is out of its range.
    """

    weights: ErrorWeights
    rate: float = 1.0
    data_rate: float = 0.1
    data_steps: int = 15
    data_rule: Rule = "gradient"
    tolerance: float = 0.0
    adjust: bool = True
    starts_from: ClassVar[Literal["noise", "data"]] = "data"

    def __post_init__(self) -> None:
        check_positive(rate=self.rate, data_rate=self.data_rate, data_steps=self.data_steps)
        if not self.tolerance >= 0:
            raise InputError(f"tolerance must not be negative, got {self.tolerance}")

    @torch.no_grad()
    def run(self, problem: Problem, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Search from an estimate; the schedule's last time is not visited."""
        path, mu = problem.field.path, x
        predicted: Tensor | None = None
        visited = problem.times[:-1]
        for number, t in enumerate(visited, 1):
            noise = problem.noise_like(mu)
            if predicted is not None and self.adjust:
                alpha = path.a(t)
                noise = alpha * predicted + (1 - alpha * alpha) ** 0.5 * noise
            x_t = path.interpolate(mu, noise, t)
            x0 = problem.field.x0(x_t, t)
            predicted = (x_t - path.a(t) * x0) / path.b(t)
            mu = mu - self.rate * self.weights(t) * (mu - x0) / path.b(t)
            mu = self._meet_data(problem, mu)
            problem.report(number, len(visited))
        return mu

    def _meet_data(self, problem: Problem, mu: Float[Tensor, "*shape"]) -> Tensor:
        descent = Descent(self.data_rule, self.data_rate)
        for _ in range(self.data_steps):
            with torch.enable_grad():
                leaf = mu.detach().requires_grad_(True)
                loss = problem.objective(leaf)
                (gradient,) = torch.autograd.grad(loss.sum(), leaf)
            open_items = loss.detach() > self.tolerance
            if not bool(open_items.any()):
                break
            moved = descent.move(mu, gradient)
            mu = torch.where(problem.reducer.broadcast(open_items, mu), moved, mu)
        return mu
