"""Where runs take their shapes from."""

from __future__ import annotations

from pathlib import Path

from gen3d.data.procedural.dataset import ProceduralDataConfig, ShapeSet, build_shape_set
from gen3d.runtime.progress import ProgressSink
from gen3d.vecset.config import Settings


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
