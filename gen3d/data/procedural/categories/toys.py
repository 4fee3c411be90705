"""Teddy bears."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.categories.natural import natural_finish
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def teddy_bear(rng: np.random.Generator, palette: Palette) -> Draft:
    """A teddy bear that faces +Z, sitting or standing."""
    finish = natural_finish(palette, "brown", "light brown", "dark brown")
    colour = finish.tone.rgb
    pale = palette.any("white", "light yellow", "light brown", "pink", other_than=finish.tone.name)
    dark = palette.paint("dark grey" if finish.tone.name == "black" else "black")
    wide, high = rng.uniform(0.27, 0.34), rng.uniform(0.32, 0.4)
    head = rng.uniform(0.25, 0.32)
    sketch = Sketch()
    sketch.ball((0, 0, 0), (wide, high, 0.88 * wide), colour)
    up = 0.82 * high + 0.78 * head
    sketch.ball((0, up, 0.03), (1.08 * head, head, 0.95 * head), colour, blend=0.05)
    ear = rng.uniform(0.1, 0.14)
    for x in (-1, 1):
        at = (x * 0.82 * head, up + 0.78 * head, 0)
        sketch.ball(at, (ear, ear, 0.6 * ear), colour, blend=0.03)
        inner = (at[0], at[1], at[2] + 0.62 * ear)
        sketch.ball(inner, (0.62 * ear, 0.62 * ear, 0.35 * ear), pale.rgb, op="paint")
    sits = rng.uniform() < 0.6
    limb, hand = rng.uniform(0.095, 0.125), rng.uniform(-0.25, 0.35)
    for x in (-1, 1):
        shoulder = (x * 0.72 * wide, 0.55 * high, 0.03)
        raised = hand if x > 0 or rng.uniform() < 0.8 else 0.6
        paw = (x * (wide + 0.2), (raised - 0.2) * high, 0.17)
        sketch.limb(shoulder, paw, 0.9 * limb, colour, top=1.1 * limb, blend=0.04)
        thigh = (x * 0.55 * wide, -0.66 * high, 0.05)
        foot = (x * (wide + 0.04), -0.86 * high, 0.42) if sits else (x * 0.2, -high - 0.26, 0.06)
        sketch.limb(thigh, foot, 1.15 * limb, colour, top=1.2 * limb, blend=0.04)
        toe = (foot[0], foot[1] + 0.05 * sits, foot[2] + 0.07)
        sketch.ball(toe, 1.25 * limb, colour, blend=0.03)
        if sits:
            sole = (toe[0], toe[1], toe[2] + 1.3 * limb)
            sketch.ball(sole, (0.8 * limb, 0.8 * limb, 0.6 * limb), pale.rgb, op="paint")
    front = 0.03 + 0.95 * head
    muzzle = (0, up - 0.3 * head, front - 0.06)
    sketch.ball(muzzle, (0.46 * head, 0.36 * head, 0.5 * head), pale.rgb)
    tip = muzzle[2] + 0.46 * head
    sketch.ball((0, muzzle[1] + 0.16 * head, tip), (0.055, 0.042, 0.04), dark)
    for x in (-1, 1):
        sketch.ball((x * 0.4 * head, up + 0.16 * head, front - 0.09 * head), 0.042, dark)
    draft = Draft(sketch, "teddy bear", finish, ["teddy", "toy bear", "stuffed bear"])
    if rng.uniform() < 0.6:
        belly = (0, -0.1 * high, 0.86 * wide)
        sketch.ball(belly, (0.6 * wide, 0.55 * high, 0.3 * wide), pale.rgb, op="paint")
        draft.features.append(f"with a {pale.phrase} belly")
    if rng.uniform() < 0.4:
        bow = palette.any(other_than=finish.tone.name)
        neck = (0, 0.8 * high, 0.78 * wide)
        for x in (-1, 1):
            sketch.ball(
                (x * 0.1, neck[1], neck[2]), (0.11, 0.075, 0.06), bow.rgb, turn=(0, 0, x * 15)
            )
        sketch.ball(neck, 0.065, bow.rgb)
        draft.features.append(f"with a {bow.phrase} bow tie")
    draft.adjectives.append("sitting" if sits else "standing")
    return draft
