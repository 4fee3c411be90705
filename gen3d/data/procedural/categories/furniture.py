"""Tables and sofas."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette, Rgb
from gen3d.data.procedural.sketch import Sketch


def table(rng: np.random.Generator, palette: Palette) -> Draft:
    """A table: a round, square or long top on three, four or six legs, panels or a pedestal."""
    finish = palette.finish("wooden", "wooden", "wooden", "metal", "plastic", "marble", "glass")
    colour = finish.tone.rgb
    kind = ("legs", "legs", "legs", "legs", "pedestal", "panels")[int(rng.integers(6))]
    sketch = Sketch()
    draft = Draft(sketch, "table", finish, ["dining table", "kitchen table"])
    height, thick = rng.uniform(0.45, 0.8), rng.uniform(0.06, 0.09)
    rounded = rng.uniform() < 0.3 or (kind == "pedestal" and rng.uniform() < 0.6)
    if rounded:
        radius = rng.uniform(0.42, 0.62)
        width = depth = 2 * radius
        ends = (0, height - thick / 2, 0), (0, height + thick / 2, 0)
        sketch.cylinder(*ends, radius, colour, rounding=0.02)
        draft.adjectives.append("round")
        draft.synonyms = ["round table", "dining table"]
        x = z = 0.6 * radius
    else:
        width, depth = rng.uniform(0.8, 1.5), rng.uniform(0.6, 0.85)
        if rng.uniform() < 0.25:
            width = depth = min(width, 1.0)
            draft.adjectives.append("square")
        elif width > 1.25:
            draft.adjectives.append("long")
        sketch.box((0, height, 0), (width, thick, depth), colour, rounding=0.015)
        x, z = width / 2 - 0.09, depth / 2 - 0.09
    # Wide supports of another colour would outweigh the top.
    tone = palette.second(finish, 0.4)
    if kind == "pedestal":
        foot = rng.uniform(0.5, 0.66) * min(width, depth) / 2
        with sketch.named("pedestal"):
            stem = draft.tint("pedestal", tone)
            sketch.cylinder((0, 0.02, 0), (0, height, 0), rng.uniform(0.06, 0.1), stem)
            sketch.cylinder((0, 0, 0), (0, 0.07, 0), foot, stem, rounding=0.02)
        draft.features.append("with a pedestal")
    elif kind == "panels" and not rounded:
        for side in (-1, 1):
            panel = (side * x, height / 2, 0)
            sketch.box(panel, (0.08, height, 1.8 * z), colour, rounding=0.01)
        draft.features.append("with two side panels")
    else:
        many = (3, 3, 4) if rounded else (4, 4, 6) if width > 1.15 else (4,)
        draft.counts["legs"] = many[int(rng.integers(len(many)))]
        _legs(draft, rng, draft.tint("legs", tone), (x, z, height), rounded)
        if not rounded and rng.uniform() < 0.3:
            _drawers(draft, rng, palette, (x, z, height - thick / 2))
    if height < 0.55:
        draft.adjectives.append("low")
        draft.synonyms.append("coffee table")
    elif height > 0.72:
        draft.adjectives.append("tall")
    return draft


def _legs(
    draft: Draft,
    rng: np.random.Generator,
    colour: Rgb,
    corner: tuple[float, float, float],
    rounded: bool,
) -> None:
    x, z, height = corner
    sketch, count = draft.sketch, draft.counts["legs"]
    splay, radius = rng.uniform(1.1, 1.3), rng.uniform(0.042, 0.058)
    kind = ("round", "splayed", "square", "tapered")[int(rng.integers(4))]
    if count == 3:
        turns = [math.pi / 2 + 2 * math.pi * i / 3 for i in range(3)]
        places = [(1.15 * x * math.cos(turn), 1.15 * x * math.sin(turn)) for turn in turns]
    else:
        rows = (-x, 0.0, x) if count == 6 else (-x, x)
        places = [(a, b) for a in rows for b in (-z, z)]
    with sketch.named("legs"):
        for a, b in places:
            if kind == "square":
                size = (1.8 * radius, height, 1.8 * radius)
                sketch.box((a, height / 2, b), size, colour, rounding=0.01)
                continue
            out = splay if kind == "splayed" else 1.0
            foot = 0.6 * radius if kind == "tapered" else 0.85 * radius
            sketch.cylinder((out * a, 0, out * b), (a, height, b), foot, colour, top=radius)
    if kind == "square" and count == 4 and not rounded and rng.uniform() < 0.5:
        shelf = (0, 0.3 * height, 0)
        sketch.box(shelf, (2 * x, 0.06, 2 * z), draft.finish.tone.rgb)
        draft.features.append("with a shelf")
    if kind == "splayed":
        draft.style = "modern"
    elif kind == "square" and radius > 0.05:
        draft.style = "rustic"


def _drawers(
    draft: Draft,
    rng: np.random.Generator,
    palette: Palette,
    corner: tuple[float, float, float],
) -> None:
    """Hang a row of drawers under the top, with knobs in front."""
    x, z, under = corner
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    count, deep = int(rng.integers(1, 4)), rng.uniform(0.14, 0.18)
    knob = draft.tint("knobs" if count > 1 else "knob", palette.second(draft.finish, 0.6))
    sketch.box((0, under - deep / 2 + 0.02, 0), (2 * x, deep, 2 * z), colour)
    wide = 2 * x / count
    for i in range(count):
        middle = (i - (count - 1) / 2) * wide
        with sketch.named("drawers" if count > 1 else "drawer"):
            front = (middle, under - deep / 2, z + 0.02)
            sketch.box(front, (wide - 0.07, deep - 0.05, 0.05), colour, rounding=0.01)
        with sketch.named("knobs" if count > 1 else "knob"):
            sketch.ball((middle, under - deep / 2, z + 0.06), 0.032, knob)
    draft.counts["drawers"] = count


def sofa(rng: np.random.Generator, palette: Palette) -> Draft:
    """A sofa: base, back, two arms, one to three seat cushions and short feet."""
    finish = palette.finish("fabric", "leather", "velvet")
    colour = finish.tone.rgb
    seats = int(rng.integers(1, 4))
    arm = rng.uniform(0.12, 0.2)
    inner = (0.75, 0.95, 1.3)[seats - 1] * rng.uniform(0.95, 1.1)
    width, depth = inner + 2 * arm, rng.uniform(0.6, 0.75)
    seat, back, rise = rng.uniform(0.32, 0.4), rng.uniform(0.62, 0.84), rng.uniform(0.45, 0.6)
    soft = rng.uniform(0.03, 0.07)
    sketch = Sketch()
    draft = Draft(sketch, "sofa", finish, ["couch", "settee"])
    sketch.box((0, 0.21, 0), (width, 0.22, depth), colour, rounding=0.03)
    thick = rng.uniform(0.15, 0.2)
    rear = -depth / 2 + thick / 2
    sketch.box((0, 0.1 + back / 2, rear), (width, back, thick), colour, rounding=soft)
    rolled = rise > 0.53
    for side in (-1, 1):
        x = side * (width - arm) / 2
        sketch.box((x, 0.1 + rise / 2, 0), (arm, rise, depth), colour, rounding=soft)
        if rolled:
            front, end = (x, rise + 0.05, -depth / 2 + 0.09), (x, rise + 0.05, depth / 2 + 0.02)
            sketch.cylinder(front, end, 0.62 * arm, colour, rounding=0.03)
    part = inner / seats
    if seats > 1 and rng.uniform() < 0.25:
        # A longer seat at one end.
        side = -1 if rng.uniform() < 0.5 else 1
        at = (side * (inner - part) / 2, 0.5 * (seat + 0.1), depth / 2 + 0.1)
        sketch.box(at, (part, seat - 0.04, 0.6), colour, rounding=soft)
        draft.features.append("with a chaise")
        draft.synonyms.append("corner sofa")
    # Fills the pockets where four rounded cushions meet.
    corner = (0, seat + 0.01, rear + thick / 2 + 0.025)
    sketch.box(corner, (inner, 0.3, 0.14), colour)
    with sketch.named("seats"):
        for i in range(seats):
            x = (i - (seats - 1) / 2) * part
            at = (x, seat - 0.02, thick / 2)
            sketch.box(at, (part + 0.01, 0.16, depth - thick + 0.03), colour, rounding=0.045)
            at = (x, seat + 0.2, rear + thick / 2 + 0.02)
            sketch.box(at, (part + 0.01, 0.3, 0.16), colour, rounding=0.055, turn=(-10, 0, 0))
    draft.counts["seats"] = seats
    feet = draft.tint("feet", palette.any("black", "brown", "grey", other_than=finish.tone.name))
    with sketch.named("feet"):
        for sx in (-1, 1):
            for sz in (-1, 1):
                x, z = sx * (width / 2 - 0.1), sz * (depth / 2 - 0.1)
                sketch.cylinder((x, 0, z), (x, 0.15, z), 0.04, feet, top=0.06)
    if rng.uniform() < 0.45:
        both = rng.uniform() < 0.5 and seats > 1
        word = "pillows" if both else "pillow"
        pillow = draft.tint(word, palette.any(other_than=finish.tone.name))
        draft.counts["pillows"] = 2 if both else 1
        with sketch.named(word):
            for side in (-1, 1) if both else (1,):
                at = (side * (inner / 2 - 0.15), seat + 0.19, rear + thick / 2 + 0.14)
                sketch.box(at, (0.27, 0.27, 0.13), pillow, rounding=0.05, turn=(-18, 0, 0))
    draft.style = "classic" if rolled else "modern" if soft < 0.045 else ""
    if seats == 3:
        draft.adjectives.append("wide")
    elif seats == 1:
        draft.adjectives.append("small")
    return draft
