"""Treasure chests, crates and barrels."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.categories.details import SIDE_ON
from gen3d.data.procedural.categories.fittings import corners
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def treasure_chest(rng: np.random.Generator, palette: Palette) -> Draft:
    """A chest with an arched lid, closed or open and full of gold, metal bands, a lock, feet."""
    finish = palette.finish("wooden", "wooden", "wooden", "metal", plain=0.45)
    colour = finish.tone.rgb
    trim = palette.any("grey", "dark grey", "yellow", "black", other_than=finish.tone.name)
    width, depth = rng.uniform(0.85, 1.1), rng.uniform(0.52, 0.68)
    body, arch = rng.uniform(0.36, 0.48), rng.uniform(0.16, 0.3)
    foot = rng.uniform(0.05, 0.09) if rng.uniform() < 0.5 else 0.0
    sides = (5, 6, 9)[int(rng.integers(3))]
    sketch = Sketch()
    draft = Draft(sketch, "treasure chest", finish, ["chest", "pirate chest"])
    if finish.material == "wooden":
        draft.synonyms.append("wooden chest")
    is_open = rng.uniform() < 0.4
    tilt = math.radians(-rng.uniform(60, 85)) if is_open else 0.0
    bands = 2 + int(rng.integers(2))
    places = [(i / (bands - 1) - 0.5) * rng.uniform(0.6, 0.7) * width for i in range(bands)]

    def lid(grow: float, low: float) -> list[tuple[float, float]]:
        """Arch above the body's back edge, opened about it."""
        half, points = depth / 2 + grow, []
        for i in range(sides + 1):
            angle = math.pi * i / sides
            points.append((half * math.cos(angle), 0.02 + (arch + grow) * math.sin(angle)))
        points += [(-half, low), (half, low)]
        c, s = math.cos(tilt), math.sin(tilt)
        hinge = -depth / 2
        turned = [((x - hinge) * c + y * s, y * c - (x - hinge) * s) for x, y in points]
        return [(x + hinge, y) for x, y in turned]

    top = foot + body
    hinged = top - 0.06 if is_open else top
    sketch.box((0, foot + body / 2, 0), (width, body, depth), colour, rounding=0.015)
    if is_open:
        inner = (width - 0.14, body, depth - 0.14)
        sketch.box((0, foot + 0.1 + body / 2, 0), inner, palette.paint("dark brown"), op="cut")
        if rng.uniform() < 0.75:
            gold = palette.any("yellow")
            with sketch.named("gold"):
                mound = (0.47 * width - 0.05, 0.3 * body, 0.5 * depth - 0.07)
                sketch.ball((0, top - 0.12, 0), mound, gold.rgb)
                low = (width - 0.12, body - 0.18, depth - 0.12)
                sketch.box((0, top - 0.1 - low[1] / 2, 0), low, gold.rgb)
                for _ in range(5):
                    x, z = rng.uniform(-0.3, 0.3) * width, rng.uniform(-0.22, 0.22) * depth
                    y = top - 0.13 + 0.3 * body * (1 - (x / mound[0]) ** 2 - (z / mound[2]) ** 2)
                    lean = (x + rng.uniform(-0.03, 0.03), y + 0.05, z + 0.02)
                    sketch.cylinder((x, y - 0.03, z), lean, 0.07, gold.rgb, rounding=0.01)
            draft.features.append("with gold inside")
    draft.features.insert(0, "with an open lid" if is_open else "with a closed lid")
    with sketch.named("lid"):
        sketch.prism(lid(0.0, -0.05), (0, hinged, 0), width, colour, turn=SIDE_ON)
    with sketch.named("bands"):
        for x in places:
            wide = 0.09
            sketch.prism(lid(0.022, -0.02), (x, hinged, 0), wide, trim.rgb, turn=SIDE_ON)
            for z in (-1, 1):
                at = (x, foot + body / 2, z * (depth / 2 - 0.005))
                sketch.box(at, (wide, body + 0.01, 0.054), trim.rgb, rounding=0.008)
    draft.counts["bands"] = bands
    draft.part_tones["bands"] = trim
    with sketch.named("lock"):
        at = (0, top - 0.05, depth / 2 + 0.02)
        sketch.box(at, (0.15, 0.17, 0.07), trim.rgb, rounding=0.02)
        hole = palette.paint("black" if trim.name != "black" else "light grey")
        sketch.ball((0, top - 0.06, depth / 2 + 0.06), 0.032, hole, op="paint")
    draft.features.append("with a lock")
    if foot:
        clawed = rng.uniform() < 0.5
        with sketch.named("feet"):
            for x, z in corners(width / 2 - 0.07, depth / 2 - 0.07):
                if clawed:
                    sketch.ball((x * 1.08, 0.07, z * 1.1), (0.085, 0.07, 0.085), trim.rgb)
                else:
                    sketch.box((x, foot / 2 + 0.01, z), (0.12, foot + 0.02, 0.12), trim.rgb)
        draft.features.append("with round feet" if clawed else "with feet")
    if rng.uniform() < 0.4:
        with sketch.named("handles"):
            for side in (-1, 1):
                at = (side * (width / 2 + 0.005), top - 0.16, 0)
                sketch.ring(at, 0.085, 0.024, trim.rgb, arc_deg=190, turn=(0, 0, 180 - 25 * side))
                sketch.ring(at, 0.085, 0.024, trim.rgb, turn=(0, 90, 0))
        draft.part_tones["handles"] = trim
    return draft


