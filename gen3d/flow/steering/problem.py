"""What all ways of steering share: the objective, the problem to solve, and a way to go down."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.fields import BoundField
from gen3d.flow.reduce import DENSE, Reducer

Objective: TypeAlias = Callable[[Float[Tensor, "*shape"]], Float[Tensor, " batch"]]
"""Loss of each sample as a function of the data, differentiable; lower is better."""

Rule: TypeAlias = Literal["gradient", "adam"]


@dataclass(frozen=True)
class Problem:
    """What a method of steering gets to work on.

    Attributes:
        field: The generative field with its condition and guidance.
        objective: What the sample shall fulfil.
        times: The schedule, from noise to data.
        generators: One CPU generator per sample, for methods that draw noise.
        reducer: Knows the samples.
        report: Called with the number of the round (from 1) and of all rounds.
    """

    field: BoundField
    objective: Objective
    times: tuple[float, ...]
    generators: tuple[torch.Generator, ...] = ()
    reducer: Reducer = DENSE
    report: Callable[[int, int], None] = lambda done, total: None

    def intervals(self) -> Iterator[tuple[float, float]]:
        """Yield the ends ``(s, t)`` of every step, in order."""
        return itertools.pairwise(self.times)

    def gradient(self, x0: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return the gradient of the objective at ``x0``, each sample's own."""
        with torch.enable_grad():
            leaf = x0.detach().requires_grad_(True)
            (gradient,) = torch.autograd.grad(self.objective(leaf).sum(), leaf)
        return gradient

    def noise_like(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Draw noise, each sample from its own generator.

        Raises:
            InputError: The generators are missing.
        """
        if not self.generators:
            raise InputError("this way of steering draws noise: give one generator per sample")
        return self.reducer.randn(x.shape, self.generators, device=x.device, dtype=x.dtype)


class SteeringMethod(ABC):
    """A way to make a flow's sample fulfil an objective that the flow was not trained for.

    Attributes:
        starts_from: What the driver's ``x`` is: the state at the first time, or an estimate of
            the data.
    """

    starts_from: Literal["noise", "data"] = "noise"

    @abstractmethod
    def run(self, problem: Problem, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return the steered data."""


class Descent:
    """Goes down a gradient, by plain steps or by Adam's (Kingma & Ba 2014, arXiv 1412.6980).

    It lives for one run only, as torch's optimizers do, but moves values rather than parameters.

    Args:
        rule: How.
        rate: Length of a step: a factor on the gradient, or (Adam) about the change per entry.
        betas: Adam's decay of the two moments.
    """

    def __init__(
        self, rule: Rule, rate: float, *, betas: tuple[float, float] = (0.8, 0.95)
    ) -> None:
        self.rule, self.rate, self.betas = rule, rate, betas
        self._moments: tuple[Tensor, Tensor] | None = None
        self._count = 0

    def move(
        self, x: Float[Tensor, "*shape"], gradient: Float[Tensor, "*shape"]
    ) -> Float[Tensor, "*shape"]:
        """Return the next point."""
        if self.rule == "gradient":
            return x - self.rate * gradient
        first, second = self._moments or (torch.zeros_like(x), torch.zeros_like(x))
        low, high = self.betas
        self._count += 1
        first = low * first + (1 - low) * gradient
        second = high * second + (1 - high) * gradient.square()
        self._moments = (first, second)
        mean = first / (1 - low**self._count)
        scale = (second / (1 - high**self._count)).sqrt()
        return x - self.rate * mean / (scale + 1e-8)


def check_positive(**values: float) -> None:
    """Check settings of a method.

    Raises:
        InputError: One is not positive; a count must be at least 1.
    """
    for name, value in values.items():
        if not value > 0:
            raise InputError(f"{name} must be positive, got {value}")


def squared_distance(
    target: Float[Tensor, "*shape"],
    weight: Float[Tensor, "*shape"] | float = 1.0,
    reducer: Reducer = DENSE,
) -> Objective:
    """Return the objective ``1/2 sum weight (x_0 - target)^2``, whose gradient is the residual.

    Args:
        target: What the data shall be near.
        weight: 1 for what is known and 0 for what is free.
        reducer: Knows the samples.
    """

    def objective(x0: Float[Tensor, "*shape"]) -> Float[Tensor, " batch"]:
        return reducer.sum(weight * (x0 - target).square()) / 2

    return objective


def run_steps(
    field: BoundField,
    x: Float[Tensor, "*shape"],
    times: Sequence[float],
) -> Float[Tensor, "*shape"]:
    """Carry ``x`` along all times by Euler steps, forwards or back."""
    for s, t in itertools.pairwise(times):
        x = x + (t - s) * field.velocity(x, s)
    return x
