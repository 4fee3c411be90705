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
    electric = bool(rng.uniform() < 0.45)
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
    sketch.prism(right + left, (0, 0, 0), deep, colour, rounding=0.012)
    front = deep / 2
    dark = palette.any("dark brown", "black", "light brown", "white", other_than=finish.tone.name)
    neck = rng.uniform(0.027, 0.033)
    end, start = 0.8, (0.6 if electric else 0.66) * tall
    with sketch.named("neck"):
        middle, size = (0, (start + end) / 2, front), (2 * neck, end - start, 0.05)
        sketch.box(middle, size, draft.tint("neck", dark), rounding=0.008)
    top = finish.tone if rng.uniform() < 0.5 else dark
    wide, long = rng.uniform(0.1, 0.13), 0.225
    with sketch.named("head"):
        at = (0, end + 0.1, front - 0.008)
        sketch.box(at, (wide, long, 0.055), draft.tint("head", top), rounding=0.012)
    _pegs(draft, rng, palette, (wide, end, front))
    accent = palette.any("black", "white", "dark brown", other_than=finish.tone.name).rgb
    with sketch.named("bridge"):
        sketch.box((0, 0.24 * tall, front), (0.15, 0.045, 0.06), accent, rounding=0.006)
    if electric:
        pickups = int(rng.integers(1, 4))
        with sketch.named("pickups"):
            for i in range(pickups):
                y = (0.38 + 0.17 * i) * tall
                sketch.box((0, y, front), (0.11, 0.04, 0.06), accent, rounding=0.006)
        draft.counts["pickups"] = pickups
        draft.synonyms = ["electric guitar"]
        draft.features.append("with two horns")
        if rng.uniform() < 0.4:
            guard = palette.any("white", "black", "red", other_than=finish.tone.name)
            with sketch.named("pickguard"):
                at = (0.09, 0.42 * tall, front)
                rgb = draft.tint("pickguard", guard)
                sketch.ball(at, (0.07, 0.12, 0.02), rgb, op="paint")
        with sketch.named("knobs"):
            for y in (0.1, 0.22):
                at = (0.55 * low, y * tall, front - 0.02)
                sketch.cylinder(at, (at[0], at[1], front + 0.025), 0.022, accent)
    else:
        hole = palette.paint("black" if finish.tone.name != "black" else "light brown")
        at = 0.52 * tall
        ring = draft.tint("rosette", palette.second(finish, 0.4))
        with sketch.named("rosette"):
            back, ahead = (0, at, front - 0.02), (0, at, front + 0.012)
            sketch.cylinder(back, ahead, 0.095, ring, op="paint")
        sketch.cylinder((0, at, front - 0.045), (0, at, front + 0.02), 0.062, hole, op="cut")
        draft.synonyms = ["acoustic guitar"]
        draft.features.append("with a sound hole")
        draft.style = "classical" if finish.material == "wooden" else ""
    if low > 0.19:
        draft.adjectives.append("wide")
    elif low < 0.18:
        draft.adjectives.append("slim")
    return draft


def _pegs(
    draft: Draft, rng: np.random.Generator, palette: Palette, place: tuple[float, float, float]
) -> None:
    """Put two or three tuning pegs on each side of the head."""
    wide, end, front = place
    rows = (0.045, 0.16) if rng.uniform() < 0.4 else (0.03, 0.105, 0.18)
    tone = palette.any("light grey", "white", "yellow", "black", other_than=draft.finish.tone.name)
    pegs = draft.tint("pegs", tone)
    with draft.sketch.named("pegs"):
        for y in rows:
            ends = (-wide / 2 - 0.045, end + y, front), (wide / 2 + 0.045, end + y, front)
            draft.sketch.cylinder(*ends, 0.02, pegs)
    draft.counts["pegs"] = 2 * len(rows)
