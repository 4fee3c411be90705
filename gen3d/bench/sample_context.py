"""What the parts of ``gen3d bench sample`` share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from gen3d.bench.attribute_judge import Judge
from gen3d.bench.hard_set import Ask, make_hard_set
from gen3d.bench.rows import Row, Rows, Table
from gen3d.bench.sample_plot import Panel
from gen3d.bench.sample_run import TEACHER_STEPS, HardSetBench, held_out
from gen3d.bench.sample_schedules import StudySizes
from gen3d.bench.sample_solvers import SolverSizes
from gen3d.data.procedural.dataset import ShapeSet
from gen3d.runtime.progress import ProgressSink
from gen3d.vecset.pipeline import VecsetPipeline


@dataclass(frozen=True)
class SampleSizes:
    """How much is measured.

    Attributes:
        pairs: Pairs of captions for each attribute, for teacher and students.
        asks: Only so many of these captions; None: all.
        teacher_steps: Steps of the teacher.
        true_shapes: True shapes of each category and split that judge attributes.
        held_out: Held-out shapes of each category for distances.
        solvers: See :class:`gen3d.bench.sample_solvers.SolverSizes`.
        schedule_counts: Numbers of evaluations at which solvers meet all schedules.
        study: See :class:`gen3d.bench.sample_schedules.StudySizes`.
        timed: Runs whose median is a time.
    """

    pairs: int = 2
    asks: int | None = None
    teacher_steps: int = TEACHER_STEPS
    true_shapes: int = 120
    held_out: int = 40
    solvers: SolverSizes = field(default_factory=SolverSizes)
    schedule_counts: tuple[int, ...] = (8, 20)
    study: StudySizes = field(default_factory=StudySizes)
    timed: int = 5


@dataclass(frozen=True)
class PartResult:
    """What a part of the bench found."""

    figures: Row
    tables: list[Table]
    panels: list[Panel] = field(default_factory=list)


class Context:
    """What the parts share, made when first asked for.

    Args:
        pipeline: The model.
        model: Its name or folder.
        rows: Finished rows.
        sizes: How much is measured.
        sink: Where to report.
        tuned: Folder of a model that ``gen3d tune`` made from this one.
    """

    def __init__(
        self,
        pipeline: VecsetPipeline,
        model: str,
        rows: Rows,
        sizes: SampleSizes,
        sink: ProgressSink,
        tuned: Path | None = None,
    ) -> None:
        self.pipeline, self.model, self.rows = pipeline, model, rows
        self.sizes, self.sink, self.tuned = sizes, sink, tuned

    @cached_property
    def asks(self) -> list[Ask]:
        """The captions of the test split."""
        return make_hard_set(self.sizes.pairs)[: self.sizes.asks]

    @cached_property
    def judge(self) -> Judge:
        """Knows the attributes that are asked for."""
        attributes = list(dict.fromkeys(ask.attribute for ask in self.asks))
        return Judge(self.rows, self.sink, shapes=self.sizes.true_shapes, attributes=attributes)

    @cached_property
    def references(self) -> ShapeSet:
        """Held-out shapes of the categories that are asked for."""
        categories = list(dict.fromkeys(ask.attribute.category for ask in self.asks))
        return held_out(self.rows.folder, categories, self.sizes.held_out, self.sink)

    @cached_property
    def test(self) -> HardSetBench:
        """The hard set that figures come from."""
        return self._bench(self.asks, self.references)

    @cached_property
    def validation(self) -> HardSetBench:
        """What recipes are chosen on: the same attributes of shape, in other words."""
        solid = [
            ask for ask in make_hard_set(1, split="val") if ask.attribute in self.judge.nearest
        ]
        return self._bench(solid[: self.sizes.solvers.tuning_asks], None)

    def _bench(self, asks: Sequence[Ask], references: ShapeSet | None) -> HardSetBench:
        return HardSetBench(
            self.pipeline,
            asks,
            self.judge,
            self.rows,
            references,
            teacher_steps=self.sizes.teacher_steps,
        )
