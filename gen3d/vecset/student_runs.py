"""Runs that distil a flow network into a few-step student: ``gen3d distill CONFIG``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from gen3d.conditioning.text import TextEncoder
from gen3d.errors import InputError
from gen3d.io.tensors import sha256_of
from gen3d.runtime.progress import ProgressSink
from gen3d.training.config import TrainConfig
from gen3d.training.objective import Objective
from gen3d.vecset.caption_table import CaptionTable
from gen3d.vecset.checkpoints import DIT_FILE, VAE_FILE, load_dit, load_vae
from gen3d.vecset.config import Settings
from gen3d.vecset.distill_config import ConsistencyConfig, DistillConfig
from gen3d.vecset.distill_objective import DistillObjective, RealLatents
from gen3d.vecset.dit import ShapeDiT
from gen3d.vecset.few_steps import BESPOKE_FILE
from gen3d.vecset.flow_objective import encode_shapes
from gen3d.vecset.regression_objective import RegressionConfig, RegressionObjective
from gen3d.vecset.run_sources import RunData
from gen3d.vecset.students import StudentConfig, load_student, new_student, save_student
from gen3d.vecset.teacher_pairs import PairConfig, TeacherPairs, build_pairs

_ENCODE_POINTS = 1024  # of each real shape, as in the training of the flow network
_HELD_OUT_SEED = 1_000_003  # added to the seed of the training trajectories


@dataclass(frozen=True)
class _Parts:
    """What every student's objective is made from."""

    student: ShapeDiT
    teacher: ShapeDiT
    text: TextEncoder
    train: TeacherPairs
    held_out: TeacherPairs


