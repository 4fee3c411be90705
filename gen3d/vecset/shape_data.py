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
from gen3d.training.batch_part import current_part

ShapeSet: TypeAlias = SampledShapes
"""Sampled shapes, of any source."""


@runtime_checkable
class WeightedShapes(Protocol):
    """A set that says itself which shapes to draw."""

    def draw(self, count: int, generator: torch.Generator) -> Int[Tensor, " count"]:
        """Draw shapes, with replacement."""
        ...


class TrainingShapes(Protocol):
    """What a batch is drawn from: :data:`ShapeSet`, or one held in the memory of a device."""

    @property
    def surface(self) -> SampleArray | Tensor:
        """Position, unit normal, sRGB colour: (shapes, points, 9) float16."""
        ...

    @property
    def queries(self) -> SampleArray | Tensor:
        """Query points, (shapes, queries, 3) float16: near the surface first, then uniform."""
        ...

    @property
    def inside(self) -> SampleArray | Tensor:
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
    shapes: TrainingShapes, count: int, generator: torch.Generator
) -> Int[Tensor, " count"]:
    """Draw a whole batch of shapes, with replacement, in random order.

    Args:
        shapes: Where from; a :class:`WeightedShapes` draws by its own weights.
        count: Shapes of the batch, over all processes.
        generator: CPU generator, in the same state in all processes.
    """
    if isinstance(shapes, WeightedShapes):
        return shapes.draw(count, generator)
    return torch.randint(len(shapes.captions), (count,), generator=generator)


def gather(
    array: SampleArray | Tensor, shapes: Int[Tensor, " batch"], points: Int[Tensor, " n"]
) -> Float[Tensor, "batch n ..."]:
    """Read the same points of several shapes, as float32; where the array is a tensor, there."""
    if isinstance(array, Tensor):
        return array[shapes.to(array.device)[:, None], points.to(array.device)[None]].float()
    picked = array[shapes.numpy()[:, None], points.numpy()[None]]
    return torch.from_numpy(picked.astype(np.float32))


def draw_batch(
    shapes: TrainingShapes,
    generator: torch.Generator,
    *,
    batch_size: int,
    points: int,
    queries: int,
    near_fraction: float,
    colour_points: int,
    device: torch.device,
) -> ShapeBatch:
    """Draw a batch of shapes, and points of them that all share by index; return the current part.

    Args:
        shapes: Where from.
        generator: CPU generator.
        batch_size: Shapes, over all parts of the batch.
        points: Surface points for the encoder.
        queries: Field queries.
        near_fraction: Share of the queries near the surface.
        colour_points: Surface points for the colour loss.
        device: Where the batch shall live.
    """
    index = current_part().take(draw_shapes(shapes, batch_size, generator))
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
    shapes: TrainingShapes,
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


def check_shape_set(shapes: TrainingShapes, *, points: int) -> None:
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
