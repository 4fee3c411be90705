"""The parts of ``gen3d bench sample``, each of which can be run alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

import numpy as np
import torch

from gen3d.bench.attribute_judge import colour_shares
from gen3d.bench.rows import Row, table_of
from gen3d.bench.sample_context import Context, PartResult
from gen3d.bench.sample_fitted import fitted_figures, fitted_rows
from gen3d.bench.sample_plot import Panel
from gen3d.bench.sample_refiner import refiner_figures, refiner_rows
from gen3d.bench.sample_rl import measure_tuned
from gen3d.bench.sample_schedules import ScheduleStudy, schedule_study
from gen3d.bench.sample_search import search_figures, search_rows
from gen3d.bench.sample_solvers import schedule_rows, solver_runs
from gen3d.bench.sample_steering import (
    adjoint_figures,
    adjoint_rows,
    completion_figures,
    completion_rows,
    flair_figures,
    flair_rows,
    flowopt_figures,
    flowopt_rows,
)
from gen3d.bench.sample_students import (
    STUDENTS,
    student_figures,
    student_rows,
    time_row,
    win_figures,
)
from gen3d.data.procedural import Shape, make_shape
from gen3d.data.procedural.dataset import SPLIT_SEEDS
from gen3d.flow.distill.ring import ring_study
from gen3d.geometry.color import nearest_basic_colour

_QUOTED = {"accuracy": (3, 4, 5), "chamfer": (3, 4, 5), "latent_rms": (8, 20)}


def students_part(context: Context) -> PartResult:
    """Teacher, students, the judge's ceiling, and times."""
    ceilings = _ceilings(context)
    rows = student_rows(context.test, context.sink)
    settings = [
        torch.get_num_threads(),
        str(context.pipeline.device),
        context.sizes.timed,
        context.pipeline.fingerprint,
    ]
    times = context.rows.get(
        "times",
        settings,
        lambda: time_row(context.pipeline, context.model, context.sink, runs=context.sizes.timed),
    )
    lowest = min(row["ceiling"] for row in ceilings.values())
    mean = float(np.mean([row["ceiling"] for row in ceilings.values()]))
    figures = {
        **student_figures(context.test),
        "ceiling": mean,
        "ceiling_lowest": lowest,
        **times,
    }
    tables = [
        table_of("teacher and students on the hard set", rows),
        table_of("the judge on true held-out shapes", ceilings),
    ]
    return PartResult(figures, tables)


def solvers_part(context: Context) -> PartResult:
    """Undistilled solvers with recipes of their own, and whether the students beat them."""
    sizes = context.sizes.solvers
    runs = solver_runs(context.test, context.validation, sizes, context.sink)
    rows = {name: run.row() for name, run in runs.items()}
    few = [run.outcome for run in runs.values() if run.outcome.evaluations in sizes.few]
    figures = win_figures(context.test, few, sizes.asks) | _solver_figures(rows)
    panels = [
        _panel(context, rows, "accuracy", "right on the hard set", sizes.few),
        _panel(context, rows, "chamfer", "distance to the nearest held-out shape", sizes.few),
        _panel(context, rows, "latent_rms", "difference from the teacher's latents", None),
    ]
    return PartResult(figures, [table_of("undistilled solvers", rows)], panels)


def schedules_part(context: Context) -> PartResult:
    """Every solver on every schedule, guided throughout; fitted times, guidance and solvers."""
    sizes = context.sizes
    rows = schedule_rows(context.test, sizes.solvers, sizes.schedule_counts, context.sink)
    study = ScheduleStudy(context.pipeline, context.rows, context.sink, sizes.study)
    found = schedule_study(study)
    fitted = fitted_rows(study)
    refined = refiner_rows(study)
    tables = [
        table_of("solvers on schedules", rows),
        table_of("schedules and guidance, by the latents of a fine run", found),
        table_of("solvers fitted to the model", fitted),
        table_of("the velocity refiner, guided throughout", refined),
    ]
    figures = study_figures(found) | fitted_figures(fitted) | refiner_figures(refined)
    return PartResult(figures, tables)


def study_figures(found: Mapping[str, Row]) -> Row:
    """Return by which part fitted ways to sample lower the error of what they start from.

    BOSS's times and RAAG are held to guided Euler at 5 equal steps; the search and the bespoke
    solver, at 5 evaluations, to the best placing of guided Euler steps at as many.
    """
    errors = {name: row["latent_rms"] for name, row in found.items()}
    equal = errors["uniform, 5 steps"]
    placed = min(error for name, error in errors.items() if name.startswith("Euler, "))
    return {
        "boss_gain": 1 - errors["BOSS, 5 steps"] / equal,
        "raag_gain": 1 - errors["RAAG, 5 steps"] / errors["CFG, 5 steps"],
        "zero_star_gain": 1 - errors["CFG-Zero*, 5 steps"] / errors["CFG, 5 steps"],
        "s3_gain": 1 - errors["search"] / placed,
        "bespoke_gain": 1 - errors["bespoke"] / placed,
    }