class StudentRun(Settings, ABC):
    """What all runs of a student share.

    Attributes:
        data: Whose captions are used.
        base: Folder of the trained model: the teacher.
        text: Weights of the frozen text encoder; the shipped ones by default.
        student: File of a student to start from; None: the teacher's weights.
        guidance: Guidance that is distilled into the student.
        grids: Times of the samplers that the student is for, and is measured with.
        default_steps: What a model takes by default; None: its flow network.
        pairs: Folder of the teacher's trajectories; made when it is not there.
        trajectories: How they are made; ``guidance`` there must be the one here.
        held_out_count: Trajectories to measure on, of held-out captions.
    """

    data: RunData
    base: Path
    text: Path | None = None
    student: Path | None = None
    guidance: float = Field(default=3.0, ge=0)
    grids: tuple[tuple[float, ...], ...] = ((1.0, 0.0), (1.0, 0.6, 0.0))
    default_steps: int | None = None
    pairs: Path
    trajectories: PairConfig = PairConfig()
    held_out_count: int = Field(default=128, ge=1)
    trainer: TrainConfig

    @abstractmethod
    def build(self, progress: ProgressSink | None = None) -> Objective:
        """Open or make the data, and make the objective."""

    def teacher(self) -> tuple[ShapeDiT, str]:
        """Load the teacher; returns it with the hash of its file.

        Raises:
            InputError: Nothing makes so many steps as shall be the default.
            ModelError: The file is missing or damaged.
        """
        steps = self.default_steps
        known = [len(grid) - 1 for grid in self.grids]
        if (
            steps not in (None, *known)
            and not (self.base / BESPOKE_FILE.format(steps=steps)).exists()
        ):
            raise InputError(
                f"default_steps is {steps}, but the student is for {known} and {self.base} has no "
                "fitted solver for so many"
            )
        path = self.base / DIT_FILE
        return load_dit(path)[0], sha256_of(path)

    def start(self, teacher: ShapeDiT, sha256: str) -> ShapeDiT:
        """Return the student to begin with, in float32.

        Raises:
            ModelError: The student's file is missing, damaged, or of another teacher.
        """
        if self.student is None:
            return new_student(teacher)
        return load_student(self.student, teacher, teacher_sha256=sha256)[0]

    def export(self, weights: dict[str, Tensor], path: Path | str) -> None:
        """Write a student's file from its state dict.

        Raises:
            RuntimeError: The weights are of another network.
            OutputError: The file cannot be written.
        """
        teacher, sha256 = self.teacher()
        student = new_student(teacher)
        student.load_state_dict(self.student_weights(weights))
        config = StudentConfig(
            teacher_sha256=sha256,
            guidance=self.guidance,
            grids=self.grids,
            default_steps=self.default_steps,
        )
        save_student(student, teacher, path, config)

    def student_weights(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Pick the student's weights out of those of the trained module."""
        return weights

    def open(self, progress: ProgressSink | None) -> _Parts:
        """Load the networks and open the trajectories; those that are missing are made first."""
        if self.trainer.threads is not None:
            torch.set_num_threads(self.trainer.threads)
        teacher, sha256 = self.teacher()
        text = TextEncoder.load(self.text)
        train, held_out = (
            self.open_pairs(teacher, sha256, text, progress, held_out=held)
            for held in (False, True)
        )
        return _Parts(self.start(teacher, sha256), teacher, text, train, held_out)

    def open_pairs(
        self,
        teacher: ShapeDiT,
        sha256: str,
        text: TextEncoder,
        progress: ProgressSink | None,
        *,
        held_out: bool,
    ) -> TeacherPairs:
        """Open the trajectories to learn from, or to measure on; make what is missing.

        Raises:
            InputError: Settings disagree with each other or with the folder.
        """
        config = self.trajectories
        if config.guidance != self.guidance:
            raise InputError(
                f"trajectories have guidance {config.guidance}, the student {self.guidance}"
            )
        source, folder = self.data.train, self.pairs / "train"
        if held_out:
            source, folder = self.data.held_out, self.pairs / "held_out"
            changes = {"count": self.held_out_count, "seed": config.seed + _HELD_OUT_SEED}
            config = config.model_copy(update=changes)
        return build_pairs(
            config,
            folder,
            teacher,
            text,
            source.open(progress).captions,
            teacher_sha256=sha256,
            progress=progress,
        )


class RegressionRun(StudentRun):
    """Regression on the teacher's trajectories (``configs/vecset/distill.yaml``)."""

    kind: Literal["vecset-student"]
    objective: RegressionConfig = RegressionConfig()

    def build(self, progress: ProgressSink | None = None) -> RegressionObjective:
        """Make the trajectories and the objective."""
        parts = self.open(progress)
        return RegressionObjective(
            parts.student, self.objective, parts.text, parts.train, parts.held_out, self.grids
        )


class DistillRun(StudentRun):
    """A method that asks the teacher at every step (``configs/vecset/distill-mdt.yaml``)."""

    kind: Literal["vecset-distill"]
    objective: DistillConfig

    def build(self, progress: ProgressSink | None = None) -> DistillObjective:
        """Make the trajectories and the objective."""
        parts = self.open(progress)
        return DistillObjective(
            parts.student,
            parts.teacher,
            self.objective,
            self.guidance,
            parts.text,
            parts.train,
            parts.held_out,
            self.grids,
            self._real(parts, progress),
        )

    def student_weights(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Leave out what was trained or kept beside the student."""
        prefix = "student."
        return {n.removeprefix(prefix): w for n, w in weights.items() if n.startswith(prefix)}

    def _real(self, parts: _Parts, progress: ProgressSink | None) -> RealLatents | None:
        """Encode training shapes for the adversarial term; categories alternate in a set."""
        how = self.objective.how
        if not isinstance(how, ConsistencyConfig) or how.adversarial == 0:
            return None
        shapes = self.data.train.open(progress)
        vae = load_vae(self.base / VAE_FILE)
        latents = encode_shapes(
            vae, shapes, points=_ENCODE_POINTS, limit=how.real_shapes, progress=progress
        )
        normalised = parts.teacher.normalise(vae.config.scale_factor * latents)
        return RealLatents(
            normalised, CaptionTable.encode(parts.text, shapes.captions[: how.real_shapes])
        )
