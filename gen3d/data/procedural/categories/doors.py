"""Ladders and doors."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def ladder(rng: np.random.Generator, palette: Palette) -> Draft:
    """A ladder: two rails and rungs, straight or narrowing, or a step ladder with a platform."""
    finish = palette.finish("wooden", "wooden", "metal", "plastic")
    colour, other = finish.tone.rgb, palette.any(other_than=finish.tone.name)
    two = rng.uniform() < 0.4
    sketch = Sketch()
    draft = Draft(sketch, "ladder", finish)
    tint = other.rgb if two else colour
    if rng.uniform() < 0.3:
        draft.synonyms = ["step ladder", "stepladder", "folding ladder"]
        steps = int(rng.integers(3, 7))
        spread, low, top = rng.uniform(0.2, 0.28), rng.uniform(0.2, 0.25), rng.uniform(0.14, 0.17)
        for side in (-1, 1):
            front = ((side * low, 0, spread), (side * top, 0.98, 0.03))
            sketch.limb(*front, 0.03, colour)
            rear = ((side * low, 0, -spread), (side * top, 0.96, -0.03))
            sketch.limb(*rear, 0.026, colour)
        with sketch.named("steps"):
            for i in range(steps):
                share = (i + 1) / (steps + 1)
                wide = 2 * (low + (top - low) * share)
                at = (0, 0.98 * share, spread + (0.03 - spread) * share)
                sketch.box(at, (wide, 0.04, 0.11), tint, rounding=0.008)
        sketch.box((0, 0.98, 0), (2 * top + 0.08, 0.05, 0.2), tint, rounding=0.012)
        wide = 2 * (low + (top - low) * 0.4)
        sketch.limb(
            (-wide / 2, 0.39, -0.6 * spread), (wide / 2, 0.39, -0.6 * spread), 0.024, colour
        )
        draft.counts["steps"] = steps
        draft.features.append("with a platform on top")
        if two:
            draft.part_tones["steps"] = other
        return draft
    rungs = int(rng.integers(3, 10))
    low = rng.uniform(0.14, 0.22) + 0.06 * (rungs < 5)
    top = low * (rng.uniform(0.6, 0.8) if rng.uniform() < 0.25 else 1.0)
    rough, square = finish.material == "wooden" and rng.uniform() < 0.4, rng.uniform() < 0.5
    rail = rng.uniform(0.024, 0.034)
    for side in (-1, 1):
        ends = ((side * low, 0, 0), (side * top, 1, 0))
        if square:
            middle = (side * (low + top) / 2, 0.5, 0)
            lean = math.degrees(math.atan2(low - top, 1)) * side
            sketch.box(middle, (1.9 * rail, 1, 2.2 * rail), colour, turn=(0, 0, lean))
        else:
            sketch.cylinder(*ends, rail, colour, rounding=0.01)
    past = rng.uniform(0.03, 0.07) if rough else 0.0
    with sketch.named("rungs"):
        for i in range(rungs):
            y = 0.06 + 0.88 * (i + 0.5) / rungs
            half = low + (top - low) * y + past
            if rough:
                z, tilt = 0.8 * rail, rng.uniform(-2.5, 2.5)
                sketch.box((0, y, z), (2 * half, 0.048, 0.05), tint, turn=(0, 0, tilt))
            else:
                sketch.cylinder((-half, y, 0), (half, y, 0), rng.uniform(0.019, 0.021), tint)
    draft.counts["rungs"] = rungs
    if two:
        draft.part_tones["rungs"] = other
    if rough:
        draft.style = "rustic"
    if top < low:
        draft.features.append("with a narrow top")
    if (rungs > 7 and low < 0.17) or rungs < 5:
        draft.adjectives.append("short" if rungs < 5 else "tall")
    return draft


def door(rng: np.random.Generator, palette: Palette) -> Draft:
    """A door in its frame: panels or planks or windows, knob or handle, hinges, arched at times."""
    finish = palette.finish("wooden", "wooden", "metal")
    colour, other = finish.tone.rgb, palette.any(other_than=finish.tone.name)
    double = rng.uniform() < 0.22
    leaf = rng.uniform(0.36, 0.48) * (0.8 if double else 1.0)
    leaves = 2 if double else 1
    width, thick = leaves * leaf, rng.uniform(0.06, 0.08)
    arched = rng.uniform() < 0.3
    sketch = Sketch()
    draft = Draft(sketch, "door", finish, ["gate"] if double else ["front door"])
    post, deep = rng.uniform(0.05, 0.07), thick + 0.04
    frame = other if width > 0.43 and rng.uniform() < 0.6 else finish.tone
    half, top = width / 2, 0.9 if not arched else 0.96 - width / 2 - post
    with sketch.named("frame"):
        for side in (-1, 1):
            at = (side * (half + post / 2), top / 2, 0)
            sketch.box(at, (post, top, deep), frame.rgb, rounding=0.008)
        if arched:
            outer = _arch(half + post, top)
            sketch.prism(outer, (0, 0, 0), deep, frame.rgb)
            inner = [(-half, top - 0.1), (half, top - 0.1), *_arch(half, top)]
            sketch.prism(inner, (0, 0, 0), 1.0, frame.rgb, op="cut")
        else:
            at, broad = (0, top + post / 2, 0), width + 2 * post + 0.04
            sketch.box(at, (broad, post, deep + 0.02), frame.rgb, rounding=0.008)
        if rng.uniform() < 0.5:
            at = (0, 0.025, 0.02)
            sketch.box(at, (width + 2 * post, 0.05, deep + 0.1), colour, rounding=0.008)
            draft.features.append("with a threshold")
    sketch.box((0, top / 2, 0), (width + 0.02, top, thick), colour)
    if arched:
        sketch.prism(_arch(half + 0.01, top - 0.01), (0, 0, 0), thick, colour)
        draft.adjectives.append("arched")
    if frame is not finish.tone:
        draft.part_tones["frame"] = frame
    if double:
        seam = palette.paint("black" if finish.tone.name != "black" else "grey")
        for side in (-1, 1):
            at = (0, top / 2, side * thick / 2)
            sketch.box(at, (0.034, top, 0.034), seam, op="cut")
        draft.adjectives.append("double")
    middles = (-leaf / 2, leaf / 2) if double else (0.0,)
    surface = _SURFACES[int(rng.integers(len(_SURFACES)))]
    glass = palette.any("light blue", "white", other_than=finish.tone.name)
    if surface == "panels":
        rows, columns = 2 + int(rng.integers(2)), 1 if double else 1 + int(rng.integers(2))
        plain = frame is not finish.tone or rng.uniform() < 0.7
        panel = finish.tone if plain else palette.any(other_than=finish.tone.name)
        pitch, part = (top - 0.1) / rows, (leaf - 0.06) / columns
        with sketch.named("panels"):
            for x in middles:
                for i in range(rows * columns):
                    u = x + (i % columns - (columns - 1) / 2) * part
                    at = (u, 0.07 + (i // columns + 0.5) * pitch, 0)
                    size = (part - 0.045, pitch - 0.05, thick + 0.04)
                    sketch.box(at, size, panel.rgb, rounding=0.015)
        draft.counts["panels"] = rows * columns * leaves
        if panel is not finish.tone:
            draft.part_tones["panels"] = panel
    elif surface == "planks":
        draft.style = "rustic"
        planks = 3 + int(leaf > 0.4)
        iron = palette.any("dark grey", "black", "grey", other_than=finish.tone.name)
        groove = palette.jitter(colour, 0.05)
        for x in middles:
            for i in range(1, planks):
                for side in (-1, 1):
                    at = (x + (i / planks - 0.5) * leaf, top / 2, side * thick / 2)
                    sketch.box(at, (0.032, top + 0.02, 0.034), groove, op="cut")
        with sketch.named("bands"):
            for y in (0.22 * top, 0.78 * top):
                sketch.box((0, y, 0), (width - 0.02, 0.06, thick + 0.04), iron.rgb, rounding=0.008)
        draft.features.append("with planks")
        draft.part_tones["bands"] = iron
    elif surface == "window":
        form = int(rng.integers(2))
        for x in middles:
            y = 0.72 * top
            with sketch.named("window"):
                if form:
                    size = 0.3 * leaf
                    for r, out, tint in ((size + 0.035, 0.02, colour), (size, 0.03, glass.rgb)):
                        ends = ((x, y, -thick / 2 - out), (x, y, thick / 2 + out))
                        sketch.cylinder(*ends, r, tint)
                else:
                    wide, tall = leaf - 0.14, 0.36 * top
                    at, size = (x, y, 0), (wide + 0.06, tall + 0.06, thick + 0.04)
                    sketch.box(at, size, colour, rounding=0.01)
                    sketch.box((x, y, 0), (wide, tall, thick + 0.06), glass.rgb)
                    sketch.box((x, y, 0), (wide + 0.02, 0.036, thick + 0.085), colour)
                    sketch.box((x, y, 0), (0.036, tall + 0.02, thick + 0.085), colour)
        if form:
            draft.features.append("with round windows" if double else "with a round window")
        draft.part_tones["windows" if double else "window"] = glass
    kind = ("knob", "handle")[int(rng.integers(2))]
    word = f"{kind}s" if double else kind
    metal = palette.any("yellow", "light grey", "black", other_than=finish.tone.name)
    with sketch.named(word):
        for x in middles:
            hand = (1 if x < 0 else -1) if double else 1
            u, y, z = x + hand * (leaf / 2 - 0.06), 0.46 * top, thick / 2
            sketch.limb((u, y, -z - 0.05), (u, y, z + 0.05), 0.022, metal.rgb)
            for side in (-1, 1):
                if kind == "knob":
                    sketch.ball((u, y, side * (z + 0.06)), 0.036, metal.rgb)
                else:
                    ends = ((u, y, side * (z + 0.05)), (u - hand * 0.1, y, side * (z + 0.05)))
                    sketch.limb(*ends, 0.022, metal.rgb)
    draft.part_tones[word] = metal
    if rng.uniform() < 0.5:
        with sketch.named("hinges"):
            for y in (0.16 * top, 0.84 * top):
                for x in (-half,) if not double else (-half, half):
                    ends = ((x, y - 0.05, deep / 2), (x, y + 0.05, deep / 2))
                    sketch.cylinder(*ends, 0.026, metal.rgb, rounding=0.006)
        draft.features.append("with hinges")
    return draft


_SURFACES = ("panels", "panels", "planks", "window", "plain")


def _arch(radius: float, height: float) -> list[tuple[float, float]]:
    """Outline of a half disc whose straight side lies at a height."""
    angles = [math.pi * i / 12 for i in range(13)]
    return [(radius * math.cos(a), height + radius * math.sin(a)) for a in angles]
