"""Sampling in few steps: the student and the fitted solvers that a model brings along.

Both are asked for by the number of steps alone, and both have the model's guidance inside. Any
other number of steps goes to the flow network itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gen3d.errors import InputError, ModelError
from gen3d.flow import (
    BespokeSolver,
    Field,
    FixedSchedule,
    FlowMapField,
    Guidance,
    Jump,
    NetworkField,
    Schedule,
    Solver,
)
from gen3d.io.files import read_bytes
from gen3d.vecset.dit import ShapeDiT
from gen3d.vecset.students import STUDENT_FILE, StudentConfig, load_student

BESPOKE_FILE = "bespoke-{steps}.json"
"""A solver fitted to the flow network, for that many evaluations."""
EVERY_BESPOKE = BESPOKE_FILE.format(steps="*")


@dataclass(frozen=True)
class Route:
    """How noise becomes latents: what :func:`gen3d.flow.sample` takes."""

    field: Field
    solver: Solver
    schedule: Schedule
    guidance: Guidance | None


@dataclass(frozen=True)
class FewSteps:
    """What a model has for few steps.

    Attributes:
        student: A network for the grids of ``grids``, with its settings.
        solvers: Fitted solvers by their number of evaluations.
        files: Where these came from.
    """

    student: tuple[ShapeDiT, StudentConfig] | None = None
    solvers: Mapping[int, BespokeSolver] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    @classmethod
    def load(cls, folder: Path, dit: ShapeDiT, *, dit_sha256: str) -> FewSteps:
        """Read what lies in a model's folder; nothing has to.

        Args:
            folder: The folder.
            dit: Its flow network.
            dit_sha256: Hash of that network's file.

        Raises:
            ModelError: A file is damaged, belongs to another flow network, or is missing for the
                default steps.
        """
        student, files = None, []
        if (folder / STUDENT_FILE).exists():
            student = load_student(folder / STUDENT_FILE, dit, teacher_sha256=dit_sha256)
            files.append(folder / STUDENT_FILE)
        solvers = {}
        for path in sorted(folder.glob(EVERY_BESPOKE)):
            solver = _read_solver(path)
            solvers[len(solver.guidance)] = solver
            files.append(path)
        found = cls(student, solvers, tuple(files))
        default = found.default(None)
        if default is not None and default not in found.steps:
            raise ModelError(
                f"{folder} samples in {default} steps by default, but has nothing for so many",
                hint=f"put {BESPOKE_FILE.format(steps=default)} back, or reinstall gen3d",
            )
        return found

    @property
    def steps(self) -> tuple[int, ...]:
        """The numbers of steps that there is something for."""
        grids = () if self.student is None else self.student[1].grids
        return tuple(sorted({*(len(grid) - 1 for grid in grids), *self.solvers}))

    def default(self, guidance: float | None) -> int | None:
        """Return the steps to take where none are asked for, or None: those of the flow network.

        Args:
            guidance: The strength that was asked for, if any: the student cannot change it.
        """
        if self.student is None or guidance is not None:
            return None
        return self.student[1].default_steps

    def route(self, steps: int, dit: ShapeDiT) -> Route | None:
        """Return how to sample in so many steps, or None: with the flow network."""
        if self.student is not None:
            network, config = self.student
            grid = config.grid(steps)
            if grid is not None:
                field = FlowMapField(network.average_velocity)
                return Route(field, Jump(), FixedSchedule(grid), None)
        solver = self.solvers.get(steps)
        if solver is None:
            return None
        return Route(NetworkField(dit), solver, solver.schedule, solver.rule)

    def check_guidance(self, steps: int, guidance: float, built_in: float) -> None:
        """Compare a guidance strength with the one that few steps have built in.

        Raises:
            InputError: They differ.
        """
        if steps in self.steps and guidance != built_in:
            raise InputError(
                f"{steps} steps have guidance {built_in:g} built in, got {guidance:g}",
                hint="leave guidance out, or take more steps: 20 is a good number",
            )


def _read_solver(path: Path) -> BespokeSolver:
    try:
        return BespokeSolver.from_json(read_bytes(path).decode())
    except (InputError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} cannot be read: {error}", hint="reinstall gen3d") from error
