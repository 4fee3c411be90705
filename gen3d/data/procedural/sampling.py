"""Training samples of a shape: surface points with normals and colours, labelled queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from gen3d.data.procedural.bounds import part_area, sample_part
from gen3d.data.procedural.shape import Shape, Solid
from gen3d.errors import Gen3dError

# Candidates farther from the surface than this are inside other parts; blends move it less.
_REACH = 0.06
_TOLERANCE = 2e-3
_ROUNDS = 12
_RIVAL_SIGMA = 0.02


@dataclass(frozen=True)
class ShapeSamples:
    """Samples of one shape in the network frame.

    Attributes:
        surface: Position, unit normal and sRGB colour of surface points.
        queries: Points; the first half near the surface, the rest uniform in the cube.
        inside: Whether each query lies inside.
    """

    surface: Float[Tensor, "n 9"]
    queries: Float[Tensor, "q 3"]
    inside: Bool[Tensor, " q"]


def sample_shape(
    shape: Shape,
    *,
    surface: int = 2048,
    queries: int = 8192,
    near_sigmas: tuple[float, float] = (0.02, 0.08),
    bound: float = 1.0,
    rivals: Sequence[Shape] = (),
) -> ShapeSamples:
    """Sample a shape; deterministic for a given shape.

    Args:
        shape: The shape.
        surface: Number of surface points, uniform by area up to blends.
        queries: Number of query points.
        near_sigmas: Standard deviations of the normal offsets of the two halves of near queries.
        bound: Uniform queries fill [-bound, bound]^3.
        rivals: Other shapes, whose parts then lend half of the near queries. A network that knows
            the category puts faint parts there, where uniform queries hardly ever look.
    """
    rng = np.random.default_rng([shape.seed, len(shape.parts), 7])
    solid = Solid(shape.parts)
    points, normals = sample_surface_points(shape, solid, surface, rng)
    near = points[torch.from_numpy(rng.integers(0, surface, queries // 2))]
    sigma = np.where(np.arange(len(near)) % 2 == 0, *near_sigmas)[:, None]
    near = near + torch.from_numpy((rng.normal(size=near.shape) * sigma).astype(np.float32))
    uniform = rng.uniform(-bound, bound, (queries - len(near), 3)).astype(np.float32)
    if rivals:
        half = len(near) // 2
        counts = [len(part) for part in np.array_split(np.arange(half), len(rivals))]
        lent = [_candidates(r, n, rng) for r, n in zip(rivals, counts, strict=True)]
        points_lent = np.concatenate(lent)
        points_lent += rng.normal(0, _RIVAL_SIGMA, points_lent.shape).astype(np.float32)
        near[len(near) - half :] = torch.from_numpy(points_lent)
    # Stored as float16: round first, so that labels belong to the points as they are stored.
    where = torch.cat([near, torch.from_numpy(uniform)]).half().float()
    with torch.no_grad():
        inside = solid.field(where) > 0
        colours = solid.colour(points)
    return ShapeSamples(torch.cat([points, normals, colours], 1), where, inside)


def sample_surface_points(
    shape: Shape, solid: Solid, count: int, rng: np.random.Generator
) -> tuple[Float[Tensor, "n 3"], Float[Tensor, "n 3"]]:
    """Draw points on the solid's surface with outward normals.

    Points are drawn on every part's own surface, pulled to the solid's by Newton steps, and kept
    where they arrive.

    Raises:
        Gen3dError: The shape shows almost no surface (a program's mistake).
    """
    found: list[tuple[Tensor, Tensor]] = []
    have = 0
    for _ in range(_ROUNDS):
        candidates = torch.from_numpy(_candidates(shape, 2 * count, rng))
        with torch.no_grad():
            candidates = candidates[solid.field(candidates).abs() < _REACH]
        if len(candidates) == 0:
            continue
        for _ in range(2):
            value, normal = solid.field_and_normal(candidates)
            candidates = candidates + value.clamp(-_REACH, _REACH)[:, None] * normal
        with torch.no_grad():
            good = solid.field(candidates).abs() < _TOLERANCE
        candidates = candidates[good]
        # Exactly on a surface a distance has no gradient; a hair beside it, it has.
        aside = torch.from_numpy(rng.normal(0, 1e-4, candidates.shape).astype(np.float32))
        _, normal = solid.field_and_normal(candidates + aside)
        known = normal.norm(dim=1) > 0.5
        found.append((candidates[known], normal[known]))
        have += int(known.sum())
        if have >= count:
            points, normals = (torch.cat(rows) for rows in zip(*found, strict=True))
            keep = torch.from_numpy(rng.permutation(have)[:count])
            return points[keep], normals[keep]
    raise Gen3dError(f"the {shape.category} of seed {shape.seed} shows almost no surface")


def _candidates(shape: Shape, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    solid = [part for part in shape.parts if part.op != "paint"]
    areas = np.array([part_area(part) for part in solid])
    counts = rng.multinomial(count, areas / areas.sum())
    drawn = [sample_part(part, int(n), rng) for part, n in zip(solid, counts, strict=True) if n]
    points = np.concatenate(drawn)
    # A point exactly on an outline has no gradient to follow there, so nudge all a little.
    return (points + rng.normal(0, 2e-3, points.shape)).astype(np.float32)
