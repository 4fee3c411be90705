"""Desks, bookshelves, wardrobes and dressers."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.categories.fittings import corners, counted, drawer_front, pull
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def desk(rng: np.random.Generator, palette: Palette) -> Draft:
    """A desk: a top on legs, panels or stacks of drawers, some with a riser shelf."""
    finish = palette.finish("wooden", "wooden", "metal")
    colour, other = finish.tone.rgb, palette.any(other_than=finish.tone.name)
    width, depth, height = rng.uniform(1.1, 1.5), rng.uniform(0.5, 0.7), rng.uniform(0.66, 0.8)
    kind = ("knob", "handle")[int(rng.integers(2))]
    where = int(rng.integers(4))  # drawers: below the top, left, right, on both sides
    coloured = ("", "drawers", "pulls", "legs")[int(rng.integers(4))]
    fronts = other.rgb if coloured == "drawers" else colour
    pulls = palette.any("black", "light grey", "yellow", "white", other_than=finish.tone.name)
    sketch = Sketch()
    draft = Draft(sketch, "desk", finish, ["writing desk", "office desk"])
    sketch.box((0, height, 0), (width, 0.065, depth), colour, rounding=0.015)
    if width > 1.38:
        draft.adjectives.append("long")
    count, face = 0, depth / 2 - 0.05
    stack = rng.uniform(0.3, 0.38)
    for side in (-1, 1):
        x = side * (width - stack) / 2 - side * 0.02
        if where == 3 or (where == 1 and side < 0) or (where == 2 and side > 0):
            body = (x, (height + 0.05) / 2, 0)
            sketch.box(body, (stack, height - 0.05, depth - 0.1), colour, rounding=0.01)
            sketch.box((x, 0.05, 0), (0.85 * stack, 0.1, 0.7 * depth), colour)
            rows = 2 + int(rng.integers(3)) if side < 0 or where == 2 else max(count, 2)
            pitch = (height - 0.12) / rows
            for i in range(rows):
                at = (x, 0.08 + (i + 0.5) * pitch, face)
                with sketch.named("drawers"):
                    drawer_front(sketch, at, (stack - 0.06, pitch - 0.045), fronts)
                with sketch.named(f"{kind}s"):
                    at = (at[0], at[1], face + 0.035)
                    pull(sketch, kind, at, pulls.rgb, size=0.06, length=0.18)
            count += rows
        elif where and rng.uniform() < 0.35:
            x = side * (width / 2 - 0.07)
            sketch.box((x, height / 2, 0), (0.06, height, depth - 0.1), colour, rounding=0.01)
        else:
            with sketch.named("legs"):
                for z in (-1, 1):
                    at = (side * (width / 2 - 0.09), height / 2, z * (depth / 2 - 0.09))
                    tint = other.rgb if coloured == "legs" else colour
                    sketch.box(at, (0.07, height, 0.07), tint, rounding=0.01)
                    if coloured == "legs":
                        draft.part_tones["legs"] = other
    if where == 0:
        count = 1 + int(rng.integers(3))
        wide = (width - 0.3) / count
        sketch.box((0, height - 0.1, 0), (width - 0.2, 0.18, depth - 0.1), colour)
        for i in range(count):
            at = ((i - (count - 1) / 2) * wide, height - 0.11, face)
            with sketch.named("drawers"):
                drawer_front(sketch, at, (wide - 0.05, 0.12), fronts)
            with sketch.named(f"{kind}s"):
                at = (at[0], at[1], face + 0.035)
                pull(sketch, kind, at, pulls.rgb, size=0.06, length=0.16)
    draft.counts["drawers"] = count
    if coloured == "drawers":
        draft.part_tones[counted("drawer", count)] = other
    draft.part_tones[counted(kind, count)] = pulls
    if rng.uniform() < 0.35:
        rise, back = rng.uniform(0.2, 0.34), -depth / 2 + 0.11
        with sketch.named("shelf"):
            at = (0, height + rise, back)
            sketch.box(at, (0.96 * width, 0.05, 0.22), colour, rounding=0.01)
            for i in (-1, 0, 1):
                at = (0.46 * i * width, height + rise / 2, back)
                sketch.box(at, (0.05, rise, 0.2), colour)
        draft.features.append("with a shelf on top")
    return draft


def bookshelf(rng: np.random.Generator, palette: Palette) -> Draft:
    """A bookshelf: sides, boards, mostly a back, a divider at times, often books in colours."""
    finish = palette.finish("wooden", "wooden", "metal")
    colour = finish.tone.rgb
    wide = rng.uniform() < 0.3
    width = rng.uniform(0.95, 1.2) if wide else rng.uniform(0.45, 0.72)
    height = rng.uniform(0.6, 0.8) if wide else 1.0
    depth, board = rng.uniform(0.24, 0.32), rng.uniform(0.04, 0.05)
    shelves = int(rng.integers(2, 4)) if wide else int(rng.integers(3, 6))
    low = 0.08 if rng.uniform() < 0.5 else 0.02
    sketch = Sketch()
    draft = Draft(sketch, "bookshelf", finish, ["bookcase", "shelf", "book shelf"])
    draft.adjectives.append("wide" if wide else "tall")
    for side in (-1, 1):
        at = (side * (width - board) / 2, height / 2, 0)
        sketch.box(at, (board, height, depth), colour, rounding=0.006)
    crown = rng.uniform() < 0.35
    grow = 0.06 if crown else 0.0
    at = (0, height - board / 2, 0)
    sketch.box(at, (width + grow, board + grow / 3, depth + grow), colour, rounding=0.006)
    pitch = (height - board - low) / shelves
    with sketch.named("shelves"):
        for i in range(shelves):
            at = (0, low + board / 2 + i * pitch, 0)
            sketch.box(at, (width - board / 2, board, depth - 0.01), colour)
    draft.counts["shelves"] = shelves
    closed = rng.uniform() < 0.65
    if closed:
        at = (0, (height + low) / 2, -depth / 2 + 0.02)
        sketch.box(at, (width - board / 2, height - low, 0.04), colour)
    else:
        draft.features.append("with an open back")
    if rng.uniform() < (0.7 if wide else 0.2):
        at = (0, (height + low) / 2, 0)
        sketch.box(at, (board, height - low, depth - 0.01), colour)
        draft.features.append("with a divider")
        bays = [(-width / 2 + board, -board / 2), (board / 2, width / 2 - board)]
    else:
        bays = [(-width / 2 + board, width / 2 - board)]
    if rng.uniform() < 0.6:
        hues = [palette.any(other_than=finish.tone.name).rgb for _ in range(4)]
        with sketch.named("books"):
            for i in range(shelves):
                for left, right in bays:
                    x, end = left + 0.005, left + (right - left) * rng.uniform(0.3, 0.97)
                    while x + 0.07 < end:
                        thick = rng.uniform(0.05, 0.1) * (1.6 if wide else 1.0)
                        thick = min(thick, end - x)
                        tall = (pitch - board - 0.04) * rng.uniform(0.68, 1.0)
                        rear = -depth / 2 + 0.03
                        deep = rng.uniform(0.62, 0.84) * depth
                        foot = low + i * pitch + board - 0.01
                        at = (x + thick / 2, foot + tall / 2, rear + deep / 2)
                        hue = hues[int(rng.integers(4))]
                        sketch.box(at, (thick + 0.004, tall, deep), hue, rounding=0.006)
                        x += thick
        draft.features.append("with books")
    return draft


def wardrobe(rng: np.random.Generator, palette: Palette) -> Draft:
    """A wardrobe: a tall case with two or three doors, drawers below, a cornice, feet, a mirror."""
    finish = palette.finish("wooden", "wooden", "metal")
    colour, other = finish.tone.rgb, palette.any(other_than=finish.tone.name)
    width, depth = rng.uniform(0.5, 0.86), rng.uniform(0.28, 0.38)
    foot = rng.uniform(0.04, 0.08)
    sketch = Sketch()
    draft = Draft(sketch, "wardrobe", finish, ["armoire", "closet", "cupboard"])
    body = (0, (1 + foot) / 2, 0)
    sketch.box(body, (width, 1 - foot, depth), colour, rounding=0.01)
    if rng.uniform() < 0.5:
        draft.features.append("with feet")
        with sketch.named("feet"):
            for x, z in corners(width / 2 - 0.05, depth / 2 - 0.05):
                sketch.cylinder((x, 0, z), (x, foot + 0.02, z), 0.03, colour, top=0.045)
    else:
        at = (0, foot / 2 + 0.01, 0)
        sketch.box(at, (width - 0.06, foot + 0.02, depth - 0.06), colour)
    if rng.uniform() < 0.45:
        at = (0, 0.985, 0)
        sketch.box(at, (width + 0.07, 0.06, depth + 0.07), colour, rounding=0.02)
        draft.style = "classic"
    top, base = 0.94, foot + 0.04
    kind = ("knob", "handle")[int(rng.integers(2))]
    pulls = palette.any("black", "light grey", "yellow", other_than=finish.tone.name)
    fronts = other if rng.uniform() < 0.35 else finish.tone
    face = depth / 2
    if rng.uniform() < 0.45:
        drawers = 1 + int(rng.integers(2))
        part = (width - 0.05) / drawers
        for i in range(drawers):
            at = ((i - (drawers - 1) / 2) * part, base + 0.07, face)
            with sketch.named("drawers"):
                drawer_front(sketch, at, (part - 0.036, 0.14), fronts.rgb)
            with sketch.named(f"{kind}s"):
                pull(sketch, kind, (at[0], at[1], face + 0.035), pulls.rgb, size=0.045, length=0.12)
        draft.counts["drawers"] = drawers
        base += 0.18
    doors = 3 if width > 0.74 else 2
    part = (width - 0.03) / doors
    mirror = int(rng.integers(doors)) if rng.uniform() < 0.3 else -1
    panels = rng.uniform() < 0.4
    for i in range(doors):
        x, y, tall = (i - (doors - 1) / 2) * part, (top + base) / 2, top - base
        with sketch.named("doors"):
            drawer_front(sketch, (x, y, face), (part - 0.036, tall), fronts.rgb)
        if i == mirror:
            glass = palette.paint("light blue" if fronts.name != "blue" else "white")
            with sketch.named("mirror"):
                at, size = (x, y + 0.02, face + 0.025), (part - 0.1, 0.8 * tall, 0.05)
                sketch.box(at, size, glass, rounding=0.01)
            draft.features.append("with a mirror")
        elif panels:
            for share in (0.26, -0.26):
                at, size = (x, y + share * tall, face + 0.03), (part - 0.13, 0.38 * tall, 0.05)
                sketch.box(at, size, fronts.rgb, rounding=0.012)
        hand = 1 if i == 0 or (doors == 3 and i == 1) else -1
        with sketch.named(f"{kind}s"):
            at = (x + hand * (part / 2 - 0.05), y, face + 0.035)
            pull(sketch, kind, at, pulls.rgb, size=0.042, length=0.16, upright=True)
    draft.counts["doors"] = doors
    draft.part_tones[f"{kind}s"] = pulls
    if fronts is not finish.tone:
        draft.part_tones["doors"] = fronts
        if "drawers" in draft.counts:
            draft.part_tones["drawers"] = fronts
    if width < 0.58 or width > 0.76:
        draft.adjectives.append("narrow" if width < 0.58 else "wide")
    return draft


def dresser(rng: np.random.Generator, palette: Palette) -> Draft:
    """A chest of drawers: rows and columns of drawers, legs or a plinth, a mirror at times."""
    finish = palette.finish("wooden", "wooden", "wooden", "metal")
    colour, other = finish.tone.rgb, palette.any(other_than=finish.tone.name)
    columns = int(rng.integers(1, 4))
    rows = int(rng.integers(2, 5)) if columns < 3 else int(rng.integers(2, 4))
    width = (rng.uniform(0.5, 0.66), rng.uniform(0.85, 1.05), rng.uniform(1.05, 1.3))[columns - 1]
    depth, pitch = rng.uniform(0.36, 0.44), rng.uniform(0.17, 0.22)
    foot = rng.uniform(0.07, 0.2)
    tall = 0.08 + rows * pitch
    sketch = Sketch()
    draft = Draft(sketch, "dresser", finish, ["chest of drawers"])
    if columns == 1 and rows < 4:
        draft.synonyms += ["nightstand", "bedside cabinet"]
    elif columns == 3:
        draft.synonyms.append("sideboard")
    at = (0, foot + tall / 2, 0)
    sketch.box(at, (width, tall, depth), colour, rounding=0.015)
    if rng.uniform() < 0.4:
        at = (0, foot + tall, 0)
        sketch.box(at, (width + 0.06, 0.05, depth + 0.06), colour, rounding=0.015)
    legs = palette.any(other_than=finish.tone.name) if rng.uniform() < 0.25 else finish.tone
    if foot > 0.1:
        lean = rng.uniform(0.0, 0.05)
        with sketch.named("legs"):
            for x, z in corners(width / 2 - 0.08, depth / 2 - 0.08):
                out = (x + np.sign(x) * lean, 0, z + np.sign(z) * lean)
                sketch.cylinder(out, (x, foot + 0.02, z), 0.026, legs.rgb, top=0.04)
        draft.features.append("with legs")
        if legs is not finish.tone:
            draft.part_tones["legs"] = legs
        if lean > 0.03:
            draft.style = "modern"
    else:
        at = (0, foot / 2 + 0.01, 0)
        sketch.box(at, (width - 0.08, foot + 0.02, depth - 0.08), colour)
    kind = ("knob", "handle")[int(rng.integers(2))]
    pulls = palette.any("black", "light grey", "yellow", "white", other_than=finish.tone.name)
    fronts = other if rng.uniform() < 0.35 else finish.tone
    part = (width - 0.03) / columns
    for row in range(rows):
        for column in range(columns):
            x, y = (column - (columns - 1) / 2) * part, foot + 0.04 + (row + 0.5) * pitch
            with sketch.named("drawers"):
                drawer_front(sketch, (x, y, depth / 2), (part - 0.04, pitch - 0.04), fronts.rgb)
            with sketch.named(f"{kind}s"):
                at = (x, y, depth / 2 + 0.035)
                pull(sketch, kind, at, pulls.rgb, size=0.05, length=0.16)
    draft.counts["drawers"] = rows * columns
    draft.part_tones[f"{kind}s"] = pulls
    if fronts is not finish.tone:
        draft.part_tones["drawers"] = fronts
    if rng.uniform() < 0.25:
        glass = palette.paint("light blue" if finish.tone.name != "blue" else "white")
        y, rear = foot + tall, -depth / 2 + 0.06
        with sketch.named("mirror"):
            if rng.uniform() < 0.5:
                size = 0.36 * min(width, 0.9)
                ends = [(0, y + size - 0.02, rear + s) for s in (-0.035, 0.035, 0.055)]
                sketch.cylinder(ends[0], ends[1], size, colour, rounding=0.01)
                sketch.cylinder(ends[0], ends[2], size - 0.06, glass, rounding=0.01)
            else:
                wide, high = 0.75 * width, rng.uniform(0.4, 0.55)
                at = (0, y + high / 2 - 0.02, rear)
                sketch.box(at, (wide, high, 0.07), colour, rounding=0.02)
                at = (0, y + high / 2, rear + 0.02)
                sketch.box(at, (wide - 0.12, high - 0.12, 0.07), glass, rounding=0.01)
        draft.features.append("with a mirror")
    elif tall + foot > 1.25 * width or width > 1.7 * (tall + foot):
        draft.adjectives.append("tall" if tall + foot > width else "wide")
    return draft
