"""What better times, guidance and solvers of the undistilled flow gain over equal Euler steps.

A fine guided run of the same noise is the target; the error is the root mean square distance of
the latents from it, on captions that nothing was fitted to. Fits see captions of the training
split, measurements those of the validation split; the test split stays unseen.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gen3d.bench.rows import Row, Rows
from gen3d.data.procedural import make_shape
from gen3d.data.procedural.dataset import SPLIT_SEEDS
from gen3d.flow import (
    RAAG,
    AdamsBashforth2,
    BoundField,
    CFGZeroStar,
    ClassifierFree,
    Euler,
    FixedSchedule,
    Guidance,
    Guided,
    Heun,
    KarrasSchedule,
    LogSNRSchedule,
    NetworkField,
    Rescaled,
    Schedule,
    ShiftedSchedule,
    Solver,
    StepwiseClassifierFree,
    UniformSchedule,
    UniPC,
    sample,
)
from gen3d.flow.bespoke import BespokeSolver, fit_bespoke
from gen3d.flow.boss import best_plan, step_costs
from gen3d.flow.solver_search import SolverSchedule, search_solver_schedule
from gen3d.runtime.progress import ProgressSink
from gen3d.runtime.seeds import make_generator
from gen3d.vecset.dit import Condition
from gen3d.vecset.pipeline import VecsetPipeline

BUDGET = 5
"""Evaluations per sample of the recipes that compete with the students."""
STEPS = (3, 4, 5, 8)
Recipe: TypeAlias = tuple[Guidance, Solver, Schedule, int]
_GRID = 50
# Times at grid points, and for each the branch that is asked: conditional (1) or not (0).
_BESPOKE_AT = (0, 4, 8, 10, 31)
_BESPOKE_BRANCHES = (1.0, 1.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class StudySizes:
    """How much is measured.

    Attributes:
        fit: Captions that fits see.
        held: Captions that are measured.
        trials: Candidates of the search.
    """

    fit: int = 16
    held: int = 16
    trials: int = 24


@dataclass(frozen=True)
class Group:
    """Captions with their fine guided run.

    Attributes:
        cond: Of the captions.
        noise: One draw per caption.
        states: The run, from noise to data.
        times: Of the states.
    """

    cond: Condition
    noise: Float[Tensor, "n latents channels"]
    states: Float[Tensor, "grid_plus_1 n latents channels"]
    times: Float64[Tensor, " grid_plus_1"]

    @property
    def uncond(self) -> Condition:
        """The condition that stands for "none"."""
        return self.cond.unconditional()


class ScheduleStudy:
    """Measures ways to sample one model, and remembers them on disk.

    Args:
        pipeline: The model.
        rows: Where finished measurements lie.
        sizes: How much is measured.
        progress: Where to report.
    """

    def __init__(
        self,
        pipeline: VecsetPipeline,
        rows: Rows,
        progress: ProgressSink,
        sizes: StudySizes | None = None,
    ) -> None:
        self.pipeline, self.rows, self.progress = pipeline, rows, progress
        self.sizes = sizes or StudySizes()
        self.weight = pipeline.sampling.guidance
        self.field = NetworkField(pipeline.dit)
        measured = dataclasses.asdict(self.sizes)
        settings = [pipeline.undistilled_fingerprint, self.weight, measured, _GRID, _BESPOKE_AT]
        text = json.dumps([*settings, _BESPOKE_BRANCHES], sort_keys=True)
        self._key = hashlib.sha256(text.encode()).hexdigest()[:12]

    @cached_property
    def fit(self) -> Group:
        """What fits see."""
        return self._group("train", self.sizes.fit, 0)

    @cached_property
    def held(self) -> Group:
        """What is measured."""
        return self._group("val", self.sizes.held, 4)

    def row(
        self,
        name: str,
        make: Callable[[], Recipe],
    ) -> Row:
        """Measure a way to sample on the captions that were held back.

        Args:
            name: Its name, which is remembered.
            make: Gives rule, solver, schedule and steps; fits what is to be fitted.
        """

        def measure() -> Row:
            rule, solver, schedule, steps = make()
            held = self.held
            run = sample(
                self.field,
                held.noise,
                steps=steps,
                cond=held.cond,
                uncond=held.uncond,
                guidance=rule,
                solver=solver,
                schedule=schedule,
            )
            error = (run.x0 - held.states[-1]).square().mean().sqrt().item()
            times = schedule.grid(steps).tolist()
            placed = {f"t_{i}": t for i, t in enumerate(times)} if steps <= max(STEPS) else {}
            return {"evaluations": run.evaluations, "latent_rms": error, **placed}

        self.progress.advance()
        return self.rows.get("schedules", [self._key, name], measure)

    def guided(self, group: Group, rule: Guidance) -> BoundField:
        """Return the field under a rule, on the captions of a group."""
        return BoundField(Guided(self.field, rule, group.uncond), group.cond)

    def _group(self, split: str, count: int, first: int) -> Group:
        seed, categories = SPLIT_SEEDS[split] + 7, self.pipeline.categories
        prompts = []
        for i in range(count):
            category = categories[(i + first) % len(categories)]
            captions = make_shape(category, seed + i).captions
            prompts.append(captions[i % len(captions)])
        cond = self.pipeline.condition(prompts)
        noise = self.pipeline.noise([seed + i for i in range(count)])
        # Two-step Adams-Bashforth at 50 steps is closer to the flow than Euler at some hundred.
        run = sample(
            self.field,
            noise,
            steps=_GRID,
            cond=cond,
            uncond=cond.unconditional(),
            guidance=ClassifierFree(self.weight),
            solver=AdamsBashforth2(),
            keep_trajectory=True,
        )
        assert run.trajectory is not None  # it was asked for
        return Group(cond, noise, run.trajectory, UniformSchedule().grid(_GRID))


def schedule_study(study: ScheduleStudy) -> dict[str, Row]:
    """Measure schedules, rules of guidance, and all that fits into the budget."""
    study.progress.stage_started("schedules and guidance", None)
    rows = {**time_rows(study), **guidance_rows(study), **budget_rows(study)}
    study.progress.stage_finished()
    return rows


def time_rows(study: ScheduleStudy) -> dict[str, Row]:
    """Measure guided Euler at equal, shifted, spaced and BOSS's times."""
    rule = ClassifierFree(study.weight)
    schedules: dict[str, Schedule] = {
        "uniform": UniformSchedule(),
        "shift 1.5": ShiftedSchedule(1.5),
        "shift 2": ShiftedSchedule(2.0),
        "shift 3": ShiftedSchedule(3.0),
        "log-SNR": LogSNRSchedule(),
        "Karras": KarrasSchedule(sigma_max=50.0, sigma_min=0.02),
    }
    found = {}
    costs = _boss_costs(study)
    for steps in STEPS:
        for name, schedule in schedules.items():
            label = f"{name}, {steps} steps"
            found[label] = study.row(label, _fixed(rule, Euler(), schedule, steps))
        label = f"BOSS, {steps} steps"
        found[label] = study.row(label, lambda steps=steps: _planned(study, costs(), steps))
    return found


