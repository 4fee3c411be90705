"""Teddy bears."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def teddy_bear(rng: np.random.Generator, palette: Palette) -> Draft:
    """A teddy bear that faces +Z, sitting or standing."""
    finish = palette.natural("brown", "light brown", "dark brown")
    colour = finish.tone.rgb
    pale = palette.any("white", "light yellow", "light brown", "pink", other_than=finish.tone.name)
    dark = palette.paint("dark grey" if finish.tone.name == "black" else "black")
    wide, high = rng.uniform(0.27, 0.34), rng.uniform(0.32, 0.4)
    head = rng.uniform(0.25, 0.32)
    sketch = Sketch()
    draft = Draft(sketch, "teddy bear", finish, ["teddy", "toy bear", "stuffed bear"])
    inside = draft.tint("ears", palette.second(finish, 0.35))
    soles = draft.tint(
        "paws", palette.second(finish, 0.35, "white", "pink", "light yellow", "black")
    )
    sketch.ball((0, 0, 0), (wide, high, 0.88 * wide), colour)
    up = 0.82 * high + 0.78 * head
    sketch.ball((0, up, 0.03), (1.08 * head, head, 0.95 * head), colour, blend=0.05)
    ear = rng.uniform(0.1, 0.14)
    for x in (-1, 1):
        at = (x * 0.82 * head, up + 0.78 * head, 0)
        with sketch.named("ears"):
            sketch.ball(at, (ear, ear, 0.6 * ear), inside, blend=0.02)
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
        with sketch.named("paws"):
            sketch.ball(toe, 1.25 * limb, soles, blend=0.02)
            sketch.ball(paw, 1.15 * limb, soles, blend=0.02)
    front = 0.03 + 0.95 * head
    muzzle = (0, up - 0.3 * head, front - 0.06)
    sketch.ball(muzzle, (0.46 * head, 0.36 * head, 0.5 * head), pale.rgb)
    tip = muzzle[2] + 0.46 * head
    sketch.ball((0, muzzle[1] + 0.16 * head, tip), (0.055, 0.042, 0.04), dark)
    for x in (-1, 1):
        sketch.ball((x * 0.4 * head, up + 0.16 * head, front - 0.09 * head), 0.042, dark)
    if rng.uniform() < 0.6:
        belly = (0, -0.1 * high, 0.86 * wide)
        with sketch.named("belly"):
            size = (0.6 * wide, 0.55 * high, 0.3 * wide)
            sketch.ball(belly, size, draft.tint("belly", pale), op="paint")
    buttons = int(rng.integers(0, 4))
    if buttons > 1:
        tone = draft.tint("buttons", palette.any(other_than=finish.tone.name))
        with sketch.named("buttons"):
            for i in range(buttons):
                y = (0.42 - 0.42 * i) * high
                z = 0.88 * wide * float(np.sqrt(1 - (y / high) ** 2))
                sketch.ball((0, y, z), 0.045, tone)
                # The belly's paint would cover it.
                sketch.ball((0, y, z), 0.05, tone, op="paint")
        draft.counts["buttons"] = buttons
    if rng.uniform() < 0.4:
        bow = draft.tint("bow tie", palette.any(other_than=finish.tone.name))
        neck = (0, 0.8 * high, 0.78 * wide)
        with sketch.named("bow tie"):
            for x in (-1, 1):
                at, size = (x * 0.1, neck[1], neck[2]), (0.11, 0.075, 0.06)
                sketch.ball(at, size, bow, turn=(0, 0, x * 15))
            sketch.ball(neck, 0.065, bow)
            # Fills the pocket between bow, chin and chest.
            behind = (0, neck[1], neck[2] - 0.07)
            sketch.ball(behind, (0.17, 0.09, 0.1), bow)
    elif rng.uniform() < 0.3:
        hat = draft.tint("hat", palette.any(other_than=finish.tone.name))
        with sketch.named("hat"):
            crown = up + 0.85 * head
            sketch.cylinder((0, crown, 0), (0, crown + 0.06, 0), 0.72 * head, hat, rounding=0.02)
            sketch.cylinder((0, crown, 0), (0, crown + 0.2, 0), 0.45 * head, hat, rounding=0.02)
        draft.features.append("with a hat")
    draft.adjectives.append("sitting" if sits else "standing")
    return draft
