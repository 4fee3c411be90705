"""FlowOpt: optimise the noise through the whole process, without any derivative of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.fields import BoundField
from gen3d.flow.reduce import DENSE, Reducer
from gen3d.flow.steering.problem import Problem, SteeringMethod, check_positive, run_steps

_SHARE_OF_BOUND = 0.5


@torch.no_grad()
def invert(
    field: BoundField, x0: Float[Tensor, "*shape"], times: Sequence[float]
) -> Float[Tensor, "*shape"]:
    """Carry data back to noise by UniInv's rule, one evaluation per step.

    A step up to t guesses the next state with the velocity at hand, asks for the velocity there
    and takes that one, so that an Euler step down from t undoes it as far as the guess was right
    (Jiao et al. 2025, UniEdit-Flow, arXiv 2504.13109).

    Args:
        field: The flow that the noise shall give the data under.
        x0: The data.
        times: Of the way down: falling; they are walked from the last to the first.
    """
    x, velocity = x0, torch.zeros_like(x0)
    for number, (s, t) in enumerate(itertools.pairwise(reversed(times))):
        # Networks are untrained at t = 0, so the first guess is no move at all.
        guess = x + (t - s) * velocity if number else x
        velocity = field.velocity(guess, t)
        x = x + (t - s) * velocity
    return x


@torch.no_grad()
def step_size_bound(
    process: Callable[[Tensor], Tensor],
    x: Float[Tensor, "*shape"],
    generators: Sequence[torch.Generator],
    *,
    spread: float = 0.1,
    pairs: int = 3,
    reducer: Reducer = DENSE,
) -> Float[Tensor, " batch"]:
    """Estimate per sample how long FlowOpt's steps may be at most.

    The iteration contracts around x where ``eta < 2 <dF, dx> / |dF|^2`` for all small changes dx
    (for an affine process with a symmetric matrix A > 0: where ``eta < 2 / A``; Ronai et al. 2025,
    arXiv 2510.22010). Random changes hardly ever show the smallest quotient, so each pair's change
    is where the one before it went, as in a power iteration; the smallest of all is returned. A
    process that turns some change around gives a number below 0: no step is safe.

    Args:
        process: From noise to data, each sample on its own.
        x: Where.
        generators: One CPU generator per sample.
        spread: Standard deviation of the changes.
        pairs: How many changes to try, each a run of the process; so is the point itself.
        reducer: Knows the samples.
    """
    base = process(x)
    change = reducer.randn(x.shape, generators, device=x.device, dtype=x.dtype) * spread
    quotients = []
    for _ in range(pairs):
        moved = process(x + change) - base
        quotients.append(2 * reducer.dot(moved, change) / reducer.dot(moved, moved))
        ratio = reducer.norm(change) / reducer.norm(moved)
        change = moved * reducer.broadcast(ratio.to(moved), moved)
    return torch.stack(quotients).amin(0)


@dataclass(frozen=True)
class FlowOpt(SteeringMethod):
    """Zero-order steps: ``x_T <- x_T - eta grad L(F(x_T))``, the Jacobian of F taken for 1.

    With the objective ``1/2 |x_0 - y|^2`` the step is ``eta (F(x_T) - y)``, that of Ronai et al.
    2025 (arXiv 2510.22010). For inversion F has the condition of the data; for editing that of the
    result, and the driver's ``x`` is the data inverted by :func:`invert`, as a rule up to a time
    below 1 only. No gradient passes the process, and it may be stopped after any iteration; each
    sample keeps the best that it has seen.

    Args:
        iterations: Runs of the process, the last one included.
        eta: Step length; None takes half of :func:`step_size_bound`.

    Raises:
        InputError: A setting is out of its range.
    """

    iterations: int = 8
    eta: float | None = None

    def __post_init__(self) -> None:
        check_positive(iterations=self.iterations)
        if self.eta is not None:
            check_positive(eta=self.eta)

    @torch.no_grad()
    def run(self, problem: Problem, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Steer from noise to data."""

        def process(noise: Tensor) -> Tensor:
            return run_steps(problem.field, noise, problem.times)

        reducer = problem.reducer
        eta = self._step(problem, process, x) if self.iterations > 1 else 0.0
        best = process(x)
        lowest, current = problem.objective(best), best
        problem.report(1, self.iterations)
        for number in range(2, self.iterations + 1):
            x = x - eta * problem.gradient(current)
            current = process(x)
            loss = problem.objective(current)
            better = loss < lowest
            best = torch.where(reducer.broadcast(better, x), current, best)
            lowest = torch.where(better, loss, lowest)
            problem.report(number, self.iterations)
        return best

    def _step(
        self, problem: Problem, process: Callable[[Tensor], Tensor], x: Tensor
    ) -> Tensor | float:
        if self.eta is not None:
            return self.eta
        if not problem.generators:
            raise InputError(
                "the step's bound is estimated with random changes: give eta, or one generator "
                "per sample"
            )
        bound = step_size_bound(process, x, problem.generators, reducer=problem.reducer)
        if bool((bound <= 0).any()):
            raise InputError("the process turns changes around: no step of FlowOpt is safe here")
        return problem.reducer.broadcast((_SHARE_OF_BOUND * bound).to(x), x)
