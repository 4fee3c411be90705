"""Apples, bananas and pineapples."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.categories.details import accent, around, wedge
from gen3d.data.procedural.categories.natural import natural_finish
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Colour, Sketch

_BEND = 0.55  # Radius of the arc along which bananas grow.


def apple(rng: np.random.Generator, palette: Palette) -> Draft:
    """An apple with a stem and leaves: whole, bitten, or with a slice cut out."""
    finish = natural_finish(palette, "red", "dark red", "green", "light green", "yellow")
    colour = finish.tone.rgb
    squash, waist = rng.uniform(0.8, 1.12), rng.uniform(0.3, 0.42)
    sketch = Sketch()
    draft = Draft(sketch, "apple", finish, ["fresh apple", "ripe apple"])
    sketch.ball((0, 0.06, 0), (0.5, 0.4 * squash, 0.5), colour)
    foot = -0.42 * squash
    sketch.ball((0, 0.6 * foot, 0), (waist, 0.32 * squash, waist), colour, blend=0.3)
    hollow = 0.06 + 0.44 * squash
    sketch.ball((0, hollow, 0), (0.15, 0.13, 0.15), colour, op="cut", blend=0.16)
    kind = rng.uniform()
    if kind < 0.25:
        inside = accent(draft, palette, "inside", "white", "light yellow")
        yaw, size = math.radians(rng.uniform(-20, 60)), rng.uniform(0.14, 0.18)
        for aside, rise in ((-0.28, -0.05), (0.0, 0.1), (0.28, -0.05)):
            x, z = 0.52 * math.sin(yaw + aside), 0.52 * math.cos(yaw + aside)
            with sketch.named("inside"):
                sketch.ball((x, squash * rise, z), size, inside, op="cut")
        draft.features.append("with a bite taken out")
        draft.synonyms.append("bitten apple")
    elif kind < 0.42:
        inside = accent(draft, palette, "inside", "white", "light yellow")
        yaw, opening = rng.uniform(-20, 60), rng.uniform(50, 100)
        with sketch.named("inside"):
            wedge(sketch, (0, 0, 0), 1.0, 1.4, inside, opening_deg=opening, yaw_deg=yaw)
        draft.features.append("with a slice cut out")
        draft.synonyms.append("cut apple")
    lean, long = rng.uniform(-0.12, 0.12), rng.uniform(0.16, 0.3)
    low = hollow - 0.24
    top = (lean, low + 0.16 + long, 0.0)
    with sketch.named("stem"):
        stem = accent(draft, palette, "stem", "brown", "dark brown", "green")
        sketch.limb((0, low, 0), top, 0.035, stem, top=rng.uniform(0.032, 0.05))
    leaves = int(rng.choice(3, p=(0.25, 0.5, 0.25)))
    if leaves:
        draft.counts["leaves"] = leaves
        green = accent(draft, palette, "leaves", "green", "dark green", "light green")
        start = rng.uniform(0, 360)
        with sketch.named("leaves"):
            for x, z, yaw in around(leaves, 0.15, start):
                at = (0.7 * lean + x, low + 0.12 + 0.75 * long, z)
                sketch.ball(at, (0.085, 0.025, 0.18), green, turn=(-20, yaw, 0))
    if squash > 1.02:
        draft.adjectives.append("tall")
    elif squash < 0.88:
        draft.adjectives.append("squat")
    return draft


def _on_arc(arc_deg: tuple[float, float], yaw_deg: float, share: float) -> tuple[float, ...]:
    """Point at a share of an arc that starts at 0; angles from the top, clockwise."""
    first, last = math.radians(arc_deg[0]), math.radians(arc_deg[1])
    angle = first + share * (last - first)
    out, yaw = _BEND * (math.sin(angle) - math.sin(first)), math.radians(yaw_deg)
    return out * math.sin(yaw), _BEND * (math.cos(angle) - math.cos(first)), out * math.cos(yaw)


def _banana(
    sketch: Sketch,
    arc_deg: tuple[float, float],
    yaw_deg: float,
    girth: float,
    colours: tuple[Colour, Colour, Colour],
) -> None:
    """One banana along an arc; colours of the skin, of what follows half-way, of the ends."""
    skin, rest, ends = colours
    shares = (0.08, 0.22, 0.38, 0.54, 0.7, 0.84, 0.95)
    points = [_on_arc(arc_deg, yaw_deg, share) for share in shares]
    radii = [girth * f for f in (0.5, 0.85, 1.0, 1.02, 0.98, 0.8, 0.45)]
    for i in range(6):
        peeled = i >= 3 and rest != skin
        with sketch.named("inside" if peeled else "bananas"):
            paint = rest if peeled else skin
            sketch.limb(points[i], points[i + 1], radii[i], paint, top=radii[i + 1])
    with sketch.named("ends"):
        start = _on_arc(arc_deg, yaw_deg, 0.0)
        sketch.limb(start, _on_arc(arc_deg, yaw_deg, 0.1), 0.036, ends, top=0.5 * girth)
        if rest == skin:
            sketch.ball(_on_arc(arc_deg, yaw_deg, 0.97), max(0.4 * girth, 0.036), ends)


def banana(rng: np.random.Generator, palette: Palette) -> Draft:
    """A single banana, a half-peeled one, or a bunch that hangs from its crown."""
    finish = natural_finish(palette, "yellow", "light yellow", "green", "yellow")
    colour = finish.tone.rgb
    sketch = Sketch()
    draft = Draft(sketch, "banana", finish, ["ripe banana"])
    ends = accent(draft, palette, "ends", "brown", "dark brown", "black", "green")
    girth, bend = rng.uniform(0.085, 0.13), rng.uniform(70, 125)
    kind = rng.uniform()
    if kind < 0.28:
        fruits = int(rng.integers(2, 6))
        spread = rng.uniform(28, 36)
        for i in range(fruits):
            yaw = 90 + spread * (i - (fruits - 1) / 2)
            skin = palette.jitter(colour, 0.01)
            _banana(sketch, (8, 8 + bend), yaw, 0.8 * girth, (skin, skin, ends))
        with sketch.named("stem"):
            sketch.limb((0, -0.03, 0), (-0.06, 0.1, 0), 0.085, ends, top=0.05)
        draft.noun, draft.synonyms = "bunch of bananas", ["banana bunch", "bananas"]
        draft.counts["bananas"] = fruits
        bend = 0
    elif kind < 0.48:
        inside = accent(draft, palette, "inside", "white", "light yellow")
        bend = min(bend, 90)
        arc = (90 + bend / 2, 90 - bend / 2)
        _banana(sketch, arc, 90, girth, (colour, inside, ends))
        out, rise, _ = _on_arc(arc, 90, 0.54)
        flaps = int(rng.integers(3, 5))
        with sketch.named("peel"):
            for x, z, _ in around(flaps, 1.0, rng.uniform(0, 90)):
                joint = (out + 0.7 * girth * x, rise - 0.05, 0.7 * girth * z)
                elbow = (out + (girth + 0.12) * x, rise + 0.03, (girth + 0.12) * z)
                tip = (out + (girth + 0.24) * x, rise - 0.24, (girth + 0.24) * z)
                sketch.limb(joint, elbow, 0.07, colour, top=0.055)
                sketch.limb(elbow, tip, 0.055, colour, top=0.03)
        draft.features.append("half peeled")
        draft.synonyms = ["peeled banana"]
    else:
        arc = (180 + bend / 2, 180 - bend / 2)
        _banana(sketch, arc, 90, girth, (colour, colour, ends))
        if rng.uniform() < 0.3:
            spots = accent(draft, palette, "spots", "brown", "dark brown", "black")
            for share in (0.3, 0.52, 0.72):
                x, y, _ = _on_arc(arc, 90, share)
                at = (x, y + rng.uniform(-0.04, 0.04), 0.95 * girth)
                with sketch.named("spots"):
                    sketch.ball(at, (0.055, 0.045, 0.05), spots, op="paint")
    if bend > 105:
        draft.adjectives.append("curved")
    if girth > 0.118:
        draft.adjectives.append("thick")
    elif girth < 0.095:
        draft.adjectives.append("thin")
    return draft


def pineapple(rng: np.random.Generator, palette: Palette) -> Draft:
    """A pineapple: a bumpy, grooved or smooth body under a crown of pointed leaves."""
    finish = natural_finish(palette, "yellow", "orange", "light brown", "bright orange")
    colour = finish.tone.rgb
    girth, high = rng.uniform(0.3, 0.38), rng.uniform(0.38, 0.5)
    sketch = Sketch()
    draft = Draft(sketch, "pineapple", finish, ["fresh pineapple", "ripe pineapple"])
    sketch.ball((0, 0, 0), (girth, high, girth), colour)
    sketch.cylinder((0, -high, 0), (0, -0.7 * high, 0), 0.6 * girth, colour, rounding=0.02)
    skin = int(rng.choice(3, p=(0.6, 0.2, 0.2)))
    if skin == 0:
        for row, latitude in enumerate((-48, -16, 16, 48)):
            level = math.radians(latitude)
            count = 8 if abs(latitude) < 30 else 6
            ring, y = 0.97 * girth * math.cos(level), 0.97 * high * math.sin(level)
            for x, z, yaw in around(count, ring, 22.5 * (row % 2)):
                shade = palette.jitter(colour, 0.01)
                sketch.ball((x, y, z), (0.07, 0.075, 0.05), shade, turn=(0, yaw, 0))
        draft.features.append("with a bumpy skin")
    elif skin == 1:
        groove = accent(draft, palette, "stripes", "brown", "dark brown", "orange")
        for tilt in (-35, 35):
            for y in (-0.22, 0.0, 0.22):
                at, size = (0, 2 * y * high, 0), (1.2, 0.035, 1.2)
                with sketch.named("stripes"):
                    sketch.box(at, size, groove, turn=(0, 0, tilt), op="paint")
        draft.features.append("with a crossed pattern")
    outer, inner = int(rng.integers(4, 8)), int(rng.integers(1, 5))
    reach, rise = rng.uniform(0.2, 0.32), rng.uniform(0.2, 0.3)
    leaf = accent(draft, palette, "leaves", "green", "dark green", "light green")
    with sketch.named("leaves"):
        foot = 0.9 * high
        for x, z, _ in around(outer, 1.0, rng.uniform(0, 60)):
            middle = (0.55 * reach * x, foot + 0.8 * rise, 0.55 * reach * z)
            sketch.limb((0.05 * x, foot, 0.05 * z), middle, 0.055, leaf, top=0.05)
            tip = (reach * x, foot + 1.05 * rise, reach * z)
            sketch.limb(middle, tip, 0.05, leaf, top=0.02)
        for x, z, _ in around(inner, 1.0 if inner > 1 else 0.0, rng.uniform(0, 60)):
            tip = (0.13 * x, foot + rise + 0.2, 0.13 * z)
            sketch.limb((0.02 * x, foot, 0.02 * z), tip, 0.06, leaf, top=0.022)
    draft.counts["leaves"] = outer + inner
    if high / girth > 1.42:
        draft.adjectives.append("tall")
    elif high / girth < 1.15:
        draft.adjectives.append("round")
    return draft
