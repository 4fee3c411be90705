"""People."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.categories.details import accent
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Colour, Sketch, Vector

# Complexions are no basic colours, so no caption names them.
_SKINS = ((0.94, 0.78, 0.66), (0.86, 0.66, 0.50), (0.66, 0.46, 0.33), (0.42, 0.28, 0.20))
# Where legs are bare, garments stand out against them.
_NOT_LIKE_SKIN = ("red", "green", "blue", "light blue", "purple", "pink", "black", "white", "grey")
_HIP, _SHOULDER, _HEAD = 0.46, 0.77, 0.93


def person(rng: np.random.Generator, palette: Palette) -> Draft:
    """A standing, walking or waving person in a shirt and trousers, a skirt, a dress or a suit."""
    finish = palette.finish()
    colour = finish.tone.rgb
    skin = palette.jitter(_SKINS[int(rng.integers(len(_SKINS)))])
    blocky = rng.uniform() < 0.25
    outfit = ("trousers", "shorts", "skirt", "dress", "suit")[
        int(rng.choice(5, p=(0.4, 0.14, 0.13, 0.15, 0.18)))
    ]
    sketch = Sketch()
    draft = Draft(sketch, "person", finish, ["human", "human figure", "character"])
    wide = rng.uniform(0.29, 0.38)
    with sketch.named("shirt"):
        middle = (0, (_HIP + _SHOULDER) / 2 - 0.02, 0)
        size = (wide, _SHOULDER - _HIP + 0.14, rng.uniform(0.18, 0.22))
        sketch.box(middle, size, colour, rounding=0.01 if blocky else 0.07)
        sketch.cylinder((0, _SHOULDER, 0), (0, _HEAD, 0), 0.05, skin)
    _clothe(draft, rng, palette, skin, outfit, blocky=blocky)
    _arms(draft, rng, skin, wide, blocky=blocky)
    size = rng.uniform(0.115, 0.145)
    with sketch.named("head"):
        if blocky:
            sketch.box((0, _HEAD + 0.02, 0), (1.8 * size, 1.8 * size, 1.7 * size), skin)
        else:
            sketch.ball((0, _HEAD + 0.02, 0), (size, 1.12 * size, size), skin)
        dark = palette.paint("black")
        for side in (-1, 1):
            at = (side * 0.38 * size, _HEAD + 0.04, 0.92 * size)
            sketch.ball(at, 0.026, dark, op="paint")
    _top(draft, rng, palette, size, blocky=blocky)
    if rng.uniform() < 0.15:
        with sketch.named("backpack"):
            pack = accent(draft, palette, "backpack")
            sketch.box((0, 0.64, -0.15), (0.8 * wide, 0.24, 0.14), pack, rounding=0.03)
    if blocky:
        draft.adjectives.append("blocky")
    if wide > 0.36:
        draft.adjectives.append("broad")
    elif wide < 0.31:
        draft.adjectives.append("slim")
    return draft


def _bar(
    sketch: Sketch,
    start: Vector,
    end: Vector,
    radii: tuple[float, float],
    colour: Colour,
    *,
    blocky: bool,
) -> None:
    """Part of a limb: a capsule, or a bar where the figure is blocky."""
    if not blocky:
        sketch.limb(start, end, radii[0], colour, top=radii[1])
        return
    across, along, ahead = (float(b) - float(a) for a, b in zip(start, end, strict=True))
    flat = math.hypot(across, along)
    # Up (local Y) is turned about X first and then about Z.
    turn = (math.degrees(math.atan2(ahead, flat)), 0, math.degrees(math.atan2(-across, along)))
    middle = [(float(a) + float(b)) / 2 for a, b in zip(start, end, strict=True)]
    size = (2 * radii[0], math.hypot(flat, ahead) + 1.2 * radii[0], 2 * radii[0])
    sketch.box(middle, size, colour, turn=turn)


def _clothe(
    draft: Draft,
    rng: np.random.Generator,
    palette: Palette,
    skin: Colour,
    outfit: str,
    *,
    blocky: bool,
) -> None:
    """Legs, shoes and what covers the legs; notes the garments' colours."""
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    garment, top = colour, draft.finish.tone
    if outfit in ("trousers", "shorts", "skirt"):
        tones = () if outfit == "trousers" else _NOT_LIKE_SKIN
        garment = accent(draft, palette, outfit, *tones)
        draft.worn = "shirt"
    elif outfit == "suit" and rng.uniform() < 0.5:
        # All in one colour: "a red person" is true as well.
        draft.features.append("in a suit")
    else:
        draft.worn = outfit
    if outfit == "suit":
        draft.synonyms += ["man", "worker"]
    draft.part_tones[draft.worn or "suit"] = top
    bare = outfit in ("skirt", "dress")
    if bare:
        draft.synonyms += ["woman", "girl"]
    shoes = accent(draft, palette, "shoes", "black", "brown", "white", "red", "dark blue")
    stride = rng.uniform(0.08, 0.13) if rng.uniform() < 0.3 else 0.0
    if stride:
        draft.features.append("walking")
    for side in (-1, 1):
        x, z = side * 0.078, side * stride
        hip, knee, ankle = (x, _HIP, 0), (x, 0.26, 0.6 * z + abs(z) * 0.2), (x, 0.06, z)
        with sketch.named(outfit if outfit in ("trousers", "shorts", "suit") else "legs"):
            upper, lower = garment, garment if outfit != "shorts" else skin
            if bare:
                # Tights under a skirt, bare legs under a dress.
                upper = lower = colour if outfit == "skirt" else skin
            _bar(sketch, hip, knee, (0.062, 0.054), upper, blocky=blocky)
            _bar(sketch, knee, ankle, (0.052, 0.044), lower, blocky=blocky)
        with sketch.named("shoes"):
            if blocky:
                sketch.box((x, 0.035, z + 0.03), (0.125, 0.09, 0.19), shoes)
            else:
                sketch.ball((x, 0.035, z + 0.035), (0.062, 0.05, 0.105), shoes)
    if bare:
        with sketch.named(outfit):
            hem = 0.14 if outfit == "dress" else 0.3
            flare = rng.uniform(0.17, 0.23) if outfit == "dress" else 0.16
            sketch.cylinder((0, hem, 0), (0, 0.52, 0), flare, garment, top=0.11, rounding=0.01)
    elif outfit != "suit":
        with sketch.named(outfit):
            sketch.box((0, _HIP - 0.06, 0), (0.26, 0.09, 0.17), garment, rounding=0.03)
    if outfit == "suit" and rng.uniform() < 0.6:
        with sketch.named("tie"):
            tie = accent(draft, palette, "tie")
            sketch.box((0, 0.68, 0.095), (0.055, 0.19, 0.05), tie, rounding=0.01)


