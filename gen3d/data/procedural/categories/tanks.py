"""Tanks, heading towards +Z."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.categories.details import SIDE_ON, accent
from gen3d.data.procedural.categories.vehicle_parts import dark_tone
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def tank(rng: np.random.Generator, palette: Palette) -> Draft:
    """A tank: hull, two tracks on road wheels, a turret with hatch and gun."""
    finish = palette.finish("metal", "steel", plain=0.8, painted=0.8)
    colour, name = finish.tone.rgb, finish.tone.name
    length, width = rng.uniform(1.7, 2.2), rng.uniform(0.7, 0.95)
    high, belt = rng.uniform(0.36, 0.46), rng.uniform(0.2, 0.28)
    half, deck = length / 2, high + rng.uniform(0.1, 0.18)
    sketch = Sketch()
    draft = Draft(sketch, "tank", finish, ["army tank", "battle tank", "armoured tank"])
    dark = dark_tone(palette, name).rgb
    slope = rng.uniform(0.2, 0.45)
    hull = [(-half + 0.1, 0.14), (half - 0.2, 0.14), (half, 0.62 * high), (half - slope, deck)]
    hull += [(-half + 0.12, deck), (-half, 0.7 * high)]
    sketch.prism(hull, (0, 0, 0), width, colour, turn=SIDE_ON)
    run, end = half - high / 2, high / 2
    wheels = int(rng.integers(4, 7))
    for x in (-1, 1):
        middle = x * (width + belt) / 2
        with sketch.named("tracks"):
            sketch.box((middle, end, 0), (belt, high, 2 * run), dark)
            for z in (-run, run):
                ends = ((middle - belt / 2, end, z), (middle + belt / 2, end, z))
                sketch.cylinder(*ends, end, dark)
        face = x * (width / 2 + belt)
        with sketch.named("wheels"):
            pitch = 2 * (run + 0.04) / (wheels - 1)
            radius = min(0.62 * end, 0.5 * pitch - 0.04)
            for i in range(wheels):
                z = -run - 0.04 + i * pitch
                ends = ((middle, end, z), (face + x * 0.05, end, z))
                sketch.cylinder(*ends, radius, colour, rounding=0.02)
        fender = (middle, high + 0.02, 0)
        sketch.box(fender, (belt + 0.06, 0.09, length), colour, rounding=0.02)
    if rng.uniform() < 0.35:
        with sketch.named("stripe"):
            stripe = accent(draft, palette, "stripe")
            sketch.box((0, deck, -0.62 * half), (2, 0.5, 0.16), stripe, op="paint")
    at = rng.uniform(-0.16, 0.08) * length
    rise = rng.uniform(0.26, 0.36)
    reach = 0.36 * width + 0.05
    form = int(rng.integers(3))
    with sketch.named("turret"):
        if form == 0:
            ends = ((0, deck - 0.05, at), (0, deck + rise, at))
            sketch.cylinder(*ends, reach + 0.06, colour, top=0.82 * reach, rounding=0.03)
        elif form == 1:
            sketch.ball((0, deck, at), (reach + 0.08, rise, 1.25 * reach + 0.08), colour)
        else:
            side = [(-1.5 * reach, -0.05), (1.2 * reach, -0.05), (1.45 * reach, 0.4 * rise)]
            side += [(0.8 * reach, rise), (-1.2 * reach, rise)]
            sketch.prism(side, (0, deck, at), 2.1 * reach, colour, turn=SIDE_ON)
    draft.features.append(
        ("with a round turret", "with a domed turret", "with a boxy turret")[form]
    )
    thick, gun = rng.uniform(0.05, 0.07), deck + 0.48 * rise
    muzzle = at + reach + rng.uniform(0.75, 1.15)
    with sketch.named("gun"):
        lift = rng.uniform(0.0, 0.14)
        barrel = accent(draft, palette, "gun") if rng.uniform() < 0.25 else colour
        sketch.cylinder((0, gun, at), (0, gun + lift, muzzle), thick, barrel)
        sketch.box((0, gun, at + reach), (0.3, 0.2, 0.3), colour, rounding=0.04)
        if rng.uniform() < 0.6:
            brake = ((0, gun + 0.9 * lift, muzzle - 0.16), (0, gun + lift, muzzle + 0.02))
            sketch.cylinder(*brake, thick + 0.035, barrel, rounding=0.02)
    with sketch.named("hatch"):
        x = rng.choice([-0.4, 0.4]) * reach
        top = deck + rise - (0.06 if form == 1 else 0.0)
        ends = ((x, top - 0.12, at - 0.2 * reach), (x, top + 0.08, at - 0.2 * reach))
        sketch.cylinder(*ends, 0.13, colour, rounding=0.02)
    if rng.uniform() < 0.4:
        with sketch.named("antenna"):
            foot = (-x, top - 0.1, at - 0.5 * reach)
            sketch.limb(foot, (-x, top + rng.uniform(0.4, 0.6), foot[2]), 0.045, dark)
        draft.features.append("with an antenna")
    draft.counts["wheels"] = 2 * wheels
    if muzzle - half > 0.5:
        draft.features.append("with a long gun")
    return draft
