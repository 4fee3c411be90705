"""Roofs and battlements that several buildings share."""

from __future__ import annotations

import math

from gen3d.data.procedural.categories.details import around
from gen3d.data.procedural.sketch import Colour, Sketch, Vector


def pyramid(sketch: Sketch, base: Vector, half: float, height: float, colour: Colour) -> None:
    """Add a square pyramid over ``base``, ``half`` wide to each side.

    A box whose sides are cut off: draw it before what stands close beside or above it.
    """
    x, y, z = base
    sketch.box((x, y + height / 2, z), (2 * half, height, 2 * half), colour)
    slant = math.hypot(half, height)
    thick = 1.2 * half * height / slant
    tilt = math.degrees(math.atan2(half, height))
    out = 0.5 * half + 0.5 * thick * height / slant
    up = 0.5 * height + 0.5 * thick * half / slant
    for side in (-1, 1):
        at = (x + side * out, y + up, z)
        size = (thick, 1.02 * slant, 2.04 * half)
        sketch.box(at, size, colour, turn=(0, 0, side * tilt), op="cut")
        at, size = (x, y + up, z + side * out), (2.04 * half, 1.02 * slant, thick)
        sketch.box(at, size, colour, turn=(-side * tilt, 0, 0), op="cut")


def gable_roof(
    sketch: Sketch,
    eaves: Vector,
    sizes: tuple[float, float, float],
    colour: Colour,
    *,
    thick: float,
    overhang: float,
    turn: Vector = (0, 0, 0),
) -> None:
    """Add two sloping slabs whose ridge runs along Z (before ``turn``).

    Args:
        sketch: Where to.
        eaves: Middle of the rectangle that the walls' top edges span.
        sizes: Span between the walls, rise of the ridge over them, run along the ridge.
        colour: Of the slabs.
        thick: Their height.
        overhang: How far they reach beyond the walls.
        turn: Degrees about X, then Y, then Z.
    """
    span, rise, run = sizes
    out = span / 2 + overhang
    drop = -2 * rise / span * overhang
    low = -0.25 * thick
    slab = [(-out, drop + low), (0, rise + low), (out, drop + low), (out, drop + low + thick)]
    slab += [(0, rise + low + 1.2 * thick), (-out, drop + low + thick)]
    sketch.prism(slab, eaves, run + 2 * overhang, colour, turn=turn)


def round_battlements(
    sketch: Sketch, top: Vector, radius: float, count: int, size: float, colour: Colour
) -> None:
    """Add ``count`` merlons of about ``size`` around the top of a round tower."""
    x, y, z = top
    for dx, dz, yaw in around(count, radius - 0.4 * size):
        at = (x + dx, y + 0.3 * size, z + dz)
        sketch.box(at, (size, 1.2 * size, 0.8 * size), colour, turn=(0, yaw, 0))


def straight_battlements(
    sketch: Sketch, start: Vector, end: Vector, size: float, colour: Colour
) -> None:
    """Add merlons with gaps of their own width along the top edge of a wall."""
    length = math.dist(start, end)
    count = max(2, round((length / size + 1) / 2))
    for i in range(count):
        share = i / (count - 1)
        x, y, z = (a + share * (b - a) for a, b in zip(start, end, strict=True))
        sketch.box((x, y + 0.35 * size, z), (size, 1.1 * size, size), colour)
