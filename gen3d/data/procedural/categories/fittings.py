"""Knobs, handles, drawers and feet that several programs share."""

from __future__ import annotations

import math

from gen3d.data.procedural.sketch import Colour, Sketch, Vector


def corners(x: float, z: float) -> tuple[tuple[float, float], ...]:
    """Return the four corners (x, z) of a rectangle about the origin, from its half sides."""
    return ((-x, -z), (-x, z), (x, -z), (x, z))


def counted(word: str, number: int) -> str:
    """Return the word in the plural where there are several: ``knob``, ``knobs``."""
    return word if number == 1 else f"{word}s"


def superellipse(x: float, y: float, power: float, count: int = 18) -> list[tuple[float, float]]:
    """Return a closed outline with these half axes; power 2 is an ellipse, more is boxier."""
    points = []
    for i in range(count):
        angle = 2 * math.pi * i / count
        c, s = math.cos(angle), math.sin(angle)
        points.append(
            (
                math.copysign(x * abs(c) ** (2 / power), c),
                math.copysign(y * abs(s) ** (2 / power), s),
            )
        )
    return points


def pull(
    sketch: Sketch,
    kind: str,
    at: Vector,
    colour: Colour,
    *,
    size: float = 0.05,
    length: float = 0.2,
    upright: bool = False,
) -> None:
    """Add a ``knob`` or a bar ``handle`` on a face that looks along +Z.

    Args:
        sketch: Where to.
        kind: ``knob`` or ``handle``.
        at: Point on the face.
        colour: Its colour.
        size: Diameter of a knob, thickness of a bar.
        length: Of a bar.
        upright: Whether a bar stands instead of lying.
    """
    x, y, z = at
    if kind == "knob":
        sketch.ball((x, y, z + 0.35 * size), 0.6 * size, colour)
        return
    half = (length - size) / 2
    dx, dy = (0.0, half) if upright else (half, 0.0)
    z += 0.3 * size
    sketch.limb((x - dx, y - dy, z), (x + dx, y + dy, z), size / 2, colour)


def drawer_front(sketch: Sketch, at: Vector, size: tuple[float, float], colour: Colour) -> None:
    """Add the raised front of a drawer or door, centred ``at`` a point on the body's face."""
    sketch.box(at, (*size, 0.07), colour, rounding=0.012)
