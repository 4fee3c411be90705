"""Dogs and fish."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def dog(rng: np.random.Generator, palette: Palette) -> Draft:
    """A standing dog that looks along +Z."""
    finish = palette.natural(
        "brown", "light brown", "dark brown", "white", "black", "grey", "light yellow"
    )
    colour = finish.tone.rgb
    dark = palette.paint("dark grey" if finish.tone.name == "black" else "black")
    long, legs = rng.uniform(0.26, 0.4), rng.uniform(0.2, 0.42)
    chest, hip = rng.uniform(0.16, 0.21), rng.uniform(0.13, 0.17)
    back = legs + 0.75 * chest
    head, snout = rng.uniform(0.15, 0.2), rng.uniform(0.13, 0.24)
    sketch = Sketch()
    draft = Draft(sketch, "dog", finish, ["puppy", "hound", "doggy"])
    sketch.limb((0, back, -long), (0, back + 0.02, long), hip, colour, top=chest)
    toe = draft.tint("paws", palette.second(finish, 0.25, "white", "black", "brown"))
    for x in (-1, 1):
        for z, girth in ((-1, hip), (1, chest)):
            hipped = (x * 0.62 * girth, back - 0.02, z * 0.92 * long)
            paw = (x * 0.66 * girth, 0.05, z * 0.95 * long)
            with sketch.named("legs"):
                sketch.limb(hipped, paw, 0.085, colour, top=0.058, blend=0.05)
            with sketch.named("paws"):
                toes = (paw[0], 0.045, paw[2] + 0.04)
                sketch.ball(toes, (0.072, 0.055, 0.092), toe, blend=0.02)
    up, ahead = back + chest + rng.uniform(0.06, 0.18), long + rng.uniform(0.1, 0.18)
    sketch.limb((0, back + 0.05, long - 0.03), (0, up, ahead), 0.13, colour, top=0.11, blend=0.08)
    sketch.ball((0, up, ahead), (0.95 * head, 0.95 * head, head), colour, blend=0.06)
    nose = (0, up - 0.08, ahead + 0.65 * head + snout)
    sketch.limb((0, up - 0.05, ahead), nose, 0.1, colour, top=0.065, blend=0.05)
    sketch.ball((0, nose[1] + 0.03, nose[2] + 0.05), (0.045, 0.035, 0.035), dark)
    floppy = rng.uniform() < 0.55
    ears = draft.tint("ears", palette.second(finish, 0.4))
    with sketch.named("ears"):
        for x in (-1, 1):
            side = x * 0.9 * head
            if floppy:
                drop, at = rng.uniform(0.11, 0.15), (side, up - 0.02, ahead - 0.02)
                sketch.ball(at, (0.05, drop, 0.085), ears, turn=(0, 0, x * 12))
            else:
                foot = (0.55 * side, up + 0.5 * head, ahead)
                tip = (0.7 * side, up + head + 0.13, ahead)
                sketch.limb(foot, tip, 0.075, ears, top=0.03)
    for x in (-1, 1):
        sketch.ball((x * 0.405 * head, up + 0.05, ahead + 0.86 * head), 0.034, dark)
    draft.features.append("with floppy ears" if floppy else "with pointed ears")
    curl = rng.uniform() < 0.3
    with sketch.named("tail"):
        root, rise = (0, back + 0.05, -long - 0.5 * hip), rng.uniform(-0.1, 0.28)
        if curl:
            middle = (0, back + 0.2, -long - hip - 0.1)
            sketch.limb(root, middle, 0.055, colour, top=0.05, blend=0.04)
            sketch.limb(middle, (0, back + 0.34, -long - 0.4 * hip), 0.05, colour, top=0.04)
            draft.features.append("with a curled tail")
        else:
            end = (0, back + 0.05 + rise, -long - hip - rng.uniform(0.12, 0.22))
            sketch.limb(root, end, 0.055, colour, top=0.04, blend=0.04)
    chance = rng.uniform()
    if chance < 0.3:
        patch = draft.tint("patch", palette.any(other_than=finish.tone.name))
        with sketch.named("patch"):
            sketch.ball((0.1, back + 0.12, -0.5 * long), (0.2, 0.17, 0.16), patch, op="paint")
            sketch.ball((0, nose[1], nose[2] + 0.02), (0.12, 0.09, 0.11), patch, op="paint")
            sketch.ball((0, nose[1] + 0.03, nose[2] + 0.06), 0.048, dark, op="paint")
    elif chance < 0.45:
        count = int(rng.integers(3, 6))
        spot = draft.tint("spots", palette.any("black", "brown", "white", "dark brown",
                                               other_than=finish.tone.name))  # fmt: skip
        with sketch.named("spots"):
            for i in range(count):
                along = (i / (count - 1) - 0.5) * 1.7 * long
                at = ((-1) ** i * 0.13, back + 0.06, along)
                sketch.ball(at, 0.1, spot, op="paint")
    elif chance < 0.75:
        collar = draft.tint("collar", palette.any(other_than=finish.tone.name))
        y, z = (back + 0.05 + up) / 2, (long + ahead) / 2 - 0.01
        with sketch.named("collar"):
            ends = (0, y - 0.025, z - 0.018), (0, y + 0.035, z + 0.018)
            sketch.cylinder(*ends, 0.155, collar)
    if legs < 0.26:
        draft.adjectives.append("short-legged")
    elif legs > 0.37:
        draft.adjectives.append("tall")
    if long > 0.37:
        draft.adjectives.append("long")
    return draft


def fish(rng: np.random.Generator, palette: Palette) -> Draft:
    """A fish that swims along +X, so that its side faces +Z."""
    finish = palette.natural("orange", "bright orange", "yellow", "blue", "grey", natural=0.4)
    colour, accent = finish.tone.rgb, palette.any(other_than=finish.tone.name)
    style = int(rng.integers(5))
    high, wide = rng.uniform(0.18, 0.36), rng.uniform(0.12, 0.19)
    sketch = Sketch()
    draft = Draft(sketch, "fish", finish, ["small fish", "aquarium fish"])
    fins = draft.tint("fins", accent if style >= 3 else finish.tone)
    sketch.ball((0, 0, 0), (0.5, high, wide), colour)
    sketch.limb((-0.3, 0, 0), (-0.56, 0, 0), 0.09, colour, top=0.045, blend=0.08)
    spread, notch = rng.uniform(0.19, 0.3), rng.uniform(0.02, 0.14)
    back = -0.55 - rng.uniform(0.2, 0.3)
    tail = [(-0.46, 0), (back + 0.06, spread), (back, 0.9 * spread), (back + notch, 0)]
    tail += [(x, -y) for x, y in tail[2:0:-1]]
    with sketch.named("tail"):
        other = palette.second(finish, 0.4) if style == 2 else None
        brush = fins if other is None else draft.tint("tail", other)
        sketch.prism(tail, (0, 0, 0), 0.065, brush, rounding=0.02, blend=0.02)
    crest, start = rng.uniform(0.08, 0.2), rng.uniform(0.05, 0.24)
    low = 0.55 * high
    dorsal = [(start, low), (start - 0.1, high + 0.75 * crest), (start - 0.3, high + crest)]
    dorsal += [(start - 0.5, high + 0.2 * crest), (start - 0.42, low)]
    if rng.uniform() < 0.3:
        dorsal = [(start, low), (start - 0.25, high + 1.3 * crest), (start - 0.3, low)]
        draft.features.append("with a pointed back fin")
    with sketch.named("fins"):
        sketch.prism(dorsal, (0, 0, 0), 0.065, fins, rounding=0.015)
    belly = [
        (0.08, -low),
        (-0.12, -high - 0.7 * crest),
        (-0.24, -high - 0.6 * crest),
        (-0.22, -low),
    ]
    with sketch.named("fins"):
        sketch.prism(belly, (0, 0, 0), 0.065, fins, rounding=0.015)
    for z in (-1, 1):
        with sketch.named("fins"):
            at = (0.02, -0.2 * high, z * 0.98 * wide)
            sketch.ball(at, (0.13, 0.07, 0.045), fins, turn=(0, z * 25, 25))
        # Eyes sit on the body at x = 0.33, where it is 0.75 as wide as in the middle.
        eye = (0.33, 0.22 * high, z * 0.7 * wide)
        sketch.ball(eye, 0.075, palette.paint("white"))
        sketch.ball((0.34, eye[1], eye[2] + z * 0.06), 0.045, palette.paint("black"), op="paint")
    if style == 0:
        count = int(rng.integers(2, 5))
        paint = draft.tint("stripes", accent)
        with sketch.named("stripes"):
            for i in range(count):
                x = 0.2 - 0.5 * i / (count - 1)
                sketch.box((x, 0, 0), (0.075, 2.2 * high, 1), paint, op="paint")
        draft.counts["stripes"] = count
        draft.synonyms.append("striped fish")
    elif style == 1:
        with sketch.named("belly"):
            low = (0.05, -0.5 - 0.45 * high, 0)
            sketch.box(low, (0.9, 1, 1), draft.tint("belly", accent), op="paint")
    if spread > 0.27:
        draft.features.append("with a wide tail")
    if high > 0.3:
        draft.adjectives.append("round")
    elif high < 0.22:
        draft.adjectives.append("slender")
    return draft
