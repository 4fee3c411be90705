"""Mugs, bottles and teapots."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def mug(rng: np.random.Generator, palette: Palette) -> Draft:
    """A hollow mug with a ring or D-shaped handle at +X."""
    finish = palette.finish("ceramic", "ceramic", "porcelain", "metal")
    colour = finish.tone.rgb
    radius, height = rng.uniform(0.34, 0.46), rng.uniform(0.75, 1.05)
    top = radius * rng.uniform(0.95, 1.15)
    wall = rng.uniform(0.055, 0.075)
    sketch = Sketch()
    draft = Draft(sketch, "mug", finish, ["cup", "coffee mug", "coffee cup"])
    sketch.cylinder((0, 0, 0), (0, height, 0), radius, colour, top=top, rounding=0.025)
    if rng.uniform() < 0.3:
        sketch.ball(
            (0, 0.42 * height, 0), (1.12 * radius, 0.42 * height, 1.12 * radius), colour, blend=0.1
        )
        draft.adjectives.append("round")
    handle = colour
    if rng.uniform() < 0.3:
        tone = palette.any(other_than=finish.tone.name)
        handle = tone.rgb
        draft.features.append(f"with a {tone.phrase} handle")
    else:
        draft.features.append("with a handle")
    edge, tube = (radius + top) / 2, rng.uniform(0.045, 0.065)
    middle = rng.uniform(0.48, 0.56) * height
    if rng.uniform() < 0.65:
        ring = rng.uniform(0.2, 0.27) * height + 0.03
        sketch.ring((edge + 0.04, middle, 0), ring, tube, handle)
    else:
        reach, half = edge + rng.uniform(0.2, 0.26), rng.uniform(0.2, 0.27) * height
        for side in (-1, 1):
            y = middle + side * half
            sketch.limb((edge - 0.08, y, 0), (reach, y, 0), tube, handle)
        sketch.limb((reach, middle - half, 0), (reach, middle + half, 0), tube, handle)
    floor = rng.uniform(0.09, 0.13)
    cavity = ((0, floor, 0), (0, height + 0.1, 0), radius - wall)
    wide = top - wall
    sketch.cylinder(*cavity, colour, top=wide, op="cut")
    if handle == colour and rng.uniform() < 0.35:
        inner = palette.any("white", "light yellow", "black", other_than=finish.tone.name)
        sketch.cylinder(
            (0, floor - 0.01, 0),
            (0, height + 0.1, 0),
            radius - wall + 0.01,
            inner.rgb,
            top=wide + 0.01,
            op="paint",
        )
        draft.features.append(f"with a {inner.name} inside")
    elif rng.uniform() < 0.4:
        band = palette.any(other_than=finish.tone.name)
        y, half = rng.uniform(0.3, 0.6) * height, rng.uniform(0.08, 0.13) * height
        ring = [
            (radius - 0.03, -half),
            (edge + 0.03, -half),
            (edge + 0.03, half),
            (radius - 0.03, half),
        ]
        sketch.lathe(ring, (0, y, 0), band.rgb, op="paint")
        draft.features.append(f"with a {band.phrase} band")
    ratio = height / (2 * radius)
    if ratio > 1.28:
        draft.adjectives.append("tall")
    elif ratio < 1.0:
        draft.adjectives.append("wide")
    return draft


def bottle(rng: np.random.Generator, palette: Palette) -> Draft:
    """A bottle: a body with a shoulder, a neck and a cap, often with a label."""
    finish = palette.finish("glass", "glass", "plastic")
    colour = finish.tone.rgb
    radius, neck = rng.uniform(0.13, 0.21), rng.uniform(0.05, 0.07)
    shoulder, length = rng.uniform(0.45, 0.62), rng.uniform(0.1, 0.2)
    start = shoulder + length
    style = int(rng.integers(3))
    sketch = Sketch()
    draft = Draft(sketch, "bottle", finish, ["flask" if style == 2 else "glass bottle"])
    if finish.material != "glass":
        draft.synonyms = ["flask"] if style == 2 else ["water bottle"]
    soft = 0.02
    r, n = radius - soft, neck - soft
    if style == 0:
        bend = [
            (r, shoulder),
            (0.93 * r + 0.07 * n, shoulder + 0.3 * length),
            (0.6 * r + 0.4 * n, shoulder + 0.6 * length),
            (0.2 * r + 0.8 * n, start - 0.02),
        ]
        low = [(r, soft)]
    elif style == 1:
        bend = [(r, shoulder + 0.5 * length), (0.85 * r + 0.15 * n, start - 0.05)]
        low = [(r, soft)]
    else:
        bend = [(r, 0.3), (0.95 * r, 0.42), (0.7 * r + 0.3 * n, 0.54), (0.35 * r + 0.65 * n, 0.64)]
        low = [(0.75 * r, soft), (0.95 * r, 0.12)]
    outline = [(0, soft), *low, *bend, (n, start), (n, 0.98), (0, 0.98)]
    sketch.lathe(outline, (0, 0, 0), colour, rounding=soft)
    kind = rng.uniform()
    if kind < 0.65:
        cap = palette.any(other_than=finish.tone.name)
        deep = rng.uniform(0.07, 0.12)
        wide = neck + 0.015
        sketch.cylinder((0, 1.01 - deep, 0), (0, 1.02, 0), wide, cap.rgb, rounding=0.012)
        draft.features.append(f"with a {cap.phrase} cap")
    elif kind < 0.85:
        cork = palette.paint("light brown")
        sketch.cylinder((0, 0.9, 0), (0, 1.06, 0), neck - 0.008, cork, rounding=0.01)
        sketch.cylinder((0, 0.95, 0), (0, 1.0, 0), neck + 0.01, colour, rounding=0.01)
        draft.features.append("with a cork")
    else:
        sketch.cylinder((0, 0.95, 0), (0, 1.01, 0), neck + 0.02, colour, rounding=0.015)
    if rng.uniform() < 0.5:
        label = palette.any(other_than=finish.tone.name)
        middle, half = 0.26, rng.uniform(0.07, 0.11)
        sketch.cylinder(
            (0, middle - half, 0), (0, middle + half, 0), radius + 0.05, label.rgb, op="paint"
        )
        draft.features.append(f"with a {label.phrase} label")
    if radius < 0.155:
        draft.adjectives.append("slim")
    elif radius > 0.19:
        draft.adjectives.append("wide")
    return draft


def teapot(rng: np.random.Generator, palette: Palette) -> Draft:
    """A teapot: a round body, a spout at +X, a handle at -X, a lid with a knob."""
    finish = palette.finish("ceramic", "ceramic", "porcelain", "metal")
    colour = finish.tone.rgb
    accent = palette.any(other_than=finish.tone.name)
    radius, squash = 0.5, rng.uniform(0.72, 1.0)
    tall = radius * squash
    sketch = Sketch()
    draft = Draft(sketch, "teapot", finish, ["tea pot", "tea kettle"])
    sketch.ball((0, 0, 0), (radius, tall, radius), colour)
    low = -tall + 0.04
    sketch.cylinder((0, low - 0.04, 0), (0, low + 0.1, 0), 0.32, colour, rounding=0.02, blend=0.05)
    lift, reach = rng.uniform(0.2, 0.36), rng.uniform(0.78, 0.9)
    base = (0.34, -0.3 * tall, 0)
    if rng.uniform() < 0.5:
        bend = (0.66 * reach + 0.08, -0.06, 0)
        sketch.limb(base, bend, 0.13, colour, top=0.09, blend=0.08)
        sketch.limb(bend, (reach, lift, 0), 0.09, colour, top=0.06, blend=0.03)
        draft.features.append("with a curved spout")
    else:
        sketch.limb(base, (reach, lift, 0), 0.14, colour, top=0.06, blend=0.08)
        draft.features.append("with a straight spout")
    trim = accent.rgb if rng.uniform() < 0.35 else colour
    if rng.uniform() < 0.25:
        high, ring = 0.45 * tall, rng.uniform(0.4, 0.44)
        sketch.ring((0, high + 0.1, 0), ring, 0.05, trim, arc_deg=200)
        draft.features.append("with a top handle")
        for side in (-1, 1):
            foot = (side * 0.36, 0.5 * tall, 0)
            sketch.limb(foot, (side * ring, high + 0.12, 0), 0.05, trim)
    else:
        ring = rng.uniform(0.24, 0.3)
        sketch.ring((-radius - 0.02, 0.04, 0), ring, 0.055, trim, arc_deg=260, turn=(0, 0, 90))
        draft.features.append("with a handle")
    lid = accent.rgb if rng.uniform() < 0.45 else colour
    wide = rng.uniform(0.24, 0.32)
    sketch.ball((0, 0.86 * tall, 0), (wide, 0.24 * tall, wide), lid)
    knob = 1.1 * tall
    size = rng.uniform(0.06, 0.085)
    sketch.ball((0, knob + 0.4 * size, 0), size, accent.rgb)
    draft.features.append(f"with a {accent.phrase} {'lid' if lid == accent.rgb else 'knob'}")
    if squash > 0.92:
        draft.adjectives.append("round")
    elif squash < 0.8:
        draft.adjectives.append("flat")
    return draft
