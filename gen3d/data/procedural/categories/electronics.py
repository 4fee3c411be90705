"""Televisions and laptops."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.categories.fittings import corners
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def television(rng: np.random.Generator, palette: Palette) -> Draft:
    """A television: flat on a stand or two feet, or an old box with aerials, knobs and legs."""
    old = rng.uniform() < 0.45
    finish = palette.finish(*(("wooden", "plastic") if old else ("plastic", "metal")), painted=0.5)
    colour = finish.tone.rgb
    glow = palette.any("black", "light blue", "dark grey", "white", other_than=finish.tone.name)
    sketch = Sketch()
    draft = Draft(sketch, "television", finish, ["tv", "tv set", "television set"])
    draft.part_tones["screen"] = glow
    if not old:
        width, height = 1.2, rng.uniform(0.66, 0.76)
        thick, lift = rng.uniform(0.05, 0.09), rng.uniform(0.1, 0.18)
        middle = lift + height / 2
        sketch.box((0, middle, 0), (width, height, thick), colour, rounding=0.015)
        sketch.box((0, middle, -0.05), (0.6 * width, 0.6 * height, 0.1), colour, rounding=0.02)
        with sketch.named("screen"):
            at = (0, middle + 0.01, thick / 2 + 0.05)
            sketch.box(at, (width - 0.1, height - 0.12, 0.12), glow.rgb, op="paint")
        draft.synonyms.append("flat screen tv")
        draft.style = "modern"
        feet = rng.uniform() < 0.5
        base = palette.any(other_than=finish.tone.name) if rng.uniform() < 0.4 else finish.tone
        with sketch.named("feet" if feet else "stand"):
            if feet:
                for x in (-0.36 * width, 0.36 * width):
                    for z in (-1, 1):
                        ends = ((x, 0.03, 0.17 * z), (x, lift + 0.04, 0))
                        sketch.limb(*ends, 0.026, base.rgb)
            else:
                at = (0, (lift + 0.1) / 2, -0.02)
                sketch.box(at, (rng.uniform(0.08, 0.25), lift + 0.1, 0.06), base.rgb)
                broad = rng.uniform(0.4, 0.6)
                sketch.box((0, 0.025, 0), (broad, 0.05, 0.3), base.rgb, rounding=0.015)
        draft.features.append("with feet" if feet else "with a stand")
        if base is not finish.tone:
            draft.part_tones["feet" if feet else "stand"] = base
        return draft
    draft.synonyms.append("old tv")
    draft.style = "vintage"
    width, height, depth = 1.0, rng.uniform(0.7, 0.82), rng.uniform(0.45, 0.62)
    foot = rng.uniform(0.12, 0.26) if rng.uniform() < 0.6 else 0.05
    legs = rng.uniform(0.02, 0.08)
    with sketch.named("legs"):
        for x, z in corners(width / 2 - 0.12, depth / 2 - 0.1):
            end = (x + math.copysign(legs, x), 0, z + math.copysign(legs / 2, z))
            sketch.cylinder(end, (x, foot + 0.03, z), 0.028, colour, top=0.045)
    draft.features.append("with legs" if foot > 0.1 else "with short feet")
    middle, face = foot + height / 2, depth / 2
    sketch.box((0, middle, 0), (width, height, depth), colour, rounding=rng.uniform(0.02, 0.07))
    side = rng.uniform() < 0.7
    x, broad = (-0.11, 0.64) if side else (0.0, 0.84)
    with sketch.named("screen"):
        y, tall = (middle, height - 0.16) if side else (middle + 0.06, height - 0.28)
        sketch.box((x, y, face - 0.02), (broad + 0.06, tall + 0.06, 0.1), colour, rounding=0.04)
        sketch.box((x, y, face), (broad - 0.03, tall - 0.03, 0.12), glow.rgb, rounding=0.05)
    knob = palette.any("light grey", "yellow", "black", "white", other_than=finish.tone.name)
    knobs = 2 + int(rng.integers(2))
    with sketch.named("knobs"):
        for i in range(knobs):
            at = (
                (0.37, middle + 0.22 - 0.16 * i)
                if side
                else (0.3 - 0.13 * i, middle - height / 2.7)
            )
            ends = ((*at, face - 0.03), (*at, face + 0.05))
            sketch.cylinder(*ends, 0.055 if side else 0.045, knob.rgb, rounding=0.012)
    draft.counts["knobs"] = knobs
    draft.part_tones["knobs"] = knob
    if rng.uniform() < 0.7:
        top, reach = foot + height, rng.uniform(0.3, 0.45)
        with sketch.named("antenna"):
            sketch.ball((0, top, 0), (0.1, 0.06, 0.08), knob.rgb)
            for s in (-1, 1):
                tip = (s * 0.7 * reach, top + reach, 0)
                sketch.limb((s * 0.02, top, 0), tip, 0.024, knob.rgb)
                sketch.ball(tip, 0.036, knob.rgb)
        draft.features.append("with an antenna")
    return draft


def laptop(rng: np.random.Generator, palette: Palette) -> Draft:
    """An open laptop: a base with rows of keys and a touch pad, a screen tilted on a hinge."""
    finish = palette.finish("metal", "plastic", "metal", painted=0.5)
    colour = finish.tone.rgb
    glow = palette.any("black", "light blue", "white", "dark blue", other_than=finish.tone.name)
    keys = palette.any("black", "white", "dark grey", "light grey", other_than=finish.tone.name)
    width, depth, thick = 1.0, rng.uniform(0.64, 0.74), rng.uniform(0.05, 0.07)
    sketch = Sketch()
    draft = Draft(sketch, "laptop", finish, ["laptop computer", "notebook computer", "computer"])
    sketch.box((0, thick / 2, 0), (width, thick, depth), colour, rounding=0.018)
    columns, rows = int(rng.integers(7, 10)), 3
    pitch, line = (width - 0.1) / columns, 0.108
    with sketch.named("keys"):
        for row in range(rows):
            z = -depth / 2 + 0.12 + row * line
            if row == rows - 1:
                # The lowest row is a long bar between a key on each side.
                sketch.box((0, thick, z), (width - 0.1 - 2 * pitch - 0.036, 0.05, 0.07), keys.rgb)
            for column in range(columns):
                if row == rows - 1 and 0 < column < columns - 1:
                    continue
                at = ((column - (columns - 1) / 2) * pitch, thick, z)
                sketch.box(at, (pitch - 0.036, 0.05, 0.07), keys.rgb, rounding=0.008)
    draft.part_tones["keys"] = keys
    if rng.uniform() < 0.7:
        with sketch.named("touch pad"):
            deep = depth - 0.12 - rows * line - 0.06
            at, size = (0, thick - 0.01, depth / 2 - 0.03 - deep / 2), (0.3, 0.05, deep)
            sketch.box(at, size, palette.paint("grey" if finish.tone.name != "grey" else "black"))
        draft.features.append("with a touch pad")
    tilt = math.radians(rng.uniform(2, 32))
    tall, slab = rng.uniform(0.6, 0.7), 0.05
    up, out = math.cos(tilt), -math.sin(tilt)
    hinge = -depth / 2 + 0.02
    middle = (0, thick / 2 + tall / 2 * up, hinge + tall / 2 * out)
    turn = (-math.degrees(tilt), 0, 0)
    sketch.cylinder((-0.4, thick / 2, hinge), (0.4, thick / 2, hinge), 0.036, colour)
    sketch.box(middle, (width, tall, slab), colour, rounding=0.015, turn=turn)
    with sketch.named("screen"):
        at = (0, middle[1] + 0.05 * math.sin(tilt) + 0.02, middle[2] + 0.05 * up)
        sketch.box(at, (width - 0.1, tall - 0.13, 0.09), glow.rgb, turn=turn, op="paint")
    draft.part_tones["screen"] = glow
    if rng.uniform() < 0.5:
        logo = palette.paint("white" if finish.tone.name != "white" else "grey")
        at = [middle[0], middle[1] - 0.05 * math.sin(tilt), middle[2] - 0.05 * up]
        sketch.ball(at, 0.07, logo, op="paint")
        draft.features.append("with a logo on the back")
    if math.degrees(tilt) > 26:
        draft.features.append("with the screen tilted back")
    return draft
