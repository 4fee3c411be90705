"""Windmills and barns; their doors look along +Z."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.categories.details import accent, around
from gen3d.data.procedural.categories.roofs import gable_roof
from gen3d.data.procedural.categories.vehicle_parts import dark_tone
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch, Vector


def windmill(rng: np.random.Generator, palette: Palette) -> Draft:
    """A windmill: a round tower or a house on a post, with counted sails in front."""
    finish = palette.finish("stone", "brick", "wooden", plain=0.55, painted=0.3)
    colour, name = finish.tone.rgb, finish.tone.name
    sketch = Sketch()
    draft = Draft(sketch, "windmill", finish, ["mill", "wind mill"])
    high, foot, top = rng.uniform(1.1, 1.4), rng.uniform(0.4, 0.5), rng.uniform(0.26, 0.32)
    roof = accent(draft, palette, "roof") if rng.uniform() < 0.8 else colour
    post_mill = rng.uniform() < 0.25
    if post_mill:
        low, wide = 0.45, 2 * top + 0.06
        sketch.box((0, (low + high) / 2, 0), (wide, high - low, wide), colour)
        with sketch.named("roof"):
            eaves = (0, high - 0.01, 0)
            gable_roof(sketch, eaves, (wide, 0.34, wide), roof, thick=0.09, overhang=0.05)
            gable = [(-wide / 2, -0.02), (wide / 2, -0.02), (0, 0.34)]
            sketch.prism(gable, (0, high, 0), wide, colour)
        with sketch.named("legs"):
            sketch.cylinder((0, 0, 0), (0, low + 0.1, 0), 0.09, colour)
            for x in (-1, 1):
                for z in (-1, 1):
                    ends = ((x * 0.4, 0.03, z * 0.4), (0, low + 0.06, 0))
                    sketch.limb(*ends, 0.045, colour)
        front, sill = wide / 2, low + 0.02
    else:
        sketch.cylinder((0, 0, 0), (0, high, 0), foot, colour, top=top)
        with sketch.named("roof"):
            form = int(rng.integers(2))
            if form == 0:
                ends = ((0, high - 0.05, 0), (0, high + rng.uniform(0.3, 0.42), 0))
                sketch.cylinder(*ends, top + 0.07, roof, top=0.03)
            else:
                sketch.ball((0, high - 0.02, 0), (top + 0.05, 0.34, top + 0.05), roof)
        if rng.uniform() < 0.4:
            with sketch.named("balcony"):
                y = 0.4 * high
                around_it = foot + 0.4 * (top - foot) + 0.16
                sketch.cylinder((0, y, 0), (0, y + 0.08, 0), around_it, colour)
                sketch.ring((0, y + 0.2, 0), around_it - 0.04, 0.034, colour, turn=(90, 0, 0))
                for x, z, _ in around(8, around_it - 0.04):
                    sketch.limb((x, y, z), (x, y + 0.2, z), 0.034, colour)
            draft.features.append("with a balcony")
        front, sill = top + 0.03, 0.0
    with sketch.named("door"):
        door = accent(draft, palette, "door", "dark brown", "brown", "red", "blue", "white")
        at = front - 0.03 if post_mill else foot - 0.03
        sketch.box((0, sill + 0.17, at), (0.22, 0.34, 0.12), door)
    pane = palette.paint("light blue" if name != "blue" else "light yellow")
    with sketch.named("windows"):
        for x, z, yaw in around(4, 1.0, 90.0):
            y = 0.62 * high
            reach = (foot + 0.62 * (top - foot)) if not post_mill else front
            if z > 0.5 and not post_mill:
                continue
            sketch.box((x * reach, y, z * reach), (0.15, 0.18, 0.08), pane, turn=(0, yaw, 0))
    sails = int(rng.integers(3, 7))
    _sails(rng, palette, draft, sails, (high - 0.08, front))
    draft.counts["sails"] = sails
    if not post_mill and high / foot > 3.1:
        draft.adjectives.append("tall")
    return draft


def _sails(
    rng: np.random.Generator,
    palette: Palette,
    draft: Draft,
    count: int,
    hub: tuple[float, float],
) -> None:
    """Sails as boards or, up to four, as ladders; ``hub`` is (height, front of the tower)."""
    sketch = draft.sketch
    y, front = hub
    reach, z = rng.uniform(0.62, 0.85), front + 0.16
    paint = accent(draft, palette, "sails", "white", "light brown", "brown", "red", "light yellow")
    wood = palette.paint("dark brown")
    sketch.cylinder((0, y, front - 0.2), (0, y, z + 0.07), 0.085, wood, rounding=0.02)
    ladder = count <= 4 and rng.uniform() < 0.4
    start, wide = rng.uniform(0, 360 / count), rng.uniform(0.2, 0.26) if count < 5 else 0.18
    with sketch.named("sails"):
        for i in range(count):
            turn = start + 360 * i / count
            c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))

            def place(along: float, aside: float, c: float = c, s: float = s) -> Vector:
                return (along * c - aside * s, y + along * s + aside * c, z)

            spar = place(0.5 * reach, 0)
            sketch.box(spar, (reach, 0.075, 0.075), wood, turn=(0, 0, turn))
            if ladder:
                rail = place(0.62 * reach, wide)
                sketch.box(rail, (0.76 * reach, 0.07, 0.065), paint, turn=(0, 0, turn))
                for k in range(4):
                    rung = place((0.28 + 0.23 * k) * reach, 0.5 * wide)
                    sketch.box(rung, (0.065, wide, 0.065), paint, turn=(0, 0, turn))
            else:
                board = place(0.63 * reach, 0.5 * wide)
                size = (0.74 * reach, wide, 0.065)
                sketch.box(board, size, paint, turn=(0, 0, turn))
    if ladder:
        draft.features.append("with lattice sails")


def barn(rng: np.random.Generator, palette: Palette) -> Draft:
    """A barn: gambrel or gable roof, a big braced door, a hay loft, perhaps a silo."""
    finish = palette.finish("wooden", plain=0.75, painted=0.6)
    colour, name = finish.tone.rgb, finish.tone.name
    sketch = Sketch()
    draft = Draft(sketch, "barn", finish, ["farm building", "stable"])
    half, long, wall = rng.uniform(0.5, 0.65), rng.uniform(1.1, 1.6), rng.uniform(0.72, 0.9)
    rise, thick, eave = rng.uniform(0.36, 0.46), 0.08, 0.04
    front = long / 2
    roof = accent(draft, palette, "roof")
    if rng.uniform() < 0.7:
        knee = (0.68 * half, wall + 0.62 * rise)
        gable = [(-half, 0), (half, 0), (half, wall), knee, (0, wall + rise)]
        gable += [(-knee[0], knee[1]), (-half, wall)]
        sketch.prism(gable, (0, 0, 0), long, colour)
        over = [(half + eave, wall - 0.08), (knee[0] + 0.05, knee[1] + 0.03)]
        over += [(0, wall + rise + 0.06), (-knee[0] - 0.05, knee[1] + 0.03)]
        over += [(-half - eave, wall - 0.08), (-half + 0.02, wall - 0.08)]
        over += [(-knee[0] + 0.03, knee[1] - 0.03), (0, wall + rise - 0.05)]
        over += [(knee[0] - 0.03, knee[1] - 0.03), (half - 0.02, wall - 0.08)]
        with sketch.named("roof"):
            sketch.prism(over, (0, 0, 0), long + 2 * eave, roof)
        draft.features.append("with a gambrel roof")
    else:
        gable = [(-half, 0), (half, 0), (half, wall), (0, wall + rise), (-half, wall)]
        sketch.prism(gable, (0, 0, 0), long, colour)
        with sketch.named("roof"):
            sizes = (2 * half, rise, long)
            gable_roof(sketch, (0, wall, 0), sizes, roof, thick=thick, overhang=eave)
        draft.features.append("with a gable roof")
    trim = accent(draft, palette, "door frame", "white", "light yellow", "dark brown", "black")
    wide, high = rng.uniform(0.5, 0.64), rng.uniform(0.48, 0.58)
    with sketch.named("door"):
        face = front + 0.02
        door = palette.any(other_than=name).rgb if rng.uniform() < 0.35 else colour
        sketch.box((0, high / 2, front), (wide, high, 0.08), door)
    with sketch.named("door frame"):
        for x in (-0.5, 0.0, 0.5):
            sketch.box((x * wide, high / 2, face), (0.06, high + 0.05, 0.1), trim)
        for y in (0.03, high):
            sketch.box((0, y, face), (wide + 0.06, 0.06, 0.1), trim)
        slope = math.degrees(math.atan2(high, wide / 2))
        for x in (-1, 1):
            size = (math.hypot(high, wide / 2) - 0.04, 0.06, 0.09)
            sketch.box((x * 0.25 * wide, high / 2, face), size, trim, turn=(0, 0, x * slope))
    with sketch.named("loft"):
        loft = (0, wall + 0.3 * rise, front)
        sketch.box(loft, (0.28, 0.26, 0.11), trim)
        sketch.box(loft, (0.16, 0.14, 0.16), dark_tone(palette, name).rgb)
    windows = int(rng.integers(1, 4))
    with sketch.named("windows"):
        for i in range(windows):
            z = (i + 0.5) * long / windows - front
            sketch.box((0, 0.5 * wall, z), (2 * half + 0.07, 0.2, 0.22), trim)
            sketch.box(
                (0, 0.5 * wall, z), (2 * half + 0.12, 0.1, 0.12), palette.paint("light blue")
            )
    draft.counts["windows"] = 2 * windows
    if rng.uniform() < 0.45:
        with sketch.named("silo"):
            radius, tall = rng.uniform(0.2, 0.25), wall + rise + rng.uniform(0.05, 0.35)
            at = (half + radius - 0.02, -0.2 * long)
            silo = colour
            if rng.uniform() < 0.5:
                silo = accent(draft, palette, "silo", "grey", "light grey", "white")
            ends = ((at[0], 0, at[1]), (at[0], tall, at[1]))
            sketch.cylinder(*ends, radius, silo)
            sketch.ball((at[0], tall, at[1]), radius + 0.02, roof)
    if rng.uniform() < 0.4:
        with sketch.named("cupola"):
            top = wall + rise
            sketch.box((0, top + 0.08, 0), (0.2, 0.26, 0.2), colour)
            ends = ((0, top + 0.19, 0), (0, top + 0.38, 0))
            sketch.cylinder(*ends, 0.18, roof, top=0.03)
        draft.features.append("with a cupola")
    if long > 1.45:
        draft.adjectives.append("long")
    return draft