def _arms(
    draft: Draft, rng: np.random.Generator, skin: Colour, wide: float, *, blocky: bool
) -> None:
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    pose = ("down", "out", "wave")[int(rng.choice(3, p=(0.55, 0.2, 0.25)))]
    sleeves = rng.uniform() < 0.75
    draft.features.append("with long sleeves" if sleeves else "with short sleeves")
    if pose == "out":
        draft.features.append("with outstretched arms")
    elif pose == "wave":
        # One posture is enough for a caption.
        draft.features = [f for f in draft.features if f != "walking"] + ["waving"]
        draft.synonyms.append("waving person")
    edge = wide / 2 - 0.02
    for side in (-1, 1):
        # Places by how far out and how far above the shoulder.
        out, up, far, high = 0.12, -0.14, 0.17, -0.29
        if pose == "out":
            out, up, far, high = 0.15, 0.0, 0.32, 0.0
        elif pose == "wave" and side == 1:
            out, up, far, high = 0.16, 0.03, 0.19, 0.2
        shoulder = (side * edge, _SHOULDER - 0.04, 0.0)
        elbow = (side * (edge + out), shoulder[1] + up, 0.0)
        hand = (side * (edge + far), shoulder[1] + high, 0.0)
        with sketch.named("arms"):
            _bar(sketch, shoulder, elbow, (0.055, 0.048), colour, blocky=blocky)
            lower = colour if sleeves else skin
            _bar(sketch, elbow, hand, (0.046, 0.04), lower, blocky=blocky)
            sketch.ball(hand, 0.055, skin)


