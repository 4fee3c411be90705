"""Mugs, bottles and teapots."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette, Rgb
from gen3d.data.procedural.sketch import Sketch


def mug(rng: np.random.Generator, palette: Palette) -> Draft:
    """A hollow mug with one or two handles, ring-shaped or square, at +X and -X."""
    finish = palette.finish("ceramic", "ceramic", "porcelain", "metal", "glass", "copper", "steel")
    colour = finish.tone.rgb
    radius, height = rng.uniform(0.34, 0.46), rng.uniform(0.72, 1.1)
    top = radius * rng.uniform(0.95, 1.15)
    wall = rng.uniform(0.055, 0.075)
    sketch = Sketch()
    draft = Draft(sketch, "mug", finish, ["cup", "coffee mug", "coffee cup"])
    sketch.cylinder((0, 0, 0), (0, height, 0), radius, colour, top=top, rounding=0.025)
    if rng.uniform() < 0.3:
        bulge = (1.12 * radius, 0.42 * height, 1.12 * radius)
        sketch.ball((0, 0.42 * height, 0), bulge, colour, blend=0.1)
        draft.adjectives.append("round")
    handles = 2 if rng.uniform() < 0.15 else 1
    word = "handles" if handles == 2 else "handle"
    tone = palette.second(finish, 0.4)
    edge = (radius + top) / 2
    with sketch.named(word):
        kind = _mug_handle(draft, rng, draft.tint(word, tone), (edge, height), handles)
    if handles == 2:
        draft.counts[word] = 2
    else:
        draft.features.append(f"with a {kind} handle".replace("  ", " "))
    if rng.uniform() < 0.2:
        saucer = draft.tint("saucer", palette.second(finish, 0.6))
        wide = rng.uniform(1.35, 1.5) * radius
        with sketch.named("saucer"):
            sketch.cylinder(
                (0, -0.07, 0), (0, 0.03, 0), 0.7 * wide, saucer, top=wide, rounding=0.02
            )
        draft.synonyms.append("cup and saucer")
    floor = rng.uniform(0.09, 0.13)
    cavity, wide = ((0, floor, 0), (0, height + 0.1, 0), radius - wall), top - wall
    sketch.cylinder(*cavity, colour, top=wide, op="cut")
    if rng.uniform() < 0.25:
        inner = draft.tint("inside", palette.any(other_than=finish.tone.name))
        low = (0, floor - 0.01, 0)
        with sketch.named("inside"):
            sketch.cylinder(
                low, cavity[1], radius - wall + 0.01, inner, top=wide + 0.01, op="paint"
            )
    elif rng.uniform() < 0.45:
        _mug_stripes(draft, rng, palette, (radius, edge, height))
    ratio = height / (2 * radius)
    if ratio > 1.28:
        draft.adjectives.append("tall")
    elif ratio < 1.0:
        draft.adjectives.append("wide")
    return draft


def _mug_handle(
    draft: Draft, rng: np.random.Generator, colour: Rgb, sizes: tuple[float, float], count: int
) -> str:
    edge, height = sizes
    sketch, tube = draft.sketch, rng.uniform(0.045, 0.065)
    middle, half = rng.uniform(0.48, 0.56) * height, rng.uniform(0.2, 0.27) * height
    square, reach = rng.uniform() < 0.35, edge + rng.uniform(0.2, 0.26)
    for side in (1, -1)[:count]:
        if not square:
            sketch.ring((side * (edge + 0.04), middle, 0), half + 0.03, tube, colour)
            continue
        for y in (middle - half, middle + half):
            sketch.limb((side * (edge - 0.08), y, 0), (side * reach, y, 0), tube, colour)
        ends = (side * reach, middle - half, 0), (side * reach, middle + half, 0)
        sketch.limb(*ends, tube, colour)
    return "square" if square else ""


def _mug_stripes(
    draft: Draft,
    rng: np.random.Generator,
    palette: Palette,
    sizes: tuple[float, float, float],
) -> None:
    radius, edge, height = sizes
    count = int(rng.integers(1, 4))
    word = "stripes" if count > 1 else "stripe"
    colour = draft.tint(word, palette.any(other_than=draft.finish.tone.name))
    half = rng.uniform(0.05, 0.1 if count == 1 else 0.06) * height
    with draft.sketch.named(word):
        for i in range(count):
            y = (0.5 + 0.23 * (i - (count - 1) / 2)) * height
            ring = [(x, s * half) for x, s in ((0.0, -1), (1.0, -1), (1.0, 1), (0.0, 1))]
            ring = [(radius - 0.03 + x * (edge + 0.08 - radius), y_) for x, y_ in ring]
            draft.sketch.lathe(ring, (0, y, 0), colour, op="paint")
    draft.counts["stripes"] = count


def bottle(rng: np.random.Generator, palette: Palette) -> Draft:
    """A bottle: a round or square body with a shoulder, a neck and a cap, often with a label."""
    finish = palette.finish("glass", "glass", "plastic", "metal")
    colour = finish.tone.rgb
    radius, neck = rng.uniform(0.13, 0.21), rng.uniform(0.05, 0.07)
    shoulder, length = rng.uniform(0.42, 0.62), rng.uniform(0.1, 0.2)
    start = shoulder + length
    style = int(rng.integers(4))
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
    elif style == 2:
        bend = [(r, 0.3), (0.95 * r, 0.42), (0.7 * r + 0.3 * n, 0.54), (0.35 * r + 0.65 * n, 0.64)]
        low = [(0.75 * r, soft), (0.95 * r, 0.12)]
        draft.features.append("with a round body")
    else:
        size = (2 * radius, shoulder, 2 * radius)
        sketch.box((0, shoulder / 2, 0), size, colour, rounding=0.03)
        bend, low = [(0.9 * r, shoulder), (n, shoulder + 0.5 * length)], [(0.5 * r, soft)]
        draft.adjectives.append("square")
    end = max(start, bend[-1][1] + 0.02)
    sketch.lathe([(0, soft), *low, *bend, (n, end), (n, 0.98), (0, 0.98)], (0, 0, 0), colour,
                 rounding=soft)  # fmt: skip
    _bottle_top(draft, rng, palette, neck)
    dressing = rng.uniform()
    if dressing < 0.5:
        label = draft.tint("label", palette.any(other_than=finish.tone.name))
        half = rng.uniform(0.07, 0.11)
        with sketch.named("label"):
            at = ((0, 0.26 - half, 0), (0, 0.26 + half, 0))
            sketch.cylinder(*at, 1.45 * radius, label, op="paint")
    elif dressing < 0.75 and style < 2:
        count = int(rng.integers(2, 4))
        rings = draft.tint("rings", palette.second(finish, 0.5))
        with sketch.named("rings"):
            for i in range(count):
                sketch.ring((0, 0.12 + 0.12 * i, 0), radius, 0.022, rings, turn=(90, 0, 0))
        draft.counts["rings"] = count
    if style != 3 and radius < 0.155:
        draft.adjectives.append("slim")
    elif style != 3 and radius > 0.19:
        draft.adjectives.append("wide")
    if 0.9 - end > 0.26:
        draft.features.append("with a long neck")
    return draft


def _bottle_top(draft: Draft, rng: np.random.Generator, palette: Palette, neck: float) -> None:
    sketch, colour, kind = draft.sketch, draft.finish.tone.rgb, rng.uniform()
    if kind < 0.65:
        cap = draft.tint("cap", palette.any(other_than=draft.finish.tone.name))
        deep = rng.uniform(0.07, 0.12)
        with sketch.named("cap"):
            ends = (0, 1.01 - deep, 0), (0, 1.02, 0)
            sketch.cylinder(*ends, neck + 0.015, cap, rounding=0.012)
    elif kind < 0.85:
        brown = palette.any("light brown", other_than=draft.finish.tone.name)
        cork = draft.tint("cork", brown)
        with sketch.named("cork"):
            sketch.cylinder((0, 0.9, 0), (0, 1.06, 0), neck - 0.008, cork, rounding=0.01)
        sketch.cylinder((0, 0.95, 0), (0, 1.0, 0), neck + 0.01, colour, rounding=0.01)
        draft.features.append("with a cork")
    else:
        sketch.cylinder((0, 0.95, 0), (0, 1.01, 0), neck + 0.02, colour, rounding=0.015)


def teapot(rng: np.random.Generator, palette: Palette) -> Draft:
    """A teapot: a round body, a spout at +X, a handle at -X, a lid with a knob, maybe feet."""
    finish = palette.finish("ceramic", "ceramic", "porcelain", "metal", "silver", "copper", "clay")
    colour = finish.tone.rgb
    accent = palette.any(other_than=finish.tone.name)
    radius, squash = 0.5, rng.uniform(0.72, 1.0)
    tall = radius * squash
    sketch = Sketch()
    draft = Draft(sketch, "teapot", finish, ["tea pot", "tea kettle"])
    sketch.ball((0, 0, 0), (radius, tall, radius), colour)
    low = -tall + 0.04
    if rng.uniform() < 0.2:
        feet = draft.tint("feet", palette.second(finish, 0.5))
        draft.counts["feet"] = int(rng.integers(3, 5))
        with sketch.named("feet"):
            for i in range(draft.counts["feet"]):
                turn = math.pi / 2 + 2 * math.pi * i / draft.counts["feet"]
                x, z = 0.3 * math.cos(turn), 0.3 * math.sin(turn)
                sketch.limb((0.75 * x, -0.6 * tall, 0.75 * z), (x, low - 0.08, z), 0.06, feet)
    else:
        ends = (0, low - 0.04, 0), (0, low + 0.1, 0)
        sketch.cylinder(*ends, 0.32, colour, rounding=0.02, blend=0.05)
    lift, reach = rng.uniform(0.2, 0.36), rng.uniform(0.78, 0.9)
    base = (0.34, -0.3 * tall, 0)
    spout = draft.tint("spout", accent if rng.uniform() < 0.2 else finish.tone)
    curved = rng.uniform() < 0.5
    with sketch.named("spout"):
        if curved:
            bend = (0.66 * reach + 0.08, -0.06, 0)
            sketch.limb(base, bend, 0.13, spout, top=0.09, blend=0.08)
            sketch.limb(bend, (reach, lift, 0), 0.09, spout, top=0.06, blend=0.03)
        else:
            sketch.limb(base, (reach, lift, 0), 0.14, spout, top=0.06, blend=0.08)
    draft.features.append(f"with a {'curved' if curved else 'straight'} spout")
    trim = draft.tint("handle", accent if rng.uniform() < 0.35 else finish.tone)
    above = rng.uniform() < 0.25
    with sketch.named("handle"):
        if above:
            high, ring = 0.45 * tall, rng.uniform(0.4, 0.44)
            sketch.ring((0, high + 0.1, 0), ring, 0.05, trim, arc_deg=200)
            for side in (-1, 1):
                foot = (side * 0.36, 0.5 * tall, 0)
                sketch.limb(foot, (side * ring, high + 0.12, 0), 0.05, trim)
        else:
            ring, at = rng.uniform(0.24, 0.3), (-radius - 0.02, 0.04, 0)
            sketch.ring(at, ring, 0.055, trim, arc_deg=260, turn=(0, 0, 90))
    draft.features.append("with a top handle" if above else "with a handle")
    lid = draft.tint("lid", accent if rng.uniform() < 0.45 else finish.tone)
    wide = rng.uniform(0.24, 0.32)
    with sketch.named("lid"):
        sketch.ball((0, 0.86 * tall, 0), (wide, 0.24 * tall, wide), lid)
    size = rng.uniform(0.06, 0.085)
    with sketch.named("knob"):
        knob = accent.rgb if lid == accent.rgb else draft.tint("knob", accent)
        sketch.ball((0, 1.1 * tall + 0.4 * size, 0), size, knob)
    if squash > 0.92:
        draft.adjectives.append("round")
    elif squash < 0.8:
        draft.adjectives.append("flat")
    return draft
