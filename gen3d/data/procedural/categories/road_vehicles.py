"""Trucks and buses; both drive along +Z."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.categories.details import SIDE_ON
from gen3d.data.procedural.categories.vehicle_parts import axle, dark_tone, headlights
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Colour, Sketch

_LOADS = ("box truck", "flatbed truck", "dump truck", "tanker truck", "semi truck")


def truck(rng: np.random.Generator, palette: Palette) -> Draft:
    """A truck: box, flatbed, dump, tanker or semi, with a flat or a long nose."""
    finish = palette.finish("metal", "plastic", plain=0.85, painted=0.8)
    colour, name = finish.tone.rgb, finish.tone.name
    kind = _LOADS[int(rng.choice(5, p=(0.3, 0.18, 0.2, 0.14, 0.18)))]
    nosed = bool(rng.uniform() < (0.6 if kind == "semi truck" else 0.4))
    width, radius = rng.uniform(0.82, 1.0), rng.uniform(0.19, 0.26)
    bed = {"semi truck": rng.uniform(2.3, 2.8)}.get(kind, rng.uniform(1.3, 2.1))
    cabin, nose = rng.uniform(0.55, 0.7), rng.uniform(0.32, 0.45) if nosed else 0.0
    floor, gap = 1.35 * radius, 0.14
    roof = floor + rng.uniform(0.75, 0.95)
    back, front = bed + gap, bed + gap + cabin + nose
    sketch = Sketch()
    draft = Draft(sketch, "truck", finish, ["lorry", kind])
    two_toned = kind in _LOADS[0::4] and rng.uniform() < 0.5
    cab_tone = palette.any(other_than=name) if two_toned else finish.tone
    tyre, metal = dark_tone(palette, name).rgb, palette.paint("light grey")
    sketch.box((0, floor - 0.04, front / 2), (0.62 * width, 0.2, front - 0.1), tyre)
    belt = floor + 0.5 * (roof - floor)
    profile = [(back, floor - 0.08), (back, roof), (front - nose - 0.08, roof)]
    if nosed:
        profile += [(front - nose, belt), (front - 0.03, belt - 0.06)]
    else:
        profile += [(front, belt)]
    with sketch.named("cab"):
        sketch.prism(
            [*profile, (front, floor - 0.08)], (0, 0, 0), width, cab_tone.rgb, turn=SIDE_ON
        )
    pane = dark_tone(palette, cab_tone.name) if rng.uniform() < 0.7 else palette.any("light blue")
    glass = (0, belt + 0.48 * (roof - belt), front - nose - 0.02)
    tall = 0.62 * (roof - belt)
    with sketch.named("windows"):
        sketch.box(glass, (0.8 * width, tall, 0.22), pane.rgb, op="paint")
        side = (0, glass[1], back + 0.5 * cabin - 0.04)
        sketch.box(side, (2 * width, tall, 0.5 * cabin), pane.rgb, op="paint")
    sketch.box((0, floor + 0.14, front), (0.46 * width, 0.2, 0.14), metal)
    sketch.box((0, floor - 0.06, front), (1.02 * width, 0.15, 0.16), metal, rounding=0.03)
    headlights(sketch, 0.36 * width, floor + 0.13, front, 0.075, palette.paint("light yellow"))
    for x in (-1, 1):
        at = (x * (width / 2 + 0.05), belt + 0.14, front - nose - 0.12)
        sketch.box(at, (0.14, 0.2, 0.14), tyre, rounding=0.03)
    if rng.uniform() < 0.35 and kind != "flatbed truck":
        with sketch.named("exhausts"):
            for x in (-1, 1):
                pipe = (x * 0.36 * width, floor, back + 0.03)
                sketch.cylinder(pipe, (pipe[0], roof + 0.25, pipe[2]), 0.065, metal)
        draft.features.append("with two exhaust pipes")
    _load(rng, palette, draft, kind, (width, bed, floor, roof), colour)
    rear = int(rng.integers(1, 4 if bed > 1.8 else 3))
    track = width - 0.14
    axle(sketch, track, (front - 0.5 * (cabin + nose), radius), 0.22, tyre, metal)
    for i in range(rear):
        at = 0.12 + radius + i * (2 * radius + 0.14)
        axle(sketch, track, (at, radius), 0.22, tyre, metal)
    if kind == "semi truck":
        axle(sketch, track, (back - 0.12 - radius, radius), 0.22, tyre, metal)
        rear += 1
    draft.counts["wheels"] = 2 * (rear + 1)
    if two_toned:
        draft.part_tones["cab"] = cab_tone
    if bed > 1.75:
        draft.adjectives.append("long")
    return draft


def _load(
    rng: np.random.Generator,
    palette: Palette,
    draft: Draft,
    kind: str,
    sizes: tuple[float, float, float, float],
    colour: Colour,
) -> None:
    """What the chassis carries; ``sizes`` are width, length, floor and the cab's roof."""
    width, bed, floor, roof = sizes
    sketch, name = draft.sketch, draft.finish.tone.name
    base, middle = floor + 0.02, bed / 2
    if kind in ("box truck", "semi truck"):
        high = roof + rng.uniform(0.0, 0.3) - base
        sketch.box((0, base + high / 2, middle), (width + 0.06, high, bed), colour, rounding=0.03)
        for x in (-1, 1):
            door = (x * 0.25 * width, base + 0.5 * high, 0)
            sketch.box(door, (0.42 * width, 0.84 * high, 0.14), colour, rounding=0.02)
        if rng.uniform() < 0.4:
            stripe = palette.any(other_than=name)
            at = (0, base + rng.uniform(0.35, 0.6) * high, middle)
            with sketch.named("stripe"):
                sketch.box(at, (2 * width, 0.2 * high, bed - 0.06), stripe.rgb, op="paint")
            draft.part_tones["stripe"] = stripe
    elif kind == "flatbed truck":
        sketch.box((0, base + 0.06, middle), (width, 0.16, bed), colour)
        sketch.box((0, base + 0.28, bed - 0.06), (width, 0.56, 0.14), colour)
        if rng.uniform() < 0.5:
            with sketch.named("logs"):
                for x, y in ((-0.24, 0.24), (0.24, 0.24), (0, 0.55)):
                    ends = ((x, base + y, 0.06), (x, base + y, bed - 0.06))
                    sketch.cylinder(*ends, 0.22, palette.paint("light brown"), rounding=0.02)
            draft.features.append("with logs")
        else:
            for x in (-1, 1):
                rail = (x * (width / 2 - 0.06), base + 0.22, middle)
                sketch.box(rail, (0.14, 0.24, bed), colour)
    elif kind == "dump truck":
        high = rng.uniform(0.5, 0.66)
        box = [(-0.06, base + 0.12), (0.05, base), (bed - 0.1, base), (bed + 0.02, base + high)]
        box += [(0.0, base + high)]
        sketch.prism(box, (0, 0, 0), width + 0.06, colour, turn=SIDE_ON)
        hollow = [(0.12, base + 0.14), (bed - 0.22, base + 0.14), (bed - 0.12, base + high + 0.3)]
        hollow += [(0.1, base + high + 0.3)]
        sketch.prism(hollow, (0, 0, 0), width - 0.2, colour, turn=SIDE_ON, op="cut")
        if rng.uniform() < 0.4:
            with sketch.named("load"):
                load = (0, base + 0.5 * high, middle)
                size = (0.42 * width, 0.6 * high, 0.4 * bed)
                sketch.ball(load, size, palette.paint("light brown"))
            draft.features.append("with a load of sand")
    else:
        deep = 0.5 * width
        ends = ((0, base + 0.9 * deep, 0.0), (0, base + 0.9 * deep, bed))
        sketch.cylinder(*ends, deep, colour, rounding=0.14)
        for z in (0.2, 0.5, 0.8):
            hatch = (0, base + 1.9 * deep, z * bed)
            sketch.cylinder(
                (0, hatch[1] - 0.1, hatch[2]), (0, hatch[1] + 0.08, hatch[2]), 0.1, colour
            )
        draft.features.append("with a round tank")


