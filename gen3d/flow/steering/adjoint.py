"""AdjointDPM: gradients through the whole sampler in the memory of one step."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.fields import BoundField
from gen3d.flow.predictions import Prediction
from gen3d.flow.solvers import EULER, Solver
from gen3d.flow.steering.problem import (
    Descent,
    Objective,
    Problem,
    Rule,
    SteeringMethod,
    check_positive,
)

Mode: TypeAlias = Literal["discrete", "continuous", "continuous_rho"]


@dataclass(frozen=True)
class AdjointGradient:
    """What an adjoint pass gives.

    Attributes:
        x0: The data that the noise leads to.
        loss: Its objective.
        noise: Gradient by the noise.
        others: Gradients by the other tensors asked for, summed over the samples.
    """

    x0: Float[Tensor, "*shape"]
    loss: Float[Tensor, " batch"]
    noise: Float[Tensor, "*shape"]
    others: tuple[Tensor, ...]


def adjoint_gradient(
    field: BoundField,
    objective: Objective,
    x_T: Float[Tensor, "*shape"],
    times: Sequence[float],
    *,
    solver: Solver = EULER,
    mode: Mode = "discrete",
    others: Sequence[Tensor] = (),
) -> AdjointGradient:
    """Differentiate ``objective(sample(x_T))`` by the noise, and by what the field depends on.

    ``discrete`` keeps the state at every time and builds the graph of one step after the other
    backwards: the exact gradient of the sampler as it is, as checkpointing gives it. No more than
    one step's graph is alive at a time.

    ``continuous`` integrates the adjoint equation ``da/dt = -a^T dv/dx`` back from the data
    together with the state, which it thus needs not keep (Pan et al. 2023, AdjointDPM, arXiv
    2307.10711; Chen et al. 2018, arXiv 1806.07366). Its steps are midpoint steps on the
    same times, so it differs from the sampler's own gradient by their errors. ``continuous_rho``
    does so in the variables ``y = x / a`` and ``rho = b / a`` of AdjointDPM, where
    ``dy/drho = eps``: not stiff on variance-preserving paths; the first time must have data in it
    (a > 0).

    Args:
        field: The flow.
        objective: Loss of the data.
        x_T: Noise, the state at the first time.
        times: Falling.
        solver: Of the way down; one that needs no history.
        mode: How.
        others: Leaf tensors that the field depends on (a condition, parameters).

    Raises:
        InputError: The solver keeps a history, or rho is infinite at the first time.
    """
    if mode == "continuous_rho" and field.path.a(times[0]) <= 0:
        raise InputError(
            f"rho = b / a is infinite at t = {times[0]}", hint="start later, or take 'continuous'"
        )
    states = [x_T.detach()]
    with torch.no_grad():
        for s, t in itertools.pairwise(times):
            state, history = solver.step(field, states[-1], s, t, ())
            if history:
                raise InputError(f"{type(solver).__name__} keeps a history: take another solver")
            states = [*states, state] if mode == "discrete" else [state]
    with torch.enable_grad():
        x0 = states[-1].requires_grad_(True)
        loss = objective(x0)
        (adjoint,) = torch.autograd.grad(loss.sum(), x0)
    walk = _Backwards(field, solver, others)
    if mode == "discrete":
        noise = walk.discrete(states, times, adjoint)
    else:
        noise = walk.continuous(x0.detach(), times, adjoint, in_rho=mode == "continuous_rho")
    return AdjointGradient(x0.detach(), loss.detach(), noise, tuple(walk.gradients))


class _Backwards:
    """One walk from data to noise, which sums the gradients of the other tensors on its way."""

    def __init__(self, field: BoundField, solver: Solver, others: Sequence[Tensor]) -> None:
        self.field, self.solver, self.others = field, solver, list(others)
        self.gradients = [torch.zeros_like(tensor) for tensor in others]

    def discrete(self, states: Sequence[Tensor], times: Sequence[float], adjoint: Tensor) -> Tensor:
        for index in reversed(range(len(times) - 1)):
            with torch.enable_grad():
                x = states[index].detach().requires_grad_(True)
                y, _ = self.solver.step(self.field, x, times[index], times[index + 1], ())
                adjoint, *found = self._vjp(y, x, adjoint)
            self._add(found, 1.0)
        return adjoint

    def continuous(
        self, x0: Tensor, times: Sequence[float], adjoint: Tensor, *, in_rho: bool
    ) -> Tensor:
        path = self.field.path
        grid = [math.exp(-path.lam(t)) if in_rho else t for t in times]
        scale = path.a(times[-1]) if in_rho else 1.0
        y, a = x0 / scale, adjoint * scale
        for s, t in itertools.pairwise(reversed(grid)):
            h, middle = t - s, (s + t) / 2
            # The first stage moves off the end of the data, where networks are untrained.
            start = s if s > 0 else s + h / 4
            rate, pull, _ = self._rates(y, start, a, in_rho)
            rate, pull, found = self._rates(y + h / 2 * rate, middle, a - h / 2 * pull, in_rho)
            y, a = y + h * rate, a - h * pull
            # The way down runs against tau.
            self._add(found, -h)
        return a / (path.a(times[0]) if in_rho else 1.0)

    def _rates(
        self, y: Tensor, at: float, adjoint: Tensor, in_rho: bool
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return dy/dtau and, with the adjoint, the vector-Jacobian products of it."""
        with torch.enable_grad():
            leaf = y.detach().requires_grad_(True)
            if in_rho:
                t = self.field.path.t_of_lam(-math.log(at))
                x = self.field.path.a(t) * leaf
                prediction = Prediction("velocity", self.field.velocity(x, t))
                rate = prediction.to("eps", self.field.path, x, t).value
            else:
                rate = self.field.velocity(leaf, at)
            pull, *found = self._vjp(rate, leaf, adjoint)
        return rate.detach(), pull, found

    def _vjp(self, y: Tensor, x: Tensor, adjoint: Tensor) -> list[Tensor]:
        inputs = [x, *self.others]
        found = torch.autograd.grad(y, inputs, adjoint, allow_unused=True)
        return [
            torch.zeros_like(tensor) if gradient is None else gradient
            for tensor, gradient in zip(inputs, found, strict=True)
        ]

    def _add(self, found: Sequence[Tensor], weight: float) -> None:
        for total, part in zip(self.gradients, found, strict=True):
            total += weight * part


