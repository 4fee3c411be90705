"""What all sets of sampled shapes have in common, wherever they come from."""

from __future__ import annotations

from typing import Protocol, TypeAlias

import numpy as np

from gen3d.data.rows import StackedRows

SampleArray: TypeAlias = np.ndarray | StackedRows
"""An array, or rows from several files that are indexed like one."""


class SampledShapes(Protocol):
    """Sampled shapes in the network's frame, [-1, 1]^3; arrays may be memory-mapped files."""

    @property
    def surface(self) -> SampleArray:
        """Position, unit normal, sRGB colour: (shapes, points, 9) float16."""
        ...

    @property
    def queries(self) -> SampleArray:
        """Query points, (shapes, queries, 3) float16: near the surface first, then uniform."""
        ...

    @property
    def inside(self) -> SampleArray:
        """Occupancy of the queries, (shapes, queries) bool."""
        ...

    @property
    def near_count(self) -> int:
        """How many queries of each shape are near the surface."""
        ...

    @property
    def captions(self) -> list[list[str]]:
        """Several captions per shape."""
        ...

    @property
    def categories(self) -> list[str]:
        """Category per shape."""
        ...
