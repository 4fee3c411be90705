"""What training needs of a set of sampled shapes, and batches drawn from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d.data.sampled import SampleArray, SampledShapes
from gen3d.errors import InputError
from gen3d.runtime.seeds import MAX_SEED, item_seed

ShapeSet: TypeAlias = SampledShapes
"""Sampled shapes, of any source."""


@runtime_checkable
class WeightedShapes(Protocol):
    """A set that says itself which shapes to draw."""

    def draw(self, count: int, generator: torch.Generator) -> Int[Tensor, " count"]:
        """Draw shapes, with replacement."""
        ...


@dataclass(frozen=True)
class ShapeBatch:
    """One training batch.

    Attributes:
        surface: What the encoder sees.
        queries: Where the field is asked for.
        inside: The truth there, 0 or 1.
        colour_points: Surface points where colours are asked for.
        colours: The truth there, sRGB.
    """

    surface: Float[Tensor, "batch points 9"]
    queries: Float[Tensor, "batch queries 3"]
    inside: Float[Tensor, "batch queries"]
    colour_points: Float[Tensor, "batch colour_points 3"]
    colours: Float[Tensor, "batch colour_points 3"]


def draw_shapes(
    shapes: ShapeSet, count: int, generator: torch.Generator, *, part: tuple[int, int] | None = None
) -> Int[Tensor, " count"]:
    """Draw one process's share of a batch of shapes, with replacement.

    All processes of a run must come with generators in the same state, as the trainer's are at the
    start of a step: each draws the whole batch and keeps every n-th shape, so what the processes
    see together follows from step and seed alone. Behind that the generators part ways.

    Args:
        shapes: Where from; a :class:`WeightedShapes` draws by its own weights.
        count: Shapes for this process.
        generator: CPU generator.
        part: Rank and number of processes; None: those of ``torch.distributed``.
    """
    rank, world = _process_part() if part is None else part
    if isinstance(shapes, WeightedShapes):
        index = shapes.draw(count * world, generator)
    else:
        index = torch.randint(len(shapes.captions), (count * world,), generator=generator)
    if world > 1:
        seed = int(torch.randint(MAX_SEED, (), generator=generator))
        generator.manual_seed(item_seed(seed, rank))
    return index[rank::world]


def _process_part() -> tuple[int, int]:
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


def gather(
    array: SampleArray, shapes: Int[Tensor, " batch"], points: Int[Tensor, " n"]
) -> Float[Tensor, "batch n ..."]:
    """Read the same points of several shapes, as float32."""
    picked = array[shapes.numpy()[:, None], points.numpy()[None]]
    return torch.from_numpy(picked.astype(np.float32))


def draw_batch(
    shapes: ShapeSet,
    generator: torch.Generator,
    *,
    batch_size: int,
    points: int,
    queries: int,
    near_fraction: float,
    colour_points: int,
    device: torch.device,
) -> ShapeBatch:
    """Draw shapes, and points of them that all shapes of the batch share by index.

    Args:
        shapes: Where from.
        generator: CPU generator.
        batch_size: Shapes.
        points: Surface points for the encoder.
        queries: Field queries.
        near_fraction: Share of the queries near the surface.
        colour_points: Surface points for the colour loss.
        device: Where the batch shall live.
    """
    index = draw_shapes(shapes, batch_size, generator)
    order = torch.randperm(shapes.surface.shape[1], generator=generator)
    seen = gather(shapes.surface, index, order[:points])
    # Other points than the encoder's where there are enough, or colours could be copied.
    coloured = gather(shapes.surface, index, order.roll(-points)[:colour_points])
    asked, inside = draw_queries(
        shapes, generator, index, queries=queries, near_fraction=near_fraction
    )
    return ShapeBatch(
        surface=seen.to(device),
        queries=asked.to(device),
        inside=inside.to(device),
        colour_points=coloured[..., :3].contiguous().to(device),
        colours=coloured[..., 6:9].contiguous().to(device),
    )


def draw_queries(
    shapes: ShapeSet,
    generator: torch.Generator,
    index: Int[Tensor, " batch"],
    *,
    queries: int,
    near_fraction: float,
) -> tuple[Float[Tensor, "batch queries 3"], Float[Tensor, "batch queries"]]:
    """Draw field queries that all shapes share by index, and their truth, 0 or 1.

    Args:
        shapes: Where from.
        generator: CPU generator.
        index: Which shapes.
        queries: How many of each.
        near_fraction: Share of them near the surface.
    """
    n_near = round(queries * near_fraction)
    total, near = shapes.queries.shape[1], shapes.near_count
    at = torch.cat(
        [
            torch.randint(near, (n_near,), generator=generator),
            torch.randint(near, total, (queries - n_near,), generator=generator),
        ]
    )
    return gather(shapes.queries, index, at), gather(shapes.inside, index, at)


def check_shape_set(shapes: ShapeSet, *, points: int) -> None:
    """Check that a set can be trained on.

    Raises:
        InputError: Arrays do not fit each other, or are too small.
    """
    n, available, channels = shapes.surface.shape
    if channels != 9:
        raise InputError(f"surface samples have {channels} channels, expected 9")
    if shapes.queries.shape[:2] != shapes.inside.shape or len(shapes.queries) != n:
        raise InputError(
            f"queries {shapes.queries.shape}, inside {shapes.inside.shape} and surface "
            f"{shapes.surface.shape} do not belong together"
        )
    if available < points:
        raise InputError(f"shapes have {available} surface points, training wants {points}")
    if not 0 < shapes.near_count < shapes.queries.shape[1]:
        raise InputError(
            f"near_count is {shapes.near_count}, expected 1 to {shapes.queries.shape[1] - 1}"
        )
