"""Parts that several vehicles share: tyres, wheels, lamps."""

from __future__ import annotations

from gen3d.data.procedural.palette import Palette, Tone
from gen3d.data.procedural.sketch import Colour, Sketch


def dark_tone(palette: Palette, other_than: str) -> Tone:
    """A black that stays apart from the dominant colour: tyres, window panes."""
    return palette.any("dark grey" if other_than == "black" else "black")


def wheel(
    sketch: Sketch,
    centre: tuple[float, float, float],
    radius: float,
    width: float,
    tyre: Colour,
    hub: Colour,
    *,
    spokes: bool = False,
) -> None:
    """Add a wheel that rolls along Z; its hub stands out on both faces.

    Args:
        sketch: Where to.
        centre: Middle of the wheel.
        radius: Of the tyre.
        width: Along X.
        tyre: Colour.
        hub: Colour.
        spokes: Draws a tyre with two crossed spokes in place of a disc.
    """
    x, y, z = centre
    half = width / 2
    with sketch.named("wheels"):
        if spokes:
            sketch.ring(centre, radius - half, half, tyre, turn=(0, 90, 0))
            reach = 2 * radius - width
            sketch.box(centre, (0.8 * width, reach, 0.8 * width), hub)
            sketch.box(centre, (0.8 * width, 0.8 * width, reach), hub)
        else:
            sketch.cylinder((x - half, y, z), (x + half, y, z), radius, tyre, rounding=0.2 * width)
        out, core = half + 0.12 * width, 0.28 * radius if spokes else 0.52 * radius
        sketch.cylinder((x - out, y, z), (x + out, y, z), core, hub, rounding=0.08 * width)


def axle(
    sketch: Sketch,
    track: float,
    at: tuple[float, float],
    width: float,
    tyre: Colour,
    hub: Colour,
) -> None:
    """Add two wheels that stand on the ground, ``track`` apart; ``at`` is (z, radius)."""
    z, radius = at
    for side in (-1, 1):
        wheel(sketch, (side * track / 2, radius, z), radius, width, tyre, hub)


def headlights(
    sketch: Sketch, spread: float, y: float, front: float, radius: float, colour: Colour
) -> None:
    """Add two lamps that look along +Z from the face at ``front``."""
    with sketch.named("headlights"):
        for side in (-1, 1):
            ends = (
                (side * spread, y, front - 1.7 * radius),
                (side * spread, y, front + 0.5 * radius),
            )
            sketch.cylinder(*ends, radius, colour, rounding=0.2 * radius)
