"""Vases, buckets and trash cans."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.categories.details import SIDE_ON
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def vase(rng: np.random.Generator, palette: Palette) -> Draft:
    """A hollow vase of one of four profiles, with or without handles, bands and flowers."""
    finish = palette.finish("ceramic", "porcelain", "glass", "clay")
    colour, other = finish.tone.rgb, palette.any(other_than=finish.tone.name)
    sketch = Sketch()
    draft = Draft(sketch, "vase", finish, ["flower vase", "pot"])
    kind = int(rng.integers(4))
    foot, neck, lip = rng.uniform(0.13, 0.2), rng.uniform(0.08, 0.14), rng.uniform(0.14, 0.2)
    belly = rng.uniform(0.24, 0.34)
    # Height and radius up the side; round, tall with shoulders, flared, straight.
    profiles = (
        [(0, foot), (0.15, 0.75 * belly), (0.35, belly), (0.55, 0.85 * belly), (0.75, neck)],
        [(0, foot), (0.3, 0.85 * belly), (0.6, belly), (0.74, 0.8 * belly), (0.84, neck)],
        [(0, foot), (0.08, 0.7 * foot), (0.3, 0.85 * foot), (0.6, 1.1 * foot), (0.85, 0.22)],
        [(0, foot + 0.03), (0.3, foot + 0.05), (0.6, foot + 0.06), (0.85, foot + 0.07)],
    )
    profile = [*profiles[kind], (1.0, (lip, lip, belly, foot + 0.08)[kind])]
    draft.features += [
        ("with a round body", "with wide shoulders", "with a flared top", "with straight sides")[
            kind
        ]
    ]
    heights = np.linspace(0, 1, 13)
    radii = _smooth(np.array(profile), heights)
    outer = [(float(r), float(y)) for r, y in zip(radii, heights, strict=True)]
    sketch.lathe([(0, 0), *outer, (0, 1)], (0, 0, 0), colour)
    wall = 0.05
    mouth = float(radii[-1]) - wall
    # Only the throat is hollow: what no eye can reach stays filled.
    throat = float(radii[-4:].min()) - wall
    inside = palette.jitter(colour)
    sketch.cylinder((0, 0.78, 0), (0, 1.02, 0), max(throat, 0.04), inside, top=mouth, op="cut")
    if kind < 2 and rng.uniform() < 0.45:
        two = rng.uniform() < 0.4
        at = 0.62 if kind == 0 else 0.76
        ring = rng.uniform(0.11, 0.14)
        with sketch.named("handles"):
            for side in (-1, 1):
                x = side * (float(np.interp(at + 0.05, heights, radii)) + 0.05)
                tint = other.rgb if two else colour
                sketch.ring((x, at + 0.04, 0), ring, 0.028, tint)
        draft.counts["handles"] = 2
        if two:
            draft.part_tones["handles"] = other
    if rng.uniform() < 0.4:
        band = palette.any(other_than=finish.tone.name)
        y, half = rng.uniform(0.25, 0.5), rng.uniform(0.03, 0.07)
        with sketch.named("band"):
            sketch.cylinder((0, y - half, 0), (0, y + half, 0), 0.5, band.rgb, op="paint")
        draft.part_tones["band"] = band
    if rng.uniform() < 0.4:
        count = 3 + int(rng.integers(3))
        tint = palette.any("red", "pink", "yellow", "white", "purple", "orange", "light blue")
        stalk = palette.paint("green")
        for i in range(count):
            yaw = 2 * math.pi * i / count + 0.4
            out, high = (0.2, rng.uniform(1.22, 1.4)) if i else (0.0, 1.5)
            top = (out * math.sin(yaw), high, out * math.cos(yaw))
            with sketch.named("stems"):
                foot = (0.25 * mouth * math.sin(yaw), 0.72, 0.25 * mouth * math.cos(yaw))
                sketch.limb(foot, top, 0.026, stalk)
            with sketch.named("flowers"):
                sketch.ball(top, (0.1, 0.07, 0.1), palette.jitter(tint.rgb))
                middle = palette.paint("yellow" if tint.name != "yellow" else "brown")
                sketch.ball((top[0], high + 0.05, top[2]), (0.045, 0.04, 0.045), middle)
        draft.counts["flowers"] = count
        if tint.name != finish.tone.name:
            draft.part_tones["flowers"] = tint
    widest = float(radii.max())
    if widest < 0.2 or widest > 0.31:
        draft.adjectives.append("slim" if widest < 0.2 else "wide")
    return draft


def _smooth(profile: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Radii at the heights, by Catmull-Rom splines through (height, radius) points."""
    y, r = profile.T
    slope = np.gradient(r, y)
    i = np.clip(np.searchsorted(y, heights, side="right") - 1, 0, len(y) - 2)
    step = y[i + 1] - y[i]
    t = (heights - y[i]) / step
    rise = 3 * t**2 - 2 * t**3
    bend = slope[i] * (t**3 - 2 * t**2 + t) + slope[i + 1] * (t**3 - t**2)
    return r[i] + (r[i + 1] - r[i]) * rise + step * bend


