"""Tents and canoes."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.categories.details import accent, around, wedge
from gen3d.data.procedural.categories.roofs import pyramid
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def tent(rng: np.random.Generator, palette: Palette) -> Draft:
    """A tent: ridge tent, dome, teepee, round pavilion or a canopy on poles."""
    finish = palette.finish("fabric", plain=0.75, painted=1.0)
    sketch = Sketch()
    draft = Draft(sketch, "tent", finish, ["camping tent"])
    kind = int(rng.choice(5, p=(0.32, 0.2, 0.18, 0.15, 0.15)))
    (_ridge_tent, _dome_tent, _teepee, _pavilion, _canopy)[kind](rng, palette, draft)
    return draft


def _ridge_tent(rng: np.random.Generator, palette: Palette, draft: Draft) -> None:
    sketch, colour, name = draft.sketch, draft.finish.tone.rgb, draft.finish.tone.name
    half, high, long = rng.uniform(0.5, 0.72), rng.uniform(0.75, 1.0), rng.uniform(1.1, 1.7)
    wall = rng.uniform(0.12, 0.3) if rng.uniform() < 0.4 else 0.0
    side = [(-half, 0), (half, 0), (half, wall), (0, high), (-half, wall)]
    if wall == 0.0:
        side = [(-half, 0), (half, 0), (0, high)]
    sketch.prism(side, (0, 0, 0), long, colour)
    front = long / 2
    gap = rng.uniform(0.4, 0.62) * half
    inside = palette.paint("dark grey" if name == "black" else "black")
    with sketch.named("opening"):
        opening = [(-gap, 0.05), (gap, 0.05), (0, 0.8 * high)]
        sketch.prism(opening, (0, 0, front), 0.7 * long, inside, op="cut")
    with sketch.named("flaps"):
        flap = accent(draft, palette, "flaps") if rng.uniform() < 0.5 else colour
        for x in (-1, 1):
            foot = (x * (gap + 0.06), 0.02, front + 0.02)
            sketch.limb(foot, (0, 0.82 * high, front), 0.055, flap)
    pole = accent(draft, palette, "poles", "brown", "light grey", "light brown")
    with sketch.named("poles"):
        for z in (-front - 0.02, front + 0.02):
            if z > 0:
                sketch.limb((0, 0.8 * high, z), (0, high + 0.1, z), 0.042, pole)
            else:
                sketch.limb((0, 0, z), (0, high + 0.1, z), 0.042, pole)
    if rng.uniform() < 0.5:
        with sketch.named("ropes"):
            for z in (-1, 1):
                peg = (0, 0.02, z * (front + 0.5))
                sketch.limb((0, high + 0.03, z * front), peg, 0.042, pole)
        draft.features.append("with ropes")
    if rng.uniform() < 0.4:
        with sketch.named("floor"):
            mat = (2 * half + 0.14, 0.09, long + 0.14)
            sketch.box((0, 0.01, 0), mat, colour)
    draft.synonyms += ["ridge tent", "a-frame tent"]
    if high > 0.95 * half * 1.6:
        draft.adjectives.append("tall")
    elif long > 1.5:
        draft.adjectives.append("long")


def _dome_tent(rng: np.random.Generator, palette: Palette, draft: Draft) -> None:
    sketch, colour, name = draft.sketch, draft.finish.tone.rgb, draft.finish.tone.name
    wide, high, deep = rng.uniform(0.8, 0.95), rng.uniform(0.6, 0.8), rng.uniform(0.7, 0.95)
    sketch.ball((0, 0, 0), (wide, high, deep), colour)
    sketch.box((0, -0.5, 0), (3, 1, 3), colour, op="cut")
    inside = palette.paint("dark grey" if name == "black" else "black")
    with sketch.named("opening"):
        gap = rng.uniform(0.22, 0.32)
        rise = rng.uniform(0.6, 0.75) * high
        arch = [(-gap, 0.05), (gap, 0.05), (0.9 * gap, 0.6 * rise), (0.5 * gap, 0.9 * rise)]
        arch += [(0, rise), (-0.5 * gap, 0.9 * rise), (-0.9 * gap, 0.6 * rise)]
        sketch.prism(arch, (0, 0, deep), deep, inside, op="cut")
    with sketch.named("poles"):
        pole = accent(draft, palette, "poles")
        ring = wide + 0.01
        for yaw in (45, -45):
            for i in range(7):
                # An ellipsoid's meridian is no circle: short limbs follow it.
                points = []
                for k in (i, i + 1):
                    angle = math.pi * k / 7
                    flat = math.cos(angle)
                    turn = math.radians(yaw)
                    at = (ring * flat * math.cos(turn), high * math.sin(angle))
                    points.append((*at, (deep + 0.01) * flat * math.sin(turn)))
                sketch.limb(points[0], points[1], 0.05, pole)
    draft.synonyms += ["dome tent"]
    draft.adjectives.append("round")


def _teepee(rng: np.random.Generator, palette: Palette, draft: Draft) -> None:
    sketch, colour, name = draft.sketch, draft.finish.tone.rgb, draft.finish.tone.name
    wide, high = rng.uniform(0.55, 0.78), rng.uniform(1.3, 1.6)
    sketch.cylinder((0, 0, 0), (0, high, 0), wide, colour, top=0.09)
    inside = palette.paint("dark grey" if name == "black" else "black")
    with sketch.named("opening"):
        gap, rise = 0.38 * wide, rng.uniform(0.42, 0.55) * high
        flap = [(-gap, 0.06), (gap, 0.06), (0, rise)]
        sketch.prism(flap, (0, 0, wide), 1.1 * wide, inside, op="cut")
    poles = int(rng.integers(3, 6))
    with sketch.named("poles"):
        wood = accent(draft, palette, "poles", "brown", "dark brown", "light brown")
        for x, z, _ in around(poles, 0.05, 20.0):
            out = rng.uniform(4.4, 5.2)
            foot = (-0.6 * x, high - 0.2, -0.6 * z)
            sketch.limb(foot, (out * x, high + 0.28, out * z), 0.036, wood)
    draft.counts["poles"] = poles
    if rng.uniform() < 0.6:
        with sketch.named("stripes"):
            stripes = accent(draft, palette, "stripes")
            for y in (0.1, 0.62)[: int(rng.integers(1, 3)) + 1]:
                ends = ((0, y * high, 0), (0, (y + 0.09) * high, 0))
                sketch.cylinder(*ends, (1 - y) * wide + 0.06, stripes, op="paint")
    draft.synonyms += ["teepee", "tipi", "wigwam"]


def _pavilion(rng: np.random.Generator, palette: Palette, draft: Draft) -> None:
    sketch, colour, name = draft.sketch, draft.finish.tone.rgb, draft.finish.tone.name
    wide, wall, rise = rng.uniform(0.6, 0.75), rng.uniform(0.45, 0.7), rng.uniform(0.45, 0.65)
    sketch.cylinder((0, 0, 0), (0, wall, 0), wide, colour, top=0.96 * wide)
    with sketch.named("roof"):
        sketch.cylinder((0, wall - 0.07, 0), (0, wall + rise, 0), wide + 0.09, colour, top=0.05)
    inside = palette.paint("dark grey" if name == "black" else "black")
    with sketch.named("opening"):
        gap = [(-0.2, 0.05), (0.2, 0.05), (0, 0.86 * wall)]
        sketch.prism(gap, (0, 0, wide), wide, inside, op="cut")
    if rng.uniform() < 0.65:
        with sketch.named("stripes"):
            stripes = accent(draft, palette, "stripes")
            for i in range(6):
                yaw = 60.0 * i
                middle = (0, (wall + rise) / 2, 0)
                wedge(
                    sketch,
                    middle,
                    2.0,
                    wall + rise + 0.1,
                    stripes,
                    opening_deg=26,
                    yaw_deg=yaw + 30,
                    op="paint",
                )
        draft.features.append("with stripes")
    top = wall + rise
    with sketch.named("flag"):
        flag = accent(draft, palette, "flag")
        pole = palette.paint("brown" if name != "brown" else "black")
        sketch.limb((0, top - 0.1, 0), (0, top + 0.34, 0), 0.036, pole)
        cloth = [(0, 0.34), (0, 0.14), (0.28, 0.24)]
        sketch.prism(cloth, (0, top, 0), 0.07, flag)
    draft.synonyms += ["pavilion", "circus tent"]
    draft.adjectives.append("round")


def _canopy(rng: np.random.Generator, palette: Palette, draft: Draft) -> None:
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    half, wall, rise = rng.uniform(0.6, 0.75), rng.uniform(0.55, 0.8), rng.uniform(0.3, 0.5)
    with sketch.named("roof"):
        pyramid(sketch, (0, wall, 0), half + 0.08, rise, colour)
        sketch.box((0, wall - 0.04, 0), (2 * half + 0.16, 0.2, 2 * half + 0.16), colour)
    inner = 2 * half
    sketch.box((0, wall - 0.14, 0), (inner, 0.2, inner), colour, op="cut")
    with sketch.named("poles"):
        pole = accent(draft, palette, "poles", "brown", "light grey", "dark grey", "white")
        for x in (-1, 1):
            for z in (-1, 1):
                foot = (x * (half - 0.02), 0, z * (half - 0.02))
                sketch.box((foot[0], wall / 2, foot[2]), (0.13, wall, 0.13), pole)
    if rng.uniform() < 0.5:
        with sketch.named("ball"):
            sketch.ball((0, wall + rise - 0.04, 0), 0.08, pole)
        draft.features.append("with a ball on top")
    draft.synonyms += ["canopy", "market tent"]
    draft.adjectives.append("open")
    draft.counts["poles"] = 4


def canoe(rng: np.random.Generator, palette: Palette) -> Draft:
    """A canoe along Z: a hollow hull with raised ends, seats, paddles, perhaps an outrigger."""
    finish = palette.finish("wooden", "wooden", "plastic", plain=0.6, painted=0.4)
    colour = finish.tone.rgb
    half, beam, deep = 1.0, rng.uniform(0.24, 0.36), rng.uniform(0.36, 0.46)
    deck, sheer = rng.uniform(-0.08, 0.0), rng.uniform(1.2, 2.6)
    wall = 0.07
    sketch = Sketch()
    draft = Draft(sketch, "canoe", finish, ["open canoe", "paddle boat"])
    sketch.ball((0, 0, 0), (beam, deep, half), colour)
    trim = accent(draft, palette, "rim") if rng.uniform() < 0.5 else colour
    level = deck + sheer
    # A wide cylinder across the boat scoops the deck, so that bow and stern rise.
    sketch.cylinder((-1, level, 0), (1, level, 0), sheer, trim, op="cut")
    inner = (beam - wall, deep - wall, half - 2.2 * wall)
    inside = colour
    if rng.uniform() < 0.35:
        inside = accent(draft, palette, "inside", "light brown", "white", "brown", "light grey")
    with sketch.named("inside"):
        sketch.ball((0, 0.02, 0), inner, inside, op="cut")

    def height(z: float) -> float:
        return level - math.sqrt(sheer**2 - z**2)

    def reach(y: float, z: float) -> float:
        return beam * math.sqrt(max(1 - (z / half) ** 2 - (y / deep) ** 2, 0.05)) - 0.03

    seats = int(rng.integers(1, 4))
    wood = accent(draft, palette, "seats", "brown", "light brown", "dark brown", "white")
    places = {1: (-0.35,), 2: (-0.42, 0.3), 3: (-0.5, 0.0, 0.5)}[seats]
    with sketch.named("seats"):
        for z in places:
            y = height(z) - 0.08
            sketch.box((0, y, z), (2 * reach(y, z), 0.075, 0.18), wood, rounding=0.01)
    draft.counts["seats"] = seats
    with sketch.named("rim"):
        for z in (-0.76, 0.76):
            y = height(z) - 0.07
            sketch.box((0, y, z), (2 * reach(y, abs(z) + 0.07), 0.08, 0.14), trim)
    paddles = int(rng.integers(0, 3)) if seats > 1 else 0
    with sketch.named("paddles"):
        for x in (-0.1, 0.1)[:paddles]:
            start, end = places[0], places[-1]
            low = (x, height(start) - 0.02, start - 0.1)
            high = (x, height(end) - 0.02, end + 0.16)
            sketch.limb(low, high, 0.036, palette.paint("dark brown"))
            sketch.box(high, (0.15, 0.07, 0.26), palette.paint("dark brown"), rounding=0.02)
    if paddles:
        draft.counts["paddles"] = paddles
    if rng.uniform() < 0.2:
        with sketch.named("outrigger"):
            away = beam + rng.uniform(0.28, 0.4)
            paint = wood
            sketch.limb((away, -0.1, -0.55), (away, -0.1, 0.55), 0.075, paint)
            for z in (-0.3, 0.3):
                y = height(z) - 0.06
                sketch.limb((0, y, z), (away, -0.08, z), 0.042, paint)
        draft.features.append("with an outrigger")
    if beam < 0.28:
        draft.adjectives.append("narrow")
    elif beam > 0.33:
        draft.adjectives.append("wide")
    return draft
