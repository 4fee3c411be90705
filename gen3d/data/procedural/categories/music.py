"""Guitars."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def guitar(rng: np.random.Generator, palette: Palette) -> Draft:
    """An upright guitar that faces +Z: acoustic with a sound hole, or electric with two horns."""
    finish = palette.finish("wooden", "wooden", "plastic", plain=0.55)
    colour = finish.tone.rgb
    electric = bool(rng.uniform() < 0.4)
    sketch = Sketch()
    draft = Draft(sketch, "guitar", finish)
    tall = rng.uniform(0.44, 0.52)
    low, waist = rng.uniform(0.17, 0.2), rng.uniform(0.11, 0.13)
    high = rng.uniform(0.135, 0.165)
    deep = rng.uniform(0.07, 0.085) if electric else rng.uniform(0.1, 0.14)
    # Half widths at fractions of the body's height.
    rows = [
        (0.0, 0.45 * low),
        (0.06, 0.78 * low),
        (0.17, 0.98 * low),
        (0.3, low),
        (0.44, 0.5 * (low + waist)),
        (0.58, waist),
        (0.7, 0.5 * (waist + high)),
        (0.82, high),
        (0.92, 0.88 * high),
        (1.0, 0.5 * high),
    ]
    right = [(x, y * tall) for y, x in rows]
    left = [(-x, y) for x, y in reversed(right)]
    if electric:
        horn = rng.uniform(0.06, 0.1)
        right[-3:] = [
            (1.05 * high, 0.84 * tall),
            (high, tall + 0.3 * horn),
            (0.72 * high, tall + 0.4 * horn),
            (0.055, 0.86 * tall),
        ]
        left[:3] = [
            (-0.055, 0.86 * tall),
            (-0.72 * high, tall + horn),
            (-high, tall + 0.9 * horn),
            (-1.05 * high, 0.84 * tall),
        ]
    soft = 0.012
    sketch.prism(right + left, (0, 0, 0), deep, colour, rounding=soft)
    front = deep / 2
    dark = palette.any("dark brown", "black", "light brown", other_than=finish.tone.name)
    neck, z = rng.uniform(0.027, 0.033), front
    end, start = 0.84, (0.6 if electric else 0.66) * tall
    sketch.box((0, (start + end) / 2, z), (2 * neck, end - start, 0.05), dark.rgb, rounding=0.008)
    head = colour if rng.uniform() < 0.5 else dark.rgb
    size = (rng.uniform(0.1, 0.13), 0.17, 0.05)
    sketch.box((0, end + 0.075, z - 0.008), size, head, rounding=0.012)
    pegs = palette.paint("light grey")
    for y in (0.04, 0.11):
        sketch.cylinder(
            (-size[0] / 2 - 0.025, end + y, z), (size[0] / 2 + 0.025, end + y, z), 0.021, pegs
        )
    accent = palette.any("black", "white", "dark brown", other_than=finish.tone.name).rgb
    bridge = 0.24 * tall
    sketch.box((0, bridge, front), (0.15, 0.04, 0.05), accent, rounding=0.006)
    if electric:
        for y in (0.4, 0.54):
            sketch.box((0, y * tall, front), (0.11, 0.045, 0.04), accent, rounding=0.006)
        draft.synonyms = ["electric guitar"]
        draft.features.append("with two horns")
        if rng.uniform() < 0.4:
            guard = palette.any("white", "black", other_than=finish.tone.name).rgb
            sketch.ball((0.09, 0.42 * tall, front), (0.07, 0.12, 0.02), guard, op="paint")
            draft.features.append("with a pickguard")
    else:
        hole = palette.paint("black" if finish.tone.name != "black" else "light brown")
        at = 0.52 * tall
        sketch.cylinder((0, at, front - 0.02), (0, at, front + 0.012), 0.065, hole, op="paint")
        draft.synonyms = ["acoustic guitar"]
        draft.features.append("with a sound hole")
    if low > 0.19:
        draft.adjectives.append("wide")
    elif low < 0.18:
        draft.adjectives.append("slim")
    return draft
