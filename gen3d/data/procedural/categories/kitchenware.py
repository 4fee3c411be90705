"""Bowls and frying pans."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.categories.details import accent, around
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def bowl(rng: np.random.Generator, palette: Palette) -> Draft:
    """A bowl on a foot: round, flared or straight; empty, or with soup or fruit."""
    finish = palette.finish("ceramic", "ceramic", "porcelain", "wooden", "glass", "metal")
    colour = finish.tone.rgb
    form = int(rng.integers(3))
    high = rng.uniform(0.3, 0.52) if form != 2 else rng.uniform(0.22, 0.36)
    wide, wall = 0.5, rng.uniform(0.045, 0.07)
    foot = rng.uniform(0.2, 0.3)
    sketch = Sketch()
    draft = Draft(sketch, "bowl", finish, ["round bowl", "dish"])
    inner = wide - wall
    lined = form != 1 and rng.uniform() < 0.4
    filled = 0.0 if lined else rng.uniform()
    # What is in a full bowl lies on a floor half-way up.
    deep = (0.32 * high) if filled > 0.55 else high - rng.uniform(0.06, 0.09)
    low = (0.0, foot + 0.05, 0.44)[form]
    # The hollow is a little wider above the rim.
    flare = inner + 0.1 * (wide - low) / high

    def edge(y: float) -> float:
        """Outer radius at a height."""
        if form == 0:
            return wide * math.sqrt(1 - ((high - y) / high) ** 2)
        return low + (wide - low) * y / high

    if form == 0:
        arc = [math.radians(a) for a in range(0, 91, 15)]
        outer = [(wide * math.sin(a), high * (1 - math.cos(a))) for a in arc]
        hollow = [(inner * math.sin(a), high - deep * math.cos(a)) for a in arc]
        sketch.lathe([*outer, *hollow[::-1]], (0, 0, 0), colour)
    else:
        sketch.cylinder((0, 0, 0), (0, high, 0), low, colour, top=wide, rounding=0.02)
        floor, top = (0, high - deep, 0), (0, high + 0.1, 0)
        narrow = low + (inner + wall - low) * (high - deep) / high - wall
        sketch.cylinder(floor, top, narrow, colour, top=flare, op="cut")
    if lined:
        inside = accent(draft, palette, "inside", "white", "light yellow", "black", "light blue")
        with sketch.named("inside"):
            if form == 0:
                over = inner + 0.02
                sketch.ball((0, high, 0), (over, deep + 0.02, over), inside, op="paint")
            else:
                floor, top = (0, high - deep - 0.01, 0), (0, high + 0.1, 0)
                sketch.cylinder(floor, top, narrow + 0.02, inside, top=flare + 0.02, op="paint")
    if rng.uniform() < 0.8 or form == 0:
        with sketch.named("foot"):
            sketch.cylinder((0, -0.05, 0), (0, 0.12, 0), foot, colour, rounding=0.02)
    if not lined and rng.uniform() < 0.5:
        with sketch.named("rim"):
            rim = accent(draft, palette, "rim")
            sketch.ring((0, high, 0), wide - 0.5 * wall, 0.035, rim, turn=(90, 0, 0))
    else:
        sketch.ring((0, high - 0.005, 0), wide - 0.5 * wall, 0.5 * wall, colour, turn=(90, 0, 0))
    # Stripes together with contents or lining could outweigh the bowl.
    if rng.uniform() < 0.3 and not lined and filled <= 0.55:
        stripes = int(rng.integers(1, 2 + (high > 0.34) + (high > 0.44)))
        band = accent(draft, palette, "stripes")
        for i in range(stripes):
            y = high - 0.11 - 0.1 * i
            # Bands are hollow, so that the inside keeps its colour.
            inner_edge, far = edge(y) - 0.03, wide + 0.05
            ring = [(inner_edge, -0.025), (far, -0.025), (far, 0.025), (inner_edge, 0.025)]
            with sketch.named("stripes"):
                sketch.lathe(ring, (0, y, 0), band, op="paint")
        draft.counts["stripes"] = stripes
    if filled > 0.55:
        y = high - deep
        _fill_bowl(draft, rng, palette, y, (edge(y - 0.03) - wall / 2, edge(y + 0.05) - wall / 2))
    if rng.uniform() < 0.15:
        with sketch.named("handles"):
            for side in (-1, 1):
                at, turn = (side * (edge(high - 0.06) - 0.03), high - 0.06, 0), (90, side * 90, 0)
                sketch.ring(at, 0.1, 0.03, colour, arc_deg=180, turn=turn)
        draft.features.append("with two handles")
    if high > 0.45:
        draft.adjectives.append("deep")
    elif high < 0.3:
        draft.adjectives.append("shallow")
    return draft


def _fill_bowl(
    draft: Draft,
    rng: np.random.Generator,
    palette: Palette,
    level: float,
    radii: tuple[float, float],
) -> None:
    """Soup, or counted fruits, at height ``level``; the radii reach into the wall there."""
    sketch = draft.sketch
    low, high = (0, level - 0.03, 0), (0, level + 0.05, 0)
    if rng.uniform() < 0.5:
        with sketch.named("soup"):
            soup = accent(draft, palette, "soup", "orange", "dark red", "light yellow", "green")
            sketch.cylinder(low, high, radii[0], soup, top=radii[1])
        draft.synonyms.append("bowl of soup")
    else:
        count = int(rng.integers(3, 6))
        with sketch.named("fruits"):
            fruit = accent(draft, palette, "fruits", "red", "orange", "yellow", "light green")
            # Also between the fruits, so that no hollow is shut in below them.
            sketch.cylinder(low, high, radii[0], fruit, top=radii[1])
            for x, z, _ in around(count, 0.52 * radii[0], rng.uniform(0, 90)):
                sketch.ball((x, level + 0.05, z), 0.12, fruit)
        draft.counts["fruits"] = count
        draft.synonyms.append("fruit bowl")


def frying_pan(rng: np.random.Generator, palette: Palette) -> Draft:
    """A frying pan with a long handle along +X, sometimes with eggs in it."""
    finish = palette.finish("metal", "iron", "steel", "copper")
    colour = finish.tone.rgb
    wide, deep = rng.uniform(0.3, 0.36), rng.uniform(0.09, 0.2)
    wall = 0.035
    square = rng.uniform() < 0.15
    sketch = Sketch()
    draft = Draft(sketch, "frying pan", finish, ["pan", "skillet", "cooking pan"])
    if square:
        sketch.box((0, deep / 2, 0), (2 * wide, deep, 2 * wide), colour, rounding=0.03)
        inner = 2 * (wide - wall)
        sketch.box((0, 0.55, 0), (inner, 1.0, inner), colour, rounding=0.03, op="cut")
        draft.adjectives.append("square")
    else:
        low = wide * rng.uniform(0.8, 0.97)
        sketch.cylinder((0, 0, 0), (0, deep, 0), low, colour, top=wide, rounding=0.015)
        top = (0, 2 * deep - 0.04, 0)
        over = wide + (wide - low) * (deep - 0.04) / deep
        sketch.cylinder((0, 0.04, 0), top, low - wall, colour, top=over - wall, op="cut")
    floor = 0.05 if square else 0.04
    coated = rng.uniform() < 0.3
    if coated:
        coat = accent(draft, palette, "inside", "black", "dark grey", "light yellow", "white")
        radius = wide - wall + 0.01
        with sketch.named("inside"):
            if square:
                sketch.box((0, 0.5, 0), (2 * radius, 0.92, 2 * radius), coat, op="paint")
            else:
                ends, foot = ((0, 0.03, 0), (0, deep - 0.01, 0)), low - wall + 0.01
                sketch.cylinder(*ends, foot, coat, top=radius, op="paint")
    two_toned = rng.uniform() < 0.65
    grip = accent(draft, palette, "handle") if two_toned else colour
    long, rise = rng.uniform(0.36, 0.5), rng.uniform(0.0, 0.14)
    height = max(0.6 * deep, 0.06)
    start, end = (wide - 0.06, height, 0.0), (wide + long, height + rise, 0.0)
    middle = (wide + 0.25 * long, height + 0.25 * rise, 0.0)
    with sketch.named("handle"):
        sketch.limb(start, middle, 0.028, colour)
        if rng.uniform() < 0.5:
            sketch.limb(middle, end, 0.032, grip, top=0.045)
        else:
            tilt = math.degrees(math.atan2(rise, long))
            at = [(a + b) / 2 for a, b in zip(middle, end, strict=True)]
            size = (0.8 * long, 0.045, rng.uniform(0.07, 0.1))
            sketch.box(at, size, grip, rounding=0.02, turn=(0, 0, tilt))
        if rng.uniform() < 0.45:
            at = (end[0] + 0.03, end[1], end[2])
            sketch.ring(at, 0.05, 0.024, grip, turn=(90, 0, 0))
            draft.features.append("with a hanging loop")
    if rng.uniform() < 0.2:
        with sketch.named("helper handle"):
            sketch.ring((-wide - 0.01, 0.7 * deep, 0), 0.08, 0.024, colour, turn=(90, 0, 0))
        draft.features.append("with a small second handle")
    if not coated and rng.uniform() < 0.5:
        _fry(draft, rng, palette, floor, wide - wall)
    if deep > 0.165:
        draft.adjectives.append("deep")
    elif deep < 0.11:
        draft.adjectives.append("shallow")
    return draft


def _fry(
    draft: Draft, rng: np.random.Generator, palette: Palette, floor: float, inner: float
) -> None:
    """Fried eggs with their yolks."""
    sketch = draft.sketch
    eggs = int(rng.integers(1, 4))
    white = palette.any("white", "light yellow", other_than=draft.finish.tone.name)
    yolk = palette.any("yellow", "orange", other_than=white.name)
    with sketch.named("eggs"):
        for x, z, _ in around(eggs, 0.0 if eggs == 1 else 0.5 * inner, rng.uniform(0, 90)):
            size = 0.13 if eggs == 1 else 0.1
            sketch.cylinder((x, floor - 0.02, z), (x, floor + 0.035, z), size, white.rgb)
            sketch.ball((x + 0.02, floor + 0.035, z), (0.055, 0.045, 0.055), yolk.rgb)
    draft.counts["eggs"] = eggs
    draft.synonyms.append("pan with fried eggs")
