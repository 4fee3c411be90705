"""Chairs."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def chair(rng: np.random.Generator, palette: Palette) -> Draft:
    """A dining chair: four legs, a seat, a solid, slatted or framed back, sometimes armrests."""
    finish = palette.finish("wooden", "wooden", "metal", "plastic")
    colour = finish.tone.rgb
    width, depth = rng.uniform(0.42, 0.55), rng.uniform(0.42, 0.52)
    seat, back = rng.uniform(0.40, 0.50), rng.uniform(0.40, 0.62)
    thick, leg = rng.uniform(0.045, 0.07), rng.uniform(0.028, 0.038)
    lean = rng.uniform(0.0, 0.06)
    sketch = Sketch()
    draft = Draft(sketch, "chair", finish, ["dining chair", "seat", "side chair"])
    cushion = palette.any(other_than=finish.tone.name) if rng.uniform() < 0.25 else None
    sketch.box((0, seat, 0), (width, thick, depth), colour, rounding=0.01)
    if cushion is not None:
        top = (0, seat + thick / 2 + 0.02, 0)
        sketch.box(top, (0.88 * width, 0.05, 0.88 * depth), cushion.rgb, rounding=0.02)
        draft.features.append(f"with a {cushion.phrase} cushion")
    x, z = width / 2 - leg, depth / 2 - leg
    for side in (-1, 1):
        sketch.cylinder((side * x, 0, z), (side * x, seat, z), leg, colour)
        sketch.cylinder((side * x, 0, -z), (side * x, seat, -z), leg, colour)
        sketch.cylinder((side * x, seat, -z), (side * x, seat + back, -z - lean), leg, colour)
    style = rng.integers(3)
    middle = (0, seat + 0.72 * back, -z - 0.72 * lean)
    if style == 0:
        sketch.box(middle, (width - leg, 0.52 * back, 0.05), colour, rounding=0.015)
        draft.features.append("with a solid back")
    elif style == 1:
        for i in range(3):
            rise = 0.32 + 0.29 * i
            at = (0, seat + rise * back, -z - rise * lean)
            sketch.box(at, (width - leg, 0.13 * back, 0.045), colour, rounding=0.01)
        draft.features.append("with a slatted back")
    else:
        sketch.box((0, seat + 0.95 * back, -z - lean), (width, 0.09, 0.055), colour, rounding=0.02)
        for i in (-1, 0, 1):
            foot = (0.27 * i * width, seat, -z)
            head = (0.27 * i * width, seat + 0.95 * back, -z - lean)
            sketch.cylinder(foot, head, 0.024, colour)
        draft.features.append("with a spindle back")
    if rng.uniform() < 0.35:
        rise = seat + rng.uniform(0.18, 0.24)
        for side in (-1, 1):
            sketch.cylinder((side * x, seat, z), (side * x, rise, z), leg, colour)
            arm = (side * x, rise, 0)
            sketch.box(arm, (0.06, 0.045, depth), colour, rounding=0.015)
        draft.features.append("with armrests")
        draft.synonyms = ["armchair", "chair with arms"]
    if back > 0.56:
        draft.adjectives.append("tall")
    elif back < 0.45:
        draft.adjectives.append("low-backed")
    return draft
