"""Dogs and fish."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.categories.natural import natural_finish
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def dog(rng: np.random.Generator, palette: Palette) -> Draft:
    """A standing dog that looks along +Z."""
    finish = natural_finish(
        palette, "brown", "light brown", "dark brown", "white", "black", "grey", "light yellow"
    )
    colour = finish.tone.rgb
    dark = palette.paint("dark grey" if finish.tone.name == "black" else "black")
    long, legs = rng.uniform(0.26, 0.4), rng.uniform(0.2, 0.42)
    chest, hip = rng.uniform(0.16, 0.21), rng.uniform(0.13, 0.17)
    back = legs + 0.75 * chest
    head, snout = rng.uniform(0.15, 0.2), rng.uniform(0.13, 0.24)
    sketch = Sketch()
    sketch.limb((0, back, -long), (0, back + 0.02, long), hip, colour, top=chest)
    for x in (-1, 1):
        for z, girth in ((-1, hip), (1, chest)):
            hipped = (x * 0.62 * girth, back - 0.02, z * 0.92 * long)
            paw = (x * 0.66 * girth, 0.05, z * 0.95 * long)
            sketch.limb(hipped, paw, 0.085, colour, top=0.058, blend=0.05)
            toes = (paw[0], 0.045, paw[2] + 0.04)
            sketch.ball(toes, (0.065, 0.045, 0.085), colour, blend=0.02)
    up, ahead = back + chest + rng.uniform(0.06, 0.18), long + rng.uniform(0.1, 0.18)
    sketch.limb((0, back + 0.05, long - 0.03), (0, up, ahead), 0.13, colour, top=0.11, blend=0.08)
    sketch.ball((0, up, ahead), (0.95 * head, 0.95 * head, head), colour, blend=0.06)
    nose = (0, up - 0.08, ahead + 0.65 * head + snout)
    sketch.limb((0, up - 0.05, ahead), nose, 0.1, colour, top=0.065, blend=0.05)
    sketch.ball((0, nose[1] + 0.03, nose[2] + 0.05), (0.045, 0.035, 0.035), dark)
    draft = Draft(sketch, "dog", finish, ["puppy", "hound", "doggy"])
    floppy = rng.uniform() < 0.6
    second = palette.any(other_than=finish.tone.name).rgb if rng.uniform() < 0.2 else None
    ears = colour if second is None and rng.uniform() < 0.6 else second or dark
    for x in (-1, 1):
        side = x * 0.9 * head
        if floppy:
            drop = rng.uniform(0.11, 0.15)
            at = (side, up - 0.02, ahead - 0.02)
            sketch.ball(at, (0.042, drop, 0.085), ears, turn=(0, 0, x * 12))
        else:
            foot, tip = (0.55 * side, up + 0.5 * head, ahead), (0.7 * side, up + head + 0.13, ahead)
            sketch.limb(foot, tip, 0.075, ears, top=0.03)
        sketch.ball((0.45 * side, up + 0.05, ahead + 0.86 * head), 0.034, dark)
    draft.features.append("with floppy ears" if floppy else "with pointed ears")
    rise, reach = rng.uniform(-0.1, 0.28), rng.uniform(0.12, 0.22)
    root, end = (0, back + 0.05, -long - 0.5 * hip), (0, back + 0.05 + rise, -long - hip - reach)
    sketch.limb(root, end, 0.055, colour, top=0.04, blend=0.04)
    if rng.uniform() < 0.35:
        patch = palette.any("white", "black", "brown", other_than=finish.tone.name)
        sketch.ball((0.1, back + 0.12, -0.5 * long), (0.2, 0.17, 0.16), patch.rgb, op="paint")
        sketch.ball((0, nose[1], nose[2] + 0.02), (0.12, 0.09, 0.11), patch.rgb, op="paint")
        sketch.ball((0, nose[1] + 0.03, nose[2] + 0.06), 0.048, dark, op="paint")
        draft.features.append(f"with a {patch.phrase} patch")
    elif rng.uniform() < 0.5:
        collar = palette.any(other_than=finish.tone.name)
        middle = (0, (back + 0.05 + up) / 2, (long + ahead) / 2 - 0.01)
        sketch.cylinder(
            (0, middle[1] - 0.02, middle[2] - 0.015),
            (0, middle[1] + 0.03, middle[2] + 0.015),
            0.15,
            collar.rgb,
        )
        draft.features.append(f"with a {collar.phrase} collar")
    if legs < 0.26:
        draft.adjectives.append("short-legged")
    elif legs > 0.37:
        draft.adjectives.append("tall")
    if long > 0.37:
        draft.adjectives.append("long")
    return draft


def fish(rng: np.random.Generator, palette: Palette) -> Draft:
    """A fish that swims along +X, so that its side faces +Z."""
    finish = natural_finish(
        palette, "orange", "bright orange", "yellow", "blue", "grey", natural=0.4
    )
    colour, accent = finish.tone.rgb, palette.any(other_than=finish.tone.name)
    style = int(rng.integers(5))
    fins = accent.rgb if style >= 3 else colour
    high, wide = rng.uniform(0.18, 0.36), rng.uniform(0.12, 0.19)
    sketch = Sketch()
    sketch.ball((0, 0, 0), (0.5, high, wide), colour)
    sketch.limb((-0.3, 0, 0), (-0.56, 0, 0), 0.09, colour, top=0.045, blend=0.08)
    spread, notch = rng.uniform(0.19, 0.3), rng.uniform(0.02, 0.14)
    back = -0.55 - rng.uniform(0.2, 0.3)
    tail = [(-0.46, 0), (back + 0.06, spread), (back, 0.9 * spread), (back + notch, 0)]
    tail += [(x, -y) for x, y in tail[2:0:-1]]
    sketch.prism(tail, (0, 0, 0), 0.065, fins, rounding=0.02, blend=0.02)
    crest, start = rng.uniform(0.08, 0.2), rng.uniform(0.05, 0.24)
    low = 0.55 * high
    dorsal = [(start, low), (start - 0.1, high + 0.75 * crest), (start - 0.3, high + crest)]
    dorsal += [(start - 0.5, high + 0.2 * crest), (start - 0.42, low)]
    if rng.uniform() < 0.3:
        dorsal = [(start, low), (start - 0.25, high + 1.3 * crest), (start - 0.3, low)]
    sketch.prism(dorsal, (0, 0, 0), 0.065, fins, rounding=0.015)
    belly = [
        (0.08, -low),
        (-0.12, -high - 0.7 * crest),
        (-0.24, -high - 0.6 * crest),
        (-0.22, -low),
    ]
    sketch.prism(belly, (0, 0, 0), 0.065, fins, rounding=0.015)
    for z in (-1, 1):
        at = (0.02, -0.2 * high, z * 0.98 * wide)
        sketch.ball(at, (0.13, 0.07, 0.045), fins, turn=(0, z * 25, 25))
        # Eyes sit on the body at x = 0.33, where it is 0.75 as wide as in the middle.
        eye = (0.33, 0.22 * high, z * 0.7 * wide)
        sketch.ball(eye, 0.075, palette.paint("white"))
        sketch.ball((0.34, eye[1], eye[2] + z * 0.06), 0.045, palette.paint("black"), op="paint")
    draft = Draft(sketch, "fish", finish, ["small fish", "aquarium fish"])
    if style == 0:
        for x in (0.14, -0.2):
            sketch.box((x, 0, 0), (0.1, 2 * high, 1), accent.rgb, op="paint")
        draft.features.append(f"with {accent.phrase} stripes")
        draft.synonyms.append("striped fish")
    elif style == 1:
        sketch.box((0.05, -0.5 - 0.45 * high, 0), (0.9, 1, 1), accent.rgb, op="paint")
        draft.features.append(f"with a {accent.phrase} belly")
    elif style >= 3:
        draft.features.append(f"with {accent.phrase} fins")
    if high > 0.3:
        draft.adjectives.append("round")
    elif high < 0.22:
        draft.adjectives.append("slender")
    return draft
