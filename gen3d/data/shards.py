"""Sets of shapes from shards, and several sets as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Int
from torch import Tensor

from gen3d.data.rows import JoinedRows, StackedRows
from gen3d.data.sampled import SampledShapes
from gen3d.data.shard_files import map_shard
from gen3d.errors import FormatError, InputError

SHARDS = "*.tar"


@dataclass(frozen=True)
class ShardSet:
    """Sampled shapes of shards; arrays stay on disk until read.

    Attributes:
        surface: Position, normal, sRGB colour, (shapes, n, 9) float16.
        queries: Query points, (shapes, q, 3) float16; the first ``near_count`` near surfaces.
        inside: Labels of the queries, (shapes, q).
        near_count: See ``queries``.
        captions: Captions per shape.
        categories: Category per shape.
        keys: Name of each shape.
    """

    surface: StackedRows
    queries: StackedRows
    inside: StackedRows
    near_count: int
    captions: list[list[str]]
    categories: list[str]
    keys: list[str]

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def open(cls, folder: Path | str) -> ShardSet:
        """Map all shards of a folder, in the order of their names.

        Raises:
            InputError: There are none.
            FormatError: One is damaged, or their arrays differ in size.
        """
        paths = sorted(Path(folder).glob(SHARDS))
        samples = [sample for path in paths for sample in map_shard(path)]
        if not samples:
            raise InputError(f"there are no shards in {folder}", hint="build them with gen3d data")
        layouts = {
            (s.surface.shape, s.queries.shape, s.inside.shape, s.about.get("near_count"))
            for s in samples
        }
        first = samples[0]
        if (
            len(layouts) > 1
            or first.surface.shape[1:] != (9,)
            or len(first.queries) != len(first.inside)
        ):
            raise FormatError(
                f"samples in {folder} differ in the number of points, or are not of shapes",
                hint="build all shards of a folder with one config",
            )
        return cls(
            StackedRows([sample.surface for sample in samples]),
            StackedRows([sample.queries for sample in samples]),
            StackedRows([sample.inside for sample in samples]),
            int(first.about.get("near_count", len(first.queries) // 2)),
            [list(sample.about["captions"]) for sample in samples],
            [str(sample.about.get("category", "")) for sample in samples],
            [sample.key for sample in samples],
        )


class MixedShapes:
    """Several sets as one, from which shapes are drawn by weight.

    Indexing sees all shapes, set after set; only :meth:`draw` knows the weights.

    Args:
        sets: With arrays of the same sizes.
        weights: Shares of the drawn shapes, in any unit.

    Raises:
        InputError: There are no sets, a weight is not positive, or sizes differ.
    """

    def __init__(self, sets: Sequence[SampledShapes], weights: Sequence[float]) -> None:
        if not sets or len(sets) != len(weights) or not min(weights) > 0:
            raise InputError(f"a mix of {len(sets)} sets needs as many weights above 0: {weights}")
        layouts = {
            (s.surface.shape[1:], s.queries.shape[1:], s.inside.shape[1:], s.near_count)
            for s in sets
        }
        if len(layouts) > 1:
            found = ", ".join(f"{points[0]} and {asked[0]}" for points, asked, _, _ in layouts)
            raise InputError(
                f"sets of a mix differ in points and queries per shape: {found}",
                hint="give all sources the same surface and queries",
            )
        self.surface = StackedRows(JoinedRows([s.surface for s in sets]))
        self.queries = StackedRows(JoinedRows([s.queries for s in sets]))
        self.inside = StackedRows(JoinedRows([s.inside for s in sets]))
        self.near_count = sets[0].near_count
        self.captions = [captions for s in sets for captions in s.captions]
        self.categories = [category for s in sets for category in s.categories]
        self.sizes = [len(s.captions) for s in sets]
        self.weights = [weight / sum(weights) for weight in weights]

    def __len__(self) -> int:
        return len(self.captions)

    def draw(self, count: int, generator: torch.Generator) -> Int[Tensor, " count"]:
        """Draw shapes, with replacement; each batch has every set's share, give or take one.

        Args:
            count: How many.
            generator: CPU generator; equal states give equal shapes.
        """
        edges = torch.tensor(self.weights, dtype=torch.float64).cumsum(0)[:-1]
        # One jitter for evenly spaced positions: shares are kept within a batch.
        at = (
            torch.arange(count) + torch.rand((), generator=generator, dtype=torch.float64)
        ) / count
        which = torch.bucketize(at, edges, right=True)
        which = which[torch.randperm(count, generator=generator)]
        sizes = torch.tensor(self.sizes)
        starts = sizes.cumsum(0) - sizes
        within = torch.rand(count, generator=generator, dtype=torch.float64) * sizes[which]
        return starts[which] + within.long().clamp(max=sizes[which] - 1)
