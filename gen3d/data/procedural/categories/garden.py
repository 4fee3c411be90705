"""Flowers and palm trees."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.categories.details import accent, around
from gen3d.data.procedural.categories.natural import natural_finish
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch

_GREENS = ("green", "dark green", "light green")


def flower(rng: np.random.Generator, palette: Palette) -> Draft:
    """A flower on its stem: counted petals that face +Z, lie open upwards or form a cup."""
    finish = natural_finish(palette, "red", "yellow", "pink", "white", "purple", "light blue")
    colour = finish.tone.rgb
    form = int(rng.choice(3, p=(0.45, 0.3, 0.25)))
    petals = int(rng.integers(4, 10)) if form < 2 else int(rng.integers(4, 7))
    high = rng.uniform(0.42, 0.64) + (0.14 if form == 0 else 0.0)
    sketch = Sketch()
    draft = Draft(sketch, "flower", finish)
    draft.counts["petals"] = petals
    core = rng.uniform(0.1, 0.14)
    long = rng.uniform(0.19, 0.25)
    # Neighbours overlap near the centre and part towards their tips.
    broad = min(0.17, 0.85 * math.pi * (core + 0.9 * long) / petals)
    start, lift = rng.uniform(0, 90), rng.uniform(5, 30)
    middle = (0.0, high, 0.06 if form == 0 else 0.0)
    with sketch.named("petals"):
        # Closes the space between the petals, which the centre covers.
        if form < 2:
            sketch.ball(
                middle,
                (1.4 * core, 1.4 * core, 0.06) if form == 0 else (1.4 * core, 0.06, 1.4 * core),
                colour,
            )
        for x, z, yaw in around(petals, 1.0, start):
            shade = palette.jitter(colour, 0.01)
            if form == 0:
                reach = core + 0.7 * long
                at = (reach * z, high + reach * x, middle[2] + 0.02)
                turn = (0, -0.5 * lift, yaw)
                sketch.ball(at, (long, broad, 0.035), shade, turn=turn)
            elif form == 1:
                reach = core + 0.7 * long
                at = (reach * x, high + 0.5 * reach * math.sin(math.radians(lift)), reach * z)
                sketch.ball(at, (broad, 0.035, long), shade, turn=(-lift, yaw, 0))
            else:
                reach, tall = 0.13, 1.15 * long
                at = (reach * x, high + 0.75 * tall, reach * z)
                sketch.ball(at, (0.14, tall, 0.04), shade, turn=(12, yaw, 0))
    if form == 2:
        sketch.ball((0, high + 0.06, 0), (0.17, 0.12, 0.17), colour)
        draft.synonyms = ["tulip", "tulip flower", "blossom"]
    else:
        eye = accent(draft, palette, "centre", "yellow", "orange", "brown", "white")
        with sketch.named("centre"):
            if form == 0:
                sketch.ball((0, high, middle[2] + 0.04), (1.25 * core, 1.25 * core, 0.07), eye)
            else:
                sketch.ball((0, high + 0.03, 0), (1.25 * core, 0.09, 1.25 * core), eye)
        draft.synonyms = ["daisy", "blossom", "bloom"] if petals > 5 else ["blossom", "bloom"]
    green = accent(draft, palette, "stem", *_GREENS)
    bend, girth = rng.uniform(-0.12, 0.12), rng.uniform(0.026, 0.034)
    with sketch.named("stem"):
        joint = (bend, 0.5 * high, 0.0)
        sketch.limb((0, 0, 0), joint, 1.15 * girth, green, top=girth)
        sketch.limb(joint, (0, high + 0.02, 0), girth, green)
    leaves = int(rng.integers(0, 4))
    with sketch.named("leaves"):
        for i, (x, z, yaw) in enumerate(around(max(leaves, 1), 0.12, 90)):
            if i == leaves:
                break
            y = high * (0.22 + 0.14 * i)
            at = (bend * y / (0.5 * high) + x, y + 0.05, z)
            sketch.ball(at, (0.06, 0.025, 0.15), green, turn=(-28, yaw, 0))
    draft.counts["leaves"] = leaves
    if "stem" in draft.part_tones:
        draft.part_tones["leaves"] = draft.part_tones["stem"]
    if not leaves:
        draft.part_tones.pop("leaves", None)
    kind = rng.uniform()
    if kind < 0.25:
        with sketch.named("pot"):
            pot = accent(draft, palette, "pot")
            deep = rng.uniform(0.16, 0.22)
            sketch.cylinder((0, -deep, 0), (0, 0.04, 0), 0.1, pot, top=0.14)
            sketch.cylinder((0, -0.02, 0), (0, 0.05, 0), 0.16, pot, rounding=0.015)
        draft.synonyms.append("potted flower")
    elif kind < 0.45:
        with sketch.named("base"):
            soil = accent(draft, palette, "base", "green", "brown", "dark green")
            sketch.ball((0, 0, 0), (0.17, 0.06, 0.17), soil)
    share = high - (0.14 if form == 0 else 0.0)
    if share > 0.58:
        draft.adjectives.append("tall")
    elif share < 0.46:
        draft.adjectives.append("short")
    return draft


def palm_tree(rng: np.random.Generator, palette: Palette) -> Draft:
    """A palm tree: a bent, ringed trunk and counted drooping fronds, often with coconuts."""
    finish = natural_finish(palette, *_GREENS)
    colour = finish.tone.rgb
    high, sweep = rng.uniform(0.75, 1.1), rng.uniform(0.0, 0.32)
    girth, steps = rng.uniform(0.06, 0.085), int(rng.integers(5, 8))
    sketch = Sketch()
    draft = Draft(sketch, "palm tree", finish, ["palm", "coconut palm", "tropical tree"])
    bark = accent(draft, palette, "trunk", "brown", "light brown", "dark brown", "grey")
    points = [(sweep * (i / steps) ** 2, high * i / steps, 0.0) for i in range(steps + 1)]
    with sketch.named("trunk"):
        for i in range(steps):
            wide = girth * (1.35 - 0.5 * i / steps)
            sketch.cylinder(points[i], points[i + 1], 0.8 * wide, bark, top=1.05 * wide)
            sketch.ball(points[i], 0.95 * wide, bark)
    top_x, top_y, _ = points[-1]
    fronds, reach = int(rng.integers(5, 10)), rng.uniform(0.22, 0.28)
    rise, droop = rng.uniform(5, 30), rng.uniform(20, 55)
    broad = rng.uniform(0.09, 0.12) if fronds < 8 else 0.085
    with sketch.named("fronds"):
        sketch.ball((top_x, top_y + 0.02, 0), 0.1, colour)
        for x, z, yaw in around(fronds, 1.0, rng.uniform(0, 90)):
            shade = palette.jitter(colour, 0.012)
            out, up = reach * math.cos(math.radians(rise)), reach * math.sin(math.radians(rise))
            at = (top_x + 0.85 * out * x, top_y + 0.03 + 0.85 * up, 0.85 * out * z)
            sketch.ball(at, (0.9 * broad, 0.035, reach), shade, turn=(-rise, yaw, 0))
            fall = math.radians(droop)
            out += 0.62 * out + 0.75 * reach * math.cos(fall)
            up = 1.55 * up - 0.75 * reach * math.sin(fall)
            at = (top_x + out * x, top_y + 0.03 + up, out * z)
            sketch.ball(at, (broad, 0.035, reach), shade, turn=(droop, yaw, 0))
    draft.counts["fronds"] = fronds
    coconuts = int(rng.integers(0, 5))
    if coconuts:
        nut = accent(draft, palette, "coconuts", "brown", "dark brown", "orange")
        with sketch.named("coconuts"):
            for x, z, _ in around(coconuts, 0.1, rng.uniform(0, 90)):
                sketch.ball((top_x + x, top_y - 0.08, z), 0.065, nut)
        draft.counts["coconuts"] = coconuts
    ground = rng.uniform()
    if ground < 0.4:
        with sketch.named("island"):
            sand = accent(draft, palette, "island", "light yellow", "light brown")
            wide = rng.uniform(0.26, 0.38)
            sketch.ball((0, 0, 0), (wide, 0.1, wide), sand)
    elif ground < 0.6:
        with sketch.named("pot"):
            pot = accent(draft, palette, "pot")
            sketch.cylinder((0, -0.2, 0), (0, 0.06, 0), 0.14, pot, top=0.19, rounding=0.015)
        draft.synonyms.append("potted palm")
    draft.features.append("with a curved trunk" if sweep > 0.16 else "with a straight trunk")
    if high > 1.0:
        draft.adjectives.append("tall")
    elif high < 0.82:
        draft.adjectives.append("short")
    return draft