def crate(rng: np.random.Generator, palette: Palette) -> Draft:
    """A crate: a framed box with braces, or slats on corner posts, at times full of round fruit."""
    finish = palette.finish("wooden", "wooden", "wooden", "plastic", "metal", plain=0.4)
    colour, other = finish.tone.rgb, palette.any(other_than=finish.tone.name)
    form = rng.uniform()
    width = 1.0
    depth = rng.uniform(0.5, 0.7) if form > 0.6 else 1.0
    height = rng.uniform(0.4, 0.62) if form > 0.6 else rng.uniform(0.8, 1.0)
    sketch = Sketch()
    draft = Draft(sketch, "crate", finish, ["box", "shipping crate"])
    if finish.material == "wooden":
        draft.synonyms.append("wooden box")
    if form > 0.6:
        draft.adjectives.append("long")
    beam = rng.uniform(0.09, 0.13)
    if rng.uniform() < 0.55:
        two = rng.uniform() < 0.35
        inset = rng.uniform(0.035, 0.05)
        panel = other.rgb if two else palette.jitter(colour, 0.03)
        core = [side - 2 * inset for side in (width, height, depth)]
        with sketch.named("panels"):
            sketch.box((0, height / 2, 0), core, panel)
        open_top = rng.uniform() < 0.3
        x, y, z = (side / 2 - beam / 2 for side in (width, height, depth))
        with sketch.named("frame"):
            for u, w in corners(x, z):
                sketch.box((u, height / 2, w), (beam, height, beam), colour, rounding=0.01)
            for u, w in corners(y, z):
                at = (0, height / 2 + u, w)
                sketch.box(at, (width, beam, beam), colour, rounding=0.01)
            for u, w in corners(x, y):
                at = (u, height / 2 + w, 0)
                sketch.box(at, (beam, beam, depth), colour, rounding=0.01)
        braces = int(rng.integers(3))
        for brace in range(braces):
            lean = (1, -1)[brace]
            for side in (-1, 1):
                with sketch.named("braces"):
                    for face, run in ((0, 2 * z), (1, 2 * x)):
                        deep = (depth if face else width) / 2 - inset
                        tilt = math.degrees(math.atan2(2 * y, run)) * lean
                        at = (0, height / 2, side * deep) if face else (side * deep, height / 2, 0)
                        turn = (0, 0, tilt) if face else (tilt, 0, 0)
                        long = math.hypot(2 * y, run) - 0.03
                        size = (long, beam, 0.06) if face else (0.06, beam, long)
                        sketch.box(at, size, colour, turn=turn)
        if braces:
            draft.features.append(("", "with diagonal braces", "with crossed braces")[braces])
        if two:
            draft.part_tones["panels"] = other
        if open_top:
            inside = [width - 2 * beam, height, depth - 2 * beam]
            sketch.box((0, height / 2 + 0.12, 0), inside, palette.paint("dark brown"), op="cut")
            draft.adjectives.insert(0, "open")
        else:
            draft.features.append("with a closed top")
        return draft
    rows = 2 + int(height > 0.55) + int(height > 0.85)
    gap = rng.uniform(0.04, 0.06)
    tall = (height - 0.02 - gap * (rows - 1)) / rows
    board = 0.06
    with sketch.named("posts"):
        for u, w in corners(width / 2 - board - 0.03, depth / 2 - board - 0.03):
            sketch.box((u, height / 2, w), (0.09, height - 0.01, 0.09), colour)
    sketch.box((0, 0.06, 0), (width - 0.06, 0.08, depth - 0.06), colour)
    with sketch.named("slats"):
        for i in range(rows):
            y = 0.01 + tall / 2 + i * (tall + gap)
            for side in (-1, 1):
                at = (0, y, side * (depth - board) / 2)
                sketch.box(at, (width, tall, board), colour, rounding=0.008)
                at = (side * (width - board) / 2, y, 0)
                sketch.box(at, (board, tall, depth), colour, rounding=0.008)
    draft.adjectives.insert(0, "open")
    draft.features.append("with slats")
    if rng.uniform() < 0.5:
        hues = ("red", "orange", "yellow", "green", "light green", "light brown")
        tint = palette.any(*hues, other_than=finish.tone.name)
        fruit = "apples" if tint.name in ("red", "yellow", "green") else "oranges"
        fruit = "potatoes" if tint.name == "brown" else fruit
        # A block just below carries the balls; the slats hide it.
        low = height - 0.2
        sketch.box((0, low / 2, 0), (width - 0.1, low, depth - 0.1), palette.jitter(colour))
        columns = 4 if width > 1.5 * depth else 3
        lines = max(2, round(columns * depth / width))
        dx, dz = (width - 0.16) / columns, (depth - 0.16) / lines
        with sketch.named(fruit):
            for i in range(columns):
                for j in range(lines):
                    at = ((i - (columns - 1) / 2) * dx, low + 0.09, (j - (lines - 1) / 2) * dz)
                    sketch.ball(at, (0.54 * dx, 0.15, 0.54 * dz), palette.jitter(tint.rgb))
        if fruit == "apples":
            draft.part_tones[fruit] = tint
        else:
            draft.features.append(f"full of {fruit}")
    return draft


