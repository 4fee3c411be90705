"""What a method of search works on: a field, a reward, and a purse of evaluations."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import CancelledError, Gen3dError, InputError
from gen3d.flow.conditions import Condition, repeat_condition
from gen3d.flow.fields import BoundField, CountedField, Field
from gen3d.flow.search.candidates import Candidates, Reward
from gen3d.flow.solvers import History, Solver
from gen3d.flow.stochastic import StochasticStep
from gen3d.runtime.progress import ProgressSink
from gen3d.runtime.seeds import item_seed, make_generator, randn

Spent = TypeVar("Spent")

_CONTROL = -1
"""Number of the generator for the choices of a method; particles count from 0."""


@dataclass(frozen=True)
class Progress:
    """A point on the curve of a search.

    Attributes:
        evaluations: Network evaluations spent.
        reward: Best reward seen by then.
    """

    evaluations: int
    reward: float


@dataclass
class Problem:
    """A search in progress. Methods go through it for every evaluation, reward and random number.

    Attributes:
        field: The field, under guidance and on the path of the search.
        counted: Counts below the guidance.
        price: Evaluations that one estimate costs at a time of the path.
        cond: The condition of one sample, batch 1.
        reward: Scores estimates of the data.
        shape: Of one sample, without the batch.
        times: The grid, from the noise down.
        solver: For deterministic stretches.
        budget: Evaluations that may be spent.
        seed: Of all randomness.
        device: Where states live.
        sink: Hears of every evaluation.
        cancelled: Asked before every evaluation.
        trace: Best reward so far, after every scoring.
    """

    field: Field
    counted: CountedField
    price: Callable[[float], int]
    cond: Condition
    reward: Reward
    shape: Sequence[int]
    times: Sequence[float]
    solver: Solver
    budget: int
    seed: int
    device: torch.device | str
    sink: ProgressSink
    cancelled: Callable[[], bool]
    trace: list[Progress] = dataclasses.field(default_factory=list)
    _generators: dict[int, torch.Generator] = dataclasses.field(default_factory=dict)
    _bound: dict[int, BoundField] = dataclasses.field(default_factory=dict)

    @property
    def spent(self) -> int:
        """Evaluations so far."""
        return self.counted.rows

    @property
    def run_price(self) -> int:
        """Price of one estimate at every time of the grid but its end: of one whole sample."""
        return sum(self.price(t) for t in self.times[:-1])

    def noise(self, particles: Sequence[int]) -> Float[Tensor, "k ..."]:
        """Draw standard normal noise, row i from the generator of ``particles[i]``.

        A particle's numbers do not depend on how many others there are.
        """
        rows = [randn(self.shape, self._generator(particle)) for particle in particles]
        return torch.stack(rows).to(self.device)

    def uniform(self) -> float:
        """Draw a number from [0, 1) for a choice of the method."""
        draw = torch.rand((), generator=self._generator(_CONTROL), dtype=torch.float64)
        return draw.item()

    def estimate(self, x: Float[Tensor, "k ..."], t: float, history: History = ()) -> Candidates:
        """Evaluate the field at ``(x, t)`` and score what it points to.

        Args:
            x: States.
            t: Their time; at 0 they are the data, and nothing is evaluated.
            history: Passed on.
        """
        x0 = x if t == 0 else self._evaluate(x, t)
        reward = self.reward(x0).detach().to("cpu", torch.float64)
        if reward.shape != (len(x),) or not bool(reward.isfinite().all()):
            raise Gen3dError(
                f"the reward must give {len(x)} finite numbers, got shape {tuple(reward.shape)}"
            )
        best = max(reward.max().item(), self.trace[-1].reward if self.trace else -float("inf"))
        self.trace.append(Progress(self.spent, best))
        self.sink.advance(0, reward=best)
        return Candidates(t, x, x0, reward, history)

    def propose(
        self, step: StochasticStep, parents: Candidates, t: float, particles: Sequence[int]
    ) -> tuple[Float[Tensor, "k ..."], History]:
        """Draw a successor at ``t`` for every parent; free, as its estimate is known."""
        kernel, history = step.propose(
            self.field.path, parents.x0, parents.x, parents.t, t, parents.history
        )
        return kernel.sample(self.noise(particles)), history

    def solve(self, x: Float[Tensor, "k ..."], times: Sequence[float]) -> Float[Tensor, "k ..."]:
        """Carry states along some times by the solver."""
        history: History = ()
        bound = self._field_for(len(x))
        for s, t in itertools.pairwise(times):
            x, history = self._spending(
                lambda x=x, s=s, t=t, history=history: self.solver.step(bound, x, s, t, history)
            )
        return x

    def solve_price(self, times: Sequence[float]) -> int:
        """Bound what `solve` costs for one state."""
        return sum(self.price(s) for s in times[:-1]) * self.solver.evaluations

    def require(self, evaluations: int) -> None:
        """Refuse a budget that is too small for the method.

        Raises:
            InputError: The budget is less than ``evaluations``.
        """
        if self.budget < evaluations:
            raise InputError(
                f"this search needs a budget of at least {evaluations} evaluations, "
                f"got {self.budget}",
                hint="raise the budget or take fewer steps",
            )

    def _evaluate(self, x: Tensor, t: float) -> Tensor:
        bound = self._field_for(len(x))
        return self._spending(lambda: bound.x0(x, t))

    def _spending(self, work: Callable[[], Spent]) -> Spent:
        """Do something that evaluates the field; report what it cost, and hold to the budget."""
        if self.cancelled():
            raise CancelledError(f"cancelled after {self.spent} of {self.budget} evaluations")
        before = self.spent
        result = work()
        self.sink.advance(self.spent - before)
        assert self.spent <= self.budget, f"spent {self.spent} of {self.budget} evaluations"
        return result

    def _field_for(self, count: int) -> BoundField:
        if count not in self._bound:
            self._bound[count] = BoundField(self.field, repeat_condition(self.cond, count))
        return self._bound[count]

    def _generator(self, particle: int) -> torch.Generator:
        if particle not in self._generators:
            self._generators[particle] = make_generator(item_seed(self.seed, particle))
        return self._generators[particle]