def bus(rng: np.random.Generator, palette: Palette) -> Draft:
    """A bus: city bus, double-decker or school bus, with rows of windows and a door."""
    finish = palette.finish("metal", "plastic", plain=0.85, painted=0.8)
    colour, name = finish.tone.rgb, finish.tone.name
    kind = ("city", "double", "school")[int(rng.choice(3, p=(0.5, 0.25, 0.25)))]
    decks = 2 if kind == "double" else 1
    count = int(rng.integers(3, 7))
    pitch = rng.uniform(0.36, 0.46)
    length, width = count * pitch + rng.uniform(0.35, 0.6), rng.uniform(0.72, 0.9)
    radius = rng.uniform(0.15, 0.19)
    floor, storey = 0.75 * radius, rng.uniform(0.72, 0.86)
    roof = floor + storey * (1.0 if decks == 1 else 1.75)
    sketch = Sketch()
    draft = Draft(sketch, "bus", finish, ["coach", "city bus", "autobus"])
    tyre, metal = dark_tone(palette, name), palette.paint("light grey")
    body = (0, (floor + roof) / 2, 0)
    sketch.box(body, (width, roof - floor, length), colour, rounding=rng.uniform(0.05, 0.12))
    front = length / 2
    pane = tyre.rgb if rng.uniform() < 0.6 or name == "blue" else palette.paint("light blue")
    trim = palette.any(other_than=name)
    with sketch.named("windows"):
        for deck in range(decks):
            y = floor + (0.66 + 0.76 * deck) * storey
            for i in range(count):
                at = (0, y, (i - (count - 1) / 2) * pitch)
                size = (width + 0.05, 0.32 * storey, pitch - 0.12)
                sketch.box(at, size, pane, rounding=0.02)
            sketch.box((0, y, 0), (0.8 * width, 0.36 * storey, length + 0.05), pane, rounding=0.02)
    with sketch.named("door"):
        z = front - 0.42 * pitch - 0.1
        door = (width / 2, floor + 0.34 * storey, z if kind != "school" else z - 0.05)
        sketch.box(door, (0.14, 0.56 * storey, 0.24), trim.rgb, rounding=0.01)
    draft.part_tones["door"] = trim
    if kind == "school":
        deep = rng.uniform(0.3, 0.42)
        hood = (0, floor + 0.25 * storey, front + deep / 2 - 0.05)
        sketch.box(hood, (0.84 * width, 0.5 * storey, deep + 0.1), colour, rounding=0.06)
        front += deep
        draft.synonyms = ["school bus"]
        draft.features.append("with a hood")
    elif kind == "double":
        draft.synonyms = ["double-decker bus", "double-decker"]
        draft.features.append("with two decks")
        draft.adjectives.append("tall")
    headlights(sketch, 0.3 * width, floor + 0.2, front, 0.066, palette.paint("light yellow"))
    sketch.box((0, floor + 0.06, front), (0.9 * width, 0.13, 0.14), metal, rounding=0.03)
    sketch.box((0, floor + 0.06, -length / 2), (0.9 * width, 0.13, 0.14), metal, rounding=0.03)
    if rng.uniform() < 0.4:
        stripe = palette.any(other_than=name)
        with sketch.named("stripe"):
            level = (0, floor + 0.36 * storey, 0)
            sketch.box(level, (width + 0.02, 0.1, 2 * length), stripe.rgb, op="paint")
        draft.part_tones["stripe"] = stripe
    axles = 3 if length > 2.3 and rng.uniform() < 0.6 else 2
    places = [0.32 * length, -0.3 * length, -0.3 * length + 2 * radius + 0.1][:axles]
    for z in places:
        axle(sketch, width - 0.1, (z, radius), 0.18, tyre.rgb, metal)
    draft.counts["wheels"] = 2 * axles
    if decks == 1 and length > 2.4:
        draft.adjectives.append("long")
    elif decks == 1 and length < 1.75:
        draft.adjectives.append("short")
    return draft
