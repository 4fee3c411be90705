"""Solvers with coefficients fitted to the model: DC-Solver and DPM-Solver-v3, held to UniPC."""

from __future__ import annotations

from functools import cached_property

from gen3d.bench.rows import Row
from gen3d.bench.sample_schedules import Recipe, ScheduleStudy
from gen3d.flow import BoundField, ClassifierFree, UniformSchedule
from gen3d.flow.solvers import (
    DPMSolverV3,
    EmpiricalStatistics,
    Solver,
    UniPC,
    estimate_statistics,
    fit_compensation,
)
from gen3d.runtime.seeds import make_generator

FITTED_AT = (5, 10)
"""Guided steps at which fitted solvers are measured."""
_NODES = 31
_SUBSTEPS = 5


class _Fits:
    """What is fitted, on the captions of a study that are for fits."""

    def __init__(self, study: ScheduleStudy) -> None:
        self.study = study
        self.rule = ClassifierFree(study.weight)

    @cached_property
    def field(self) -> BoundField:
        return self.study.guided(self.study.fit, self.rule)

    @cached_property
    def statistics(self) -> EmpiricalStatistics:
        data = self.study.fit.states[-1]
        return estimate_statistics(self.field, data, make_generator(0), nodes=_NODES)

    def recipe(self, solver: Solver, steps: int) -> Recipe:
        return self.rule, solver, UniformSchedule(), steps

    def compensated(self, steps: int) -> Recipe:
        times: list[float] = UniformSchedule().grid(steps).tolist()
        noise = self.study.fit.noise
        solver = fit_compensation(self.field, noise, times, substeps=_SUBSTEPS)
        return self.recipe(solver, steps)

    def v3(self, steps: int) -> Recipe:
        return self.recipe(DPMSolverV3(self.statistics, order=2), steps)


def fitted_rows(study: ScheduleStudy) -> dict[str, Row]:
    """Measure guided steps at equal times by UniPC, and by what is fitted to the model."""
    fits = _Fits(study)
    found = {}
    study.progress.stage_started("fitted solvers", 3 * len(FITTED_AT))
    for steps in FITTED_AT:
        makers = {
            "UniPC 2": lambda steps=steps: fits.recipe(UniPC(order=2), steps),
            "DC-Solver": lambda steps=steps: fits.compensated(steps),
            "DPM-Solver-v3": lambda steps=steps: fits.v3(steps),
        }
        for name, make in makers.items():
            label = f"{name}, {steps} equal steps"
            found[label] = study.row(label, make)
    study.progress.stage_finished()
    return found


def fitted_figures(found: dict[str, Row]) -> Row:
    """Return by which part the fits lower the error of UniPC, by number of steps."""
    figures: Row = {}
    for steps in FITTED_AT:
        plain = found[f"UniPC 2, {steps} equal steps"]["latent_rms"]
        for key, name in (("dc_solver", "DC-Solver"), ("dpm_solver_v3", "DPM-Solver-v3")):
            error = found[f"{name}, {steps} equal steps"]["latent_rms"]
            figures[f"{key}_gain_{steps}"] = 1 - error / plain
    return figures
