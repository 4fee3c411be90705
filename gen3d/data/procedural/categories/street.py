"""Street lamps and traffic lights."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.categories.details import accent, around
from gen3d.data.procedural.categories.vehicle_parts import dark_tone
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Colour, Sketch, Vector


def street_lamp(rng: np.random.Generator, palette: Palette) -> Draft:
    """A street lamp: a lantern on a post, globes on arms, or a curved modern arm."""
    finish = palette.finish("metal", "iron", "steel", plain=0.6, painted=0.5)
    colour = finish.tone.rgb
    sketch = Sketch()
    draft = Draft(sketch, "street lamp", finish, ["streetlight", "street light", "lamp post"])
    kind = int(rng.integers(3))
    high, thick = rng.uniform(1.5, 1.75), rng.uniform(0.05, 0.065)
    lamps = int(rng.choice((1, 2, 3, 4))) if kind == 1 else int(rng.integers(1, 3))
    with sketch.named("pole"):
        sketch.cylinder((0, 0, 0), (0, high, 0), 1.15 * thick, colour, top=thick)
        foot = rng.uniform(0.13, 0.19)
        sketch.cylinder((0, 0, 0), (0, 0.09, 0), foot, colour, rounding=0.02)
        sketch.cylinder(
            (0, 0.05, 0), (0, rng.uniform(0.25, 0.4), 0), 0.75 * foot, colour, top=thick
        )
        if rng.uniform() < 0.6:
            y = rng.uniform(0.5, 0.62) * high
            sketch.cylinder(
                (0, y - 0.05, 0), (0, y + 0.05, 0), thick + 0.035, colour, rounding=0.02
            )
    word = ("lantern", "globe", "lamp")[kind] + ("" if lamps == 1 else "s")
    glow = accent(draft, palette, word, "light yellow", "white")
    draft.counts[f"{word.removesuffix('s')}s"] = lamps
    if kind == 0:
        reach = 0.34 if lamps == 2 else 0.0
        for x in (-reach, reach)[:lamps]:
            with sketch.named("lanterns"):
                _lantern(sketch, (x, high - (0.1 if reach else 0.04), 0), glow, draft)
        if reach:
            sketch.limb((-reach, high - 0.13, 0), (reach, high - 0.13, 0), 0.045, colour)
            sketch.ball((0, high + 0.04, 0), 0.08, colour)
        draft.style = "old-fashioned"
    elif kind == 1:
        reach, size = (0.0, 0.19) if lamps == 1 else (rng.uniform(0.26, 0.34), 0.13)
        if lamps == 4:
            sketch.ball((0, high + 0.06, 0), 0.1, colour)
        for x, z, _ in around(lamps, reach, 90.0):
            if reach:
                sketch.limb((0, high - 0.2, 0), (x, high - 0.12, z), 0.042, colour)
            foot = high - (0.16 if reach else 0.02)
            ends = ((x, foot, z), (x, foot + 0.13, z))
            sketch.cylinder(*ends, 0.055, colour, top=0.75 * size)
            with sketch.named("globes"):
                sketch.ball((x, foot + 0.09 + 0.8 * size, z), size, glow)
    else:
        reach, rise = rng.uniform(0.34, 0.5), rng.uniform(0.08, 0.2)
        for x in (1, -1)[:lamps]:
            knee = (x * 0.12, high + 0.7 * rise, 0)
            tip = (x * reach, high + rise, 0)
            sketch.limb((0, high - 0.06, 0), knee, thick, colour, top=0.05)
            sketch.limb(knee, tip, 0.05, colour, top=0.042)
            head = (x * (reach + 0.1), tip[1] - 0.005, 0)
            with sketch.named("lamps"):
                sketch.box(head, (0.36, 0.1, 0.2), colour, rounding=0.04)
                sketch.box((head[0], head[1] - 0.05, 0), (0.28, 0.08, 0.14), glow, rounding=0.02)
        draft.features.append("with a curved arm" if lamps == 1 else "with two curved arms")
        draft.style = "modern"
    if high > 1.68 and lamps == 1:
        draft.adjectives.append("tall")
    return draft


def _lantern(sketch: Sketch, foot: Vector, glow: Colour, draft: Draft) -> None:
    x, y, z = foot
    colour = draft.finish.tone.rgb
    sketch.cylinder((x, y, z), (x, y + 0.08, z), 0.07, colour, top=0.11)
    ends = ((x, y + 0.07, z), (x, y + 0.32, z))
    sketch.cylinder(*ends, 0.1, glow, top=0.14)
    for dx, dz, _ in around(4, 1.0, 45.0):
        ends = ((x + 0.1 * dx, y + 0.05, z + 0.1 * dz), (x + 0.15 * dx, y + 0.34, z + 0.15 * dz))
        sketch.limb(*ends, 0.034, colour)
    sketch.cylinder((x, y + 0.31, z), (x, y + 0.46, z), 0.21, colour, top=0.05)
    sketch.ball((x, y + 0.47, z), 0.05, colour)


def traffic_light(rng: np.random.Generator, palette: Palette) -> Draft:
    """A traffic light: a housing with red, yellow and green lights, on a post or on an arm."""
    finish = palette.finish("metal", "plastic", plain=0.8, painted=0.8)
    colour, name = finish.tone.rgb, finish.tone.name
    sketch = Sketch()
    draft = Draft(sketch, "traffic light", finish, ["stoplight", "traffic signal"])
    wide, tall = rng.uniform(0.36, 0.44), rng.uniform(0.95, 1.15)
    post, thick = rng.uniform(0.5, 0.9), rng.uniform(0.055, 0.075)
    pole = accent(draft, palette, "pole", "grey", "dark grey", "black", "light grey")
    arm = bool(rng.uniform() < 0.25)
    heads = 1 if arm else int(rng.choice((1, 2), p=(0.7, 0.3)))
    away = 0.5 * wide + 0.09
    x = rng.uniform(0.5, 0.65) if arm else 0.0
    base = post
    top = base + tall
    front = 0.13
    with sketch.named("pole"):
        sketch.cylinder((0, 0, 0), (0, base + (0.7 * tall if arm else 0.1), 0), thick, pole)
        sketch.cylinder((0, 0, 0), (0, 0.09, 0), 2.4 * thick, pole, rounding=0.02)
        if arm:
            level = base + 0.66 * tall
            sketch.limb((0, level, 0), (x, level, 0), thick, pole)
        elif heads == 2:
            level = base + 0.04
            sketch.box((0, level, 0), (2 * away + 0.1, 0.1, 0.12), pole)
    dark = dark_tone(palette, name).rgb
    rounding = 0.06 if rng.uniform() < 0.5 else 0.015
    visors = rng.uniform() < 0.75
    backed = rng.uniform() < 0.3
    paints = ("bright red", "yellow", "green")
    for head in (-1, 1)[:heads]:
        at = x if heads == 1 else head * away
        middle = (at, (base + top) / 2, 0)
        with sketch.named("heads"):
            sketch.box(middle, (wide, tall, 2 * front), colour, rounding=rounding)
            if backed and heads == 1:
                plate = (at, middle[1], -0.08)
                sketch.box(plate, (wide + 0.2, tall + 0.2, 0.08), dark)
        with sketch.named("lights"):
            for i, paint in enumerate(paints):
                y = top - (i + 0.5) * tall / 3
                radius = min(0.3 * wide, 0.36 * tall / 3)
                ends = ((at, y, 0), (at, y, front + 0.03))
                sketch.cylinder(*ends, radius + 0.02, dark)
                sketch.ball((at, y, front + 0.02), (radius, radius, 0.055), palette.paint(paint))
                if visors:
                    hood = (at, y, front + 0.05)
                    sketch.ring(hood, radius + 0.03, 0.036, colour, arc_deg=190)
    if backed and heads == 1:
        draft.features.append("with a black plate" if name != "black" else "with a grey plate")
    if arm:
        draft.features.append("on an arm")
    draft.features.append("with a red, a yellow and a green light")
    draft.counts["heads"] = heads
    if post > 0.8 and not arm:
        draft.adjectives.append("tall")
    elif post < 0.6:
        draft.adjectives.append("short")
    return draft
