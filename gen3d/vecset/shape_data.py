"""What training needs of a set of sampled shapes, and batches drawn from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d.errors import InputError


class ShapeSet(Protocol):
    """Sampled shapes in the network's frame, [-1, 1]^3; arrays may be memory-mapped files."""

    @property
    def surface(self) -> np.ndarray:
        """Position, unit normal, sRGB colour: (shapes, points, 9) float16."""
        ...

    @property
    def queries(self) -> np.ndarray:
        """Query points, (shapes, queries, 3) float16: near the surface first, then uniform."""
        ...

    @property
    def inside(self) -> np.ndarray:
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


def gather(
    array: np.ndarray, shapes: Int[Tensor, " batch"], points: Int[Tensor, " n"]
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
    index = torch.randint(len(shapes.surface), (batch_size,), generator=generator)
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
