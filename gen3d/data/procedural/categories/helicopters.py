"""Helicopters, heading towards +Z."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.categories.details import SIDE_ON, accent
from gen3d.data.procedural.categories.vehicle_parts import dark_tone
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def helicopter(rng: np.random.Generator, palette: Palette) -> Draft:
    """A helicopter: cabin, tail boom, counted rotor blades, skids or wheels."""
    finish = palette.finish("metal", plain=0.85, painted=0.8)
    colour, name = finish.tone.rgb, finish.tone.name
    long, wide = rng.uniform(0.56, 0.7), rng.uniform(0.36, 0.44)
    tall = rng.uniform(0.38, 0.46)
    boom = rng.uniform(0.75, 1.05)
    sketch = Sketch()
    draft = Draft(sketch, "helicopter", finish, ["chopper", "copter"])
    with sketch.named("cabin"):
        if rng.uniform() < 0.6:
            sketch.ball((0, 0, 0), (wide, tall, long), colour)
        else:
            side = [(-0.9 * long, -0.5 * tall), (-0.6 * long, -0.85 * tall)]
            side += [(0.7 * long, -0.85 * tall), (long, -0.35 * tall), (0.45 * long, 0.8 * tall)]
            side += [(-0.7 * long, 0.8 * tall)]
            sketch.prism(side, (0, 0, 0), 1.8 * wide, colour, rounding=0.06, turn=SIDE_ON)
    tail = (0, 0.3 * tall, -0.6 * long - boom)
    with sketch.named("tail"):
        paint = accent(draft, palette, "tail") if rng.uniform() < 0.3 else colour
        sketch.limb((0, 0.12 * tall, -0.6 * long), tail, 0.14, paint, top=0.065)
        fin = [(tail[2] + 0.18, tail[1]), (tail[2] - 0.08, tail[1] + 0.36)]
        fin += [(tail[2] - 0.2, tail[1] + 0.36), (tail[2] - 0.07, tail[1] - 0.05)]
        sketch.prism(fin, (0, 0, 0), 0.085, paint, turn=SIDE_ON)
        sketch.box((0, tail[1], tail[2] + 0.22), (0.52, 0.085, 0.14), paint, rounding=0.02)
    pane = dark_tone(palette, name).rgb
    if rng.uniform() < 0.6 and name != "blue":
        pane = palette.paint("light blue")
    with sketch.named("windows"):
        screen = (0, 0.16 * tall, 0.86 * long)
        sketch.ball(screen, (1.2 * wide, 0.5 * tall, 0.42 * long), pane, op="paint")
        for z in (-0.16, 0.2)[: int(rng.integers(1, 3))]:
            at = (0, 0.2 * tall, z * long)
            sketch.box(at, (4, 0.5 * tall, 0.24 * long), pane, op="paint")
    metal = palette.any("dark grey", "grey", "black", other_than=name).rgb
    top = tall + rng.uniform(0.16, 0.22)
    housing = (0, 0.86 * tall, -0.1)
    sketch.box(housing, (0.8 * wide, 0.34 * tall, 0.8 * long), colour, rounding=0.05)
    sketch.cylinder((0, 0.6 * tall, 0), (0, top + 0.06, 0), 0.06, metal)
    sketch.cylinder((0, top - 0.07, 0), (0, top + 0.07, 0), 0.11, metal, rounding=0.02)
    blades = int(rng.integers(2, 6))
    reach = rng.uniform(0.82, 1.02)
    start = rng.uniform(0, 360 / blades)
    with sketch.named("blades"):
        blade = accent(draft, palette, "blades") if rng.uniform() < 0.4 else colour
        for i in range(blades):
            yaw = start + 360 * i / blades
            angle = math.radians(yaw)
            at = (0.5 * reach * math.sin(angle), top, 0.5 * reach * math.cos(angle))
            sketch.box(at, (0.12, 0.085, reach), blade, turn=(0, yaw, 0), rounding=0.02)
    with sketch.named("tail rotor"):
        hub = (0.09, tail[1] + 0.14, tail[2])
        sketch.cylinder((0, hub[1], hub[2]), (0.12, hub[1], hub[2]), 0.06, metal)
        for turn in (30, 120):
            sketch.box(hub, (0.085, 0.44, 0.09), paint, turn=(turn, 0, 0), rounding=0.02)
    draft.counts["blades"] = blades
    low = -tall - rng.uniform(0.14, 0.22)
    if rng.uniform() < 0.7:
        with sketch.named("skids"):
            skid = metal if rng.uniform() < 0.5 else colour
            for x in (-1, 1):
                rail = x * (wide + 0.06)
                sketch.limb((rail, low, -0.55), (rail, low, 0.55), 0.045, skid)
                sketch.limb((rail, low, 0.55), (rail, low + 0.1, 0.68), 0.045, skid)
                for z in (-0.26, 0.26):
                    sketch.limb((rail, low, z), (0, -0.55 * tall, z), 0.042, skid)
        draft.features.append("with skids")
    else:
        for z in (-0.3, 0.3):
            axle_z = (z, 0.12)
            for x in (-1, 1):
                leg = (x * 0.7 * wide, low + 0.12, axle_z[0])
                sketch.limb((x * 0.4 * wide, -0.4 * tall, z), leg, 0.05, metal)
                ends = ((leg[0] - 0.07, leg[1], z), (leg[0] + 0.07, leg[1], z))
                with sketch.named("wheels"):
                    sketch.cylinder(*ends, 0.12, metal, rounding=0.02)
        draft.features.append("with wheels")
    return draft
