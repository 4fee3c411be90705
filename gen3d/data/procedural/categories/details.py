"""Details that many shape programs draw: planes, contrasting parts, rings of things, wedges."""

from __future__ import annotations

import math
from collections.abc import Iterator

from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.parts import Op
from gen3d.data.procedural.sketch import Colour, Sketch, Vector

SIDE_ON = (0, -90, 0)
"""Turns the drawing plane of prisms: outline x becomes forward (+Z), y stays up."""

FLAT = (90, 0, 0)
"""Turns the drawing plane of prisms: outline y becomes forward (+Z), x stays right."""


def accent(draft: Draft, palette: Palette, word: str, *phrases: str) -> Colour:
    """Draw a part's colour unlike the dominant one, and note it under the part's word.

    Args:
        draft: Gets the tone in ``part_tones``.
        palette: Draws it.
        word: The part as a caption says it.
        *phrases: Tones to choose from; any when none is given. Where all of them have the
            dominant tone's name, the part has that name too and is not noted.
    """
    drawn = palette.any(*phrases, other_than=draft.finish.tone.name)
    if drawn.name != draft.finish.tone.name:
        draft.part_tones[word] = drawn
    return drawn.rgb


def around(count: int, radius: float, start_deg: float = 0.0) -> Iterator[tuple[float, ...]]:
    """Yield (x, z, yaw in degrees) of evenly spaced places on a circle about the Y axis.

    Yaw 0 is +Z; a part turned by (tilt, yaw, 0) has its local Z pointing outwards there.
    """
    for i in range(count):
        yaw = start_deg + 360 * i / count
        angle = math.radians(yaw)
        yield radius * math.sin(angle), radius * math.cos(angle), yaw


def wedge(
    sketch: Sketch,
    centre: Vector,
    reach: float,
    height: float,
    colour: Colour,
    *,
    opening_deg: float,
    yaw_deg: float,
    op: Op = "cut",
) -> None:
    """Cut (or paint) an upright wedge like a slice of cake, its edge on the line through centre."""
    half = math.radians(opening_deg / 2)
    far = (reach * math.cos(half), reach * math.sin(half))
    outline = [(0.0, 0.0), far, (reach, 0.0), (far[0], -far[1])]
    # The turn about X lays the outline flat; its axis, +X, then needs a quarter turn back to +Z.
    sketch.prism(outline, centre, height, colour, turn=(90, yaw_deg - 90, 0), op=op)
