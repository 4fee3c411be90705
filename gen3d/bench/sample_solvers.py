"""The undistilled flow under every solver and schedule, tuned as carefully as what it is held to.

A guided step costs two evaluations, so at few evaluations it matters which steps are guided, where
they lie, and how strong the guidance is. For each solver and number of evaluations these are chosen
one after the other on captions of the validation split, and the choice is measured on the test
split. Large numbers of evaluations, where the choice hardly matters, are guided throughout.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.bench.rows import Row
from gen3d.bench.sample_run import HardSetBench, Outcome, Recipe
from gen3d.flow import NetworkField, Schedule, ShiftedSchedule, UniformSchedule, sample
from gen3d.flow.guidance import ClassifierFree
from gen3d.flow.solvers import (
    RK4,
    AdamsBashforth2,
    DPMSolverMulti,
    DPMSolverSingle,
    Euler,
    Heun,
    Midpoint,
    PseudoCorrector,
    Solver,
    UniPC,
)
from gen3d.runtime.progress import ProgressSink

SOLVERS: dict[str, Solver] = {
    "Euler": Euler(),
    "Heun": Heun(),
    "midpoint": Midpoint(),
    "RK4": RK4(),
    "AB2": AdamsBashforth2(),
    "pseudo-corrector": PseudoCorrector(),
    "DPM-Solver++ 2S": DPMSolverSingle(order=2),
    "DPM-Solver++ 2M": DPMSolverMulti(order=2),
    "DPM-Solver++ 3M": DPMSolverMulti(order=3),
    "UniPC 2": UniPC(order=2),
    "UniPC 3": UniPC(order=3),
}
SCHEDULES: dict[str, Schedule] = {
    "uniform": UniformSchedule(),
    "shift 2": ShiftedSchedule(2.0),
    "shift 1/2": ShiftedSchedule(0.5),
}
FEW = (1, 2, 3, 4, 5)
MANY = (8, 10, 20, 40, 100)
_WEIGHTS = (2.0, 5.0)
# Parts of a step at which guidance may begin or end: behind every evaluation, by any solver.
_INSIDE = (0.05, 0.55)


@dataclass(frozen=True)
class SolverSizes:
    """How much is measured.

    Attributes:
        solvers: Names out of ``SOLVERS``.
        few: Numbers of evaluations at which recipes are chosen.
        many: Numbers of evaluations at which every step is guided.
        tuning_asks: Validation asks that choose.
        asks: Test asks at ``few``.
        asks_at_many: Test asks at ``many``.
    """

    solvers: tuple[str, ...] = tuple(SOLVERS)
    few: tuple[int, ...] = FEW
    many: tuple[int, ...] = MANY
    tuning_asks: int = 16
    asks: int = 64
    asks_at_many: int = 8


def recipes(
    solver: Solver, schedule: Schedule, evaluations: int, weight: float
) -> Iterator[Recipe]:
    """Yield all ways to spend exactly so many evaluations, guided at consecutive ones or at none.

    Which evaluations a solver makes at which times is found by a run on a field that is zero.
    """
    for steps in range(1, evaluations + 1):
        seen = set()
        for interval in (None, *itertools.combinations(_edges(schedule, steps), 2)):
            recipe = Recipe(solver, schedule, steps, weight, interval)
            spent, guided = spending(recipe)
            if spent == evaluations and guided not in seen:
                seen.add(guided)
                yield recipe


def _edges(schedule: Schedule, steps: int) -> list[float]:
    """Return rising times between which guidance may act, before and inside of every step."""
    times: list[float] = schedule.grid(steps).tolist()
    inner = [t + part * (s - t) for s, t in itertools.pairwise(times) for part in _INSIDE]
    return sorted({0.0, 1.0, *inner})


def spending(recipe: Recipe) -> tuple[int, tuple[float, ...]]:
    """Return the evaluations that a recipe spends and the times at which it is guided."""
    asked: list[float] = []

    def network(x: Tensor, t: Tensor, cond: object) -> Float[Tensor, "batch one"]:
        # A guided evaluation asks for both halves in one batch.
        if len(x) == 2:
            asked.append(float(t[0]))
        return torch.zeros_like(x)

    rule = None
    if recipe.interval is not None:
        rule = ClassifierFree(recipe.weight, interval=recipe.interval)
    result = sample(
        NetworkField(network),
        torch.zeros(1, 1, dtype=torch.float64),
        steps=recipe.steps,
        cond=torch.zeros(1),
        uncond=torch.zeros(1),
        guidance=rule,
        schedule=recipe.schedule,
        solver=recipe.solver,
    )
    return result.evaluations, tuple(asked)


@dataclass(frozen=True)
class SolverRun:
    """A solver under the recipe that was chosen for it, and what came of it."""

    recipe: Recipe
    outcome: Outcome

    def row(self) -> Row:
        """Return figures and settings."""
        return self.outcome.row() | _settings(self.recipe)


def solver_runs(
    test: HardSetBench, validation: HardSetBench, sizes: SolverSizes, sink: ProgressSink
) -> dict[str, SolverRun]:
    """Measure every solver at every number of evaluations; runs by the names of both."""
    found: dict[str, SolverRun] = {}
    jobs = [(name, count) for count in (*sizes.few, *sizes.many) for name in sizes.solvers]
    sink.stage_started("undistilled solvers", len(jobs))
    for name, count in jobs:
        few = count in sizes.few
        if few:
            recipe = chosen(validation, SOLVERS[name], count)
        else:
            recipe = guided_throughout(test, SOLVERS[name], count)
        if recipe is not None:
            outcome = test.undistilled(recipe, sizes.asks if few else sizes.asks_at_many)
            found[f"{name}, {count}"] = SolverRun(recipe, outcome)
        sink.advance()
    sink.stage_finished()
    return found


def schedule_rows(
    test: HardSetBench, sizes: SolverSizes, counts: Sequence[int], sink: ProgressSink
) -> dict[str, Row]:
    """Measure every solver on every schedule, guided throughout, on the first few asks."""
    found: dict[str, Row] = {}
    jobs = [(n, s, c) for c in counts for n in sizes.solvers for s in SCHEDULES]
    sink.stage_started("solvers on schedules", len(jobs))
    for name, schedule, count in jobs:
        recipe = guided_throughout(test, SOLVERS[name], count, SCHEDULES[schedule])
        if recipe is not None:
            row = test.undistilled(recipe, sizes.asks_at_many).row()
            found[f"{name}, {schedule}, {count}"] = row
        sink.advance()
    sink.stage_finished()
    return found


def chosen(validation: HardSetBench, solver: Solver, evaluations: int) -> Recipe | None:
    """Return the recipe that is right most often on validation captions, of those tried.

    First which steps are guided, then the schedule, then the weight. Of recipes that are right
    equally often, the one nearest to the teacher's latents wins.

    Returns:
        None where the solver cannot spend so many evaluations.
    """
    weight = validation.pipeline.sampling.guidance

    def worth(recipe: Recipe) -> tuple[float, float]:
        row = validation.undistilled(recipe).row()
        return row["accuracy"], -row["latent_rms"]

    tried = list(recipes(solver, UniformSchedule(), evaluations, weight))
    if not tried:
        return None
    best = max(tried, key=worth)
    if best.steps > 1:
        others = [s for s in SCHEDULES.values() if s != best.schedule]
        best = max([best, *(moved(best, s) for s in others)], key=worth)
    if best.interval is None:
        return best
    return max([best, *(replace(best, weight=w) for w in _WEIGHTS)], key=worth)


def guided_throughout(
    bench: HardSetBench, solver: Solver, evaluations: int, schedule: Schedule | None = None
) -> Recipe | None:
    """Return the recipe that guides every step; None where the evaluations do not come out even."""
    schedule = schedule or UniformSchedule()
    for steps in range(1, evaluations // 2 + 1):
        recipe = Recipe(solver, schedule, steps, bench.pipeline.sampling.guidance)
        if spending(recipe)[0] == evaluations:
            return recipe
    return None


def moved(recipe: Recipe, schedule: Schedule) -> Recipe:
    """Put a recipe on another schedule, with the same steps guided."""
    interval = recipe.interval
    if interval is not None:
        old, new = (_edges(s, recipe.steps) for s in (recipe.schedule, schedule))
        interval = (new[old.index(interval[0])], new[old.index(interval[1])])
    return replace(recipe, schedule=schedule, interval=interval)


def _settings(recipe: Recipe) -> Row:
    shift = recipe.schedule.shift if isinstance(recipe.schedule, ShiftedSchedule) else 1.0
    guided = len(spending(recipe)[1])
    return {"steps": recipe.steps, "guided": guided, "weight": recipe.weight, "shift": shift}
