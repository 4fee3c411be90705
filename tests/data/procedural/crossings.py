"""Counting how often a path enters a shape: the truth behind counts in captions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from gen3d.data.procedural import Shape, Solid
from gen3d.data.procedural.bounds import part_bounds
from gen3d.data.procedural.parts import Part

Points = NDArray[np.float64]


def named(shape: Shape, name: str) -> list[Part]:
    return [part for part in shape.parts if part.name == name]


def reach(parts: Sequence[Part]) -> Points:
    """Bounding box (2, 3) of several parts together."""
    boxes = np.array([part_bounds(part) for part in parts])
    return np.stack([boxes[:, 0].min(0), boxes[:, 1].max(0)])


def circle(axis: int, centre: tuple[float, float, float], radius: float, n: int = 2000) -> Points:
    """Points on a circle about an axis through the centre."""
    angles = 2 * math.pi * np.arange(n) / n
    points = np.tile(np.asarray(centre, float), (n, 1))
    points[:, (axis + 1) % 3] += radius * np.cos(angles)
    points[:, (axis + 2) % 3] += radius * np.sin(angles)
    return points


def line(start: tuple[float, float, float], end: tuple[float, float, float]) -> Points:
    share = np.linspace(0, 1, 2000)[:, None]
    return (1 - share) * np.asarray(start) + share * np.asarray(end)


def entries(shape: Shape, path: Points, *, closed: bool) -> int:
    """How many separate stretches of the path lie inside the shape."""
    with torch.no_grad():
        field = Solid(shape.parts).field(torch.from_numpy(path.astype(np.float32)))
    inside = (field > 0).numpy()
    before = np.roll(inside, 1)
    if not closed:
        before[0] = False
    return int((inside & ~before).sum())
