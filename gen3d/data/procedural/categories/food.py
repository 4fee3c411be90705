"""Ice cream."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def ice_cream(rng: np.random.Generator, palette: Palette) -> Draft:
    """An ice cream cone with one to three scoops, or with soft ice."""
    finish = palette.natural("pink", "white", "light yellow", "brown", "dark brown", "light green")
    colour = finish.tone.rgb
    wafer = palette.jitter((0.84, 0.64, 0.38))
    mouth, deep = rng.uniform(0.3, 0.36), rng.uniform(0.62, 0.8)
    sketch = Sketch()
    draft = Draft(sketch, "ice cream cone", finish, ["ice cream", "icecream", "ice-cream cone"])
    if rng.uniform() < 0.25:
        cup = draft.tint("cup", palette.any(other_than=finish.tone.name))
        deep = 0.6 * deep
        with sketch.named("cup"):
            sketch.cylinder((0, -deep, 0), (0, 0.03, 0), 0.62 * mouth, cup, top=mouth + 0.04)
            sketch.cylinder((0, -deep, 0), (0, -deep + 0.06, 0), 0.8 * mouth, cup, rounding=0.02)
        draft.noun = "ice cream"
        draft.synonyms = ["icecream", "ice cream cup", "sundae"]
    else:
        with sketch.named("cone"):
            sketch.cylinder((0, -deep, 0), (0, 0, 0), 0.05, wafer, top=mouth, rounding=0.02)
        if rng.uniform() < 0.5:
            sketch.cylinder((0, -0.09, 0), (0, 0.03, 0), mouth + 0.05, wafer, rounding=0.03)
            draft.features.append("with a rim")
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
            mixed = last and rng.uniform() < 0.5
            shade = colour
            if mixed:
                radius *= 0.85
                shade = draft.tint("scoop on top", sauce)
            lean = 0.05 * math.cos(3 * i) * (i > 0)
            with sketch.named("scoop on top" if mixed else "scoops"):
                sketch.ball((lean, y, 0), (radius, 0.95 * radius, radius), shade, blend=0.04)
            top = y + 0.93 * radius
            y, radius = y + 1.2 * radius, 0.92 * radius
        draft.counts["scoops"] = style + 1
        if not draft.part_tones and rng.uniform() < 0.4:
            size = (0.85 * scoop, 0.4 * scoop, 0.85 * scoop)
            with sketch.named("sauce"):
                sketch.ball((0, top, 0), size, draft.tint("sauce", sauce), op="paint")
    if rng.uniform() < 0.35:
        berry = palette.any("red", "dark red", "purple", "blue", other_than=finish.tone.name)
        with sketch.named("cherry on top"):
            sketch.ball((0, top + 0.05, 0), 0.11, draft.tint("cherry on top", berry))
    if rng.uniform() < 0.25 and style < 3:
        count = int(rng.integers(1, 3))
        stick = palette.paint("brown" if finish.tone.name != "brown" else "light yellow")
        with sketch.named("wafers"):
            for side in (1, -1)[:count]:
                tip = (side * 0.75 * scoop, top + 0.1, -0.2 * scoop)
                sketch.cylinder((side * 0.1, 0.5 * scoop, 0), tip, 0.055, stick)
        draft.counts["wafers"] = count
    if style == 2:
        draft.adjectives.append("tall")
    return draft