def search_part(context: Context) -> PartResult:
    """Rollover budget forcing against best of N at equal evaluations."""
    found = search_rows(context.pipeline, context.rows, progress=context.sink)
    return PartResult(search_figures(found), [table_of("search for rewards", found)])


def steering_part(context: Context) -> PartResult:
    """Completion of half shapes; what FLAIR and FlowOpt gain; the adjoint's memory."""
    pipeline, rows = context.pipeline, context.rows
    completion = completion_rows(pipeline, rows, progress=context.sink)
    context.sink.stage_started("steering", 3)
    flair = flair_rows(pipeline, rows)
    context.sink.advance()
    flowopt = flowopt_rows(pipeline, rows)
    context.sink.advance()
    adjoint = adjoint_rows(pipeline, rows)
    context.sink.advance()
    context.sink.stage_finished()
    figures = {
        **completion_figures(completion),
        **flair_figures(flair),
        **flowopt_figures(flowopt),
        **adjoint_figures(adjoint),
    }
    tables = [
        table_of("completion of half shapes", completion),
        table_of("FLAIR", flair),
        table_of("FlowOpt", flowopt),
        table_of("gradients through the sampler", adjoint),
    ]
    return PartResult(figures, tables)


def ring_part(context: Context) -> PartResult:
    """One-step students on the plane, by energy distance to the data."""
    context.sink.stage_started("ring study", None)
    found = context.rows.get("ring", [], lambda: {"ring": asdict(ring_study())})
    context.sink.stage_finished()
    figures = {f"ring_{name}": value for name, value in found["ring"].items()}
    return PartResult(figures, [table_of("one step on the ring", found)])


def tune_part(context: Context) -> PartResult:
    """What reinforcement learning brought, for a model that was tuned."""
    if context.tuned is None:
        return PartResult({}, [])
    row = measure_tuned(context.tuned, context.rows, base=context.model, progress=context.sink)
    return PartResult(row, [table_of("tuned for a reward", {"tuned": row})])


def _ceilings(context: Context) -> dict[str, Row]:
    """Return the judge's accuracy on true shapes, whose colours come from the held-out ones."""
    shapes = context.references
    names = nearest_basic_colour(shapes.surface[..., 6:9].astype(np.float64))
    first = SPLIT_SEEDS["test"]
    known: dict[str, list[tuple[Shape, dict[str, float]]]] = {}
    for category, row in zip(shapes.categories, names, strict=True):
        its_own = known.setdefault(category, [])
        its_own.append((make_shape(category, first + len(its_own)), colour_shares(row)))
    return context.judge.ceilings(known)


def _solver_figures(rows: dict[str, Row]) -> Row:
    """Name what is worth quoting of each solver: ``euler_at_4_accuracy``, for instance."""
    found: Row = {}
    for label, row in rows.items():
        name = re.sub("[^a-z0-9]+", "_", label.rpartition(", ")[0].lower())
        for key, counts in _QUOTED.items():
            if row["evaluations"] in counts:
                found[f"{name}_at_{row['evaluations']:.0f}_{key}"] = row[key]
    return found


def _panel(
    context: Context, rows: dict[str, Row], key: str, title: str, counts: Sequence[int] | None
) -> Panel:
    lines: dict[str, list[tuple[float, float]]] = {}
    for label, row in rows.items():
        if counts is None or row["evaluations"] in counts:
            name = label.rpartition(", ")[0]
            lines.setdefault(name, []).append((row["evaluations"], row[key]))
    asks = context.sizes.solvers.asks
    marks = {
        "1 step" if steps == 1 else f"{steps} steps": (outcome.evaluations, outcome.row(asks)[key])
        for steps in STUDENTS
        for outcome in [context.test.student(steps)]
    }
    levels = {} if key == "latent_rms" else {"teacher": context.test.teacher().row(asks)[key]}
    return Panel(title, lines, marks, levels)


PARTS: dict[str, Callable[[Context], PartResult]] = {
    "students": students_part,
    "solvers": solvers_part,
    "schedules": schedules_part,
    "search": search_part,
    "steering": steering_part,
    "ring": ring_part,
    "tune": tune_part,
}
