"""Carrots, mushrooms and pumpkins."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.categories.details import accent, around
from gen3d.data.procedural.categories.natural import natural_finish
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Colour, Sketch


def carrot(rng: np.random.Generator, palette: Palette) -> Draft:
    """A carrot with its leaves, standing on its tip or lying along X."""
    finish = natural_finish(palette, "orange", "bright orange", "orange", "purple")
    colour = finish.tone.rgb
    thick, long = rng.uniform(0.14, 0.23), rng.uniform(0.75, 1.0)
    lying = rng.uniform() < 0.3
    sketch = Sketch()
    draft = Draft(sketch, "carrot", finish, ["fresh carrot"])

    def at(down: float, aside: float = 0.0, depth: float = 0.0) -> tuple[float, float, float]:
        return (down, aside, depth) if lying else (aside, -down, depth)

    bend = rng.uniform(-0.08, 0.08)
    knobbly = rng.uniform() < 0.25
    if knobbly:
        for i in range(4):
            wide = thick * (1.0, 0.86, 0.66, 0.42)[i]
            down = 0.12 + 0.22 * i * long
            sketch.ball(at(down, bend * (i / 3)), wide, colour, blend=0.03)
        sketch.limb(at(0.6 * long), at(0.95 * long, bend), 0.3 * thick, colour, top=0.03)
        draft.features.append("with a knobbly body")
    else:
        middle = at(0.55 * long, 0.2 * bend)
        sketch.limb(at(0.1), middle, thick, colour, top=0.68 * thick, blend=0.02)
        sketch.limb(middle, at(long, bend), 0.68 * thick, colour, top=0.03, blend=0.02)
        grooves = int(rng.choice((0, 2, 3, 4)))
        shade = (0.8 * colour[0], 0.8 * colour[1], 0.8 * colour[2])
        for i in range(grooves):
            down = long * (0.2 + 0.5 * (i + rng.uniform(0, 0.4)) / grooves)
            ring = thick * (1 - 0.56 * down / long) + 0.01
            # Short arcs, turned into the plane across the carrot.
            turn = (0, 90, 0) if lying else (90, 0, 0)
            aside = 0.2 * bend * down / (0.55 * long)
            facing = -40 + 80 * (i % 2)
            turn = (facing, 90, 0) if lying else (90, facing, 0)
            sketch.ring(at(down, aside), ring, 0.023, shade, arc_deg=150, turn=turn)
        if grooves:
            draft.features.append("with ridges")
    leaf = accent(draft, palette, "leaves", "green", "dark green", "light green")
    leaves = int(rng.integers(2, 6))
    draft.counts["leaves"] = leaves
    up, spread = rng.uniform(0.24, 0.36), rng.uniform(0.09, 0.17)
    bushy = rng.uniform() < 0.4
    with sketch.named("leaves"):
        for i, (x, z, _) in enumerate(around(leaves, spread, rng.uniform(0, 90))):
            rise = -up * (1 - 0.12 * (i % 2))
            tip = at(rise, x, z)
            if bushy:
                sketch.limb(at(0.1), tip, 0.035, leaf)
                sketch.ball(tip, 0.36 * spread + 0.03, leaf)
            else:
                sketch.limb(at(0.08), at(0.6 * rise, 0.8 * x, 0.8 * z), 0.03, leaf, top=0.055)
                sketch.limb(at(0.6 * rise, 0.8 * x, 0.8 * z), tip, 0.055, leaf, top=0.025)
    if lying:
        draft.features.append("lying down")
    if thick / long > 0.26:
        draft.adjectives.append("short")
    elif thick / long < 0.17:
        draft.adjectives.append("long")
    return draft


def mushroom(rng: np.random.Generator, palette: Palette) -> Draft:
    """A mushroom: a stem, gills and a round, pointed or flat cap, often spotted; or a cluster."""
    finish = natural_finish(palette, "red", "brown", "light brown", "bright red")
    colour = finish.tone.rgb
    sketch = Sketch()
    draft = Draft(sketch, "mushroom", finish, ["toadstool"])
    stem = accent(draft, palette, "stem", "white", "light yellow", "light brown")
    form = int(rng.choice(3, p=(0.55, 0.25, 0.2)))
    wide, high = rng.uniform(0.42, 0.56), rng.uniform(0.45, 0.72)
    tall = wide * (rng.uniform(0.6, 0.85), rng.uniform(1.1, 1.5), 0.35)[form]
    girth = rng.uniform(0.1, 0.17)
    spots = int(rng.integers(4, 10)) if rng.uniform() < 0.5 else 0
    dots: Colour = accent(draft, palette, "spots", "white", "light yellow") if spots else colour

    def grow(x: float, z: float, size: float) -> None:
        y, brim, rise = size * high, size * wide, size * tall
        with sketch.named("caps"):
            if form == 0:
                arc = [math.radians(a) for a in range(0, 91, 10)]
                dome = [(brim * math.cos(a), rise * math.sin(a)) for a in arc]
                sketch.lathe([(0, 0), *dome], (x, y, z), colour)
            elif form == 1:
                sketch.cylinder((x, y, z), (x, y + rise, z), brim, colour, top=0.07, rounding=0.05)
            else:
                sketch.cylinder((x, y, z), (x, y + rise, z), brim, colour, rounding=0.45 * rise)
        with sketch.named("gills"):
            sketch.cylinder((x, y - 0.05, z), (x, y + 0.04, z), 0.6 * brim, colour, top=0.85 * brim)
        with sketch.named("stem"):
            foot = 1.25 * girth * size
            sketch.cylinder((x, 0, z), (x, y + 0.05, z), foot, stem, top=0.85 * girth * size)

    small = int(rng.choice(3, p=(0.65, 0.2, 0.15)))
    grow(0, 0, 1.0)
    for i in range(small):
        grow((-1, 1)[i] * (0.55 * wide + 0.24), 0.22, rng.uniform(0.42, 0.52))
    if small:
        draft.counts["caps"] = small + 1
        ground = accent(draft, palette, "base", "green", "brown", "dark green")
        with sketch.named("base"):
            sketch.ball((0, 0, 0.08), (wide + 0.2, 0.08, 0.36), ground)
        draft.synonyms.append("mushrooms")
    with sketch.named("spots"):
        for i in range(spots):
            # A golden-angle spiral keeps the spots apart; the last is near the top.
            share = (i + 0.5) / spots
            level, angle = 0.18 + 0.72 * share, 2.4 * i + 0.4
            out = math.sqrt(1 - level**2)
            if form == 1:
                out = 1 - 0.87 * level
            elif form == 2:
                # Flat caps show their spots on top.
                level, out = 0.96, 0.8 * math.sqrt(1 - share)
            x, z = wide * out * math.sin(angle), wide * out * math.cos(angle)
            size = rng.uniform(0.055, 0.08)
            sketch.ball((x, high + tall * level, z), (size, 0.8 * size, size), dots)
    if spots:
        draft.counts["spots"] = spots
        draft.synonyms.append("spotted mushroom")
    if rng.uniform() < 0.3:
        with sketch.named("ring"):
            y = 0.62 * high
            sketch.cylinder((0, y - 0.06, 0), (0, y + 0.02, 0), 1.75 * girth, stem, top=girth)
        draft.features.append("with a ring around the stem")
    if form == 2:
        draft.adjectives.append("flat")
    elif form == 1:
        draft.adjectives.append("pointed")
    return draft


def pumpkin(rng: np.random.Generator, palette: Palette) -> Draft:
    """A ribbed pumpkin with a bent stem, sometimes with a leaf or a carved face."""
    finish = natural_finish(palette, "orange", "bright orange", "orange", "yellow", "light green")
    colour = finish.tone.rgb
    ribs, squash = int(rng.integers(6, 11)), rng.uniform(0.62, 1.1)
    sketch = Sketch()
    draft = Draft(sketch, "pumpkin", finish, ["ribbed pumpkin", "halloween pumpkin"])
    out, tall = 0.27, 0.4 * squash
    across = 1.25 * math.pi * out / ribs + 0.05
    sketch.ball((0, 0, 0), (0.42, 0.85 * tall, 0.42), colour)
    with sketch.named("ribs"):
        for x, z, yaw in around(ribs, out):
            shade = palette.jitter(colour, 0.008)
            sketch.ball((x, 0, z), (across, tall, 0.23), shade, turn=(0, yaw, 0))
    draft.counts["ribs"] = ribs
    with sketch.named("stem"):
        stem = accent(draft, palette, "stem", "brown", "dark brown", "dark green", "green")
        joint = (0, tall + rng.uniform(0.02, 0.1), 0)
        lean = rng.uniform(-0.14, 0.14)
        sketch.limb((0, 0.6 * tall, 0), joint, 0.085, stem, top=0.06)
        sketch.limb(joint, (lean, joint[1] + 0.1, 0), 0.06, stem, top=0.05)
    kind = rng.uniform()
    if kind < 0.35:
        face = accent(draft, palette, "face", "black", "yellow", "orange")
        with sketch.named("face"):
            _carve(sketch, rng, tall, face)
        draft.features.append("with a carved face")
        draft.synonyms = ["jack-o'-lantern", "carved pumpkin", "halloween pumpkin"]
    elif kind < 0.65:
        leaf = accent(draft, palette, "leaf", "green", "dark green", "light green")
        with sketch.named("leaf"):
            at = (0.17, 0.86 * tall + 0.02, 0.08)
            sketch.ball(at, (0.13, 0.03, 0.2), leaf, turn=(10, 60, 0))
            sketch.ring((-0.12, 0.92 * tall + 0.06, 0.1), 0.09, 0.025, leaf, arc_deg=280)
        draft.features.append("with a curly vine")
    if squash > 0.98:
        draft.adjectives.append("tall")
    elif squash < 0.75:
        draft.adjectives.append("flat")
    return draft


def _carve(sketch: Sketch, rng: np.random.Generator, tall: float, colour: Colour) -> None:
    """Cut eyes, a nose and a mouth with teeth into the front."""
    size, deep = rng.uniform(0.08, 0.11), 0.45
    round_eyes = rng.uniform() < 0.35
    for side in (-1, 1):
        x, y = side * 0.17, 0.22 * tall
        if round_eyes:
            sketch.cylinder((x, y, 0.32), (x, y, 0.8), 0.85 * size, colour, op="cut")
        else:
            eye = [(x - size, y - 0.7 * size), (x + size, y - 0.7 * size), (x, y + 0.9 * size)]
            sketch.prism(eye, (0, 0, 0.55), deep, colour, op="cut")
    nose = [(-0.05, -0.12 * tall), (0.05, -0.12 * tall), (0, 0.06 * tall)]
    sketch.prism(nose, (0, 0, 0.6), deep, colour, op="cut")
    low, corner = -0.66 * tall, -0.2 * tall
    mouth = [(-0.28, corner), (-0.14, low), (0.14, low), (0.28, corner), (0.15, -0.32 * tall)]
    mouth += [(0.08, -0.46 * tall), (0.0, -0.32 * tall), (-0.08, -0.46 * tall)]
    mouth += [(-0.15, -0.32 * tall)]
    sketch.prism(mouth, (0, 0, 0.5), deep, colour, op="cut")