def bucket(rng: np.random.Generator, palette: Palette) -> Draft:
    """A bucket: tapered and hollow, a rim, a bail handle up or down, hoops, often water."""
    finish = palette.finish("wooden", "metal", "metal", "plastic")
    colour, other = finish.tone.rgb, palette.any(other_than=finish.tone.name)
    low, top, height = rng.uniform(0.26, 0.34), rng.uniform(0.36, 0.44), rng.uniform(0.55, 0.78)
    sketch = Sketch()
    draft = Draft(sketch, "bucket", finish, ["pail"])
    sketch.cylinder((0, 0, 0), (0, height, 0), low, colour, top=top, rounding=0.015)

    def side(y: float) -> float:
        return low + (top - low) * y / height

    two = rng.uniform() < 0.6
    trim = other.rgb if two else colour
    if finish.material in ("wooden", "") and rng.uniform() < 0.75:
        hoops = 1 + int(rng.integers(3))
        with sketch.named("hoops"):
            for i in range(hoops):
                y = height * (0.2 + 0.6 * (i + 0.5) / hoops)
                ends = ((0, y - 0.04, 0), (0, y + 0.04, 0))
                wide = side(y - 0.04) + 0.025, side(y + 0.04) + 0.025
                sketch.cylinder(*ends, wide[0], trim, top=wide[1])
        draft.counts["hoops"] = hoops
        if two:
            draft.part_tones["hoops"] = other
    else:
        with sketch.named("rim"):
            ends = ((0, height - 0.07, 0), (0, height, 0))
            sketch.cylinder(*ends, top + 0.03, trim, rounding=0.02)
            sketch.cylinder((0, 0, 0), (0, 0.05, 0), low + 0.02, colour, rounding=0.015)
        if two:
            draft.part_tones["rim"] = other
    wall, floor = 0.05, 0.09
    water = rng.uniform() < 0.35
    depth = height - rng.uniform(0.08, 0.16) if water else floor
    sea = palette.any("light blue", "blue", other_than="")
    inner = palette.jitter(colour)
    sketch.cylinder(
        (0, depth, 0),
        (0, height + 0.05, 0),
        side(depth) - wall,
        inner,
        top=side(height + 0.05) - wall,
        op="cut",
    )
    if water:
        # Painting stays clear of the wall's outside.
        ends = ((0, depth - 0.02, 0), (0, depth + 0.008, 0))
        sketch.cylinder(*ends, side(depth) - wall + 0.012, sea.rgb, op="paint")
        draft.features.append("with water inside")
    grip = palette.any(other_than=finish.tone.name) if rng.uniform() < 0.4 else finish.tone
    up = rng.uniform() < 0.7
    lean = 0.0 if up else rng.uniform(105, 118)
    bail, high = side(0.92 * height) + 0.035, 0.92 * height
    with sketch.named("handle"):
        sketch.ring((0, high, 0), bail, 0.026, grip.rgb, arc_deg=186, turn=(lean, 0, 0))
        for x in (-1, 1):
            ear = (x * (bail - 0.07), high, 0)
            sketch.cylinder(ear, (x * (bail + 0.035), high, 0), 0.06, grip.rgb, rounding=0.01)
        if up and rng.uniform() < 0.5:
            y = high + bail
            sketch.cylinder((-0.12, y, 0), (0.12, y, 0), 0.045, grip.rgb, rounding=0.015)
    draft.features.append("with a raised handle" if up else "with a lowered handle")
    if grip is not finish.tone:
        draft.part_tones["handle"] = grip
    if height > 0.72 or height < 0.6:
        draft.adjectives.append("tall" if height > 0.72 else "low")
    return draft


