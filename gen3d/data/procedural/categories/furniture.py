"""Tables, sofas, beds and lamps."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def table(rng: np.random.Generator, palette: Palette) -> Draft:
    """A table: round, square or long top on four legs, two panels or a pedestal."""
    finish = palette.finish("wooden", "wooden", "metal", "plastic", "stone")
    colour = finish.tone.rgb
    style = int(rng.integers(4))
    legs = palette.any(other_than=finish.tone.name) if rng.uniform() < 0.3 else finish.tone
    if style == 3:  # wide supports would outweigh the top's colour
        legs = finish.tone
    sketch = Sketch()
    draft = Draft(sketch, "table", finish, ["dining table", "desk"])
    height, thick = rng.uniform(0.45, 0.8), rng.uniform(0.06, 0.09)
    under = height - thick / 2
    if rng.uniform() < 0.35:
        radius = rng.uniform(0.42, 0.62)
        width = depth = 2 * radius
        sketch.cylinder((0, under, 0), (0, height + thick / 2, 0), radius, colour, rounding=0.02)
        draft.adjectives.append("round")
        draft.synonyms = ["round table", "dining table"]
        x = z = 0.6 * radius
    else:
        width, depth = rng.uniform(0.85, 1.5), rng.uniform(0.6, 0.85)
        sketch.box((0, height, 0), (width, thick, depth), colour, rounding=0.015)
        if width > 1.25:
            draft.adjectives.append("long")
        x, z = width / 2 - 0.09, depth / 2 - 0.09
    if style == 3 and x == z:
        foot = rng.uniform(0.55, 0.75) * width / 2
        sketch.cylinder((0, 0, 0), (0, height, 0), rng.uniform(0.06, 0.1), legs.rgb)
        sketch.cylinder((0, 0, 0), (0, 0.07, 0), foot, legs.rgb, rounding=0.02)
        draft.features.append("with a pedestal")
    elif style == 3:
        for side in (-1, 1):
            sketch.box((side * x, height / 2, 0), (0.08, height, 1.8 * z), legs.rgb, rounding=0.01)
        draft.features.append("with two side panels")
    else:
        splay, radius = rng.uniform(0.0, 0.06) * (style == 1), rng.uniform(0.04, 0.055)
        for sx in (-1, 1):
            for sz in (-1, 1):
                top, end = (sx * x, height, sz * z), (sx * (x + splay), 0, sz * (z + splay))
                if style == 2:
                    leg = (1.8 * radius, height, 1.8 * radius)
                    sketch.box((sx * x, height / 2, sz * z), leg, legs.rgb, rounding=0.01)
                else:
                    sketch.cylinder(end, top, 0.85 * radius, legs.rgb, top=radius)
        if style == 2 and rng.uniform() < 0.5:
            sketch.box((0, 0.3 * height, 0), (2 * x, 0.06, 2 * z), colour)
            draft.features.append("with a shelf")
        draft.features.append("with four legs")
    if legs.name != finish.tone.name:
        draft.features.append(f"with {legs.phrase} legs")
    if height < 0.55:
        draft.adjectives.append("low")
        draft.synonyms.append("coffee table")
    elif height > 0.72:
        draft.adjectives.append("tall")
    return draft


def sofa(rng: np.random.Generator, palette: Palette) -> Draft:
    """A sofa: base, back, two arms, one to three seat cushions and short feet."""
    finish = palette.finish("fabric", "leather")
    colour = finish.tone.rgb
    seats = int(rng.integers(1, 4))
    arm = rng.uniform(0.12, 0.2)
    inner = (0.75, 0.95, 1.3)[seats - 1] * rng.uniform(0.95, 1.1)
    width, depth = inner + 2 * arm, rng.uniform(0.6, 0.75)
    seat, back, rise = rng.uniform(0.3, 0.38), rng.uniform(0.62, 0.82), rng.uniform(0.45, 0.58)
    soft = rng.uniform(0.03, 0.07)
    sketch = Sketch()
    draft = Draft(sketch, "sofa", finish, ["couch", "settee"])
    sketch.box((0, 0.19, 0), (width, 0.22, depth), colour, rounding=0.03)
    thick = rng.uniform(0.15, 0.2)
    rear = -depth / 2 + thick / 2
    sketch.box((0, 0.08 + back / 2, rear), (width, back, thick), colour, rounding=soft)
    for side in (-1, 1):
        x = side * (width - arm) / 2
        sketch.box((x, 0.08 + rise / 2, 0), (arm, rise, depth), colour, rounding=soft)
        if rise > 0.52:
            front, end = (x, rise + 0.03, -depth / 2 + 0.09), (x, rise + 0.03, depth / 2)
            sketch.cylinder(front, end, 0.55 * arm, colour, rounding=0.03)
    part = inner / seats
    for i in range(seats):
        x = (i - (seats - 1) / 2) * part
        at = (x, seat - 0.02, thick / 2)
        sketch.box(at, (part + 0.01, 0.16, depth - thick), colour, rounding=0.04)
        at = (x, seat + 0.2, rear + thick / 2 + 0.02)
        sketch.box(at, (part + 0.01, 0.3, 0.16), colour, rounding=0.05, turn=(-10, 0, 0))
    feet = palette.paint("black" if finish.tone.name != "black" else "brown")
    for sx in (-1, 1):
        for sz in (-1, 1):
            at = (sx * (width / 2 - 0.1), 0.06, sz * (depth / 2 - 0.1))
            sketch.box(at, (0.1, 0.12, 0.1), feet)
    if rng.uniform() < 0.45:
        pillow = palette.any(other_than=finish.tone.name)
        both = rng.uniform() < 0.5 and seats > 1
        for side in (-1, 1) if both else (1,):
            at = (side * (inner / 2 - 0.15), seat + 0.19, rear + thick / 2 + 0.14)
            sketch.box(at, (0.26, 0.26, 0.13), pillow.rgb, rounding=0.05, turn=(-18, 0, 0))
        what = f"two {pillow.phrase} pillows" if both else f"a {pillow.phrase} pillow"
        draft.features.append(f"with {what}")
    draft.features.append(("with one seat", "with two seats", "with three seats")[seats - 1])
    if seats == 3:
        draft.adjectives.append("wide")
    elif seats == 1:
        draft.adjectives.append("small")
    return draft
