"""Motorcycles, heading towards +Z."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.categories.details import SIDE_ON
from gen3d.data.procedural.categories.vehicle_parts import dark_tone, wheel
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def motorcycle(rng: np.random.Generator, palette: Palette) -> Draft:
    """A motorcycle: sports bike, cruiser or scooter."""
    finish = palette.finish("metal", plain=0.85, painted=0.85)
    colour, name = finish.tone.rgb, finish.tone.name
    kind = ("sports bike", "cruiser", "scooter")[int(rng.choice(3, p=(0.35, 0.35, 0.3)))]
    scooter = kind == "scooter"
    radius = rng.uniform(0.2, 0.24) if scooter else rng.uniform(0.29, 0.35)
    base, thick = rng.uniform(0.52, 0.62) + 0.03 * (kind == "cruiser"), rng.uniform(0.13, 0.17)
    sketch = Sketch()
    draft = Draft(sketch, "motorcycle", finish, ["motorbike", kind])
    tyre, metal = dark_tone(palette, name).rgb, palette.paint("light grey")
    chrome = palette.paint("grey")
    for z in (-base, base):
        wheel(sketch, (0, radius, z), radius, thick, tyre, colour, spokes=not scooter)
        with sketch.named("fenders"):
            ring, back = radius + 0.015, -20 if z > 0 else 20
            turn = (90, 90 - back, 90)
            sketch.ring((0, radius, z), ring, 0.5 * thick + 0.03, colour, arc_deg=110, turn=turn)
    rake = 0.16 if kind != "cruiser" else 0.26
    bars = (radius + (0.52 if not scooter else 0.62), base - rake)
    for x in (-1, 1):
        foot = (x * 0.115, radius, base)
        sketch.limb(foot, (x * 0.1, bars[0], bars[1]), 0.036, colour)
        sketch.limb((x * 0.115, radius, -base), (x * 0.1, radius + 0.2, -0.2), 0.036, colour)
        sketch.limb((0, radius, base), foot, 0.036, colour)
        sketch.limb((0, radius, -base), (x * 0.115, radius, -base), 0.036, metal)
    wide = rng.uniform(0.24, 0.34)
    with sketch.named("handlebar"):
        sketch.limb((-wide, bars[0] + 0.05, bars[1] - 0.08), (0, *bars), 0.038, tyre)
        sketch.limb((wide, bars[0] + 0.05, bars[1] - 0.08), (0, *bars), 0.038, tyre)
    with sketch.named("headlights"):
        lamp = (0, bars[0] - 0.1, bars[1] + 0.02)
        ends = ((0, lamp[1], lamp[2] - 0.06), (0, lamp[1], lamp[2] + 0.13))
        sketch.cylinder(*ends, 0.085, palette.paint("light yellow"), rounding=0.03)
    seat = palette.any("black", "brown", "dark red", other_than=name)
    if scooter:
        sketch.box((0, radius - 0.02, 0.02), (0.3, 0.1, 1.5 * base), colour, rounding=0.03)
        shield = [(base - 0.3, radius), (base - 0.16, radius), (bars[1] + 0.06, bars[0])]
        sketch.prism([*shield, (bars[1] - 0.06, bars[0])], (0, 0, 0), 0.38, colour, turn=SIDE_ON)
        sketch.ball((0, radius + 0.16, -0.7 * base), (0.19, 0.26, 0.36), colour)
        top = (0, radius + 0.38, -0.62 * base)
        sketch.limb((0, radius + 0.16, -0.6 * base), (0, radius + 0.29, top[2]), 0.14, colour)
        size = (0.28, 0.13, 0.56)
    else:
        engine = (0, radius + 0.02, 0.02)
        sketch.box(engine, (0.24, 0.28, 0.4), chrome, rounding=0.04)
        for z in (-0.1, 0.14):
            head = (0, radius + 0.3, z * 1.6)
            sketch.cylinder((0, radius, z), head, 0.1, tyre, rounding=0.02)
        sketch.limb((0, radius, 0.1), (0, bars[0] - 0.12, bars[1]), 0.05, colour)
        tank = (0, radius + 0.36, 0.12)
        with sketch.named("tank"):
            sketch.ball(tank, (0.17, 0.16, 0.3), colour)
        sketch.limb((0, radius + 0.3, 0.1), (0, radius + 0.24, -0.75 * base), 0.07, colour)
        if kind == "sports bike":
            fairing = [(-0.1, radius - 0.08), (0.22, radius - 0.1), (base - 0.1, bars[0] - 0.14)]
            fairing += [(bars[1] - 0.02, bars[0] + 0.06), (0.1, radius + 0.3)]
            sketch.prism(fairing, (0, 0, 0), 0.28, colour, rounding=0.03, turn=SIDE_ON)
            tail = ((0, radius + 0.28, -0.4), (0, radius + 0.46, -base - 0.12))
            sketch.limb(*tail, 0.1, colour, top=0.06)
            draft.features.append("with a fairing")
        pipe = (0.13, radius - 0.1, 0.05)
        with sketch.named("exhausts"):
            for x in (-1, 1)[: int(rng.integers(1, 3))]:
                ends = ((x * pipe[0], pipe[1], 0.05), (x * 0.16, pipe[1] + 0.05, -base - 0.2))
                sketch.cylinder(*ends, 0.045, metal, top=0.06)
        top, size = (0, radius + 0.36, -0.32), (0.24, 0.12, 0.5)
    with sketch.named("seat"):
        sketch.box(top, size, seat.rgb, rounding=0.05)
        if kind == "cruiser" and rng.uniform() < 0.6:
            rest = ((0, top[1], -0.52), (0, top[1] + 0.26, -0.62))
            sketch.limb(*rest, 0.06, seat.rgb)
            draft.features.append("with a backrest")
    draft.part_tones["seat"] = seat
    return draft
