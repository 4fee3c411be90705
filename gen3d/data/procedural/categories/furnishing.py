"""Beds and lamps."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def bed(rng: np.random.Generator, palette: Palette) -> Draft:
    """A bed: frame, mattress, blanket, one or two pillows and a headboard at -Z."""
    finish = palette.finish("wooden", "wooden", "fabric", plain=0.6)
    colour = finish.tone.rgb
    double = bool(rng.uniform() < 0.55)
    width = rng.uniform(1.2, 1.55) if double else rng.uniform(0.8, 1.0)
    length, rise = rng.uniform(1.8, 2.05), rng.uniform(0.3, 0.45)
    sketch = Sketch()
    draft = Draft(sketch, "bed", finish, ["double bed" if double else "single bed"])
    sheet = palette.paint("white" if finish.tone.name != "white" else "light blue")
    board = palette.any("brown", "dark brown", "black", "white", other_than=finish.tone.name)
    board_rgb = board.rgb if rng.uniform() < 0.35 else colour
    sketch.box((0, rise - 0.08, 0), (width, 0.2, length), colour, rounding=0.02)
    mattress = (0.94 * width, 0.22, 0.96 * length)
    top = rise + 0.19
    sketch.box((0, rise + 0.08, 0), mattress, sheet, rounding=0.06)
    cover = rng.uniform(0.6, 0.72) * length
    at = (0, rise + 0.07, length / 2 - cover / 2 + 0.01)
    sketch.box(at, (width + 0.02, 0.32, cover), colour, rounding=0.07)
    head = rise + rng.uniform(0.4, 0.75)
    back = -length / 2 - 0.02
    sketch.box((0, head / 2, back), (width + 0.06, head, 0.1), board_rgb, rounding=0.03)
    if rng.uniform() < 0.4:
        sketch.cylinder(
            (0, head - 0.04, back - 0.05),
            (0, head - 0.04, back + 0.05),
            0.36 * width,
            board_rgb,
            rounding=0.03,
        )
        draft.features.append("with a rounded headboard")
    else:
        draft.features.append("with a headboard")
    if rng.uniform() < 0.45:
        foot = rise + rng.uniform(0.15, 0.3)
        sketch.box(
            (0, foot / 2, length / 2 + 0.02), (width + 0.06, foot, 0.1), colour, rounding=0.03
        )
        draft.features.append("with a footboard")
    else:
        for side in (-1, 1):
            at = (side * (width / 2 - 0.08), rise / 2, length / 2 - 0.1)
            sketch.box(at, (0.12, rise, 0.12), board_rgb)
    pillow = sheet if rng.uniform() < 0.6 else palette.any(other_than=finish.tone.name).rgb
    count = 2 if double else 1
    for i in range(count):
        x = (i - (count - 1) / 2) * 0.46 * width
        size = (0.4 * width if double else 0.6 * width, 0.17, 0.34)
        sketch.box(
            (x, top + 0.05, -length / 2 + 0.26), size, pillow, rounding=0.08, turn=(12, 0, 0)
        )
    draft.features.append("with two pillows" if double else "with a pillow")
    draft.adjectives.append("wide" if double else "narrow")
    return draft


def lamp(rng: np.random.Generator, palette: Palette) -> Draft:
    """A table lamp or a floor lamp: foot, stem and a shade of the dominant colour."""
    finish = palette.finish("fabric", "metal", plain=0.7)
    colour = finish.tone.rgb
    floor = bool(rng.uniform() < 0.35)
    sketch = Sketch()
    draft = Draft(sketch, "lamp", finish, ["floor lamp" if floor else "table lamp"])
    other = palette.any("black", "white", "grey", "dark brown", other_than=finish.tone.name)
    stem = other.rgb if rng.uniform() < 0.6 else colour
    tall = rng.uniform(0.34, 0.42) if floor else rng.uniform(0.42, 0.56)
    low = rng.uniform(0.24, 0.31) if floor else rng.uniform(0.32, 0.44)
    high = low * rng.uniform(0.45, 0.95)
    start = 1.0 - tall
    sketch.cylinder((0, 0.02, 0), (0, start + 0.5 * tall, 0), 0.032, stem)
    if floor:
        sketch.cylinder((0, 0, 0), (0, 0.055, 0), 0.6 * low, colour, rounding=0.015)
        draft.adjectives.append("tall")
    else:
        style = int(rng.integers(3))
        foot = rng.uniform(0.5, 0.6) * low
        sketch.cylinder((0, 0, 0), (0, 0.055, 0), foot, colour, rounding=0.015)
        if style == 0:
            radius = rng.uniform(0.11, 0.15)
            sketch.ball((0, 0.04 + radius, 0), radius, stem, blend=0.03)
            draft.features.append("with a round base")
        elif style == 1:
            sketch.cylinder(
                (0, 0.02, 0), (0, 0.8 * start, 0), 0.8 * foot, stem, top=0.05, rounding=0.02
            )
            draft.features.append("with a cone base")
    if rng.uniform() < 0.2:
        radius = 0.85 * low
        sketch.ball((0, 1.0 - radius, 0), radius, colour)
        sketch.cylinder((0, 0, 0), (0, 1.02 - 2 * radius, 0), 0.04, stem)
        draft.features.append("with a round shade")
    else:
        sketch.cylinder((0, start, 0), (0, 1, 0), low, colour, top=high, rounding=0.02)
        # A shallow hollow below shows that the shade is open there.
        glow = palette.paint("light yellow" if finish.tone.name != "yellow" else "white")
        below, inside = (0, start - 0.05, 0), (0, start + 0.05, 0)
        hollow = low - 0.08
        sketch.cylinder(below, inside, hollow, glow, top=0.85 * hollow, op="cut")
        # The cut severed the stem.
        sketch.cylinder((0, start - 0.1, 0), (0, start + 0.2 * tall, 0), 0.034, stem)
        sketch.cylinder(below, (0, start + 0.055, 0), hollow, glow, top=0.86 * hollow, op="paint")
        sketch.cylinder((0, start - 0.06, 0), (0, start + 0.06, 0), 0.037, stem, op="paint")
        if high < 0.6 * low:
            draft.features.append("with a cone shade")
        else:
            draft.features.append("with a wide shade" if low > 0.38 else "with a shade")
    return draft
