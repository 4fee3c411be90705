"""Rockets, which stand, and spaceships, which head towards +Z."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.categories.details import FLAT, SIDE_ON, accent, around
from gen3d.data.procedural.categories.vehicle_parts import dark_tone
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def rocket(rng: np.random.Generator, palette: Palette) -> Draft:
    """A rocket on its fins: slender or bulging, with portholes, boosters and nozzles."""
    finish = palette.finish("metal", "steel", plain=0.85, painted=0.7)
    colour, name = finish.tone.rgb, finish.tone.name
    retro = bool(rng.uniform() < 0.5)
    radius = rng.uniform(0.26, 0.34) if retro else rng.uniform(0.16, 0.22)
    body, nose = rng.uniform(1.0, 1.35), rng.uniform(0.32, 0.55)
    sketch = Sketch()
    draft = Draft(sketch, "rocket", finish, ["rocket ship", "space rocket", "rocketship"])
    draft.style = "retro" if retro else ""
    neck = radius * (0.7 if retro else 1.0)
    tip = accent(draft, palette, "nose") if rng.uniform() < 0.7 else colour
    if retro:
        rise = [(0.6, 0.0), (0.86, 0.2), (1.0, 0.45), (0.96, 0.72), (0.82, 0.9), (0.7, 1.0)]
        outline = [(0, 0), *((radius * r, body * y) for r, y in rise), (0, body)]
        sketch.lathe(outline, (0, 0, 0), colour)
    else:
        sketch.cylinder((0, 0, 0), (0, body, 0), radius, colour)
    with sketch.named("nose"):
        bow = [(1.0, -0.01), (0.9, 0.3), (0.66, 0.62), (0.3, 0.9), (0.14, 1.0)]
        outline = [(0, -0.01), *((neck * r, nose * y) for r, y in bow), (0, nose)]
        sketch.lathe(outline, (0, body, 0), tip)
    if rng.uniform() < 0.35:
        with sketch.named("stripes"):
            stripes = accent(draft, palette, "stripes")
            for y in (0.12, 0.8):
                ends = ((0, y * body, 0), (0, y * body + 0.11, 0))
                sketch.cylinder(*ends, 1.05 * radius, stripes, op="paint")
    fins = int(rng.integers(3, 6))
    spread = radius + (rng.uniform(0.18, 0.32) if retro else rng.uniform(0.16, 0.22))
    low = -rng.uniform(0.12, 0.26)
    with sketch.named("fins"):
        fin = accent(draft, palette, "fins") if rng.uniform() < 0.65 else colour
        lift = rng.uniform(0.35, 0.55)
        foot = rng.uniform(0.06, 0.2)
        side = [(0.4 * radius, 0.02), (0.4 * radius, lift), (0.9 * radius, lift)]
        side += [(spread, 0.25 * lift), (spread, low), (spread - foot, low)]
        for _, _, yaw in around(fins, 1.0, 45.0 if fins == 4 else 180.0):
            sketch.prism(side, (0, 0, 0), 0.075, fin, turn=(0, yaw - 90, 0))
    draft.counts["fins"] = fins
    metal = palette.any("dark grey", "grey", "black", other_than=name).rgb
    base = 0.6 * radius if retro else radius
    with sketch.named("engine"):
        ends = ((0, -0.12, 0), (0, 0.1, 0))
        sketch.cylinder(*ends, 0.85 * base, metal, top=0.5 * base)
    rims = int(rng.integers(0, 4))
    pane = palette.any("light blue", "light yellow", "black", other_than=name).rgb
    with sketch.named("windows"):
        for i in range(rims):
            y = body * (0.78 - 0.2 * i)
            deep = radius * (0.93 + 0.04 * min(i, 1)) if retro else radius
            size = 0.42 * radius if retro else 0.5 * radius
            at = ((0, y, 0.5 * deep), (0, y, deep + 0.035))
            sketch.cylinder(*at, size, metal, rounding=0.015)
            sketch.cylinder((0, y, deep), (0, y, 2 * deep), 0.68 * size, pane, op="paint")
    if rims:
        draft.counts["windows"] = rims
    if not retro and rng.uniform() < 0.45:
        boosters = 2 if rng.uniform() < 0.6 else 4
        with sketch.named("boosters"):
            paint = accent(draft, palette, "boosters") if rng.uniform() < 0.4 else colour
            wide, high = 0.6 * radius, rng.uniform(0.45, 0.7) * body
            start = 90.0 if boosters == 2 else 0.0
            start += 45.0 if fins == 4 and boosters == 2 else 0.0
            for x, z, _ in around(boosters, radius + 0.75 * wide, start):
                sketch.cylinder((x, 0, z), (x, high, z), wide, paint)
                sketch.cylinder((x, high - 0.01, z), (x, high + 0.24, z), wide, paint, top=0.05)
                sketch.cylinder((x, -0.08, z), (x, 0.05, z), 0.9 * wide, metal, top=0.5 * wide)
        draft.counts["boosters"] = boosters
    slim = (body + nose) / radius
    if slim > 8.2:
        draft.adjectives.append("slim")
    elif slim < 5.5:
        draft.adjectives.append("wide")
    return draft


def spaceship(rng: np.random.Generator, palette: Palette) -> Draft:
    """A spaceship: fighter, flying saucer or freighter."""
    finish = palette.finish("metal", "steel", plain=0.85, painted=0.6)
    sketch = Sketch()
    draft = Draft(sketch, "spaceship", finish, ["space ship", "spacecraft", "starship"])
    kind = int(rng.choice(3, p=(0.5, 0.25, 0.25)))
    (_fighter, _saucer, _freighter)[kind](rng, palette, draft)
    return draft


def _fighter(rng: np.random.Generator, palette: Palette, draft: Draft) -> None:
    sketch, colour, name = draft.sketch, draft.finish.tone.rgb, draft.finish.tone.name
    long, girth = rng.uniform(0.75, 0.95), rng.uniform(0.16, 0.22)
    if rng.uniform() < 0.5:
        sketch.ball((0, 0, 0), (girth, 0.8 * girth, long), colour)
        sketch.limb((0, 0, -0.7 * long), (0, 0, 0.2), 0.7 * girth, colour)
    else:
        side = [(-0.85 * long, -0.6 * girth), (0.4 * long, -0.6 * girth), (long, -0.2 * girth)]
        side += [(long, 0.0), (0.1 * long, 0.7 * girth), (-0.85 * long, 0.7 * girth)]
        sketch.prism(side, (0, 0, 0), 1.4 * girth, colour, turn=SIDE_ON)
    pane = dark_tone(palette, name) if rng.uniform() < 0.5 else palette.any("light blue", "orange")
    with sketch.named("cockpit"):
        tall = 0.62 * girth
        sketch.ball((0, 0.58 * girth, 0.16 * long), (0.6 * girth, tall, 0.3 * long), pane.rgb)
    if pane.name != name:
        draft.part_tones["cockpit"] = pane
    span, sweep = rng.uniform(0.55, 0.85), rng.uniform(0.1, 0.45)
    root, tip = rng.uniform(0.6, 0.8), rng.uniform(0.18, 0.32)
    ahead = -0.85 * long + root
    with sketch.named("wings"):
        wing = [(0, ahead), (span, ahead - sweep), (span, ahead - sweep - tip), (0, ahead - root)]
        wing += [(-x, y) for x, y in wing[2:0:-1]]
        level = rng.uniform(-0.4, 0.2) * girth
        sketch.prism(wing, (0, level, 0), 0.075, colour, turn=FLAT)
    if rng.uniform() < 0.4:
        with sketch.named("wing tips"):
            tips = accent(draft, palette, "wing tips")
            for x in (-1, 1):
                sketch.box((x * 0.85 * span, level, 0), (0.35 * span, 0.2, 3), tips, op="paint")
    back, end = -0.85 * long, (ahead - sweep - tip / 2)
    trim = palette.any(other_than=name).rgb if rng.uniform() < 0.4 else colour
    style = int(rng.integers(3))
    for x in (-1, 1):
        if style == 0:
            sketch.box((x * span, level + 0.1, end), (0.08, 0.34, tip), trim, rounding=0.02)
        elif style == 1:
            with sketch.named("cannons"):
                ends = ((x * span, level, end - 0.1), (x * span, level, end + 0.55))
                sketch.cylinder(*ends, 0.05, trim)
        else:
            fin = [(back + 0.4, 0), (back + 0.1, 0.36), (back - 0.08, 0.36), (back, 0)]
            sketch.prism(fin, (x * 0.6 * girth, 0.3 * girth, 0), 0.075, trim, turn=SIDE_ON)
    draft.features.append(("with winglets", "with two cannons", "with two tail fins")[style])
    _engines(rng, palette, draft, back + 0.05, 0.75 * girth)


def _saucer(rng: np.random.Generator, palette: Palette, draft: Draft) -> None:
    sketch, colour, name = draft.sketch, draft.finish.tone.rgb, draft.finish.tone.name
    flat = rng.uniform(0.16, 0.26)
    sketch.ball((0, 0, 0), (0.95, flat, 0.95), colour)
    rim = [(0.7, -0.04), (0.97, -0.04), (0.97, 0.04), (0.7, 0.04)]
    sketch.lathe(rim, (0, 0, 0), colour)
    with sketch.named("dome"):
        wide = rng.uniform(0.32, 0.46)
        dome = accent(draft, palette, "dome", "light blue", "light green", "orange", "black")
        sketch.ball((0, 0.7 * flat, 0), (wide, rng.uniform(0.28, 0.4), wide), dome)
    lights = int(rng.choice((4, 6, 8)))
    with sketch.named("lights"):
        lamp = accent(draft, palette, "lights", "light yellow", "red", "light green", "blue")
        for x, z, _ in around(lights, 0.74):
            sketch.ball((x, 0.62 * flat, z), 0.09, lamp)
    draft.counts["lights"] = lights
    if rng.uniform() < 0.5:
        metal = palette.any("grey", "dark grey", other_than=name).rgb
        with sketch.named("legs"):
            for x, z, _ in around(3, 0.36):
                sketch.limb((x, 0, z), (1.5 * x, -flat - 0.3, 1.5 * z), 0.05, metal)
                foot = (1.5 * x, -flat - 0.32, 1.5 * z)
                sketch.ball(foot, (0.12, 0.06, 0.12), metal)
        draft.features.append("with three legs")
    if rng.uniform() < 0.35:
        with sketch.named("antenna"):
            sketch.limb((0, 0.5 * flat, 0), (0, flat + 0.6, 0), 0.036, colour)
            sketch.ball((0, flat + 0.6, 0), 0.07, lamp)
        draft.features.append("with an antenna")
    draft.synonyms += ["flying saucer", "ufo"]
    draft.adjectives.append("round")


def _freighter(rng: np.random.Generator, palette: Palette, draft: Draft) -> None:
    sketch, colour, name = draft.sketch, draft.finish.tone.rgb, draft.finish.tone.name
    long, wide, high = rng.uniform(0.8, 1.0), rng.uniform(0.3, 0.44), rng.uniform(0.22, 0.32)
    top = [(-wide, -0.9 * long), (wide, -0.9 * long), (wide, 0.3 * long), (0.45 * wide, long)]
    top += [(-0.45 * wide, long), (-wide, 0.3 * long)]
    sketch.prism(top, (0, 0, 0), high, colour, turn=FLAT)
    bridge = (0, 0.72 * high, -0.25 * long)
    with sketch.named("bridge"):
        sketch.box(bridge, (wide, 0.8 * high, 0.5 * long), colour, rounding=0.04)
        pane = dark_tone(palette, name).rgb
        glass = (0, 0.86 * high, bridge[2] + 0.25 * long)
        sketch.box(glass, (0.8 * wide, 0.26 * high, 0.1), pane, op="paint")
    with sketch.named("pods"):
        paint = accent(draft, palette, "pods") if rng.uniform() < 0.5 else colour
        for x in (-1, 1):
            at = x * (wide + 0.2)
            sketch.limb((at, 0, -0.75 * long), (at, 0, 0.2 * long), 0.13, paint)
            sketch.box((x * wide, 0, -0.3 * long), (0.5, 0.09, 0.4 * long), colour)
    ribs = int(rng.integers(2, 4))
    for i in range(ribs):
        at = (0, 0.5 * high, (0.2 + 0.22 * i) * long)
        sketch.box(at, ((1.5 - 0.4 * i) * wide, 0.12, 0.1 * long), colour, rounding=0.02)
    draft.features.append("with two side pods")
    if rng.uniform() < 0.5:
        with sketch.named("antenna"):
            foot = (0.3 * wide, high, bridge[2])
            sketch.limb(foot, (foot[0], 2.2 * high + 0.1, foot[2]), 0.036, colour)
            sketch.ball((foot[0], 2.2 * high + 0.1, foot[2]), (0.14, 0.06, 0.14), colour)
        draft.features.append("with an antenna")
    _engines(rng, palette, draft, -0.9 * long, 0.4 * high)


def _engines(
    rng: np.random.Generator, palette: Palette, draft: Draft, back: float, girth: float
) -> None:
    """One to four nozzles with a glow, looking along -Z at the stern."""
    sketch, name = draft.sketch, draft.finish.tone.name
    count = int(rng.integers(1, 5))
    radius = max(0.08, girth if count == 1 else 0.75 * girth)
    metal = palette.any("dark grey", "grey", other_than=name).rgb
    glow = palette.any("orange", "light blue", "yellow", other_than=name).rgb
    away = radius + 0.06
    with sketch.named("engines"):
        for x, y, _ in around(count, 0.0 if count == 1 else away / math.sin(math.pi / count), 90.0):
            # Three stand on two legs, four on a square: every layout stays symmetric.
            place = (y, -x) if count == 3 else (x, y)
            if count == 4:
                place = (0.707 * (x - y), 0.707 * (x + y))
            ends = ((*place, back + 0.16), (*place, back - 0.14))
            sketch.cylinder(*ends, radius, metal, top=0.85 * radius)
            tip = (*place, back - 0.14)
            sketch.ball(tip, 0.6 * radius, glow)
        if count > 1:
            size = 2 * away
            sketch.box((0, 0, back + 0.06), (size, size, 0.16), metal, rounding=0.03)
    draft.counts["engines"] = count