def barrel(rng: np.random.Generator, palette: Palette) -> Draft:
    """A barrel: bulging with staves and hoops, upright or lying, with a tap; or an oil drum."""
    drum = rng.uniform() < 0.25
    if drum:
        finish = palette.finish("metal", "steel", "plastic", plain=0.5, painted=0.5)
    else:
        finish = palette.finish("wooden", "wooden", "wooden", "metal", plain=0.4)
    colour = finish.tone.rgb
    trim = palette.any("grey", "dark grey", "black", "yellow", other_than=finish.tone.name)
    ends, height = rng.uniform(0.28, 0.33), 1.0
    sketch = Sketch()
    draft = Draft(sketch, "barrel", finish, ["oil drum", "drum"] if drum else ["keg", "cask"])
    if drum:
        sketch.cylinder((0, 0, 0), (0, height, 0), ends, colour, rounding=0.02)
        ribs = 2 + int(rng.integers(2))
        two = rng.uniform() < 0.4
        with sketch.named("ribs"):
            for y in [0.03, 0.97] + [(i + 1) / (ribs + 1) for i in range(ribs)]:
                low, high = (0, y - 0.022, 0), (0, y + 0.022, 0)
                tint = trim.rgb if two else colour
                sketch.cylinder(low, high, ends + 0.03, tint, rounding=0.018)
        draft.features.append("with ribs")
        if two:
            draft.part_tones["ribs"] = trim
        at = ((0, height - 0.06, 0), (0, height + 0.06, 0))
        sketch.cylinder(*at, ends - 0.05, palette.jitter(colour), op="cut")
        for x in (-0.14, 0.12):
            top = (x, height - 0.02, 0.08)
            sketch.cylinder((x, 0.8, 0.08), top, 0.05, trim.rgb)
        if not two and rng.uniform() < 0.5:
            label = palette.any(other_than=finish.tone.name)
            with sketch.named("band"):
                sketch.cylinder((0, 0.4, 0), (0, 0.6, 0), ends + 0.05, label.rgb, op="paint")
            draft.part_tones["band"] = label
        return draft
    belly = ends + rng.uniform(0.05, 0.12)
    # The side is an arc of a circle of this radius about (far, 1/2).
    sag = belly - ends
    radius = (0.25 + sag * sag) / (2 * sag)

    def side(y: float) -> float:
        return belly - radius + math.sqrt(radius * radius - (y - 0.5) ** 2)

    outline = [(0.0, 0.0)] + [(side(i / 10), i / 10) for i in range(11)] + [(0.0, 1.0)]
    sketch.lathe(outline, (0, 0, 0), colour)
    groove = palette.jitter(colour, 0.05)
    staves = 8 + 2 * int(rng.integers(2))
    with sketch.named("staves"):
        for i in range(staves):
            yaw = 360 * (i + 0.5) / staves
            c, s = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))
            at = ((belly - radius) * c, 0.5, (belly - radius) * s)
            arc = 2 * math.degrees(math.asin(0.54 / radius))
            sketch.ring(at, radius, 0.022, groove, arc_deg=arc, turn=(yaw, 0, -90), op="cut")
    hollow = height - rng.uniform(0.04, 0.06)
    sketch.cylinder(
        (0, hollow, 0), (0, 1.1, 0), ends - 0.06, palette.jitter(colour, 0.04), op="cut"
    )
    hoops = 2 + int(rng.integers(3))
    gap = rng.uniform(0.7, 0.84) / (hoops - 1)
    with sketch.named("hoops"):
        for i in range(hoops):
            y = 0.5 + (i - (hoops - 1) / 2) * gap
            low, high = y - 0.035, y + 0.035
            at = ((0, low, 0), (0, high, 0))
            ring = [(ends - 0.1, low), (side(low) + 0.02, low), (side(high) + 0.02, high)]
            sketch.lathe([*ring, (ends - 0.1, high)], (0, 0, 0), trim.rgb)
    draft.counts["hoops"] = hoops
    draft.part_tones["hoops"] = trim
    if rng.uniform() < 0.35:
        with sketch.named("tap"):
            y, z = 0.2, side(0.2)
            sketch.limb((0, y, z - 0.05), (0, y, z + 0.13), 0.03, trim.rgb)
            sketch.limb((0, y, z + 0.12), (0, y - 0.07, z + 0.12), 0.026, trim.rgb)
            sketch.limb((0, y, z + 0.06), (0, y + 0.08, z + 0.06), 0.02, trim.rgb)
            sketch.ball((0, y + 0.08, z + 0.06), 0.03, trim.rgb)
        draft.features.append("with a tap")
    if belly > 0.43 or belly < 0.36:
        draft.adjectives.append("fat" if belly > 0.43 else "slim")
    return draft
