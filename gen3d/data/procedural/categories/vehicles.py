"""Cars, airplanes and sailboats."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch

# Turns the drawing plane of prisms: outline x becomes forward (+Z), y stays up.
_SIDE_ON = (0, -90, 0)
# Outline y becomes forward (+Z), x stays right.
_FLAT = (90, 0, 0)


def car(rng: np.random.Generator, palette: Palette) -> Draft:
    """A car that points along +Z: sedan, hatchback, sports car, van or pickup."""
    finish = palette.finish("metal", "plastic", plain=0.8, painted=0.7)
    colour = finish.tone.rgb
    style = ("sedan", "hatchback", "sports car", "van", "pickup truck")[int(rng.integers(5))]
    scale = {"sedan": 1.0, "hatchback": 0.85, "sports car": 0.96, "van": 1.05}.get(style, 1.1)
    length, width = 4.2 * scale * rng.uniform(0.93, 1.07), rng.uniform(1.65, 2.0)
    low = style == "sports car"
    wheel = rng.uniform(0.36, 0.46)
    floor, belt = 0.6 * wheel, rng.uniform(0.85, 0.95) - 0.12 * low
    roof = belt + rng.uniform(0.5, 0.66) - 0.12 * low + (0.25 if style == "van" else 0.0)
    # Cabin along z in fractions of the length: foot and roof of the rear, roof and foot in front.
    spans = {
        "sedan": (-0.34, -0.22, 0.06, 0.21),
        "hatchback": (-0.48, -0.38, 0.08, 0.24),
        "sports car": (-0.36, -0.14, 0.0, 0.17),
        "van": (-0.49, -0.47, 0.22, 0.36),
        "pickup truck": (-0.12, -0.09, 0.10, 0.22),
    }
    a, b, c, d = (length * s + rng.uniform(-0.05, 0.05) for s in spans[style])
    sketch = Sketch()
    middle, half = (floor + belt) / 2, length / 2
    sketch.box((0, middle, 0), (width, belt - floor, length), colour, rounding=0.14)
    cabin = [(a, belt - 0.15), (b, roof), (c, roof), (d, belt - 0.15)]
    sketch.prism(cabin, (0, 0, 0), 0.88 * width, colour, rounding=0.06, turn=_SIDE_ON, blend=0.1)
    pane = palette.paint("light blue" if finish.tone.name == "black" else "black")
    rise, mid = roof - belt, (b + c) / 2
    for lo, hi in ((b + 0.06, mid - 0.06), (mid + 0.06, c + 0.04)):
        if hi - lo > 0.2:
            at, size = (0, belt + 0.5 * rise, (lo + hi) / 2), (2.2, 0.62 * rise, hi - lo)
            sketch.box(at, size, pane, rounding=0.03, op="paint")
    for lo, hi in ((a - 0.4, b - 0.02), (c + 0.04, d + 0.4)):
        at, size = (0, belt + 0.5 * rise, (lo + hi) / 2), (0.72 * width, 0.66 * rise, hi - lo)
        sketch.box(at, size, pane, op="paint")
    hub = palette.paint("light grey")
    axle, tyre = (
        0.3 * length,
        palette.paint("dark grey" if finish.tone.name == "black" else "black"),
    )
    for x, z in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        out, into = x * (width / 2 + 0.05), x * (width / 2 - 0.3)
        ends = ((into, wheel, z * axle), (out, wheel, z * axle))
        sketch.cylinder(*ends, wheel, tyre, rounding=0.05)
        rim = (x * (width / 2 + 0.2), wheel, z * axle)
        sketch.cylinder(ends[0], rim, 0.52 * wheel, hub, op="paint")
        lamp = palette.paint("yellow" if z > 0 else "dark red")
        at = (x * 0.36 * width, belt - 0.24, z * half)
        sketch.ball(at, (0.2, 0.12, 0.2), lamp, op="paint")
    if style == "pickup truck":
        # Walls around the open bed behind the cabin.
        far = a + half
        for x in (-1, 1):
            at = (x * (width / 2 - 0.1), belt, -half + far / 2)
            sketch.box(at, (0.2, 0.36, far), colour, rounding=0.05)
        sketch.box((0, belt, -half + 0.1), (width, 0.36, 0.2), colour, rounding=0.05)
    draft = Draft(sketch, "car", finish, [style, "automobile"])
    if low or style == "van":
        draft.adjectives.append("low" if low else "tall")
    dark = finish.tone.name == "black"
    draft.features.append("with light blue windows" if dark else "with black wheels")
    return draft


def airplane(rng: np.random.Generator, palette: Palette) -> Draft:
    """An airplane that points along +Z: airliner, propeller plane or biplane."""
    finish = palette.finish("metal", "plastic", plain=0.7, painted=0.7)
    colour, accent = finish.tone.rgb, palette.any(other_than=finish.tone.name)
    style = ("jet", "propeller", "biplane")[int(rng.choice(3, p=(0.5, 0.3, 0.2)))]
    jet, two = style == "jet", style == "biplane"
    girth, span = rng.uniform(0.062, 0.088) + 0.012 * (not jet), rng.uniform(0.44, 0.6)
    sweep = rng.uniform(0.12, 0.26) if jet else rng.uniform(-0.02, 0.03)
    root, tip = rng.uniform(0.22, 0.3), rng.uniform(0.1, 0.14) if jet else rng.uniform(0.16, 0.22)
    ahead = rng.uniform(0.05, 0.14)
    sketch = Sketch()
    sketch.limb((0, 0, -0.45), (0, 0, 0.4), 0.5 * girth, colour, top=girth)
    sketch.ball((0, 0, 0.1), (girth, girth, 0.42), colour, blend=0.05)
    wing = [(0, ahead), (span, ahead - sweep), (span, ahead - sweep - tip), (0, ahead - root)]
    wing += [(-x, y) for x, y in wing[2:0:-1]]
    level = rng.uniform(-0.6, 0.6) * girth if not two else -0.6 * girth
    sketch.prism(wing, (0, level, 0), 0.046, colour, rounding=0.012, turn=_FLAT, blend=0.02)
    if two:
        sketch.prism(wing, (0, level + 0.24, 0), 0.046, colour, rounding=0.012, turn=_FLAT)
        for x in (-0.68 * span, -0.05, 0.05, 0.68 * span):
            foot = ahead - 0.5 * root
            sketch.cylinder((x, level, foot), (x, level + 0.24, foot), 0.022, accent.rgb)
    for x in (-1, 1):
        end = (x * (span - 0.07), 0, ahead - 0.5)
        sketch.box(end, (0.14, 1, 1.4), accent.rgb, op="paint")
    tail, fin = 0.44 * span, rng.uniform(0.17, 0.24)
    back = [(0, -0.32), (tail, -0.4), (tail, -0.49), (0, -0.48)]
    back += [(-x, y) for x, y in back[2:0:-1]]
    raised = jet and rng.uniform() < 0.25
    rise = fin if raised else 0.1 * girth
    sketch.prism(back, (0, rise, 0), 0.046, colour, rounding=0.012, turn=_FLAT)
    upright = [(-0.3, 0), (-0.42, fin), (-0.5, fin), (-0.47, 0)]
    sketch.prism(upright, (0, 0, 0), 0.046, accent.rgb, rounding=0.012, turn=_SIDE_ON)
    pane = palette.paint("grey" if finish.tone.name == "black" else "black")
    sketch.box((0, 0.55 * girth, 0.41), (0.3, 0.4 * girth, 0.12), pane, op="paint")
    draft = Draft(sketch, "airplane", finish, ["plane", "aeroplane", "aircraft"])
    if jet:
        count = int(rng.integers(1, 3))
        metal = palette.paint("grey")
        for side in (-1, 1):
            for i in range(count):
                x = span * (0.36 if count == 1 else 0.3 + 0.3 * i)
                z = ahead - sweep * x / span
                ends = ((side * x, level - 0.035, z - 0.13), (side * x, level - 0.035, z + 0.05))
                sketch.cylinder(*ends, 0.036, metal, top=0.045, rounding=0.01)
        draft.synonyms.append("jet")
        draft.features.append(f"with {'two' if count == 1 else 'four'} engines")
    else:
        blade = rng.uniform(0.14, 0.2)
        sketch.limb((0, 0, 0.42), (0, 0, 0.52), 0.045, accent.rgb, top=0.03)
        sketch.box((0, 0, 0.52), (0.06, 2 * blade, 0.045), pane, rounding=0.02)
        if rng.uniform() < 0.4:
            sketch.box((0, 0, 0.52), (2 * blade, 0.06, 0.045), pane, rounding=0.02)
        if not two and rng.uniform() < 0.6:
            sketch.ball((0, 0.9 * girth, 0.16), (0.7 * girth, 0.8 * girth, 0.13), pane)
        draft.synonyms.append("biplane" if two else "propeller plane")
        draft.features.append("with a propeller")
    return draft


def sailboat(rng: np.random.Generator, palette: Palette) -> Draft:
    """A sailboat with its bow along +X, so that the sails face +Z."""
    finish = palette.finish("wooden", plain=0.75)
    colour = finish.tone.rgb
    other = (
        palette.any("white") if rng.uniform() < 0.5 else palette.any(other_than=finish.tone.name)
    )
    if other.name == finish.tone.name:
        other = palette.any(other_than=finish.tone.name)
    matched = rng.uniform() < 0.4
    long, deep, wide = rng.uniform(0.58, 0.72), rng.uniform(0.36, 0.46), rng.uniform(0.25, 0.33)
    mast, at = rng.uniform(0.82, 1.05), rng.uniform(0.0, 0.14)
    sketch = Sketch()
    sketch.ball((0, 0, 0), (long, deep, wide), colour)
    sketch.box((0, 0.5, 0), (2, 1, 2), colour, op="cut")
    # A gunwale that rises towards the bow.
    sketch.box((0.35 * long, -0.02, 0), (0.5 * long, 0.1, 0.9 * wide), colour, rounding=0.04)
    wood = palette.paint("black" if finish.tone.name == "brown" else "brown")
    sketch.cylinder((at, -0.15, 0), (at, mast, 0), 0.036, wood)
    cloth = colour if matched else other.rgb
    foot, reach = rng.uniform(0.1, 0.15), 0.74 * long + at - rng.uniform(0, 0.1)
    top = mast - rng.uniform(0.02, 0.08)
    main = [(0, foot), (0, top), (-0.45 * reach, 0.5 * (top + foot)), (-0.92 * reach, foot)]
    square = rng.uniform() < 0.2
    if square:
        main = [(0.1, foot), (0.0, top), (-0.62 * reach, top + 0.05), (-0.85 * reach, foot)]
    sketch.prism(main, (at, 0, 0), 0.055, cloth, rounding=0.02)
    boom = ((at, foot, 0), (at - 0.94 * reach, foot, 0))
    sketch.cylinder(*boom, 0.036, wood)
    # The ellipsoid's part above the deck is cut off but would still colour the rigging in it.
    sketch.box((0, foot + 0.25, 0), (3, 0.5, 0.2), cloth, op="paint")
    sketch.cylinder(*boom, 0.042, wood, op="paint")
    sketch.cylinder((at, 0.01, 0), (at, mast, 0), 0.042, wood, op="paint")
    draft = Draft(sketch, "sailboat", finish, ["sailing boat", "boat", "yacht"])
    if rng.uniform() < (0.8 if matched else 0.45):
        head = rng.uniform(0.6, 0.9) * mast
        jib = [(-0.02, head), (-0.02, foot + 0.04), (0.72 * (long - at), foot + 0.01)]
        sketch.prism(jib, (at, 0, 0), 0.055, cloth, rounding=0.02)
        # The stay's foot ties the jib to the deck.
        tack = (at + 0.62 * (long - at), foot + 0.02, 0)
        sketch.cylinder((tack[0], -0.05, 0), tack, 0.034, wood)
        draft.features.append("with two sails" if matched else f"with two {other.phrase} sails")
    else:
        draft.features.append("with one sail" if matched else f"with a {other.phrase} sail")
    if matched:
        sketch.box((0, -0.62 * deep - 0.5, 0), (2, 1, 2), other.rgb, op="paint")
    if rng.uniform() < 0.4:
        flag = palette.any(other_than=finish.tone.name)
        pennant = [(0, mast - 0.02), (0, mast + 0.12), (0.2, mast + 0.05)]
        sketch.prism(pennant, (at, 0, 0), 0.06, flag.rgb, rounding=0.015)
        draft.features.append("with a flag")
    if rng.uniform() < 0.35 and at > 0.03:
        cabin = (at - 0.24, -0.02, 0)
        sketch.box(cabin, (0.34, 0.16, 1.0 * wide), colour, rounding=0.03)
    if mast > 1.0:
        draft.adjectives.append("tall")
    return draft
