"""Swords, shields and axes."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.categories.details import accent, around
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Colour, Sketch, Vector

_METALS = ("steel", "steel", "iron", "metal", "golden", "silver", "bronze")


def sword(rng: np.random.Generator, palette: Palette) -> Draft:
    """An upright sword, blade up: straight, broad or curved, with guard, grip and pommel."""
    finish = palette.finish(*_METALS)
    colour = finish.tone.rgb
    form = ("straight", "broad", "curved")[int(rng.choice(3, p=(0.5, 0.25, 0.25)))]
    long = rng.uniform(0.62, 0.78)
    half = rng.uniform(0.05, 0.07) if form != "broad" else rng.uniform(0.085, 0.12)
    sketch = Sketch()
    draft = Draft(sketch, "sword", finish, ["blade", "knight's sword"])
    if form == "curved":
        sweep = rng.uniform(0.1, 0.2)
        shares = (-0.04, 0.2, 0.4, 0.6, 0.8)
        back = [(sweep * s * s - half, s * long) for s in shares]
        edge = [(sweep * s * s + half * (1 + 0.25 * s), s * long) for s in shares]
        outline = [*edge, (sweep + 0.2 * half, long), *back[::-1]]
        draft.synonyms = ["saber", "scimitar", "blade"]
        draft.features.append("with a curved blade")
    else:
        base, tip = half * rng.uniform(0.75, 1.0), rng.uniform(0.82, 0.92) * long
        outline = [(base, -0.04), (half, tip), (0, long), (-half, tip), (-base, -0.04)]
        if form == "broad":
            draft.adjectives.append("broad")
            draft.synonyms.append("broadsword")
    with sketch.named("blade"):
        sketch.prism(outline, (0, 0, 0), 0.045, colour, rounding=0.012)
        if form != "curved" and rng.uniform() < 0.6:
            groove = accent(draft, palette, "groove", "dark grey", "light grey", "black", "white")
            with sketch.named("groove"):
                sketch.box((0, 0.36 * long, 0), (0.045, 0.75 * long, 1), groove, op="paint")
    trim = accent(draft, palette, "guard")
    grip = accent(draft, palette, "handle", "brown", "dark brown", "black", "red", "blue")
    deep, girth = rng.uniform(0.15, 0.22), rng.uniform(0.024, 0.032)
    with sketch.named("handle"):
        sketch.cylinder((0, -deep - 0.03, 0), (0, 0.0, 0), girth, grip)
        for i in range(int(rng.choice((0, 3)))):
            y = -deep * (0.28 + 0.26 * i)
            sketch.cylinder((0, y - 0.017, 0), (0, y + 0.017, 0), girth + 0.01, grip)
    _guard(draft, rng, trim, half)
    with sketch.named("pommel"):
        low, size = -deep - 0.04, rng.uniform(0.04, 0.052)
        kind = int(rng.integers(3))
        if kind == 0:
            sketch.ball((0, low, 0), size, trim)
        elif kind == 1:
            sketch.cylinder((0, low, -0.024), (0, low, 0.024), size, trim)
        else:
            sketch.box((0, low, 0), (1.5 * size, 1.5 * size, 0.05), trim, turn=(0, 0, 45))
    if rng.uniform() < 0.3:
        with sketch.named("gem"):
            gem = palette.any("red", "blue", "green", "purple", other_than=finish.tone.name)
            sketch.ball((0, -0.005, 0), (0.035, 0.035, 0.055), gem.rgb)
            draft.part_tones["gem"] = gem
    if long < 0.66:
        draft.adjectives.append("short")
    elif long > 0.75:
        draft.adjectives.append("long")
    return draft


def _guard(draft: Draft, rng: np.random.Generator, colour: Colour, half: float) -> None:
    sketch, reach = draft.sketch, half + rng.uniform(0.06, 0.12)
    with sketch.named("guard"):
        kind = int(rng.integers(3))
        if kind == 0:
            sketch.limb((-reach, 0, 0), (reach, 0, 0), 0.027, colour)
            if rng.uniform() < 0.5:
                for side in (-1, 1):
                    sketch.ball((side * reach, 0, 0), 0.042, colour)
            draft.features.append("with a straight guard")
        elif kind == 1:
            droop = rng.uniform(0.05, 0.09)
            up = 1 if rng.uniform() < 0.5 else -1
            for side in (-1, 1):
                sketch.limb((0, 0, 0), (side * 0.6 * reach, 0.2 * up * droop, 0), 0.03, colour)
                tip = (side * reach, up * droop, 0)
                sketch.limb((side * 0.6 * reach, 0.2 * up * droop, 0), tip, 0.03, colour, top=0.022)
            draft.features.append("with a curved guard")
        else:
            size = half + 0.05
            sketch.cylinder((0, -0.024, 0), (0, 0.02, 0), size, colour, rounding=0.012)
            draft.features.append("with a round guard")


def shield(rng: np.random.Generator, palette: Palette) -> Draft:
    """A shield that faces +Z: round, pointed, kite-shaped or square, with a rim and an emblem."""
    finish = palette.finish("wooden", "metal", "steel", "iron", "golden", plain=0.6)
    colour = finish.tone.rgb
    form = int(rng.choice(4, p=(0.32, 0.36, 0.14, 0.18)))
    wide = (0.46, rng.uniform(0.36, 0.44), rng.uniform(0.27, 0.33), rng.uniform(0.3, 0.42))[form]
    rim_wide = rng.uniform(0.05, 0.08)
    sketch = Sketch()
    word = ("round shield", "knight's shield", "kite shield", "rectangular shield")[form]
    draft = Draft(sketch, "shield", finish, [word])
    draft.adjectives += [("round",), ("pointed",), ("long",), ("square",)][form]
    if form == 3 and wide < 0.38:
        draft.adjectives = ["rectangular"]
    outline = _shield_outline(form, wide)
    rimmed = rng.uniform() < 0.75
    rim = accent(draft, palette, "rim") if rimmed else colour
    inset = 1 - rim_wide / wide
    face = [(inset * x, inset * y) for x, y in outline]
    deep = 0.1
    with sketch.named("rim"):
        sketch.prism(outline, (0, 0, 0), 0.06, rim, rounding=0.02)
    sketch.prism(face, (0, 0, 0), deep, colour, rounding=0.01)
    front = deep / 2
    _emblem(draft, rng, palette, wide, front)
    if rimmed and rng.uniform() < 0.45:
        studs = int(rng.integers(4, 9)) if form == 0 else 4
        metal = accent(draft, palette, "studs", "grey", "dark grey", "yellow", "black")
        with sketch.named("studs"):
            spots = [(x, z) for x, z, _ in around(studs, wide - 0.3 * rim_wide, 20)]
            if form != 0:
                # Half-way along the four longest sides is always on the rim.
                high = {1: (0.36, -0.02), 2: (0.36, -0.02), 3: (0.3, -0.3)}[form]
                reach = wide - 0.45 * rim_wide
                spots = [(side * reach, y) for side in (-1, 1) for y in high]
            for x, y in spots:
                sketch.ball((x, y, 0.035), 0.036, metal)
        draft.counts["studs"] = len(spots)
    with sketch.named("grip"):
        strap = palette.paint("brown" if finish.tone.name != "brown" else "dark grey")
        sketch.ring((0, 0.05, -0.02), 0.12, 0.03, strap, turn=(90, 180, 0), arc_deg=200)
    return draft


def _shield_outline(form: int, wide: float) -> list[Vector]:
    if form == 0:
        steps = np.linspace(0, 2 * math.pi, 25)[:-1]
        return [(wide * math.sin(a), wide * math.cos(a)) for a in steps]
    if form == 3:
        return [(wide, 0.46), (wide, -0.46), (-wide, -0.46), (-wide, 0.46)]
    if form == 1:
        side = [(wide, 0.44), (wide, -0.06), (0.82 * wide, -0.24), (0.48 * wide, -0.4)]
        top = [(0, 0.48)]
    else:
        side = [(0.75 * wide, 0.42), (wide, 0.28), (wide, 0.1), (0.72 * wide, -0.2)]
        top = [(0.35 * wide, 0.49), (-0.35 * wide, 0.49)]
    mirrored = [(-x, y) for x, y in side[::-1]]
    return [*side, (0, -0.52), *mirrored, *(top[::-1] if form == 2 else top)]


def _emblem(
    draft: Draft, rng: np.random.Generator, palette: Palette, wide: float, front: float
) -> None:
    """A boss, a cross, a stripe, quarters or a star on the front."""
    sketch, kind = draft.sketch, int(rng.choice(6, p=(0.28, 0.22, 0.14, 0.14, 0.12, 0.1)))
    size = 0.5 * wide
    if kind == 0:
        with sketch.named("boss"):
            boss = accent(draft, palette, "boss", "grey", "light grey", "dark grey", "yellow")
            radius = rng.uniform(0.1, 0.15)
            sketch.ball((0, 0, 0.6 * front), (radius, radius, 0.13), boss)
            sketch.cylinder((0, 0, 0), (0, 0, front + 0.03), 1.25 * radius, boss, rounding=0.01)
        if rng.uniform() < 0.25:
            sketch.cylinder((0, 0, 0.1), (0, 0, 0.34), 0.07, boss, top=0.02)
            draft.features.append("with a spike")
    elif kind == 1:
        with sketch.named("cross"):
            cross = accent(draft, palette, "cross")
            bar = rng.uniform(0.08, 0.12)
            sketch.box((0, 0.02, front), (bar, 0.62, 0.06), cross)
            sketch.box((0, 0.08, front), (1.4 * wide, bar, 0.06), cross)
    elif kind == 2:
        with sketch.named("stripe"):
            stripe = accent(draft, palette, "stripe")
            turn = (0, 0, float(rng.choice((0, 45))))
            sketch.box((0, 0, 0.5), (0.32 * wide, 3, 1), stripe, turn=turn, op="paint")
    elif kind == 3:
        with sketch.named("quarters"):
            quarter = accent(draft, palette, "quarters")
            for side in (-1, 1):
                at = (side * 0.5, 0.05 + side * 0.5, 0.5)
                sketch.box(at, (1, 1, 0.93), quarter, op="paint")
        draft.synonyms.append("quartered shield")
    elif kind == 4:
        with sketch.named("star"):
            star = accent(draft, palette, "star", "yellow", "white", "red", "blue")
            steps = [(math.pi * i / 5, size if i % 2 == 0 else 0.45 * size) for i in range(10)]
            points = [(r * math.sin(a), 0.04 + r * math.cos(a)) for a, r in steps]
            sketch.prism(points, (0, 0, front), 0.07, star)


def axe(rng: np.random.Generator, palette: Palette) -> Draft:
    """An upright axe: one blade or two, on a straight or bent handle."""
    finish = palette.finish(*_METALS)
    colour = finish.tone.rgb
    double = rng.uniform() < 0.3
    sketch = Sketch()
    draft = Draft(sketch, "axe", finish, ["hatchet", "battle axe"])
    reach, flare = rng.uniform(0.3, 0.4), rng.uniform(0.2, 0.32)
    neck, thick = rng.uniform(0.08, 0.12), 0.075
    top, bottom = 0.5, -rng.uniform(0.36, 0.5)
    middle = top - 0.2
    down = rng.uniform(1.0, 1.5)
    edge = [(reach * f, flare * g) for f, g in ((0.9, 1.0), (1.08, 0.4), (1.08, -0.4))]
    blade = [(0, neck), (0.4 * reach, neck), *edge, (0.9 * reach, -down * flare)]
    blade += [(0.4 * reach, -neck), (0, -neck)]
    with sketch.named("blade"):
        sketch.prism(blade, (0, middle, 0), thick, colour, rounding=0.015)
        sketch.cylinder((0, middle - 0.13, 0), (0, middle + 0.13, 0), 0.075, colour, rounding=0.02)
        if double:
            mirrored = [(-x, y) for x, y in blade[::-1]]
            sketch.prism(mirrored, (0, middle, 0), thick, colour, rounding=0.015)
            draft.synonyms = ["double axe", "battle axe", "double-bladed axe"]
        else:
            kind = int(rng.integers(3))
            if kind == 0:
                sketch.box((-0.08, middle, 0), (0.14, 0.15, 0.1), colour, rounding=0.02)
                draft.features.append("with a hammer back")
            elif kind == 1:
                sketch.limb((0, middle, 0), (-0.25, middle - 0.03, 0), 0.06, colour, top=0.02)
                draft.features.append("with a spike at the back")
    draft.counts["blades"] = 2 if double else 1
    shaft = accent(draft, palette, "handle", "brown", "light brown", "dark brown", "black", "red")
    girth, bend = rng.uniform(0.03, 0.036), rng.uniform(-0.06, 0.06)
    with sketch.named("handle"):
        high = top + rng.uniform(0.0, 0.06)
        sketch.limb((0, high, 0), (0, 0.05, 0), girth, shaft)
        sketch.limb((0, 0.05, 0), (bend, bottom, 0), girth, shaft, top=1.15 * girth)
        knob = (bend, bottom, 0)
        if rng.uniform() < 0.4:
            sketch.ball(knob, 0.055, shaft)
    bands = int(rng.integers(0, 4))
    if bands:
        wrap = accent(draft, palette, "bands", "dark grey", "red", "yellow", "white", "black")
        with sketch.named("bands"):
            for i in range(bands):
                share = 0.35 + 0.22 * i
                x, y = bend * share, 0.05 + (bottom - 0.05) * share
                sketch.cylinder((x, y - 0.022, 0), (x, y + 0.022, 0), girth + 0.018, wrap)
        draft.counts["bands"] = bands
    if bottom > -0.4:
        draft.adjectives.append("short")
    elif bottom < -0.47:
        draft.adjectives.append("long")
    return draft