def guidance_rows(study: ScheduleStudy, steps: int = 5) -> dict[str, Row]:
    """Measure rules of guidance at equal Euler steps, against the model's own rule."""
    equal, weight = UniformSchedule(), study.weight
    rules: dict[str, Guidance] = {
        "CFG": ClassifierFree(weight),
        "CFG-Zero*": CFGZeroStar(weight),
        "CFG-Zero*, first step zero": CFGZeroStar.on_grid(weight, equal, steps),
        "RAAG": RAAG(),
        "RAAG to the model's weight": RAAG(max_weight=weight, alpha=1.0),
        "rescaled": Rescaled(ClassifierFree(weight)),
    }
    return {
        f"{name}, {steps} steps": study.row(
            f"{name}, {steps} steps", _fixed(rule, Euler(), equal, steps)
        )
        for name, rule in rules.items()
    }


def budget_rows(study: ScheduleStudy) -> dict[str, Row]:
    """Measure what spends exactly the budget: intervals, plans, the search, a bespoke solver."""
    found = {}
    for guided in range(BUDGET // 2 + 1):
        steps = BUDGET - guided
        for first in range(0, steps - guided + 1) if guided else [0]:
            times = tuple(UniformSchedule().grid(steps).tolist())
            acts = range(first, first + guided)
            weights = tuple(study.weight if i in acts else 1.0 for i in range(steps))
            rule = StepwiseClassifierFree(times, weights)
            label = f"Euler, {steps} steps, guided {list(acts)}"
            found[label] = study.row(label, _fixed(rule, Euler(), FixedSchedule(times), steps))
    shifted = ShiftedSchedule(4.5)
    rule = StepwiseClassifierFree(
        tuple(shifted.grid(3).tolist()), (study.weight, study.weight, 1.0)
    )
    label = "Euler, 3 steps, guided [0, 1], shift 4.5"
    found[label] = study.row(label, _fixed(rule, Euler(), shifted, 3))
    for name, solver in {"AB2": AdamsBashforth2(), "UniPC 2": UniPC(order=2)}.items():
        rule = ClassifierFree(study.weight, (0.5, 1.0))
        label = f"{name}, 3 steps, guided [0, 1]"
        found[label] = study.row(label, _fixed(rule, solver, UniformSchedule(), 3))
    found["plan"] = study.row("plan", lambda: _best_plan_within(study))
    found["search"] = study.row("search", lambda: _searched(study))
    found["bespoke"] = study.row("bespoke", lambda: _as_recipe(fit_for_budget(study)))
    return found


def fit_for_budget(study: ScheduleStudy) -> BespokeSolver:
    """Fit the bespoke solver of the budget; its evaluations were placed by a search on the fit."""
    places = [*_BESPOKE_AT, _GRID]
    times = study.fit.times[places]
    rule = StepwiseClassifierFree(tuple(times.tolist()), _BESPOKE_BRANCHES)
    field = study.guided(study.fit, rule)
    return fit_bespoke(field, study.fit.states[places], times, _BESPOKE_BRANCHES)


def _fixed(rule: Guidance, solver: Solver, schedule: Schedule, steps: int) -> Callable[[], Recipe]:
    return lambda: (rule, solver, schedule, steps)


def _as_recipe(solver: BespokeSolver) -> Recipe:
    return solver.rule, solver, solver.schedule, solver.schedule.steps


def _costs(study: ScheduleStudy, weight: float) -> Float64[Tensor, "n n"]:
    fit = study.fit
    field = study.guided(fit, ClassifierFree(weight))
    return step_costs(field, fit.states, fit.times)


def _boss_costs(study: ScheduleStudy) -> Callable[[], Float64[Tensor, "n n"]]:
    """Measure the costs of guided steps once, and only if some row asks."""
    known: list[Tensor] = []

    def costs() -> Tensor:
        if not known:
            known.append(_costs(study, study.weight))
        return known[0]

    return costs


def _planned(study: ScheduleStudy, costs: Float64[Tensor, "n n"], steps: int) -> Recipe:
    plan = best_plan(costs[None], prices=(1,), budget=steps)
    schedule = FixedSchedule.of(study.fit.times[list(plan.indices)])
    return ClassifierFree(study.weight), Euler(), schedule, steps


def _best_plan_within(study: ScheduleStudy) -> Recipe:
    """Let guided and unguided steps of Euler compete for the budget."""
    kinds = (1.0, study.weight)
    costs = torch.stack([_costs(study, weight) for weight in kinds])
    plan = best_plan(costs, prices=(1, 2), budget=BUDGET)
    schedule = FixedSchedule.of(study.fit.times[list(plan.indices)])
    rule = StepwiseClassifierFree(schedule.times, tuple(kinds[kind] for kind in plan.kinds))
    return rule, Euler(), schedule, schedule.steps


def _searched(study: ScheduleStudy) -> Recipe:
    fit, weight = study.fit, study.weight
    start = SolverSchedule((1.0, 0.75, 0.5, 0.25, 0.0), (Euler(),) * 4, (weight, 1.0, 1.0, 1.0))
    outcome = search_solver_schedule(
        study.field,
        fit.noise,
        fit.states[-1],
        budget=BUDGET,
        solvers=[Euler(), AdamsBashforth2(), Heun(), UniPC(order=2)],
        weights=[1.0, weight, weight + 2, weight + 5],
        trials=study.sizes.trials,
        generator=make_generator(0),
        cond=fit.cond,
        uncond=fit.uncond,
        starts=[start],
    )
    best = outcome.best
    rule = StepwiseClassifierFree(best.times, best.weights)
    return rule, best.solver, FixedSchedule(best.times), len(best.solvers)