def trash_can(rng: np.random.Generator, palette: Palette) -> Draft:
    """A trash can: a ribbed can with a lid, a wheelie bin, a pedal bin, or an open basket."""
    finish = palette.finish("metal", "metal", "plastic", "steel")
    kind = int(rng.integers(4))
    sketch = Sketch()
    draft = Draft(sketch, "trash can", finish, ["garbage can", "rubbish bin", "trash bin"])
    if kind == 0:
        _can(rng, palette, draft)
    elif kind == 1:
        _wheelie_bin(rng, palette, draft)
    elif kind == 2:
        _pedal_bin(rng, palette, draft)
    else:
        _basket(rng, palette, draft)
    return draft


def _can(rng: np.random.Generator, palette: Palette, draft: Draft) -> None:
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    low, top = rng.uniform(0.28, 0.32), rng.uniform(0.33, 0.37)
    sketch.cylinder((0, 0, 0), (0, 0.88, 0), low, colour, top=top, rounding=0.012)
    ribs = 10 + 2 * int(rng.integers(2))
    with sketch.named("ribs"):
        for i in range(ribs):
            yaw = 2 * math.pi * i / ribs
            s, c = math.sin(yaw), math.cos(yaw)
            foot, head = (low * s, 0.09, low * c), (top * s, 0.76, top * c)
            sketch.limb(foot, head, 0.024, colour)
    draft.features.append("with ribs")
    for y, r in ((0.03, low), (0.82, top)):
        sketch.cylinder((0, y - 0.03, 0), (0, y + 0.03, 0), r + 0.03, colour, rounding=0.02)
    lid = palette.any(other_than=draft.finish.tone.name) if rng.uniform() < 0.5 else None
    tint = colour if lid is None else lid.rgb
    with sketch.named("lid"):
        sketch.cylinder((0, 0.86, 0), (0, 0.92, 0), top + 0.045, tint, rounding=0.02)
        sketch.ball((0, 0.9, 0), (top, 0.11, top), tint)
        sketch.ring((0, 0.98, 0), 0.075, 0.026, tint, arc_deg=200)
    if lid is not None:
        draft.part_tones["lid"] = lid
    else:
        draft.features.append("with a lid")
    if rng.uniform() < 0.6:
        with sketch.named("handles"):
            for side in (-1, 1):
                at = (side * (top + 0.005), 0.62, 0)
                sketch.ring(at, 0.08, 0.025, colour, turn=(90, 0, 0))
        draft.features.append("with side handles")


