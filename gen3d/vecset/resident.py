"""A set of shapes held in the memory of the device that trains on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float16, Int
from torch import Tensor

from gen3d.data.sampled import SampleArray, SampledShapes
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.vecset.shape_data import draw_shapes

_ROWS = 1024


@dataclass(frozen=True)
class ResidentShapes:
    """Samples as tensors; drawn and indexed as their source is.

    A small network on a large GPU waits for its batches: 512 shapes are half a million rows from
    all over a set of files. The set itself is small, 94 kB per shape with the usual samples, so
    that 100,000 shapes take 9.4 GB.

    Attributes:
        source: Where they come from; says which shapes are drawn.
        surface: Position, normal, sRGB colour.
        queries: Query points.
        inside: Their labels.
    """

    source: SampledShapes
    surface: Float16[Tensor, "shapes points 9"]
    queries: Float16[Tensor, "shapes queries 3"]
    inside: Bool[Tensor, "shapes queries"]

    @classmethod
    def load(
        cls,
        source: SampledShapes,
        device: torch.device,
        progress: ProgressSink | None = None,
    ) -> ResidentShapes:
        """Read a whole set onto a device."""
        sink = progress or NullProgress()
        sink.stage_started("loading shapes", 3 * len(source.surface))
        surface, queries, inside = (
            _loaded(array, device, sink)
            for array in (source.surface, source.queries, source.inside)
        )
        sink.stage_finished()
        return cls(source, surface, queries, inside)

    @property
    def near_count(self) -> int:
        """How many queries of each shape are near the surface."""
        return self.source.near_count

    @property
    def captions(self) -> list[list[str]]:
        """Several captions per shape."""
        return self.source.captions

    def draw(self, count: int, generator: torch.Generator) -> Int[Tensor, " count"]:
        """Draw shapes as the source is drawn from."""
        return draw_shapes(self.source, count, generator)


def _loaded(array: SampleArray, device: torch.device, sink: ProgressSink) -> Tensor:
    first = torch.from_numpy(np.array(array[:1]))
    made = torch.empty(array.shape, dtype=first.dtype, device=device)
    for start in range(0, len(array), _ROWS):
        rows = np.array(array[start : start + _ROWS])
        made[start : start + len(rows)] = torch.from_numpy(rows)
        sink.advance(len(rows))
    return made
