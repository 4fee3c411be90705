"""Columns and gravestones."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.categories.details import accent, around
from gen3d.data.procedural.categories.roofs import pyramid
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Colour, Sketch


def column(rng: np.random.Generator, palette: Palette) -> Draft:
    """A column: base, plain or fluted shaft, plain, scrolled or leafy capital; some broken."""
    finish = palette.finish("stone", "marble", "concrete", "wooden", plain=0.4, painted=0.25)
    colour = finish.tone.rgb
    sketch = Sketch()
    draft = Draft(sketch, "column", finish, ["pillar", "stone column"])
    if finish.material not in ("stone", "marble"):
        draft.synonyms = ["pillar"]
    radius, high = rng.uniform(0.15, 0.26), rng.uniform(1.3, 2.1)
    shaft = ("round", "fluted", "square")[int(rng.choice(3, p=(0.35, 0.4, 0.25)))]
    foot, low = radius + rng.uniform(0.07, 0.13), rng.uniform(0.1, 0.16)
    steps = int(rng.integers(1, 4))
    with sketch.named("base"):
        for i in range(steps):
            size = 2 * (foot + 0.09 * (steps - 1 - i))
            with sketch.named("steps"):
                sketch.box((0, low * (i + 0.5), 0), (size, low + 0.002, size), colour)
        bottom = steps * low
        if shaft != "square":
            sketch.cylinder(
                (0, bottom - 0.02, 0), (0, bottom + 0.09, 0), foot, colour, rounding=0.045
            )
    draft.counts["steps"] = steps
    broken = bool(rng.uniform() < 0.15)
    top = bottom + (rng.uniform(0.5, 0.75) * high if broken else high)
    slim = radius * rng.uniform(0.82, 0.95)
    with sketch.named("shaft"):
        if shaft == "round":
            sketch.cylinder((0, bottom, 0), (0, top, 0), radius, colour, top=slim)
        elif shaft == "square":
            middle = (0, (bottom + top) / 2, 0)
            sketch.box(middle, (1.8 * radius, top - bottom, 1.8 * radius), colour)
        else:
            flutes, dent = int(rng.choice((8, 10, 12))), 0.2 * radius
            outline = []
            for i in range(4 * flutes):
                angle = 2 * math.pi * i / (4 * flutes)
                away = radius - dent * (0.0, 0.75, 1.0, 0.75)[i % 4]
                outline.append((away * math.cos(angle), away * math.sin(angle)))
            middle = (0, (bottom + top) / 2, 0)
            sketch.prism(outline, middle, top - bottom, colour, turn=(90, 0, 0))
    draft.adjectives.append(shaft)
    if broken:
        tilt = float(rng.uniform(20, 35))
        sketch.box((0, top + 0.12, 0), (1.2, 0.4, 1.2), colour, turn=(0, 0, tilt), op="cut")
        draft.adjectives.append("broken")
        return draft
    with sketch.named("capital"):
        trim = accent(draft, palette, "capital") if rng.uniform() < 0.25 else colour
        _capital(rng, draft, (radius, slim, top), trim)
    if radius / high < 0.1:
        draft.adjectives.append("slender")
    elif radius / high > 0.15:
        draft.adjectives.append("thick")
    return draft


def _capital(
    rng: np.random.Generator, draft: Draft, sizes: tuple[float, float, float], trim: Colour
) -> None:
    """The top of a column; ``sizes`` are the shaft's radii below and above and its height."""
    sketch = draft.sketch
    radius, slim, top = sizes
    wide = radius + rng.uniform(0.08, 0.15)
    form = int(rng.integers(3))
    lift = (0.16, 0.26, 0.34)[form]
    if form == 0:
        sketch.cylinder((0, top - 0.02, 0), (0, top + lift, 0), slim, trim, top=wide)
        draft.features.append("with a plain capital")
    elif form == 1:
        sketch.cylinder((0, top - 0.02, 0), (0, top + lift, 0), slim + 0.02, trim)
        for x in (-1, 1):
            scroll = (x * wide, top + lift - 0.09)
            ends = ((*scroll, -wide + 0.02), (*scroll, wide - 0.02))
            sketch.cylinder(*ends, 0.11, trim)
            for z in (-1, 1):
                eye = (*scroll, z * (wide - 0.02))
                sketch.ball(eye, (0.05, 0.05, 0.045), trim)
        draft.features.append("with a scrolled capital")
        draft.synonyms.append("ionic column")
    else:
        sketch.cylinder((0, top - 0.02, 0), (0, top + lift, 0), slim, trim, top=0.85 * wide)
        for ring, (y, away) in enumerate(((0.08, slim), (0.2, 0.5 * (slim + wide)))):
            for x, z, yaw in around(8, away + 0.015, 22.5 * ring):
                sketch.ball((x, top + y, z), (0.055, 0.1, 0.045), trim, turn=(20, yaw, 0))
        draft.features.append("with a leafy capital")
        draft.synonyms.append("corinthian column")
    slab = 2 * wide + 0.08
    sketch.box((0, top + lift + 0.04, 0), (slab, 0.12, slab), trim)