def _top(
    draft: Draft, rng: np.random.Generator, palette: Palette, size: float, *, blocky: bool
) -> None:
    """Hair, beard and hat."""
    sketch, crown = draft.sketch, _HEAD + 0.02
    woman = "woman" in draft.synonyms
    style = int(rng.choice(4, p=(0.05, 0.45, 0.25, 0.25) if woman else (0.6, 0.16, 0.08, 0.16)))
    hatted = rng.uniform() < 0.3
    bald = not woman and not hatted and rng.uniform() < 0.12
    shades = ("brown", "dark brown", "black", "yellow", "orange", "grey", "white", "red", "pink")
    if bald:
        draft.adjectives.append("bald")
        hair = palette.paint("brown")
    else:
        hair = accent(draft, palette, "hair", *shades)
    with sketch.named("hair"):
        if not bald and blocky:
            back = (0, crown + 0.35 * size, -0.25 * size)
            sketch.box(back, (2.05 * size, 1.35 * size, 1.6 * size), hair)
        elif not bald:
            back = (0, crown + 0.26 * size, -0.2 * size)
            sketch.ball(back, (1.12 * size, 1.02 * size, 1.02 * size), hair)
        if style == 1 and not bald:
            low = (0, crown - 0.6 * size, -0.55 * size)
            extent = (1.0 * size, 1.35 * size, 0.55 * size)
            if blocky:
                sketch.box(low, [1.9 * e for e in extent], hair)
            else:
                sketch.ball(low, extent, hair)
            draft.features.append("with long hair")
        elif style == 2 and not bald:
            sketch.ball((0, crown + 0.95 * size, -0.75 * size), 0.5 * size, hair)
            draft.features.append("with a bun")
        elif style == 3 and not bald:
            root = (0, crown + 0.5 * size, -0.9 * size)
            joint = (0, crown + 0.3 * size, -1.5 * size)
            sketch.limb(root, joint, 0.05, hair)
            sketch.limb(joint, (0, crown - 0.8 * size, -1.7 * size), 0.055, hair, top=0.035)
            draft.features.append("with a ponytail")
    if not woman and rng.uniform() < 0.25:
        with sketch.named("beard"):
            beard = accent(draft, palette, "beard", *shades) if bald else hair
            at, extent = (0, crown - 0.7 * size, 0.5 * size), (0.7 * size, 0.6 * size, 0.55 * size)
            if blocky:
                sketch.box(at, [1.7 * e for e in extent], beard)
            else:
                sketch.ball(at, extent, beard)
        draft.features.append("with a beard")
    if style == 0 and not woman:
        draft.synonyms += ["man", "boy"]
    if hatted:
        kind = int(rng.integers(3))
        with sketch.named("hat" if kind else "cap"):
            hat = accent(draft, palette, "hat" if kind else "cap")
            brow = crown + 0.5 * size
            if kind == 0:
                sketch.ball((0, brow, -0.1 * size), (1.22 * size, 0.95 * size, 1.22 * size), hat)
                sketch.box((0, brow, 1.1 * size), (1.3 * size, 0.045, 1.4 * size), hat)
            else:
                broad = 1.9 if kind == 1 else 1.5
                low, high = (0, brow, -0.1 * size), (0, brow + 0.045, -0.1 * size)
                sketch.cylinder(low, high, broad * size, hat, rounding=0.01)
                top = (0, brow + (0.9 if kind == 1 else 1.5) * size, -0.1 * size)
                sketch.cylinder(low, top, 1.2 * size, hat, top=1.0 * size, rounding=0.02)
                draft.features.append("with a wide hat" if kind == 1 else "with a top hat")
