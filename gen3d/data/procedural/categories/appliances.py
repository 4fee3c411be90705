"""Refrigerators and stoves."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.categories.details import accent
from gen3d.data.procedural.categories.fittings import corners, pull
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def refrigerator(rng: np.random.Generator, palette: Palette) -> Draft:
    """A refrigerator: one to four doors in five layouts, bar handles, feet, a dispenser."""
    finish = palette.finish("steel", "metal", "plastic", painted=0.5)
    colour = finish.tone.rgb
    layout = int(rng.integers(5))
    wide = layout >= 3
    width = rng.uniform(0.56, 0.66) if wide else rng.uniform(0.4, 0.52)
    depth, soft = rng.uniform(0.38, 0.48), rng.uniform(0.015, 0.07)
    low, face, gap = 0.07, depth / 2, 0.036
    sketch = Sketch()
    draft = Draft(sketch, "refrigerator", finish, ["fridge", "fridge freezer", "icebox"])
    if soft > 0.055:
        draft.style = "retro"
    elif wide:
        draft.style = "modern"
    sketch.box((0, (1 + low - 0.03) / 2, -0.03), (width, 1.03 - low, depth - 0.06), colour)
    with sketch.named("feet"):
        for x, z in corners(width / 2 - 0.06, depth / 2 - 0.08):
            sketch.cylinder((x, 0, z), (x, 0.1, z), 0.035, palette.paint("dark grey"))
    split = rng.uniform(0.62, 0.74)
    half = width / 2 - gap / 4
    # Doors as (centre x, bottom, top, width, side of the handle or 0 for one along the top).
    doors = {
        0: [(0.0, low, 1.0, width, -1)],
        1: [(0.0, low, split, width, -1), (0.0, split, 1.0, width, -1)],
        2: [(0.0, low, 1 - split, width, -1), (0.0, 1 - split, 1.0, width, -1)],
        3: [(-width / 4, low, 1.0, half, 1), (width / 4, low, 1.0, half, -1)],
        4: [(-width / 4, 0.36, 1.0, half, 1), (width / 4, 0.36, 1.0, half, -1)],
    }[layout]
    if not wide and rng.uniform() < 0.5:
        doors = [(*row[:4], 1) for row in doors]
    drawer = layout == 4
    if drawer:
        doors.append((0.0, low, 0.36, width, 0))
    two = rng.uniform() < 0.2
    tint = accent(draft, palette, "doors" if layout else "door") if two else colour
    chrome_word = "handle" if layout == 0 else "handles"
    chrome = accent(draft, palette, chrome_word, "light grey", "black", "white", "dark grey")
    for x, bottom, top, broad, hand in doors:
        with sketch.named("doors"):
            at, size = (
                (x, (bottom + top) / 2, face - 0.02),
                (broad - 0.002, top - bottom - gap, 0.1),
            )
            size = (size[0] - (gap if wide and hand else 0.0), size[1], size[2])
            sketch.box(at, size, tint, rounding=min(soft, 0.045))
        with sketch.named("handles"):
            if hand:
                grip = min(0.3, 0.6 * (top - bottom))
                y = (bottom + top) / 2 if layout in (0, 3) else (bottom + 0.6 * grip + 0.05)
                if layout in (1, 2) and bottom == low:
                    y = top - 0.6 * grip - 0.05
                at = (x + hand * (broad / 2 - 0.06), y, face + 0.03)
                pull(sketch, "handle", at, chrome, size=0.042, length=grip, upright=True)
            else:
                at = (x, top - 0.08, face + 0.03)
                pull(sketch, "handle", at, chrome, size=0.042, length=0.6 * broad)
    draft.counts["doors"] = len(doors) - int(drawer)
    if drawer:
        draft.features.append("with a freezer drawer")
    elif layout in (1, 2):
        where = "on top" if layout == 1 else "at the bottom"
        draft.features.append(f"with a freezer {where}")
    if wide and rng.uniform() < 0.5:
        with sketch.named("dispenser"):
            at, size = (-width / 4, 0.66, face + 0.01), (0.13, 0.2, 0.08)
            dark = palette.paint("black" if finish.tone.name != "black" else "light grey")
            sketch.box(at, size, dark, rounding=0.015)
        draft.features.append("with a water dispenser")
    if wide or width < 0.43:
        draft.adjectives.append("wide" if wide else "narrow")
    return draft


def stove(rng: np.random.Generator, palette: Palette) -> Draft:
    """A kitchen stove: burners on top, an oven door with a window and a handle, knobs, a panel."""
    finish = palette.finish("steel", "metal", painted=0.5)
    colour = finish.tone.rgb
    burners = (2, 4, 4, 6)[int(rng.integers(4))]
    width = {2: 0.62, 4: 0.76, 6: 1.0}[burners] * rng.uniform(0.95, 1.05)
    depth, height = rng.uniform(0.6, 0.7), rng.uniform(0.78, 0.92)
    face, gas = depth / 2, rng.uniform() < 0.5
    sketch = Sketch()
    draft = Draft(sketch, "stove", finish, ["oven", "cooker", "kitchen stove"])
    sketch.box((0, (height + 0.06) / 2, 0), (width, height - 0.06, depth), colour, rounding=0.012)
    sketch.box((0, 0.05, -0.02), (width - 0.08, 0.1, depth - 0.1), palette.paint("dark grey"))
    sketch.box((0, height, 0), (width + 0.03, 0.05, depth + 0.03), colour, rounding=0.012)
    dark = "black" if finish.tone.name != "black" else "grey"
    iron = palette.any(dark)
    draft.part_tones["burners"] = iron
    columns = burners // 2
    radius = min(0.12, 0.4 * (width / columns) / 1.3)
    with sketch.named("burners"):
        for i in range(columns):
            for z in (-1, 1):
                x, w = (i - (columns - 1) / 2) * (width - 0.06) / columns, z * 0.24 * depth
                sketch.cylinder(
                    (x, height, w), (x, height + 0.06, w), radius, iron.rgb, rounding=0.01
                )
                if gas:
                    y, reach = height + 0.075, 1.15 * radius
                    sketch.box((x, y, w), (2 * reach, 0.04, 0.04), iron.rgb)
                    sketch.box((x, y, w), (0.04, 0.04, 2 * reach), iron.rgb)
    draft.counts["burners"] = burners
    if gas:
        draft.synonyms.append("gas stove")
    else:
        draft.synonyms.append("electric stove")
    back = rng.uniform() < 0.55
    if back:
        rise = rng.uniform(0.14, 0.24)
        at = (0, height + rise / 2, -depth / 2 + 0.04)
        sketch.box(at, (width, rise + 0.04, 0.08), colour, rounding=0.02)
        draft.features.append("with a back panel")
        if rng.uniform() < 0.5:
            at = (0, height + 0.6 * rise, -depth / 2 + 0.06)
            sketch.box(at, (0.2, 0.08, 0.07), palette.paint(dark), rounding=0.01)
            draft.features.append("with a display")
    knobs = burners + int(rng.integers(2))
    tint = accent(draft, palette, "knobs", "black", "light grey", "white", "red")
    with sketch.named("knobs"):
        pitch = min(0.14, (width - 0.08) / knobs)
        for i in range(knobs):
            x, y = (i - (knobs - 1) / 2) * pitch, height - 0.1
            ends = ((x, y, face - 0.02), (x, y, face + 0.05))
            sketch.cylinder(*ends, 0.038, tint, rounding=0.01)
    draft.counts["knobs"] = knobs
    drawer = rng.uniform() < 0.5
    low, top = (0.3 if drawer else 0.12), height - 0.18
    chrome = palette.any("light grey", "black", "white", other_than=finish.tone.name)
    with sketch.named("door"):
        middle, tall = (low + top) / 2, top - low
        sketch.box((0, middle, face), (width - 0.08, tall, 0.07), colour, rounding=0.015)
        at, size = (0, middle - 0.05, face + 0.02), (0.66 * width, 0.5 * tall, 0.06)
        sketch.box(at, size, palette.paint(dark), rounding=0.015)
    draft.features.append("with an oven window")
    with sketch.named("handles" if drawer else "handle"):
        at = (0, top - 0.07, face + 0.035)
        pull(sketch, "handle", at, chrome.rgb, size=0.05, length=0.75 * width)
        if drawer:
            at = (0, 0.19, face)
            sketch.box(at, (width - 0.08, 0.14, 0.07), colour, rounding=0.015)
            at = (0, 0.2, face + 0.035)
            pull(sketch, "handle", at, chrome.rgb, size=0.045, length=0.4 * width)
    draft.part_tones["handles" if drawer else "handle"] = chrome
    if drawer:
        draft.features.append("with a drawer")
    return draft
