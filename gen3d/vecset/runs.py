"""Training runs as users write them down: one YAML file per run, one class per ``kind``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from gen3d.data.procedural.dataset import ProceduralDataConfig, ShapeSet, build_shape_set
from gen3d.runtime.progress import ProgressSink
from gen3d.training.config import TrainConfig
from gen3d.vecset.config import Settings, VAEConfig
from gen3d.vecset.objective import VAEObjective, VAEObjectiveConfig


class ShapeSource(Settings):
    """A folder of sampled shapes, made when it is not there.

    Attributes:
        folder: Where the samples lie.
        procedural: What to sample.
    """

    folder: Path
    procedural: ProceduralDataConfig

    def open(self, progress: ProgressSink | None = None) -> ShapeSet:
        """Open the folder, or sample the shapes first."""
        return build_shape_set(self.procedural, self.folder, progress)


class RunData(Settings):
    """What a run learns and what it is measured on."""

    train: ShapeSource
    held_out: ShapeSource


class VAERun(Settings):
    """A run of the shape autoencoder (``configs/vecset/vae.yaml``)."""

    kind: Literal["vecset-vae"]
    data: RunData
    model: VAEConfig = VAEConfig()
    objective: VAEObjectiveConfig = VAEObjectiveConfig()
    trainer: TrainConfig

    def build(self, progress: ProgressSink | None = None) -> VAEObjective:
        """Open the data and make the objective."""
        return VAEObjective(
            self.model,
            self.objective,
            self.data.train.open(progress),
            self.data.held_out.open(progress),
            seed=self.trainer.seed,
        )
