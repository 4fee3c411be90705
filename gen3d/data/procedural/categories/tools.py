"""Hammers."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def hammer(rng: np.random.Generator, palette: Palette) -> Draft:
    """An upright hammer: claw, sledge or mallet head along X on a handle along Y."""
    finish = palette.finish("wooden", "wooden", "plastic", "metal", plain=0.45)
    colour = finish.tone.rgb
    style = int(rng.integers(3))
    radius = rng.uniform(0.055, 0.07)
    metal = palette.any("grey", "dark grey", "light grey", "black", other_than=finish.tone.name)
    sketch = Sketch()
    draft = Draft(sketch, "hammer", finish)
    waist = radius * rng.uniform(0.8, 0.95)
    sketch.cylinder((0, 0, 0), (0, 0.5, 0), 1.15 * radius, colour, top=radius, rounding=0.02)
    sketch.cylinder((0, 0.45, 0), (0, 0.95, 0), radius, colour, top=waist)
    if style == 2 and rng.uniform() < 0.6:
        grip = palette.any("black", "white", "yellow", "red", other_than=finish.tone.name)
        sketch.cylinder((0, -0.02, 0), (0, 0.14, 0), 0.2, grip.rgb, op="paint")
        draft.features.append(f"with a {grip.phrase} handle end")
    y, reach = rng.uniform(0.9, 0.94), rng.uniform(0.14, 0.18) - 0.03 * (style == 0)
    if style == 0:
        size = rng.uniform(0.055, 0.07)
        sketch.box((0, y, 0), (0.16, 2 * size, 2.2 * size), metal.rgb, rounding=0.015)
        sketch.cylinder(
            (0.04, y, 0), (reach + 0.04, y, 0), 0.75 * size, metal.rgb, top=size, rounding=0.012
        )
        tip = -reach - rng.uniform(0.06, 0.1)
        bend = [
            (-0.04, y + size),
            (-0.04, y - size),
            (0.45 * tip, y - 0.6 * size),
            (tip, y - 0.11),
            (tip - 0.025, y - 0.07),
            (0.6 * tip, y + 0.55 * size),
        ]
        for side in (-1, 1):
            sketch.prism(
                bend, (0, 0, side * 0.042), 0.055, metal.rgb, rounding=0.006, turn=(0, side * 7, 0)
            )
        draft.synonyms = ["claw hammer"]
        draft.features.append("with a claw")
    elif style == 1:
        size = rng.uniform(0.074, 0.085)
        sketch.box((0, y, 0), (2 * reach, 2 * size, 2 * size), metal.rgb, rounding=0.02)
        sketch.box((0, y, 0), (0.13, 0.3, 0.3), colour, op="paint")
        draft.synonyms = ["sledgehammer", "sledge hammer"]
        draft.features.append("with a square head")
    else:
        size = rng.uniform(0.095, 0.125)
        ends = ((-reach - 0.03, y, 0), (reach + 0.03, y, 0))
        sketch.cylinder(*ends, size, colour, rounding=0.02)
        if rng.uniform() < 0.5:
            for side in (-1, 1):
                at = (side * (reach + 0.02), y, 0)
                sketch.box(at, (0.09, 0.5, 0.5), metal.rgb, op="paint")
            draft.features.append(f"with {metal.phrase} faces")
        draft.synonyms = ["mallet"]
        draft.features.append("with a round head")
    if style != 2:
        draft.features.append(f"with a {metal.phrase} head")
    if radius > 0.065:
        draft.adjectives.append("sturdy")
    return draft