def gravestone(rng: np.random.Generator, palette: Palette) -> Draft:
    """A gravestone: a slab with a shaped top, a cross or an obelisk, on a stepped base."""
    finish = palette.finish("stone", "stone", "marble", "concrete", plain=0.4, painted=0.15)
    colour = finish.tone.rgb
    sketch = Sketch()
    draft = Draft(sketch, "gravestone", finish, ["headstone", "tombstone", "grave"])
    half, high, deep = rng.uniform(0.32, 0.46), rng.uniform(0.8, 1.2), rng.uniform(0.16, 0.26)
    steps = int(rng.integers(1, 3))
    foot, low = half + 0.1, rng.uniform(0.1, 0.16)
    forms = ("round", "pointed", "shoulder", "roof", "flat", "cross", "obelisk")
    form = forms[int(rng.choice(7, p=(0.24, 0.14, 0.14, 0.1, 0.1, 0.18, 0.1)))]
    base = steps * low
    if form == "obelisk":
        half *= 0.7
        foot = half + 0.1
        with sketch.named("top"):
            pyramid(sketch, (0, base + high, 0), 0.66 * half, 0.22, colour)
            body = (0, base + high / 2, 0)
            sketch.box(body, (1.32 * half, high + 0.02, 1.32 * half), colour)
            sketch.box((0, base + 0.14, 0), (1.8 * half, 0.3, 1.8 * half), colour)
        draft.features.append("in the form of an obelisk")
        draft.adjectives.append("tall")
        deep = 1.8 * half
    elif form == "cross":
        bar, level = rng.uniform(0.18, 0.24), base + 0.68 * high
        with sketch.named("cross"):
            sketch.box((0, base + high / 2, 0), (bar, high + 0.02, max(deep, 0.14)), colour)
            sketch.box((0, level, 0), (1.7 * half, bar, max(deep, 0.14)), colour)
            if rng.uniform() < 0.4:
                sketch.ring((0, level, 0), 0.56 * half, 0.07, colour)
                draft.features.append("with a ring")
        draft.features.append("in the form of a cross")
    else:
        crown = _crown(form, half, base + high)
        outline = [(-half, 0.5 * base), (half, 0.5 * base), *crown]
        sketch.prism(outline, (0, 0, 0), deep, colour)
        draft.features.append(
            {
                "round": "with a round top",
                "pointed": "with a pointed top",
                "shoulder": "with a round top and shoulders",
                "roof": "with a roof-shaped top",
                "flat": "with a flat top",
            }[form]
        )
        _writing(rng, palette, draft, (half, base + 0.62 * high, deep / 2))
    with sketch.named("base"):
        for i in range(steps):
            grow = 0.09 * (steps - 1 - i)
            size = (2 * (foot + grow), low + 0.002, deep + 0.2 + 2 * grow)
            sketch.box((0, low * (i + 0.5), 0), size, colour)
    if rng.uniform() < 0.25:
        with sketch.named("grass"):
            lawn = accent(draft, palette, "grass", "green", "dark green")
            patch = (2 * foot + 0.1, 0.09, deep + 0.4)
            sketch.box((0, 0.0, 0.06), patch, lawn, rounding=0.03)
    if rng.uniform() < 0.3:
        count = int(rng.integers(1, 4))
        with sketch.named("flowers"):
            flower = palette.any("red", "yellow", "pink", "purple", other_than=finish.tone.name)
            stem = palette.paint("green")
            for i in range(count):
                x = (i - (count - 1) / 2) * 0.2
                z = deep / 2 + 0.07
                sketch.limb((x, base - 0.04, z), (x, base + 0.14, z), 0.036, stem)
                sketch.ball((x, base + 0.18, z), 0.075, flower.rgb)
        word = "flower" if count == 1 else "flowers"
        draft.part_tones[word] = flower
        draft.counts["flowers"] = count
    if form not in ("obelisk", "cross"):
        if high / half > 3.0:
            draft.adjectives.append("tall")
        elif high / half < 2.2:
            draft.adjectives.append("wide")
    return draft


def _crown(form: str, half: float, top: float) -> list[tuple[float, float]]:
    """Upper corners of a slab, from right to left."""
    arc = [math.pi * i / 12 for i in range(13)]
    if form == "round":
        return [(half * math.cos(a), top - half + half * math.sin(a)) for a in arc]
    if form == "pointed":
        right = [(half, top - half), (0.75 * half, top - 0.45 * half)]
        return [*right, (0, top), *((-x, y) for x, y in reversed(right))]
    if form == "shoulder":
        low, inner = top - 0.66 * half, 0.66 * half
        bow = [(inner * math.cos(a), low + inner * math.sin(a)) for a in arc]
        return [(half, low), *bow, (-half, low)]
    if form == "roof":
        eave = top - 0.4 * half
        right = [(half, eave - 0.12), (half + 0.09, eave - 0.12), (half + 0.09, eave)]
        return [*right, (0, top), *((-x, y) for x, y in reversed(right))]
    return [(half, top), (-half, top)]


def _writing(
    rng: np.random.Generator,
    palette: Palette,
    draft: Draft,
    place: tuple[float, float, float],
) -> None:
    """A relief cross or lines on the front; ``place`` is half width, height, front."""
    sketch, name = draft.sketch, draft.finish.tone.name
    half, level, face = place
    dark = palette.any("dark grey", "black", "light grey", other_than=name).rgb
    if rng.uniform() < 0.4:
        sketch.box((0, level, face), (0.09, 0.42, 0.09), draft.finish.tone.rgb)
        sketch.box((0, level + 0.07, face), (0.28, 0.09, 0.09), draft.finish.tone.rgb)
        draft.features.append("with a cross on it")
    else:
        lines = int(rng.integers(2, 5))
        with sketch.named("writing"):
            for i in range(lines):
                width = (1.2, 0.8, 1.1, 0.6)[i] * half
                at = (0, level + 0.12 - 0.13 * i, face)
                sketch.box(at, (width, 0.06, 0.08), dark, op="cut")
        draft.features.append("with writing")
