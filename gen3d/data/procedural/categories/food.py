"""Ice cream."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.categories.natural import natural_finish
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def ice_cream(rng: np.random.Generator, palette: Palette) -> Draft:
    """An ice cream cone with one to three scoops, or with soft ice."""
    finish = natural_finish(
        palette, "pink", "white", "light yellow", "brown", "dark brown", "light green"
    )
    colour = finish.tone.rgb
    wafer = palette.jitter((0.84, 0.64, 0.38))
    mouth, deep = rng.uniform(0.3, 0.36), rng.uniform(0.62, 0.8)
    sketch = Sketch()
    sketch.cylinder((0, -deep, 0), (0, 0, 0), 0.05, wafer, top=mouth, rounding=0.02)
    if rng.uniform() < 0.5:
        sketch.cylinder((0, -0.09, 0), (0, 0.03, 0), mouth + 0.05, wafer, rounding=0.03)
    draft = Draft(sketch, "ice cream cone", finish, ["ice cream", "icecream", "ice-cream cone"])
    sauce = palette.any(other_than=finish.tone.name)
    scoop = mouth * rng.uniform(1.25, 1.45)
    style = int(rng.integers(4))
    if style == 3:
        tiers = int(rng.integers(3, 5))
        y, radius = 0.1, 1.3 * mouth
        for i in range(tiers):
            sketch.ball((0, y, 0), (radius, 0.17, radius), colour, turn=(6, 0, 6), blend=0.02)
            y, radius = y + 0.19, radius * (0.8 - 0.05 * i)
        sketch.limb((0, y - 0.16, 0), (0.03, y + 0.08, 0), radius, colour, top=0.04, blend=0.08)
        top = y + 0.1
        draft.synonyms.append("soft ice cream")
        draft.features.append("with soft swirls")
    else:
        y = 0.6 * scoop
        radius = scoop
        sketch.cylinder((0, -0.05, 0), (0, 0.12, 0), 1.02 * scoop, colour, rounding=0.07)
        for i in range(style + 1):
            last = i == style == 2
            mixed = last and rng.uniform() < 0.35
            if mixed:
                radius *= 0.85
            shade = sauce.rgb if mixed else colour
            lean = 0.05 * math.cos(3 * i) * (i > 0)
            sketch.ball((lean, y, 0), (radius, 0.95 * radius, radius), shade, blend=0.04)
            if mixed:
                draft.features.append(f"with a {sauce.phrase} scoop on top")
            top = y + 0.93 * radius
            y, radius = y + 1.2 * radius, 0.92 * radius
        count = ("one scoop", "two scoops", "three scoops")[style]
        draft.features.insert(0, f"with {count}")
        if len(draft.features) == 1 and rng.uniform() < 0.4:
            sketch.ball(
                (0, top, 0), (0.85 * scoop, 0.4 * scoop, 0.85 * scoop), sauce.rgb, op="paint"
            )
            draft.features.append(f"with {sauce.phrase} sauce")
    if rng.uniform() < 0.35:
        berry = palette.any("red", "dark red", "purple", other_than=finish.tone.name)
        sketch.ball((0, top + 0.05, 0), 0.11, berry.rgb)
        draft.features.append("with a cherry on top")
    if rng.uniform() < 0.25 and style < 3:
        stick = palette.paint("brown" if finish.tone.name != "brown" else "light yellow")
        tip = (0.75 * scoop, top + 0.1, -0.2 * scoop)
        sketch.cylinder((0.1, 0.5 * scoop, 0), tip, 0.055, stick)
        draft.features.append("with a wafer stick")
    if style == 2:
        draft.adjectives.append("tall")
    return draft
