"""Trains, heading towards +Z."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.categories.details import SIDE_ON, accent
from gen3d.data.procedural.categories.vehicle_parts import axle, dark_tone, headlights
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Colour, Sketch


def train(rng: np.random.Generator, palette: Palette) -> Draft:
    """A train: steam, diesel or high-speed engine, alone or with up to two wagons."""
    finish = palette.finish("metal", "wooden", "plastic", plain=0.75, painted=0.7)
    colour, name = finish.tone.rgb, finish.tone.name
    kind = ("steam", "diesel", "fast")[int(rng.choice(3, p=(0.5, 0.25, 0.25)))]
    wagons = int(rng.choice(3, p=(0.4, 0.35, 0.25)))
    width, radius = rng.uniform(0.5, 0.62), rng.uniform(0.13, 0.17)
    length = rng.uniform(1.15, 1.45)
    sketch = Sketch()
    draft = Draft(sketch, "train", finish, ["toy train", "railway train"])
    tyre, metal = dark_tone(palette, name).rgb, palette.paint("light grey")
    if wagons == 0:
        draft.synonyms += ["locomotive", "train engine"]
    sizes = (width, radius, length)
    if kind == "steam":
        draft.synonyms[0] = "steam train"
        _steam_engine(rng, palette, draft, sizes, (tyre, metal))
    else:
        draft.synonyms[0] = "high-speed train" if kind == "fast" else "diesel train"
        _motor_car(rng, palette, draft, sizes, fast=kind == "fast")
    pairs = 3 if length > 1.3 else 2
    for i in range(pairs):
        z = length * (i - (pairs - 1) / 2) * (0.56 if pairs == 2 else 0.33)
        axle(sketch, width - 0.1, (z, radius), 0.14, tyre, metal)
    wheels = 2 * pairs
    long = length * rng.uniform(0.65, 0.8)
    pitch = long + 0.16
    closed = kind != "steam" or rng.uniform() < 0.5
    paint = colour
    if wagons == 1 and rng.uniform() < 0.4:
        paint = accent(draft, palette, "wagon", "red", "blue", "green", "yellow", "brown", "orange")
    for i in range(wagons):
        middle = -length / 2 - 0.16 - long / 2 - i * pitch
        with sketch.named("wagons"):
            _wagon(sketch, (width, radius, long), middle, paint, tyre, closed=closed)
        with sketch.named("wheels"):
            for z in (middle - 0.28 * long, middle + 0.28 * long):
                for x in (-1, 1):
                    ends = ((x * (width / 2 - 0.14), radius, z), (x * width / 2, radius, z))
                    sketch.cylinder(*ends, radius, tyre, rounding=0.02)
        coupling = (0, 1.25 * radius, middle + long / 2 + 0.08)
        sketch.box(coupling, (0.16, 0.14, 0.4), tyre)
        wheels += 4
    draft.counts["wagons"] = wagons
    if wagons == 0:
        del draft.counts["wagons"]
        draft.counts["wheels"] = wheels
    elif wagons >= 2:
        draft.adjectives.append("long")
    return draft


def _steam_engine(
    rng: np.random.Generator,
    palette: Palette,
    draft: Draft,
    sizes: tuple[float, float, float],
    darks: tuple[Colour, Colour],
) -> None:
    """Boiler, chimney, domes, cab, cow catcher and coupling rods."""
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    width, radius, length = sizes
    tyre, metal = darks
    deck, front, back = 1.6 * radius, length / 2, -length / 2
    sketch.box((0, deck, 0), (0.9 * width, 0.14, length), colour)
    sketch.box((0, radius, 0), (0.4 * width, 0.2, 0.86 * length), colour)
    girth = rng.uniform(0.36, 0.44) * width
    axis = deck + girth
    seam = back + rng.uniform(0.3, 0.38) * length
    sketch.cylinder((0, axis, seam - 0.05), (0, axis, front - 0.06), girth, colour, rounding=0.02)
    ends = ((0, axis, front - 0.1), (0, axis, front + 0.02))
    sketch.cylinder(*ends, 0.82 * girth, tyre, rounding=0.03)
    roof = axis + girth + rng.uniform(0.12, 0.26)
    with sketch.named("cab"):
        middle = (back + seam) / 2
        cab = (0, (deck + roof) / 2, middle)
        sketch.box(cab, (width, roof - deck, seam - back), colour)
        window = (0, roof - 0.2, middle)
        deep = 0.5 * (seam - back)
        sketch.box(window, (2, 0.2, deep), tyre, op="paint")
        sketch.box((0, roof - 0.2, back), (0.6 * width, 0.2, 0.1), tyre, op="paint")
    with sketch.named("roof"):
        top = accent(draft, palette, "roof") if rng.uniform() < 0.5 else colour
        lid = (0, roof + 0.02, middle)
        sketch.box(lid, (width + 0.1, 0.14, seam - back + 0.12), top, rounding=0.04)
    stack = front - rng.uniform(0.18, 0.26)
    with sketch.named("chimney"):
        wide, high = rng.uniform(0.08, 0.1), roof + rng.uniform(0.05, 0.2)
        pot = accent(draft, palette, "chimney", "black", "dark grey", "red", "yellow")
        sketch.cylinder((0, axis, stack), (0, high, stack), wide, pot)
        flare = rng.uniform(1.4, 2.0) * wide
        sketch.cylinder((0, high - 0.14, stack), (0, high, stack), wide, pot, top=flare)
    domes = int(rng.integers(1, 3))
    with sketch.named("domes"):
        for i in range(domes):
            z = seam + (i + 0.7) * (stack - seam) / (domes + 0.6)
            sketch.ball((0, axis + girth, z), (0.1, 0.13, 0.1), metal)
    with sketch.named("cow catcher"):
        grate = [(front - 0.06, 0.5 * radius), (front + 0.2, 0.5 * radius), (front, deck + 0.05)]
        grate.append((front - 0.06, deck + 0.05))
        sketch.prism(grate, (0, 0, 0), 0.8 * width, colour, turn=SIDE_ON)
    for x in (-1, 1):
        rod = (x * (width / 2 + 0.02), radius, 0)
        sketch.box(rod, (0.13, 0.13, 0.66 * length), metal, rounding=0.02)
    lamp = palette.paint("light yellow")
    ends = ((0, axis + 0.7 * girth, front - 0.12), (0, axis + 0.7 * girth, front + 0.1))
    sketch.cylinder(*ends, 0.075, lamp, rounding=0.02)
    draft.features.append("with a cow catcher")


def _motor_car(
    rng: np.random.Generator,
    palette: Palette,
    draft: Draft,
    sizes: tuple[float, float, float],
    *,
    fast: bool,
) -> None:
    """A box with a nose, windows, a stripe and lamps."""
    sketch, colour, name = draft.sketch, draft.finish.tone.rgb, draft.finish.tone.name
    width, radius, length = sizes
    floor, high = 0.8 * radius, rng.uniform(0.6, 0.75)
    front, back, roof = length / 2, -length / 2, floor + high
    nose = rng.uniform(0.5, 0.7) if fast else rng.uniform(0.04, 0.16)
    side = [(back, floor), (front, floor), (front, floor + (0.2 if fast else 0.55) * high)]
    if fast:
        side.append((front - 0.35 * nose, floor + 0.6 * high))
    side += [(front - nose, roof), (back, roof)]
    sketch.prism(side, (0, 0, 0), width, colour, rounding=0.05, turn=SIDE_ON)
    pane = dark_tone(palette, name).rgb
    with sketch.named("windows"):
        count = int(rng.integers(2, 5))
        room = length - nose - 0.3
        for i in range(count):
            z = back + 0.14 + (i + 0.5) * room / count
            at, size = (0, floor + 0.66 * high, z), (2, 0.28 * high, 0.66 * room / count)
            sketch.box(at, size, pane, op="paint")
        screen = (0, floor + 0.72 * high, front - 0.35 * nose)
        sketch.box(screen, (0.76 * width, 0.28 * high, 0.9 * nose + 0.2), pane, op="paint")
    if rng.uniform() < 0.6:
        with sketch.named("stripe"):
            stripe = accent(draft, palette, "stripe")
            sketch.box((0, floor + 0.3 * high, 0), (2, 0.14, 4), stripe, op="paint")
    headlights(sketch, 0.32 * width, floor + 0.1, front, 0.07, palette.paint("light yellow"))
    with sketch.named("roof"):
        for z in (-0.26, 0.05):
            vent = (0, roof + 0.04, z * length)
            sketch.box(vent, (0.5 * width, 0.14, 0.2 * length), colour, rounding=0.02)
    for z in (-0.3, 0.3):
        sketch.box((0, radius, z * length), (0.5 * width, 0.16, 0.3 * length), colour)


def _wagon(
    sketch: Sketch,
    sizes: tuple[float, float, float],
    middle: float,
    paint: Colour,
    dark: Colour,
    *,
    closed: bool,
) -> None:
    """A passenger wagon with windows, or an open one with coal."""
    width, radius, long = sizes
    floor = 1.1 * radius
    high = 0.56 if closed else 0.36
    sketch.box((0, floor + high / 2, middle), (width, high, long), paint, rounding=0.03)
    if closed:
        for z in (-0.3, 0.0, 0.3):
            at = (0, floor + 0.62 * high, middle + z * long)
            sketch.box(at, (2, 0.18, 0.2 * long), dark, op="paint")
        lid = (0, floor + high, middle)
        sketch.box(lid, (0.84 * width, 0.14, long), paint, rounding=0.03)
    else:
        for z in (-0.22, 0.0, 0.22):
            heap = (0, floor + high - 0.02, middle + z * long)
            sketch.ball(heap, (0.36 * width, 0.12, 0.18 * long), dark)
