"""Stools and benches."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.categories.fittings import corners
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def stool(rng: np.random.Generator, palette: Palette) -> Draft:
    """A stool: a round or square seat on three or four legs or one column, often with rungs."""
    finish = palette.finish("wooden", "wooden", "metal", "plastic")
    colour, other = finish.tone.rgb, palette.any(other_than=finish.tone.name)
    height, radius = rng.uniform(0.45, 1.0), rng.uniform(0.2, 0.27)
    thick, tall = rng.uniform(0.07, 0.12), height > 0.78
    square = rng.uniform() < 0.35
    sketch = Sketch()
    draft = Draft(sketch, "stool", finish, ["bar stool"] if tall else ["seat"])
    if height < 0.56:
        draft.synonyms.append("footstool")
    draft.adjectives = ["square" if square else "round"]
    if tall or height < 0.56:
        draft.adjectives.insert(0, "tall" if tall else "low")
    column = not square and rng.uniform() < 0.2
    count = 4 if square or rng.uniform() < 0.55 else 3
    splay, leg = rng.uniform(0.0, 0.09), rng.uniform(0.024, 0.036)
    # The greater share of the surface keeps the main colour: legs that are long, else the seat.
    share = (count * leg * height + 0.012) / (radius * (radius + thick))
    two, long = not column and abs(math.log(share)) > 0.25 and rng.uniform() < 0.75, share > 1
    top, legs = (other.rgb if two and long else colour), (other.rgb if two and not long else colour)
    with sketch.named("seat"):
        if square:
            side = 1.8 * radius
            sketch.box((0, height, 0), (side, thick, side), top, rounding=0.03)
        else:
            ends = (0, height - thick / 2, 0), (0, height + thick / 2, 0)
            sketch.cylinder(*ends, radius, top, rounding=rng.uniform(0.01, 0.034))
    if two and long:
        draft.part_tones["seat"] = other
    if column:
        draft.adjectives = [a for a in draft.adjectives if a != "round"]
        foot = rng.uniform(0.75, 0.95) * radius
        sketch.cylinder((0, 0, 0), (0, 0.05, 0), foot, legs, rounding=0.015)
        sketch.cylinder((0, 0.02, 0), (0, height, 0), rng.uniform(0.03, 0.045), legs)
        draft.features.append("with a round base")
        draft.style = "modern"
        return draft
    reach = 0.72 * radius * (1.18 if square else 1.0)
    angles = [math.pi / count + 2 * math.pi * i / count for i in range(count)]
    ways = [(math.sin(a), math.cos(a)) for a in angles]
    with sketch.named("legs"):
        for x, z in ways:
            foot = ((reach + splay) * x, 0, (reach + splay) * z)
            sketch.cylinder(foot, (reach * x, height, reach * z), leg, legs)
    draft.counts["legs"] = count
    if two and not long:
        draft.part_tones["legs"] = other
    if tall or rng.uniform() < 0.4:
        share = rng.uniform(0.25, 0.42)
        out, y = reach + splay * (1 - share), share * height
        with sketch.named("footrest"):
            if count == 4 and rng.uniform() < 0.6:
                for i in range(4):
                    (x, z), (u, w) = ways[i], ways[(i + 1) % 4]
                    sketch.limb((out * x, y, out * z), (out * u, y, out * w), 0.022, legs)
            else:
                sketch.ring((0, y, 0), out, 0.022, legs, turn=(90, 0, 0))
        draft.features.append("with a footrest")
    return draft


def bench(rng: np.random.Generator, palette: Palette) -> Draft:
    """A bench: a plank on two blocks or four legs, or slats on side frames with a back or not."""
    finish = palette.finish("wooden", "wooden", "metal", "stone")
    colour, other = finish.tone.rgb, palette.any(other_than=finish.tone.name)
    length, depth, seat = rng.uniform(1.0, 1.4), rng.uniform(0.36, 0.44), rng.uniform(0.3, 0.42)
    kind = int(rng.integers(4)) if finish.material != "stone" else 0
    sketch = Sketch()
    draft = Draft(sketch, "bench", finish, ["park bench" if kind > 1 else "seat"])
    if length > 1.28:
        draft.adjectives.append("long")
    two = rng.uniform() < 0.5
    frame = other.rgb if two else colour
    x, z = 0.4 * length, depth / 2 - 0.05
    if kind < 2:
        thick = rng.uniform(0.06, 0.1)
        sketch.box((0, seat, 0), (length, thick, depth), colour, rounding=0.02)
        block = rng.uniform() < 0.5 or finish.material == "stone"
        with sketch.named("legs"):
            if block:
                for side in (-x, x):
                    wide = (rng.uniform(0.08, 0.1), seat, 0.8 * depth)
                    sketch.box((side, seat / 2, 0), wide, frame, rounding=0.015)
            else:
                lean = rng.uniform(0.0, 0.05)
                for u, w in corners(x, z):
                    sketch.cylinder((u * (1 + lean), 0, w), (u, seat, w), 0.036, frame)
        if not block and rng.uniform() < 0.5:
            sketch.box((0, 0.4 * seat, 0), (2 * x, 0.06, 0.06), frame)
            for side in (-x, x):
                sketch.box((side, 0.4 * seat, 0), (0.06, 0.06, 2 * z), frame)
            draft.features.append("with crossbars")
        draft.counts["legs"] = 2 if block else 4
        if two:
            draft.part_tones["legs"] = other
        return draft
    slats = 3 + int(depth > 0.4)
    wide = (depth - 0.045 * (slats - 1)) / slats
    with sketch.named("slats"):
        for i in range(slats):
            at = (0, seat, (i - (slats - 1) / 2) * (wide + 0.045))
            sketch.box(at, (length, 0.055, wide), colour, rounding=0.012)
    back = kind == 3
    arms = back and rng.uniform() < 0.55
    rise = rng.uniform(0.3, 0.42)
    with sketch.named("frame"):
        for side in (-x, x):
            sketch.box((side, seat - 0.04, 0), (0.07, 0.06, depth), frame)
            for w in (-z, z):
                high = seat + (0.22 if arms and w > 0 else 0.0)
                sketch.box((side, high / 2, w), (0.07, high, 0.07), frame, rounding=0.01)
            if back:
                low, end = (side, seat - 0.04, -z), (side, seat + rise, -z - 0.1)
                sketch.cylinder(low, end, 0.035, frame)
            if arms:
                at = (side, seat + 0.21, -0.02)
                sketch.box(at, (0.08, 0.05, depth + 0.06), frame, rounding=0.015)
    if back:
        bars = 2 + int(rise > 0.36)
        tall = (rise - 0.06 - 0.045 * (bars - 1)) / bars
        with sketch.named("slats"):
            for i in range(bars):
                share = (0.08 + (i + 0.5) * tall + 0.045 * i) / rise
                at = (0, seat + share * rise, -z - 0.1 * share + 0.02)
                sketch.box(at, (length, tall, 0.055), colour, rounding=0.012, turn=(-14, 0, 0))
        slats += bars
    draft.features.append("with a back" if back else "without a back")
    if arms:
        draft.features.append("with armrests")
    draft.counts["slats"] = slats
    if two:
        draft.part_tones["frame"] = other
    return draft