@dataclass(frozen=True)
class AdjointDPM(SteeringMethod):
    """Gradient descent on the noise, with the exact gradient through the sampler.

    What comes out is a sample of the flow itself for some noise, never a point beside its data, as
    ways that move the data can give. (Pan et al. 2023, arXiv 2307.10711; as a solver of
    inverse problems: Ben-Hamu et al. 2024, D-Flow, arXiv 2402.14017.)

    Args:
        iterations: Gradients taken.
        rate: Step length.
        rule: Plain steps or Adam's.
        solver: Of the sampler.
        mode: See :func:`adjoint_gradient`.

    Raises:
        InputError: A setting is not positive.
    """

    iterations: int = 30
    rate: float = 0.1
    rule: Rule = "adam"
    solver: Solver = EULER
    mode: Mode = "discrete"

    def __post_init__(self) -> None:
        check_positive(iterations=self.iterations, rate=self.rate)

    def run(self, problem: Problem, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Steer from noise to data; each sample ends as the best that was seen of it."""
        descent = Descent(self.rule, self.rate)
        best, lowest = x, torch.full((problem.reducer.batch_size(x),), torch.inf, device=x.device)
        for number in range(1, self.iterations + 1):
            found = adjoint_gradient(
                problem.field,
                problem.objective,
                x,
                problem.times,
                solver=self.solver,
                mode=self.mode,
            )
            better = found.loss < lowest
            best = torch.where(problem.reducer.broadcast(better, x), found.x0, best)
            lowest = torch.where(better, found.loss.to(lowest), lowest)
            x = descent.move(x, found.noise)
            problem.report(number, self.iterations)
        return best
