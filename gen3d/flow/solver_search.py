"""Search for a solver schedule: which solver makes each step, where, and under which guidance.

Liu et al. 2023 (arXiv 2312.07243, USF and S^3): with few evaluations the best choice differs from
step to step. Here a candidate is judged by how far its samples end from a fine reference's, on a
few samples, within a budget of evaluations; half of the candidates are random, the others are
mutations of the best. (The paper adds a learnt predictor of the score, which a search of some
hundred candidates does not need.)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.conditions import Condition
from gen3d.flow.fields import BoundField, Field
from gen3d.flow.guidance import StepwiseClassifierFree
from gen3d.flow.paths import LINEAR, Path
from gen3d.flow.predictions import Prediction
from gen3d.flow.reduce import DENSE, Reducer
from gen3d.flow.sampler import SampleResult, sample
from gen3d.flow.schedules import FixedSchedule
from gen3d.flow.solvers import History, Solver

_ATTEMPTS = 1000  # to draw one candidate within the budget
_PARENTS = 4


@dataclass(frozen=True)
class ScheduledSolver(Solver):
    """Another solver for each step; what one leaves in the history, a later one may use.

    Args:
        times: Of the steps; the schedule must be `FixedSchedule` of them.
        solvers: One per step.

    Raises:
        InputError: There is not one solver per step.
    """

    times: tuple[float, ...]
    solvers: tuple[Solver, ...]

    order: ClassVar[int] = 1  # that of the weakest; no order follows from a fixed grid
    evaluations: ClassVar[int] = 1  # at least

    def __post_init__(self) -> None:
        steps = FixedSchedule(self.times).steps
        if len(self.solvers) != steps:
            raise InputError(f"expected a solver per step ({steps}), got {len(self.solvers)}")

    def step(
        self, field: BoundField, x: Float[Tensor, "*shape"], s: float, t: float, history: History
    ) -> tuple[Float[Tensor, "*shape"], History]:
        """Let the step's own solver make it.

        Raises:
            InputError: ``s`` is not the start of a step.
        """
        if s not in self.times[:-1]:
            raise InputError(f"no step begins at {s}; they begin at {self.times[:-1]}")
        return self.solvers[self.times.index(s)].step(field, x, s, t, history)


@dataclass(frozen=True)
class SolverSchedule:
    """All that a run needs to know.

    Attributes:
        times: Falling, one more than steps.
        solvers: One per step.
        weights: Weight of guidance of each step; 1 is a step without.
    """

    times: tuple[float, ...]
    solvers: tuple[Solver, ...]
    weights: tuple[float, ...]

    @property
    def solver(self) -> ScheduledSolver:
        """The solver to sample with."""
        return ScheduledSolver(self.times, self.solvers)

    def run(
        self,
        field: Field,
        x_T: Float[Tensor, "*shape"],
        *,
        cond: Condition = None,
        uncond: Condition = None,
        reducer: Reducer = DENSE,
    ) -> SampleResult:
        """Sample by it; the arguments are those of `sample`."""
        return sample(
            field,
            x_T,
            steps=len(self.solvers),
            cond=cond,
            guidance=StepwiseClassifierFree(self.times, self.weights),
            uncond=uncond,
            schedule=FixedSchedule(self.times),
            solver=self.solver,
            reducer=reducer,
        )

    def price(self) -> int:
        """Count the evaluations per sample, by a run on a field that costs nothing."""
        return self.run(_Nothing(), torch.zeros(1, 1)).evaluations


@dataclass(frozen=True)
class SearchOutcome:
    """What a search has found.

    Attributes:
        best: The best candidate.
        error: Its root mean square distance from the target.
        history: The best error after each candidate; never rises.
    """

    best: SolverSchedule
    error: float
    history: tuple[float, ...]


def search_solver_schedule(
    field: Field,
    x_T: Float[Tensor, "*shape"],
    target: Float[Tensor, "*shape"],
    *,
    budget: int,
    solvers: Sequence[Solver],
    weights: Sequence[float],
    trials: int,
    generator: torch.Generator,
    cond: Condition = None,
    uncond: Condition = None,
    starts: Sequence[SolverSchedule] = (),
    reducer: Reducer = DENSE,
) -> SearchOutcome:
    """Find a solver schedule that comes close to the target within a budget.

    Args:
        field: The field, without guidance.
        x_T: Noise of a few samples.
        target: Where a fine guided run carries them.
        budget: Evaluations per sample; a guided one counts twice.
        solvers: To choose from.
        weights: Of guidance, to choose from; 1 makes a step cheap.
        trials: Candidates to judge, ``starts`` included.
        generator: A CPU generator.
        cond: Handed to the field.
        uncond: The condition that stands for "none".
        starts: Candidates to begin with; those beyond the budget are refused.
        reducer: Knows the samples.

    Raises:
        InputError: Nothing can be drawn within the budget, or a start exceeds it.
    """
    if any(start.price() > budget for start in starts):
        raise InputError(f"a start costs more than the budget of {budget}")
    found: dict[SolverSchedule, float] = {}
    history: list[float] = []
    waiting = list(starts)
    for trial in range(trials):
        if waiting:
            candidate = waiting.pop(0)
        else:
            ranked = sorted(found, key=found.__getitem__)[:_PARENTS]
            parents = ranked if trial >= trials // 2 else []
            candidate = _draw(parents, solvers, weights, budget, generator)
        if candidate not in found:
            x0 = candidate.run(field, x_T, cond=cond, uncond=uncond, reducer=reducer).x0
            found[candidate] = reducer.mean((x0 - target).square()).mean().sqrt().item()
        history.append(min(found.values()))
    best = min(found, key=found.__getitem__)
    return SearchOutcome(best, found[best], tuple(history))


def _draw(
    parents: Sequence[SolverSchedule],
    solvers: Sequence[Solver],
    weights: Sequence[float],
    budget: int,
    generator: torch.Generator,
) -> SolverSchedule:
    for _ in range(_ATTEMPTS):
        if parents:
            parent = parents[_integer(len(parents), generator)]
            candidate = _mutated(parent, solvers, weights, generator)
        else:
            candidate = _random(solvers, weights, 1 + _integer(budget, generator), generator)
        if candidate.price() <= budget:
            return candidate
    raise InputError(f"no solver schedule costs {budget} evaluations or less")


def _random(
    solvers: Sequence[Solver], weights: Sequence[float], steps: int, generator: torch.Generator
) -> SolverSchedule:
    inside = torch.rand(steps - 1, generator=generator, dtype=torch.float64).sort(descending=True)
    return SolverSchedule(
        (1.0, *inside.values.tolist(), 0.0),
        tuple(_choice(solvers, generator) for _ in range(steps)),
        tuple(_choice(weights, generator) for _ in range(steps)),
    )


def _mutated(
    parent: SolverSchedule,
    solvers: Sequence[Solver],
    weights: Sequence[float],
    generator: torch.Generator,
) -> SolverSchedule:
    """Move one time, or change one step's solver or weight."""
    steps = len(parent.solvers)
    what, index = _integer(4, generator), _integer(steps, generator)
    if what == 0:
        return dataclasses.replace(
            parent, solvers=_replaced(parent.solvers, index, _choice(solvers, generator))
        )
    if what == 1:
        return dataclasses.replace(
            parent, weights=_replaced(parent.weights, index, _choice(weights, generator))
        )
    if index == 0:
        return parent
    # Anywhere in the middle of the room between its neighbours.
    high, low = parent.times[index - 1], parent.times[index + 1]
    share = 0.1 + 0.8 * torch.rand(1, generator=generator, dtype=torch.float64).item()
    return dataclasses.replace(
        parent, times=_replaced(parent.times, index, low + share * (high - low))
    )


def _replaced(items: tuple, index: int, item: object) -> tuple:
    return (*items[:index], item, *items[index + 1 :])


def _choice(items: Sequence, generator: torch.Generator):
    return items[_integer(len(items), generator)]


def _integer(below: int, generator: torch.Generator) -> int:
    return int(torch.randint(below, (1,), generator=generator))


@dataclass(frozen=True)
class _Nothing:
    """A field of zeros."""

    path: Path = LINEAR

    def __call__(self, x: Tensor, t: float, cond: Condition = None) -> Prediction:
        return Prediction("velocity", torch.zeros_like(x))
