"""Fences, wheelbarrows and wells."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.categories.details import SIDE_ON, accent
from gen3d.data.procedural.categories.roofs import gable_roof
from gen3d.data.procedural.categories.vehicle_parts import dark_tone, wheel
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def fence(rng: np.random.Generator, palette: Palette) -> Draft:
    """A length of fence along X: pickets, rails between posts, iron bars or boards."""
    kind = ("picket", "rail", "iron", "board")[int(rng.choice(4, p=(0.4, 0.22, 0.2, 0.18)))]
    material = ("iron", "metal") if kind == "iron" else ("wooden",)
    finish = palette.finish(*material, plain=0.45, painted=0.35)
    sketch = Sketch()
    draft = Draft(sketch, "fence", finish, ["garden fence"])
    high = rng.uniform(0.75, 1.2)
    if kind == "picket":
        _pickets(rng, draft, high)
    elif kind == "rail":
        _rails(rng, draft, high)
    elif kind == "iron":
        _iron(rng, palette, draft, high)
    else:
        _boards(rng, palette, draft, high)
    if high > 1.08:
        draft.adjectives.append("tall")
    elif high < 0.85:
        draft.adjectives.append("low")
    return draft


def _pickets(rng: np.random.Generator, draft: Draft, high: float) -> None:
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    count = int(rng.integers(4, 10))
    pitch = 2.0 / count
    half = min(rng.uniform(0.28, 0.36) * pitch, pitch / 2 - 0.04)
    form = int(rng.integers(3))
    crown = [(half, 0.8 * high), (0, high), (-half, 0.8 * high)]
    if form == 1:
        angles = [math.pi * i / 6 for i in range(7)]
        crown = [(half * math.cos(a), high - half + half * math.sin(a)) for a in angles]
    elif form == 2:
        crown = [(half, high), (-half, high)]
    arched = rng.uniform() < 0.3
    with sketch.named("pickets"):
        for i in range(count):
            x = (i - (count - 1) / 2) * pitch
            drop = 0.12 * high * (x**2) if arched else 0.0
            outline = [(-half, 0), (half, 0), *((px, py - drop) for px, py in crown)]
            sketch.prism(outline, (x, 0, 0), 0.075, colour)
    draft.features.append(("with pointed tops", "with rounded tops", "with flat tops")[form])
    with sketch.named("rails"):
        levels = (0.25, 0.65)
        for y in levels:
            sketch.box((0, y * high, -0.06), (2.0, 0.11, 0.08), colour)
    draft.counts["pickets"] = count
    draft.synonyms += ["picket fence"]


def _rails(rng: np.random.Generator, draft: Draft, high: float) -> None:
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    posts, rails = int(rng.integers(2, 5)), int(rng.integers(2, 5))
    square = rng.uniform() < 0.6
    thick = rng.uniform(0.07, 0.1)
    with sketch.named("posts"):
        for i in range(posts):
            x = -0.92 + 1.84 * i / (posts - 1)
            if square:
                sketch.box((x, high / 2, 0), (2 * thick, high, 2 * thick), colour)
                sketch.box((x, high, 0), (2.6 * thick, 0.08, 2.6 * thick), colour)
            else:
                sketch.cylinder((x, 0, 0), (x, high, 0), thick, colour, rounding=0.03)
    pitch = 0.76 * high / rails
    width = min(rng.uniform(0.1, 0.14), pitch - 0.08)
    with sketch.named("rails"):
        for i in range(rails):
            y = 0.2 * high + (i + 0.5) * pitch
            if square:
                sketch.box((0, y, 0), (2.1, width, 0.09), colour)
            else:
                sketch.cylinder((-1.06, y, 0), (1.06, y, 0), width / 2, colour)
    draft.counts.update({"posts": posts, "rails": rails})
    draft.synonyms += ["rail fence", "ranch fence"]


def _iron(rng: np.random.Generator, palette: Palette, draft: Draft, high: float) -> None:
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    bars = int(rng.integers(5, 9))
    pitch = 1.8 / bars
    spear = rng.uniform() < 0.65
    with sketch.named("bars"):
        for i in range(bars):
            x = (i - (bars - 1) / 2) * pitch
            sketch.cylinder((x, 0.06, 0), (x, high, 0), 0.038, colour)
            if spear:
                tip = ((x, high - 0.02, 0), (x, high + 0.18, 0))
                sketch.cylinder(*tip, 0.072, colour, top=0.012)
            else:
                sketch.ball((x, high, 0), 0.075, colour)
    draft.features.append("with spear tips" if spear else "with round tips")
    with sketch.named("rails"):
        for y in (0.16, 0.82):
            sketch.box((0, y * high, 0), (1.96, 0.09, 0.09), colour)
    tall = high + rng.uniform(0.0, 0.2)
    with sketch.named("posts"):
        stone = rng.uniform() < 0.4
        paint = colour
        if stone:
            paint = accent(draft, palette, "posts", "light grey", "grey", "dark red", "brown")
        wide = 0.2 if stone else 0.11
        for x in (-1, 1):
            sketch.box((x, tall / 2, 0), (wide, tall, wide), paint)
            sketch.box((x, tall, 0), (wide + 0.09, 0.1, wide + 0.09), paint)
            sketch.ball((x, tall + 0.1, 0), 0.5 * wide + 0.02, paint)
    draft.counts["bars"] = bars
    draft.synonyms += ["iron fence" if draft.finish.material == "iron" else "railing"]


def _boards(rng: np.random.Generator, palette: Palette, draft: Draft, high: float) -> None:
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    boards = int(rng.integers(3, 7))
    pitch = (0.92 * high) / boards
    width = pitch - 0.065 if pitch > 0.13 else pitch + 0.02
    paint = accent(draft, palette, "posts") if rng.uniform() < 0.4 else colour
    with sketch.named("boards"):
        for i in range(boards):
            y = 0.06 + (i + 0.5) * pitch
            sketch.box((0, y, 0.02), (2.0, width, 0.075), colour)
    posts = int(rng.integers(2, 4))
    with sketch.named("posts"):
        for i in range(posts):
            x = -0.9 + 1.8 * i / (posts - 1)
            sketch.box((x, 0.53 * high, -0.05), (0.16, 1.06 * high, 0.13), paint)
    if width < pitch:
        draft.counts["boards"] = boards
    draft.counts["posts"] = posts
    draft.synonyms += ["wood fence"] if draft.finish.material == "wooden" else []


def wheelbarrow(rng: np.random.Generator, palette: Palette) -> Draft:
    """A wheelbarrow with its wheel in front (+Z): a tray, two handles with grips, two legs."""
    finish = palette.finish("metal", "wooden", "plastic", plain=0.6, painted=0.6)
    colour, name = finish.tone.rgb, finish.tone.name
    sketch = Sketch()
    draft = Draft(sketch, "wheelbarrow", finish, ["barrow", "garden cart"])
    long, wide = rng.uniform(0.75, 0.95), rng.uniform(0.55, 0.72)
    radius, deep = rng.uniform(0.17, 0.24), rng.uniform(0.26, 0.38)
    floor = radius + rng.uniform(0.08, 0.14)
    rim, wall = floor + deep, 0.07
    lip = rng.uniform(0.16, 0.32)
    tray = [(-0.4 * long, floor), (0.28 * long, floor), (0.28 * long + lip, rim)]
    tray += [(-0.55 * long, rim)]
    middle_x, middle_y = -0.1 * long, floor + 0.6 * deep
    with sketch.named("tray"):
        sketch.prism(tray, (0, 0, 0), wide, colour, rounding=0.02, turn=SIDE_ON)
        # Towards the middle by a wall, open at the top.
        hollow = [(-0.4 * long + wall, floor + wall), (0.28 * long - wall, floor + wall)]
        hollow += [
            (0.28 * long + lip - 0.6 * wall, rim + 0.1),
            (-0.55 * long + 0.8 * wall, rim + 0.1),
        ]
        sketch.prism(hollow, (0, 0, 0), wide - 2 * wall, colour, turn=SIDE_ON, op="cut")
    if rng.uniform() < 0.3:
        with sketch.named("load"):
            load = accent(draft, palette, "load", "brown", "dark brown", "green", "grey")
            size = (0.36 * wide, 0.45 * deep, 0.32 * long)
            sketch.ball((0, middle_y, middle_x), size, load)
        draft.features.append("with a load")
    frame = accent(draft, palette, "handles", "black", "grey", "dark grey", "brown", "light brown")
    thick, spread = rng.uniform(0.04, 0.05), 0.3 * wide
    front = 0.28 * long + lip + rng.uniform(0.0, 0.1)
    back, grip = -0.55 * long - rng.uniform(0.35, 0.5), floor + rng.uniform(0.12, 0.3)
    slope = (grip - floor) / (back + 0.3 * long)
    grips = palette.any("black", "red", "dark grey", other_than=name).rgb
    with sketch.named("handles"):
        for x in (-1, 1):
            knee = (x * spread, floor - 0.02, -0.3 * long)
            sketch.limb((x * 0.13, radius, front), knee, thick, frame)
            end = (x * (spread + 0.05), grip, back)
            sketch.limb(knee, end, thick, frame)
            start = (end[0], grip - 0.18 * slope, back + 0.18)
            sketch.limb(start, end, thick + 0.02, grips)
    with sketch.named("legs"):
        for x in (-1, 1):
            top = (x * spread, floor, -0.22 * long)
            sketch.limb(top, (x * spread, 0.04, -0.3 * long), thick, frame)
        sketch.limb((-spread, 0.1, -0.29 * long), (spread, 0.1, -0.29 * long), 0.038, frame)
    spokes = rng.uniform() < 0.35
    tyre = dark_tone(palette, name).rgb
    hub = palette.any("red", "yellow", "light grey", "orange", other_than=name).rgb
    wheel(sketch, (0, radius, front), radius, 0.16, tyre, hub, spokes=spokes)
    sketch.limb((-0.14, radius, front), (0.14, radius, front), 0.042, frame)
    if deep > 0.35:
        draft.adjectives.append("deep")
    elif deep < 0.29:
        draft.adjectives.append("shallow")
    return draft


def well(rng: np.random.Generator, palette: Palette) -> Draft:
    """A well: a round or square wall with water, posts with a roof, a winch and a bucket."""
    finish = palette.finish("stone", "stone", "brick", "wooden", plain=0.35, painted=0.25)
    colour, name = finish.tone.rgb, finish.tone.name
    radius, wall = rng.uniform(0.52, 0.66), rng.uniform(0.45, 0.65)
    thick, high = rng.uniform(0.11, 0.15), rng.uniform(1.15, 1.45)
    sketch = Sketch()
    draft = Draft(sketch, "well", finish, ["water well", "wishing well"])
    square = bool(rng.uniform() < 0.3)
    with sketch.named("wall"):
        if square:
            sketch.box((0, wall / 2, 0), (2 * radius, wall, 2 * radius), colour)
            sketch.box((0, wall, 0), (2 * radius + 0.1, 0.11, 2 * radius + 0.1), colour)
            hole = 2 * (radius - thick)
            sketch.box((0, wall / 2 + 0.15, 0), (hole, wall + 0.1, hole), colour, op="cut")
        else:
            sketch.cylinder((0, 0, 0), (0, wall, 0), radius, colour)
            ends = ((0, wall - 0.06, 0), (0, wall + 0.05, 0))
            sketch.cylinder(*ends, radius + 0.05, colour, rounding=0.02)
            ends = ((0, 0.1, 0), (0, wall + 0.2, 0))
            sketch.cylinder(*ends, radius - thick, colour, op="cut")
    with sketch.named("water"):
        water = palette.paint("blue" if name != "blue" else "light grey")
        deep = rng.uniform(0.4, 0.7) * wall
        ends = ((0, 0.02, 0), (0, deep, 0))
        sketch.cylinder(*ends, radius - 0.5 * thick, water)
    draft.adjectives.append("square" if square else "round")
    if rng.uniform() < 0.15:
        draft.features.append("with water inside")
        return draft
    wood = accent(draft, palette, "posts", "brown", "dark brown", "light brown")
    at = radius - 0.45 * thick
    with sketch.named("posts"):
        for x in (-1, 1):
            foot = wall - 0.1
            sketch.box((x * at, (foot + high) / 2, 0), (0.12, high - foot, 0.12), wood)
    with sketch.named("roof"):
        # Some roofs share the wall's colour; all are small enough to leave it the dominant one.
        roof = accent(draft, palette, "roof") if rng.uniform() < 0.7 else colour
        sizes = (rng.uniform(0.72, 0.9), rng.uniform(0.24, 0.4), 2 * at)
        eaves = (0, high - 0.08, 0)
        gable_roof(sketch, eaves, sizes, roof, thick=0.09, overhang=0.08, turn=(0, 90, 0))
        beam = (0, high - 0.02, 0)
        sketch.box(beam, (2 * at, 0.12, 0.12), wood)
        for x in (-1, 1):
            post = (x * at, high, 0)
            sketch.box((post[0], high + 0.4 * sizes[1], 0), (0.12, 0.8 * sizes[1], 0.12), wood)
    axis = wall + 0.42 * (high - wall)
    with sketch.named("winch"):
        sketch.cylinder((-at, axis, 0), (at + 0.2, axis, 0), 0.05, wood)
        sketch.cylinder((-0.22, axis, 0), (0.22, axis, 0), 0.085, wood)
        crank = at + 0.18
        sketch.limb((crank, axis, 0), (crank, axis - 0.17, 0), 0.036, wood)
        sketch.limb((crank, axis - 0.17, 0), (crank + 0.12, axis - 0.17, 0), 0.036, wood)
    if rng.uniform() < 0.75:
        with sketch.named("bucket"):
            low = axis - rng.uniform(0.38, 0.48)
            paint = accent(draft, palette, "bucket", "grey", "brown", "light brown", "red", "blue")
            rope = palette.paint("light yellow" if name != "yellow" else "light brown")
            sketch.limb((0, axis, 0), (0, low + 0.05, 0), 0.036, rope)
            ends = ((0, low - 0.12, 0), (0, low + 0.1, 0))
            sketch.cylinder(*ends, 0.1, paint, top=0.14)
        draft.features.append("with a bucket")
    return draft
