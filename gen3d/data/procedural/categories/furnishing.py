"""Beds and lamps."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def bed(rng: np.random.Generator, palette: Palette) -> Draft:
    """A bed: frame, mattress, blanket, one or two pillows and a headboard at -Z."""
    finish = palette.finish("wooden", "wooden", "metal", "fabric", plain=0.6)
    colour = finish.tone.rgb
    double = bool(rng.uniform() < 0.55)
    width = rng.uniform(1.2, 1.55) if double else rng.uniform(0.8, 1.0)
    length, rise = rng.uniform(1.8, 2.05), rng.uniform(0.3, 0.45)
    sketch = Sketch()
    draft = Draft(sketch, "bed", finish, ["double bed" if double else "single bed"])
    sheet = palette.paint("white" if finish.tone.name != "white" else "light blue")
    board = palette.second(finish, 0.35, "brown", "dark brown", "black", "white", "light brown")
    sketch.box((0, rise - 0.08, 0), (width, 0.2, length), colour, rounding=0.02)
    mattress = (0.94 * width, 0.22, 0.96 * length)
    top = rise + 0.19
    sketch.box((0, rise + 0.08, 0), mattress, sheet, rounding=0.06)
    cover = rng.uniform(0.6, 0.72) * length
    at = (0, rise + 0.07, length / 2 - cover / 2 + 0.01)
    sketch.box(at, (width + 0.02, 0.32, cover), colour, rounding=0.07)
    head = rise + rng.uniform(0.45, 0.75)
    back = -length / 2 - 0.02
    wood = draft.tint("headboard", board)
    style = ("plain", "plain", "round", "bars", "posts")[int(rng.integers(5))]
    with sketch.named("headboard"):
        if style == "bars":
            sketch.box((0, head - 0.06, back), (width + 0.06, 0.14, 0.1), wood, rounding=0.03)
            bars = int(rng.integers(4, 7))
            for i in range(bars):
                x = (i / (bars - 1) - 0.5) * (width - 0.06)
                sketch.cylinder((x, 0.0, back), (x, head - 0.06, back), 0.04, wood)
        else:
            sketch.box((0, head / 2, back), (width + 0.06, head, 0.1), wood, rounding=0.03)
        if style == "round":
            ends = (0, head - 0.04, back - 0.05), (0, head - 0.04, back + 0.05)
            sketch.cylinder(*ends, 0.36 * width, wood, rounding=0.03)
    described = {"round": "a rounded headboard", "bars": "a headboard of bars"}
    draft.features.append(f"with {described.get(style, 'a headboard')}")
    near = length / 2 + 0.02
    if style == "posts":
        tall = rise + rng.uniform(1.0, 1.3)
        with sketch.named("posts"):
            for x in (-1, 1):
                for z in (back, near):
                    post = x * (width / 2 + 0.01)
                    sketch.cylinder((post, 0, z), (post, tall, z), 0.045, wood)
                    sketch.ball((post, tall, z), 0.07, wood)
        draft.features.append("with four posts")
        draft.synonyms.append("four-poster bed")
        draft.style = "classic"
    elif rng.uniform() < 0.45:
        foot = rise + rng.uniform(0.18, 0.32)
        with sketch.named("footboard"):
            sketch.box((0, foot / 2, near), (width + 0.06, foot, 0.1), colour, rounding=0.03)
        draft.features.append("with a footboard")
    else:
        for side in (-1, 1):
            at = (side * (width / 2 - 0.08), rise / 2, length / 2 - 0.1)
            sketch.box(at, (0.12, rise, 0.12), colour)
        draft.style = "modern" if style == "plain" else ""
    if style != "posts" and rise > 0.38 and rng.uniform() < 0.4:
        _bed_drawers(draft, rng, (width, length, rise))
    count = 2 if double else 1
    word = "pillows" if double else "pillow"
    tone = palette.any(other_than=finish.tone.name) if rng.uniform() < 0.5 else None
    pillow = sheet if tone is None else draft.tint(word, tone)
    with sketch.named(word):
        for i in range(count):
            x = (i - (count - 1) / 2) * 0.46 * width
            size = (0.4 * width if double else 0.6 * width, 0.19, 0.36)
            at = (x, top + 0.05, -length / 2 + 0.26)
            sketch.box(at, size, pillow, rounding=0.08, turn=(12, 0, 0))
    draft.counts["pillows"] = count
    draft.adjectives.append("wide" if double else "narrow")
    return draft


def _bed_drawers(draft: Draft, rng: np.random.Generator, sizes: tuple[float, float, float]) -> None:
    """Fill the room under the bed with a chest, drawers at +X."""
    width, length, rise = sizes
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    count = int(rng.integers(2, 4))
    sketch.box((0, rise / 2 - 0.03, 0), (width - 0.08, rise - 0.06, length - 0.1), colour)
    wide = (length - 0.1) / count
    with sketch.named("drawers"):
        for i in range(count):
            z = (i - (count - 1) / 2) * wide
            front = (width / 2 - 0.03, rise / 2 - 0.06, z)
            sketch.box(front, (0.09, rise - 0.2, wide - 0.16), colour, rounding=0.02)
    draft.counts["drawers"] = count


def lamp(rng: np.random.Generator, palette: Palette) -> Draft:
    """A table lamp or a floor lamp: foot, stem and a shade of the dominant colour."""
    finish = palette.finish("fabric", "metal", "paper", "brick", plain=0.7)
    colour = finish.tone.rgb
    floor = bool(rng.uniform() < 0.35)
    sketch = Sketch()
    draft = Draft(sketch, "lamp", finish, ["floor lamp" if floor else "table lamp"])
    tone = palette.second(finish, 0.65)
    stem = tone.rgb
    tall = rng.uniform(0.34, 0.42) if floor else rng.uniform(0.42, 0.56)
    low = rng.uniform(0.24, 0.31) if floor else rng.uniform(0.32, 0.44)
    high = low * rng.uniform(0.45, 0.95)
    start = 1.0 - tall
    bent = not floor and rng.uniform() < 0.15
    if bent:
        tall, low = 0.34, rng.uniform(0.26, 0.32)
        high, start = 0.55 * low, 1.0 - tall
    with sketch.named("stem"):
        if bent:
            draft.tint("stem", tone)
            elbow = (-0.3, 0.55 * start, 0)
            sketch.limb((-0.05, 0.03, 0), elbow, 0.032, stem)
            sketch.limb(elbow, (0, start + 0.5 * tall, 0), 0.032, stem)
            draft.features.append("with a bent arm")
            draft.synonyms = ["desk lamp"]
        else:
            sketch.cylinder(
                (0, 0.02, 0), (0, start + 0.5 * tall, 0), 0.032, draft.tint("stem", tone)
            )
    foot = 0.6 * low if floor else rng.uniform(0.5, 0.6) * low
    style = 3 + int(rng.integers(2)) if floor else int(rng.integers(3))
    if style == 4:
        draft.counts["legs"] = 3
        legs = draft.tint("legs", tone)
        draft.part_tones.pop("stem", None)
        with sketch.named("legs"):
            for i in range(3):
                turn = math.pi / 2 + 2 * math.pi * i / 3
                end = (0.95 * low * math.cos(turn), 0, 0.95 * low * math.sin(turn))
                sketch.cylinder(end, (0, 0.72 * start, 0), 0.026, legs)
    else:
        # A cone is large enough to outweigh the shade.
        base = draft.tint("base", palette.second(finish, 0.0 if style == 1 else 0.3))
        with sketch.named("base"):
            sketch.cylinder((0, 0, 0), (0, 0.06, 0), foot, base, rounding=0.015)
            if style == 0:
                radius = rng.uniform(0.11, 0.15)
                sketch.ball((0, 0.04 + radius, 0), radius, base, blend=0.03)
                draft.features.append("with a round base")
            elif style == 1 and not bent:
                ends = (0, 0.02, 0), (0, 0.8 * start, 0)
                sketch.cylinder(*ends, 0.8 * foot, base, top=0.05, rounding=0.02)
                draft.features.append("with a cone base")
    if floor:
        draft.adjectives.append("tall")
    if rng.uniform() < 0.2 and not bent:
        radius = 0.85 * low
        sketch.ball((0, 1.0 - radius, 0), radius, colour)
        with sketch.named("stem"):
            sketch.cylinder((0, 0, 0), (0, 1.02 - 2 * radius, 0), 0.04, stem)
        draft.features.append("with a round shade")
        return draft
    sketch.cylinder((0, start, 0), (0, 1, 0), low, colour, top=high, rounding=0.02)
    if rng.uniform() < 0.3 and not bent:
        band = draft.tint("bands", palette.any(other_than=finish.tone.name))
        with sketch.named("bands"):
            for share in (0.17, 0.86):
                y = start + share * tall
                at = ((0, y - 0.026, 0), (0, y + 0.026, 0))
                outer = low + (high - low) * share + 0.014
                sketch.cylinder(*at, outer, band, rounding=0.012)
        draft.counts["bands"] = 2
    # A shallow hollow below shows that the shade is open there.
    glow = palette.paint("light yellow" if finish.tone.name != "yellow" else "white")
    below, inside = (0, start - 0.05, 0), (0, start + 0.05, 0)
    hollow = low - 0.08
    sketch.cylinder(below, inside, hollow, glow, top=0.85 * hollow, op="cut")
    # The cut severed the stem.
    low_end = (-0.3, 0.55 * start, 0) if bent else (0, start - 0.1, 0)
    sketch.limb(low_end, (0, start + 0.5 * tall, 0), 0.034, stem)
    sketch.cylinder(below, (0, start + 0.055, 0), hollow, glow, top=0.86 * hollow, op="paint")
    sketch.cylinder((0, start - 0.06, 0), (0, start + 0.06, 0), 0.04, stem, op="paint")
    if high < 0.6 * low:
        draft.features.append("with a cone shade")
    else:
        draft.features.append("with a wide shade" if low > 0.38 else "with a shade")
    return draft
