"""Hammers."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette, Rgb
from gen3d.data.procedural.sketch import Sketch


def hammer(rng: np.random.Generator, palette: Palette) -> Draft:
    """An upright hammer: claw, sledge, ball or mallet head along X on a handle along Y."""
    finish = palette.finish("wooden", "wooden", "plastic", "metal", plain=0.45)
    colour = finish.tone.rgb
    style = ("claw", "sledge", "mallet", "ball")[int(rng.integers(4))]
    radius = rng.uniform(0.058, 0.072)
    metal = palette.any("grey", "dark grey", "light grey", "black", other_than=finish.tone.name)
    sketch = Sketch()
    draft = Draft(sketch, "hammer", finish)
    waist = radius * rng.uniform(0.8, 0.95)
    with sketch.named("handle"):
        sketch.cylinder((0, 0, 0), (0, 0.5, 0), 1.15 * radius, colour, top=radius, rounding=0.02)
        sketch.cylinder((0, 0.45, 0), (0, 0.95, 0), radius, colour, top=waist)
    dressing = rng.uniform()
    if dressing < 0.3:
        grip = draft.tint("grip", palette.any(other_than=finish.tone.name))
        with sketch.named("grip"):
            sketch.cylinder((0, -0.02, 0), (0, 0.24, 0), 1.3 * radius, grip, rounding=0.02)
    elif dressing < 0.55:
        count = int(rng.integers(2, 5))
        tone = palette.second(finish, 0.6)
        # Rings and head of one colour could outweigh the handle.
        rings = draft.tint("rings", finish.tone if tone.name == metal.name else tone)
        with sketch.named("rings"):
            for i in range(count):
                y = 0.07 + 0.085 * i
                sketch.cylinder((0, y - 0.02, 0), (0, y + 0.02, 0), 1.35 * radius, rings)
        draft.counts["rings"] = count
    y = rng.uniform(0.9, 0.94)
    with sketch.named("head"):
        if style == "mallet":
            size, reach = rng.uniform(0.095, 0.125), rng.uniform(0.17, 0.21)
            sketch.cylinder((-reach, y, 0), (reach, y, 0), size, colour, rounding=0.02)
            if rng.uniform() < 0.5:
                faces = draft.tint("faces", metal)
                for side in (-1, 1):
                    at = (side * (reach - 0.01), y, 0)
                    with sketch.named("faces"):
                        sketch.box(at, (0.09, 0.5, 0.5), faces, op="paint")
            draft.synonyms = ["mallet"]
            draft.features.append("with a round head")
        else:
            _metal_head(draft, rng, draft.tint("head", metal), y, style)
    if radius > 0.065:
        draft.adjectives.append("sturdy")
    return draft


def _metal_head(draft: Draft, rng: np.random.Generator, metal: Rgb, y: float, style: str) -> None:
    sketch, reach = draft.sketch, rng.uniform(0.13, 0.17)
    if style == "sledge":
        size, reach = rng.uniform(0.066, 0.076), 0.9 * reach
        sketch.box((0, y, 0), (2 * reach, 2 * size, 2 * size), metal, rounding=0.02)
        draft.synonyms = ["sledgehammer", "sledge hammer"]
        draft.features.append("with a square head")
        return
    size = rng.uniform(0.055, 0.07)
    sketch.box((0, y, 0), (0.16, 2 * size, 2.2 * size), metal, rounding=0.015)
    neck, face = (0.04, y, 0), (reach + 0.02, y, 0)
    sketch.cylinder(neck, face, 0.75 * size, metal, top=size, rounding=0.012)
    if style == "ball":
        sketch.cylinder((-0.04, y, 0), (-reach, y, 0), 0.7 * size, metal)
        sketch.ball((-reach, y, 0), 1.1 * size, metal)
        draft.synonyms = ["ball-peen hammer"]
        draft.features.append("with a ball on the back")
        return
    tip = -reach - rng.uniform(0.06, 0.1)
    bend = [
        (-0.04, y + size),
        (-0.04, y - size),
        (0.45 * tip, y - 0.6 * size),
        (tip, y - 0.11),
        (tip - 0.025, y - 0.07),
        (0.6 * tip, y + 0.55 * size),
    ]
    for side in (-1, 1):
        at, turn = (0, 0, side * 0.042), (0, side * 7, 0)
        sketch.prism(bend, at, 0.055, metal, rounding=0.006, turn=turn)
    draft.synonyms = ["claw hammer"]
    draft.features.append("with a claw")
