"""Castles and churches; their gates look along +Z."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.categories.details import accent
from gen3d.data.procedural.categories.roofs import (
    gable_roof,
    pyramid,
    round_battlements,
    straight_battlements,
)
from gen3d.data.procedural.categories.vehicle_parts import dark_tone
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Colour, Sketch


def castle(rng: np.random.Generator, palette: Palette) -> Draft:
    """A castle: walls with battlements, counted corner towers, a gate, perhaps a keep."""
    finish = palette.finish("stone", "stone", "brick", plain=0.5, painted=0.3)
    colour, name = finish.tone.rgb, finish.tone.name
    sketch = Sketch()
    draft = Draft(sketch, "castle", finish, ["fortress", "medieval castle"])
    half, wall = rng.uniform(0.6, 0.75), rng.uniform(0.42, 0.6)
    towers, radius = int(rng.integers(2, 5)), rng.uniform(0.2, 0.26)
    high = wall + rng.uniform(0.25, 0.5)
    thick, merlon = 0.16, 0.14
    for x, z in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        size = (2 * half, wall, thick) if z else (thick, wall, 2 * half)
        sketch.box((x * half, wall / 2, z * half), size, colour)
        ends = ((-half + 0.3, wall, z * half), (half - 0.3, wall, z * half))
        if x:
            ends = ((x * half, wall, -half + 0.3), (x * half, wall, half - 0.3))
        with sketch.named("battlements"):
            straight_battlements(sketch, *ends, merlon, colour)
    sketch.box((0, 0.04, 0), (2 * half, 0.1, 2 * half), colour)
    roofed = bool(rng.uniform() < 0.6)
    square = bool(rng.uniform() < 0.3)
    roof = accent(draft, palette, "roofs") if roofed else colour
    flag = palette.any("red", "blue", "yellow", "green", "purple", other_than=name).rgb
    flags = rng.uniform() < 0.5
    for x, z in ((-1, 1), (1, 1), (-1, -1), (1, -1))[:towers]:
        at = (x * half, z * half)
        with sketch.named("towers"):
            _tower(sketch, at, (radius, high), colour, square=square, crowned=not roofed)
        top = high + 0.06
        if roofed:
            with sketch.named("roofs"):
                tall = rng.uniform(0.32, 0.36)
                ends = ((at[0], high - 0.02, at[1]), (at[0], high + tall, at[1]))
                sketch.cylinder(*ends, radius + 0.07, roof, top=0.03)
                top = high + tall - 0.04
        if flags:
            with sketch.named("flags"):
                tip = (at[0], top + 0.3, at[1])
                sketch.limb((at[0], top - 0.1, at[1]), tip, 0.034, palette.paint("dark brown"))
                cloth = [(0, 0), (0, -0.16), (0.2, -0.08)]
                sketch.prism(cloth, tip, 0.07, flag)
    if flags:
        draft.features.append("with flags")
    with sketch.named("gate"):
        gate = accent(draft, palette, "gate", "brown", "dark brown", "black")
        wide, face = rng.uniform(0.24, 0.32), half + thick / 2
        sketch.box((0, wall / 2 + 0.03, half), (wide + 0.22, wall + 0.06, thick + 0.1), colour)
        ends = ((0, 0.22, half), (0, 0.22, face + 0.09))
        sketch.cylinder(*ends, wide / 2, gate)
        sketch.box((0, 0.12, half + 0.04), (wide, 0.22, thick + 0.1), gate)
    if rng.uniform() < 0.6:
        with sketch.named("keep"):
            size, tall = rng.uniform(0.42, 0.55), high + rng.uniform(0.15, 0.4)
            at = (0, tall / 2, -0.12)
            sketch.box(at, (size, tall, size), colour)
            for x in (-1, 1):
                for z in (-1, 1):
                    corner = (x * (size / 2 - 0.05), tall + 0.04, at[2] + z * (size / 2 - 0.05))
                    sketch.box(corner, (0.15, 0.16, 0.15), colour)
            slit = dark_tone(palette, name).rgb
            for x in (-0.24, 0.24):
                sketch.box((x * size, 0.8 * tall, size / 2), (0.08, 0.16, 0.8), slit, op="paint")
        draft.features.append("with a keep")
    draft.counts["towers"] = towers
    if high > wall + 0.42:
        draft.adjectives.append("tall")
    return draft


def _tower(
    sketch: Sketch,
    at: tuple[float, float],
    sizes: tuple[float, float],
    colour: Colour,
    *,
    square: bool,
    crowned: bool,
) -> None:
    """A corner tower at (x, z); ``sizes`` are radius and height, crowned is with merlons."""
    (x, z), (radius, high) = at, sizes
    if square:
        sketch.box((x, high / 2, z), (2 * radius, high, 2 * radius), colour)
        sketch.box((x, high - 0.06, z), (2 * radius + 0.1, 0.16, 2 * radius + 0.1), colour)
    else:
        sketch.cylinder((x, 0, z), (x, high, z), radius, colour)
        sketch.cylinder((x, high - 0.14, z), (x, high + 0.02, z), radius + 0.06, colour)
    if crowned:
        edge = radius * (1.25 if square else 1.0) + 0.05
        spots = 4 if square else 5
        round_battlements(sketch, (x, high + 0.02, z), edge, spots, 0.14, colour)


def church(rng: np.random.Generator, palette: Palette) -> Draft:
    """A church: a nave with a gable roof, a steeple with a spire and a cross, arched windows."""
    finish = palette.finish("stone", "brick", "wooden", plain=0.55, painted=0.3)
    colour, name = finish.tone.rgb, finish.tone.name
    sketch = Sketch()
    draft = Draft(sketch, "church", finish, ["chapel"])
    half, long, wall = rng.uniform(0.3, 0.42), rng.uniform(1.0, 1.4), rng.uniform(0.42, 0.56)
    rise = rng.uniform(0.3, 0.42)
    side = rng.uniform(0.17, 0.22)
    tall, spire = wall + rise + rng.uniform(0.12, 0.35), rng.uniform(0.4, 0.65)
    front = long / 2
    middle = front + 0.3 * side
    roof = accent(draft, palette, "roof")
    with sketch.named("roof"):
        if rng.uniform() < 0.6:
            pyramid(sketch, (0, tall - 0.02, middle), side + 0.07, spire, roof)
        else:
            ends = ((0, tall - 0.03, middle), (0, tall + spire, middle))
            sketch.cylinder(*ends, 1.3 * side, roof, top=0.03)
    with sketch.named("steeple"):
        sketch.box((0, tall / 2, middle), (2 * side, tall, 2 * side), colour)
        sketch.box((0, 0.72 * tall, middle), (2 * side + 0.07, 0.08, 2 * side + 0.07), colour)
    gable = [(-half, 0), (half, 0), (half, wall), (0, wall + rise), (-half, wall)]
    sketch.prism(gable, (0, 0, 0), long, colour)
    with sketch.named("roof"):
        eaves = (0, wall, -0.02)
        gable_roof(sketch, eaves, (2 * half, rise, long), roof, thick=0.09, overhang=0.06)
    with sketch.named("cross"):
        top = tall + spire
        trim = accent(draft, palette, "cross", "yellow", "white", "dark brown", "grey")
        sketch.box((0, top + 0.1, middle), (0.075, 0.34, 0.075), trim)
        sketch.box((0, top + 0.14, middle), (0.24, 0.075, 0.075), trim)
    pane = palette.any("light blue", "black", "light yellow", other_than=name).rgb
    count = int(rng.integers(2, 5))
    with sketch.named("windows"):
        for i in range(count):
            z = -0.46 * long + (i + 0.5) * 0.86 * long / count
            for x in (-1, 1):
                face = x * half
                sketch.box((face, 0.46 * wall, z), (0.07, 0.36 * wall, 0.13), pane)
                ends = ((face - 0.035, 0.64 * wall, z), (face + 0.035, 0.64 * wall, z))
                sketch.cylinder(*ends, 0.065, pane)
    draft.counts["windows"] = 2 * count
    face = middle + side
    with sketch.named("door"):
        door = accent(draft, palette, "door", "brown", "dark brown", "red", "blue", "dark green")
        wide = rng.uniform(0.15, 0.2)
        sketch.box((0, 0.13, face), (wide, 0.26, 0.08), door)
        sketch.cylinder((0, 0.26, face - 0.04), (0, 0.26, face + 0.04), wide / 2, door)
        sketch.box((0, 0.03, face + 0.05), (wide + 0.12, 0.07, 0.2), palette.paint("grey"))
    if rng.uniform() < 0.5:
        y = 0.62 * tall
        sketch.cylinder((0, y, face - 0.04), (0, y, face + 0.035), 0.09, pane)
        draft.features.append("with a round window")
        draft.counts["windows"] += 1
    if tall > 1.15:
        draft.adjectives.append("tall")
    return draft
