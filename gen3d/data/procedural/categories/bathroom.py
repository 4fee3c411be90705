"""Bathtubs and toilets."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.categories.details import FLAT, accent
from gen3d.data.procedural.categories.fittings import corners, superellipse
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def bathtub(rng: np.random.Generator, palette: Palette) -> Draft:
    """A bathtub along X: oval on clawed feet, or box-shaped; taps, a rim, water, a shower."""
    finish = palette.finish("porcelain", "ceramic", "metal", "stone", painted=0.4)
    colour = finish.tone.rgb
    length, depth, height = rng.uniform(1.2, 1.5), rng.uniform(0.6, 0.76), rng.uniform(0.42, 0.52)
    sketch = Sketch()
    draft = Draft(sketch, "bathtub", finish, ["bath", "tub", "bath tub"])
    clawed = rng.uniform() < 0.5
    foot = 0.11 if clawed else 0.0
    top, x, z = foot + height, length / 2, depth / 2
    if clawed:
        sketch.ball((0, top, 0), (0.96 * x, height, 0.96 * z), colour)
        sketch.box((0, top + height / 2, 0), (2, height, 2), colour, op="cut")
        outline = superellipse(x, z, 2.3)
        with sketch.named("feet"):
            tint = accent(draft, palette, "feet", "yellow", "light grey", "black", "brown")
            for u, w in corners(0.52 * x, 0.52 * z):
                sketch.limb((u, 0.22, w), (1.15 * u, 0.06, 1.2 * w), 0.075, tint, top=0.045)
                sketch.ball((1.2 * u, 0.05, 1.25 * w), (0.07, 0.05, 0.07), tint)
        draft.features.append("with clawed feet")
        draft.adjectives.append("oval")
        draft.style = "antique"
    else:
        power = 5.0 if rng.uniform() < 0.5 else 3.0
        outline = superellipse(0.97 * x, 0.95 * z, power)
        sketch.prism(outline, (0, top / 2, 0), top, colour, turn=FLAT)
        outline = superellipse(x, z, power)
    with sketch.named("rim"):
        sketch.prism(outline, (0, top - 0.01, 0), 0.07, colour, rounding=0.02, turn=FLAT)
    inside = palette.jitter(colour)
    if rng.uniform() < 0.4:
        level, sea = top - 0.1, palette.paint("light blue")
        pool = superellipse(x - 0.1, z - 0.1, 2.2, 16)
        sketch.prism(pool, (0, level + 0.1, 0), 0.2, inside, turn=FLAT, op="cut")
        # Wide enough to meet the wall, too narrow to show outside.
        pool = superellipse(x - 0.085, z - 0.085, 2.2, 16)
        with sketch.named("water"):
            sketch.prism(pool, (0, level - 0.01, 0), 0.036, sea, turn=FLAT, op="paint")
        draft.features.append("with water inside")
    else:
        hollow = (x - 0.1, height - 0.11, z - 0.1)
        sketch.ball((0, top + 0.03, 0), hollow, inside, op="cut")
    side = x - 0.05
    with sketch.named("tap"):
        tint = accent(draft, palette, "tap", "light grey", "yellow", "black")
        sketch.limb((side, top - 0.03, 0), (side, top + 0.14, 0), 0.034, tint)
        sketch.limb((side, top + 0.14, 0), (side - 0.15, top + 0.12, 0), 0.03, tint)
        if rng.uniform() < 0.6:
            for w in (-0.13, 0.13):
                sketch.limb((side, top - 0.02, w), (side, top + 0.05, w), 0.026, tint)
                sketch.ball((side, top + 0.07, w), (0.045, 0.03, 0.045), tint)
    if rng.uniform() < 0.25:
        with sketch.named("shower"):
            tint = palette.paint("light grey" if finish.tone.name != "grey" else "black")
            high, post = top + rng.uniform(0.65, 0.8), side
            sketch.limb((post, top - 0.03, 0), (post, high, 0), 0.03, tint)
            sketch.limb((post, high, 0), (post - 0.28, high, 0), 0.03, tint)
            ends = ((post - 0.26, high + 0.02, 0), (post - 0.27, high - 0.07, 0))
            sketch.cylinder(*ends, 0.05, tint, top=0.11, rounding=0.012)
        draft.features.append("with a shower")
    if length / depth > 2.15:
        draft.adjectives.insert(0, "long")
    return draft


def toilet(rng: np.random.Generator, palette: Palette) -> Draft:
    """A toilet: a pedestal, an oval bowl and seat, its lid up or down, a tank with a lever."""
    finish = palette.finish("porcelain", "ceramic", "ceramic", "metal", painted=0.4)
    colour = finish.tone.rgb
    rim, wide, run = rng.uniform(0.4, 0.46), rng.uniform(0.2, 0.24), rng.uniform(0.27, 0.32)
    sketch = Sketch()
    draft = Draft(sketch, "toilet", finish, ["toilet bowl", "loo", "lavatory"])
    round_foot = rng.uniform() < 0.5
    if round_foot:
        sketch.cylinder((0, 0, -0.04), (0, 0.06, -0.04), 0.2, colour, rounding=0.02)
        sketch.cylinder((0, 0, -0.04), (0, 0.3, -0.02), 0.13, colour, top=0.17)
    else:
        sketch.box((0, 0.16, -0.08), (0.26, 0.32, 0.4), colour, rounding=0.06)
    sketch.ball((0, rim, 0.02), (wide, 0.27, run), colour, blend=0.04)
    sketch.box((0, rim + 0.2, 0), (1, 0.4, 1.2), colour, op="cut")
    sketch.box((0, rim - 0.08, -0.22), (0.26, 0.16, 0.22), colour, rounding=0.03)
    seat = rng.uniform() < 0.55
    tint = accent(draft, palette, "seat") if seat else colour
    oval = superellipse(wide + 0.015, run + 0.015, 2.2)
    with sketch.named("seat"):
        sketch.prism(oval, (0, rim, 0.02), 0.06, tint, rounding=0.015, turn=FLAT)
    is_open = rng.uniform() < 0.5
    if is_open:
        inside = palette.jitter(colour)
        hole = (wide - 0.06, 0.2, run - 0.07)
        sketch.ball((0, rim + 0.02, 0.03), hole, inside, op="cut")
        water = palette.paint("light blue")
        sketch.ball((0, rim - 0.2, 0.03), (0.13, 0.05, 0.15), water)
    tank, deep = rng.uniform(0.3, 0.4), rng.uniform(0.17, 0.22)
    rear = -0.3 - deep / 2 + 0.06
    with sketch.named("tank"):
        at = (0, rim - 0.06 + tank / 2, rear)
        broad = rng.uniform(0.42, 0.52)
        sketch.box(at, (broad, tank, deep), colour, rounding=0.03)
        top = rim - 0.06 + tank
        sketch.box((0, top, rear), (broad + 0.04, 0.06, deep + 0.04), colour, rounding=0.018)
    with sketch.named("lid"):
        if is_open:
            back = rear + deep / 2 + 0.05
            at = (0, rim + run - 0.01, back + 0.015)
            sketch.prism(oval, at, 0.055, tint, rounding=0.015, turn=(-6, 0, 0))
            sketch.box((0, rim + 0.01, back - 0.02), (0.18, 0.12, 0.1), tint, rounding=0.015)
        else:
            at = (0, rim + 0.035, 0.02)
            sketch.prism(oval, at, 0.05, tint, rounding=0.02, turn=FLAT)
    draft.features.append("with the lid up" if is_open else "with the lid down")
    lever = rng.uniform() < 0.6
    word = "lever" if lever else "button"
    chrome = accent(draft, palette, word, "light grey", "yellow", "black")
    with sketch.named(word):
        if lever:
            at = (-broad / 2 + 0.06, top - 0.1, rear + deep / 2 + 0.02)
            sketch.ball(at, 0.035, chrome)
            sketch.limb(at, (at[0] + 0.12, at[1] - 0.02, at[2] + 0.01), 0.022, chrome)
        else:
            sketch.cylinder((0, top, rear), (0, top + 0.06, rear), 0.055, chrome, rounding=0.012)
    return draft