def _wheelie_bin(rng: np.random.Generator, palette: Palette, draft: Draft) -> None:
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    draft.synonyms = ["wheelie bin", "garbage bin", "rubbish bin"]
    width, depth = rng.uniform(0.46, 0.56), rng.uniform(0.46, 0.56)
    low, back = 0.76 * depth, -depth / 2
    side = [(back + 0.04, 0.03), (back + 0.04 + low, 0.03), (depth / 2, 0.86), (back, 0.86)]
    sketch.prism(side, (0, 0, 0), 0.9 * width, colour, turn=SIDE_ON)
    sketch.box((0, 0.84, 0), (width, 0.08, depth + 0.04), colour, rounding=0.02)
    lid = palette.any(other_than=draft.finish.tone.name) if rng.uniform() < 0.5 else None
    tint = colour if lid is None else lid.rgb
    with sketch.named("lid"):
        lean = (rng.uniform(2, 6), 0, 0)
        at = (0, 0.92, 0.01)
        sketch.box(at, (width + 0.03, 0.09, depth + 0.06), tint, rounding=0.035, turn=lean)
    if lid is not None:
        draft.part_tones["lid"] = lid
    else:
        draft.features.append("with a lid")
    with sketch.named("handle"):
        bar = ((-0.4 * width, 0.9, back - 0.07), (0.4 * width, 0.9, back - 0.07))
        sketch.limb(*bar, 0.03, colour)
        for x in (-1, 1):
            at = (x * 0.36 * width, 0.88, back - 0.02)
            sketch.box(at, (0.06, 0.07, 0.14), colour, rounding=0.01)
    draft.features.append("with a handle")
    tyre = palette.any("black", "grey", other_than=draft.finish.tone.name)
    hub = palette.paint("light grey")
    with sketch.named("wheels"):
        for x in (-1, 1):
            ends = ((x * 0.3 * width, 0.1, back + 0.04), (x * (width / 2 + 0.02), 0.1, back + 0.04))
            sketch.cylinder(*ends, 0.1, tyre.rgb, rounding=0.015)
            cap = (x * (width / 2 + 0.035), 0.1, back + 0.04)
            sketch.cylinder(ends[0], cap, 0.045, hub)
    draft.counts["wheels"] = 2
    draft.part_tones["wheels"] = tyre


def _pedal_bin(rng: np.random.Generator, palette: Palette, draft: Draft) -> None:
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    draft.synonyms = ["pedal bin", "waste bin", "rubbish bin"]
    radius = rng.uniform(0.27, 0.34)
    trim = palette.any("black", "light grey", "white", other_than=draft.finish.tone.name)
    sketch.cylinder((0, 0.02, 0), (0, 0.84, 0), radius, colour, rounding=0.015)
    sketch.cylinder((0, 0, 0), (0, 0.06, 0), radius + 0.015, colour, rounding=0.01)
    with sketch.named("lid"):
        sketch.cylinder((0, 0.82, 0), (0, 0.9, 0), radius + 0.015, trim.rgb, rounding=0.02)
        sketch.ball((0, 0.88, 0), (radius - 0.01, 0.12, radius - 0.01), trim.rgb)
    with sketch.named("pedal"):
        at = (0, 0.05, radius + 0.05)
        sketch.box(at, (0.14, 0.045, 0.16), trim.rgb, rounding=0.012)
    draft.part_tones["lid"] = trim
    draft.features += ["with a pedal", "with a domed lid"]
    draft.adjectives.append("round")


def _basket(rng: np.random.Generator, palette: Palette, draft: Draft) -> None:
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    draft.synonyms = ["waste basket", "waste bin", "wastepaper basket"]
    low, top = rng.uniform(0.26, 0.32), rng.uniform(0.36, 0.42)
    height = rng.uniform(0.8, 1.0)
    sketch.cylinder((0, 0, 0), (0, height, 0), low, colour, top=top, rounding=0.012)
    trim = palette.any(other_than=draft.finish.tone.name) if rng.uniform() < 0.5 else None
    with sketch.named("rim"):
        tint = colour if trim is None else trim.rgb
        ends = ((0, height - 0.07, 0), (0, height + 0.005, 0))
        sketch.cylinder(*ends, top + 0.03, tint, rounding=0.02)
    if trim is not None:
        draft.part_tones["rim"] = trim
    inner = palette.jitter(colour)
    ends = ((0, 0.12, 0), (0, height + 0.06, 0))
    sketch.cylinder(*ends, low - 0.05, inner, top=top - 0.045, op="cut")
    draft.adjectives.append("open")
    if rng.uniform() < 0.5:
        paper = palette.paint("white" if draft.finish.tone.name != "white" else "light yellow")
        with sketch.named("paper"):
            for i in range(5):
                yaw, out = 2.4 * i, 0.17 if i else 0.0
                at = (out * math.sin(yaw), 0.7 * height + 0.03 * i, out * math.cos(yaw))
                sketch.ball(at, 0.15, palette.jitter(paper))
            # Into the wall all around, so that no hollow is shut in below.
            wide = low + 0.68 * (top - low) - 0.025
            sketch.cylinder((0, 0.1, 0), (0, 0.68 * height, 0), low - 0.03, paper, top=wide)
        draft.features.append("with paper inside")
