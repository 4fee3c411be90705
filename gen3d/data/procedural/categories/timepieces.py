"""Clocks and candles."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette, Tone
from gen3d.data.procedural.sketch import Sketch


def clock(rng: np.random.Generator, palette: Palette) -> Draft:
    """A clock: wall, alarm, mantel or grandfather; face, hour marks, two hands."""
    finish = palette.finish("wooden", "metal", "plastic")
    kind = int(rng.integers(4))
    sketch = Sketch()
    draft = Draft(sketch, "clock", finish)
    face = palette.any("white", "light yellow", "black", other_than=finish.tone.name)
    draft.part_tones["face"] = face
    draw = (_wall_clock, _alarm_clock, _mantel_clock, _grandfather_clock)[kind]
    draw(rng, palette, draft, face)
    return draft


def _dial(
    rng: np.random.Generator,
    palette: Palette,
    draft: Draft,
    face: Tone,
    at: tuple[float, float, float],
    radius: float,
) -> None:
    """Add face, marks and hands, ``at`` the middle of the face's plane."""
    sketch, (x, y, z) = draft.sketch, at
    dark = palette.paint("black" if face.name != "black" else "white")
    with sketch.named("face"):
        sketch.cylinder((x, y, z - 0.05), (x, y, z), radius, face.rgb)
    size = 0.075 * radius + 0.008
    marks = 12 if radius > 0.27 and rng.uniform() < 0.7 else 4
    with sketch.named("marks"):
        for i in range(marks):
            s, c = math.sin(2 * math.pi * i / marks), math.cos(2 * math.pi * i / marks)
            out = 0.84 * radius
            spot = (x + out * s, y + out * c, z - 0.015)
            long = 2.2 * size if i % (marks // 4) == 0 else 1.4 * size
            turn = (0, 0, -360 * i / marks)
            sketch.box(spot, (max(1.3 * size, 0.036), max(long, 0.036), 0.06), dark, turn=turn)
    hands = palette.any("red", "black", "blue", "yellow", other_than=face.name)
    hour = rng.uniform(0, 360)
    minute = hour + rng.uniform(40, 320)
    with sketch.named("hands"):
        for angle, long in ((hour, 0.48), (minute, 0.74)):
            s, c = math.sin(math.radians(angle)), math.cos(math.radians(angle))
            tip = (x + long * radius * s, y + long * radius * c, z + 0.015)
            sketch.limb((x, y, z + 0.015), tip, max(0.05 * radius, 0.02), hands.rgb)
        sketch.ball((x, y, z + 0.02), max(0.1 * radius, 0.03), hands.rgb)
    draft.part_tones["hands"] = hands


def _wall_clock(rng: np.random.Generator, palette: Palette, draft: Draft, face: Tone) -> None:
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    draft.synonyms = ["wall clock"]
    thick, rim = rng.uniform(0.14, 0.2), rng.uniform(0.08, 0.12)
    square = rng.uniform() < 0.35
    if square:
        sketch.box((0, 0, 0), (1, 1, thick), colour, rounding=0.03)
        sketch.cylinder((0, 0, 0), (0, 0, thick / 2 + 0.03), 0.47, colour, rounding=0.01)
    else:
        sketch.cylinder((0, 0, -thick / 2), (0, 0, thick / 2), 0.5, colour, rounding=0.02)
        sketch.ring((0, 0, thick / 2), 0.5 - rim / 2, rim / 2, colour)
    draft.adjectives.append("square" if square else "round")
    front = thick / 2 + (0.045 if square else 0.015)
    _dial(rng, palette, draft, face, (0, 0, front), 0.42 if square else 0.5 - rim)


def _alarm_clock(rng: np.random.Generator, palette: Palette, draft: Draft, face: Tone) -> None:
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    draft.synonyms = ["alarm clock", "twin bell alarm clock"]
    # Bells and face of one colour would outweigh the case.
    metals = ("light grey", "black") if face.name == "yellow" else ("yellow", "light grey")
    trim = palette.any(*metals, other_than=draft.finish.tone.name)
    deep = rng.uniform(0.24, 0.34)
    sketch.cylinder((0, 0, -deep / 2), (0, 0, deep / 2), 0.38, colour, rounding=0.04)
    with sketch.named("bells"):
        for side in (-1, 1):
            lean = (side * 0.2, 0.36, 0), (side * 0.29, 0.52, 0)
            sketch.limb(*lean, 0.035, trim.rgb)
            sketch.ball(lean[1], (0.15, 0.1, 0.13), trim.rgb, turn=(0, 0, -side * 30))
    draft.part_tones["bells"] = trim
    draft.counts["bells"] = 2
    with sketch.named("hammer"):
        sketch.limb((0, 0.34, 0), (0, 0.56, 0), 0.022, trim.rgb)
        sketch.ball((0, 0.58, 0), (0.06, 0.04, 0.05), trim.rgb)
    if rng.uniform() < 0.5:
        with sketch.named("handle"):
            sketch.ring((0, 0.5, 0), 0.26, 0.025, colour, arc_deg=190)
        draft.features.append("with a handle")
    with sketch.named("feet"):
        for side in (-1, 1):
            sketch.limb((side * 0.24, -0.26, 0), (side * 0.31, -0.45, 0), 0.04, trim.rgb)
    draft.adjectives.append("round")
    _dial(rng, palette, draft, face, (0, 0, deep / 2 + 0.02), 0.31)


def _mantel_clock(rng: np.random.Generator, palette: Palette, draft: Draft, face: Tone) -> None:
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    draft.synonyms = ["mantel clock", "table clock"]
    deep, form = rng.uniform(0.26, 0.36), int(rng.integers(3))
    sketch.box((0, 0.04, 0), (1.0, 0.09, deep + 0.08), colour, rounding=0.02)
    y = 0.44
    if form == 0:
        sketch.cylinder((0, y, -deep / 2), (0, y, deep / 2), 0.38, colour, rounding=0.02)
        sketch.box((0, 0.24, 0), (0.76, 0.4, deep), colour, rounding=0.02)
        draft.features.append("with a rounded top")
    elif form == 1:
        sketch.box((0, 0.42, 0), (0.78, 0.76, deep), colour, rounding=0.02)
        roof = [(-0.44, 0.76), (0.44, 0.76), (0.0, 1.04)]
        sketch.prism(roof, (0, 0, 0), deep + 0.06, colour, rounding=0.02)
        draft.features.append("with a pointed roof")
    else:
        sketch.cylinder((0, y, -deep / 2), (0, y, deep / 2), 0.38, colour, rounding=0.02)
        for side in (-1, 1):
            flank = [(0, 0.05), (side * 0.48, 0.05), (side * 0.46, 0.14), (side * 0.3, 0.34)]
            sketch.prism([*flank, (0, 0.6)], (0, 0, 0), deep, colour)
        draft.features.append("with sloping sides")
    draft.features.append("with a base")
    _dial(rng, palette, draft, face, (0, y, deep / 2 + 0.03), 0.3)


def _grandfather_clock(
    rng: np.random.Generator, palette: Palette, draft: Draft, face: Tone
) -> None:
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    draft.synonyms = ["grandfather clock", "longcase clock", "pendulum clock"]
    draft.adjectives.append("tall")
    head, waist, deep = rng.uniform(0.34, 0.4), rng.uniform(0.22, 0.27), rng.uniform(0.2, 0.25)
    sketch.box((0, 0.03, 0), (head + 0.05, 0.06, deep + 0.07), colour, rounding=0.012)
    sketch.box((0, 0.13, 0), (head, 0.2, deep + 0.03), colour, rounding=0.012)
    sketch.box((0, 0.43, 0), (waist, 0.5, deep - 0.02), colour)
    sketch.box((0, 0.8, 0), (head, 0.36, deep + 0.03), colour, rounding=0.012)
    top = int(rng.integers(3))
    if top == 0:
        sketch.cylinder((0, 0.94, -0.1), (0, 0.94, 0.1), head / 2, colour, rounding=0.015)
        draft.features.append("with a rounded top")
    elif top == 1:
        roof = [(-head / 2 - 0.02, 0.95), (head / 2 + 0.02, 0.95), (0.0, 1.12)]
        sketch.prism(roof, (0, 0, 0), deep + 0.06, colour, rounding=0.012)
        draft.features.append("with a pointed top")
    else:
        sketch.box((0, 0.98, 0), (head + 0.06, 0.05, deep + 0.09), colour, rounding=0.015)
        draft.features.append("with a flat top")
    gold = palette.any("yellow", "light grey", "white", other_than=draft.finish.tone.name)
    with sketch.named("pendulum"):
        z = deep / 2 - 0.01
        well = palette.paint("black" if draft.finish.tone.name != "black" else "brown")
        at, size = (0, 0.43, z), (waist - 0.08, 0.4, 0.1)
        sketch.box(at, size, well, op="cut")
        sway = rng.uniform(-0.03, 0.03)
        sketch.limb((0, 0.64, z - 0.035), (sway, 0.33, z - 0.035), 0.02, gold.rgb)
        ends = ((sway, 0.33, z - 0.06), (sway, 0.33, z))
        sketch.cylinder(*ends, 0.06, gold.rgb, rounding=0.01)
    draft.part_tones["pendulum"] = gold
    _dial(rng, palette, draft, face, (0, 0.8, deep / 2 + 0.03), 0.42 * head)


def candle(rng: np.random.Generator, palette: Palette) -> Draft:
    """Candles, lit or not: bare ones, one on a dish, on a candlestick, or a candelabrum's."""
    kind = int(rng.integers(4))
    finish = palette.finish(*(("metal", "golden", "silver") if kind > 1 else ()), painted=0.2)
    wax = palette.any("white", "light yellow", "red", "pink", other_than=finish.tone.name)
    sketch = Sketch()
    draft = Draft(sketch, "candle", finish, ["wax candle"])
    lit = rng.uniform() < 0.65
    flame = palette.any("orange", "yellow", other_than=finish.tone.name)
    if kind < 2:
        wax = finish.tone
    count = 1

    def stick(x: float, z: float, low: float, high: float, radius: float) -> None:
        with sketch.named("candle"):
            soft = 0.3 * radius
            sketch.cylinder((x, low, z), (x, high, z), radius, wax.rgb, rounding=soft)
        with sketch.named("wick"):
            wick = palette.paint("black" if wax.name != "black" else "white")
            sketch.limb((x, high - 0.03, z), (x, high + 0.05, z), 0.018, wick)
        if lit:
            with sketch.named("flame"):
                foot, tip = (x, high + 0.07, z), (x, high + 0.15, z)
                sketch.limb(foot, tip, 0.045, flame.rgb, top=0.018)

    if kind == 0:
        count = (1, 1, 2, 3)[int(rng.integers(4))]
        for i in range(count):
            # The tallest stands behind.
            yaw = 2 * math.pi * i / count + math.pi
            out = (0.0, 0.0, 0.12, 0.145)[count]
            high, radius = (1.0, 0.8, 0.6)[i] * rng.uniform(0.75, 1.0), rng.uniform(0.145, 0.17)
            stick(out * math.sin(yaw), out * math.cos(yaw), 0, high, radius)
            drips = int(rng.integers(4)) if count == 1 else 0
            with sketch.named("drips"):
                for j in range(drips):
                    turn = 2.1 * j + yaw
                    x, z = 0.97 * radius * math.sin(turn), 0.97 * radius * math.cos(turn)
                    end = high * rng.uniform(0.45, 0.8)
                    sketch.limb((x, high - 0.04, z), (x, end, z), 0.03, wax.rgb, top=0.04)
            if drips:
                draft.features.append("with wax drips")
    elif kind == 1:
        holder = palette.any(other_than=finish.tone.name)
        radius = rng.uniform(0.125, 0.15)
        with sketch.named("holder"):
            sketch.cylinder((0, 0, 0), (0, 0.05, 0), 0.17, holder.rgb, top=0.2, rounding=0.012)
            sketch.cylinder((0, 0.02, 0), (0, 0.13, 0), radius + 0.03, holder.rgb, rounding=0.01)
            sketch.ring((0.275, 0.07, 0), 0.085, 0.025, holder.rgb)
        stick(0, 0, 0.03, rng.uniform(0.8, 1.0), radius)
        draft.part_tones["holder"] = holder
        draft.features.append("with a ring handle")
    elif kind == 2:
        draft.noun, draft.synonyms = "candlestick", ["candle holder"]
        tall, radius = rng.uniform(0.5, 0.65), rng.uniform(0.045, 0.052)
        _foot(rng, draft, tall)
        ends = ((0, tall - 0.05, 0), (0, tall + 0.05, 0))
        sketch.cylinder(*ends, 0.05, finish.tone.rgb, top=0.11, rounding=0.012)
        stick(0, 0, tall, tall + rng.uniform(0.2, 0.3), radius)
        draft.part_tones["candle"] = wax
    else:
        draft.noun, draft.synonyms = "candelabra", ["candelabrum", "candle holder"]
        arms, tall = 1 + int(rng.integers(2)), rng.uniform(0.45, 0.55)
        count = 2 * arms + 1
        _foot(rng, draft, tall)
        with sketch.named("arms"):
            for i in range(1, arms + 1):
                ring = 0.23 * i
                sketch.ring(
                    (0, tall, 0), ring, 0.03, finish.tone.rgb, arc_deg=186, turn=(0, 0, 180)
                )
        for i in range(-arms, arms + 1):
            x = 0.23 * i
            ends = ((x, tall - 0.03, 0), (x, tall + 0.06, 0))
            sketch.cylinder(*ends, 0.045, finish.tone.rgb, top=0.085, rounding=0.012)
            stick(x, 0, tall, tall + rng.uniform(0.24, 0.27), 0.045)
        draft.part_tones["candles"] = wax
    if count > 1:
        draft.counts["candles"] = count
        draft.noun = "candles" if kind == 0 else draft.noun
        draft.synonyms = ["wax candles"] if kind == 0 else draft.synonyms
    word = "flame" if count == 1 else "flames"
    if lit:
        draft.part_tones[word] = flame
        draft.adjectives.append("lit")
    elif kind:
        draft.adjectives.append("unlit")
    return draft


def _foot(rng: np.random.Generator, draft: Draft, tall: float) -> None:
    """Add the foot and the stem of a candlestick, with knops."""
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    wide = rng.uniform(0.19, 0.25)
    with sketch.named("base"):
        sketch.cylinder((0, 0, 0), (0, 0.05, 0), wide, colour, rounding=0.015)
        sketch.cylinder((0, 0.03, 0), (0, 0.14, 0), 0.7 * wide, colour, top=0.05)
    sketch.cylinder((0, 0.05, 0), (0, tall, 0), 0.04, colour)
    for share in (0.35, 0.6, 0.85)[: 1 + int(rng.integers(3))]:
        sketch.ball((0, share * tall, 0), (0.075, 0.05, 0.075), colour)
