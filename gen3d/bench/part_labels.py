"""Which points of a procedural shape's surface belong to which of its named parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gen3d.data.procedural import Shape, Solid
from gen3d.data.procedural.parts import Part
from gen3d.data.procedural.sketch import LONGEST_SIDE
from gen3d.data.procedural.words import singular

THIN = 0.06
"""Parts whose least extent is below this share of the longest side are thin."""

_AXES = 64


def least_extent(part: Part) -> float:
    """Return the least extent of a primitive, in the units of its shape.

    A lathe counts by its bounds, so the thin wall of a bowl is no thin part.
    """
    sizes = part.params
    if part.kind == "box":
        return 2 * min(sizes[:3])
    if part.kind == "cone":
        return 2 * min(max(sizes[:2]), sizes[2])
    if part.kind == "ellipsoid":
        return 2 * min(sizes)
    if part.kind == "torus":
        return 2 * sizes[1]
    if part.kind == "capsule":
        return 2 * max(sizes[:2])
    outline = torch.from_numpy(part.outline)
    if part.kind == "prism":
        angles = torch.arange(_AXES) * (torch.pi / _AXES)
        along = outline @ torch.stack([angles.cos(), angles.sin()]).double()
        widths = along.amax(0) - along.amin(0)
        return min(2 * sizes[0], float(widths.min()) + 2 * sizes[1])
    high = float(outline[:, 1].max() - outline[:, 1].min())
    return 2 * sizes[1] + min(2 * float(outline[:, 0].max()), high)


def is_thin(part: Part) -> bool:
    """Tell whether a part is named, adds to the solid and is thin."""
    return bool(part.name) and part.op == "add" and least_extent(part) < THIN * LONGEST_SIDE


def is_called(part: Part, word: str) -> bool:
    """Tell whether a part goes by a word of captions, in singular or plural."""
    return bool(part.name) and singular(part.name) == singular(word)


def label_points(
    shape: Shape, points: Float[Tensor, "n 3"], wanted: Callable[[Part], bool]
) -> Bool[Tensor, " n"]:
    """Tell which points on a shape's surface have their colour from a wanted part.

    Args:
        shape: The shape.
        points: On its surface, network frame.
        wanted: Chooses parts.
    """
    # Painted white and all else black, the shape says so itself.
    parts = tuple(replace(part, colour=(float(wanted(part)),) * 3) for part in shape.parts)
    with torch.no_grad():
        return Solid(parts).colour(points)[:, 0] > 0.5
