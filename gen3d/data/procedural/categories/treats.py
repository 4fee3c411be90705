"""Cakes and burgers."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.categories.details import accent, around, wedge
from gen3d.data.procedural.categories.natural import natural_finish
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def cake(rng: np.random.Generator, palette: Palette) -> Draft:
    """A cake of one to three tiers with icing, cream layers, candles or berries."""
    finish = natural_finish(palette, "white", "pink", "brown", "light yellow", "dark brown")
    colour = finish.tone.rgb
    tiers = int(rng.choice((1, 2, 3), p=(0.6, 0.25, 0.15)))
    sketch = Sketch()
    draft = Draft(sketch, "cake", finish, ["birthday cake", "party cake"])
    if tiers > 1:
        draft.counts["tiers"] = tiers
    wide, step = rng.uniform(0.44, 0.52), rng.uniform(0.3, 0.46) if tiers == 1 else 0.24
    top, radius = 0.0, wide
    for i in range(tiers):
        radius = wide * (1 - 0.28 * i)
        with sketch.named("tiers"):
            sketch.cylinder((0, top - 0.02, 0), (0, top + step, 0), radius, colour, rounding=0.03)
        top += step
    layers = int(rng.integers(1, 3)) if tiers == 1 and rng.uniform() < 0.5 else 0
    cream = "cream layers" if layers > 1 else "cream layer"
    if layers:
        filling = accent(draft, palette, cream)
        for i in range(layers):
            y = step * (i + 1) / (layers + 1)
            half = 0.03
            with sketch.named(cream):
                low, high = (0, y - half, 0), (0, y + half, 0)
                sketch.cylinder(low, high, wide + 0.025, filling, rounding=0.02)
    icing = rng.uniform()
    cut = tiers == 1 and icing >= 0.4 and rng.uniform() < 0.4
    if icing < 0.4:
        frosting = accent(draft, palette, "icing")
        with sketch.named("icing"):
            sketch.cylinder(
                (0, top - 0.03, 0), (0, top + 0.04, 0), radius + 0.02, frosting, rounding=0.025
            )
            for x, z, _ in around(int(rng.integers(7, 11)), radius):
                drop = rng.uniform(0.06, 0.4 * step)
                sketch.limb((x, top, z), (x, top - drop, z), 0.05, frosting)
        draft.features.append("with dripping icing")
        top += 0.04
    elif icing < 0.65:
        with sketch.named("cream"):
            cream_colour = accent(draft, palette, "cream", "white", "pink", "light yellow", "brown")
            for x, z, _ in around(int(rng.integers(8, 13)), radius - 0.07):
                sketch.ball((x, top + 0.02, z), (0.07, 0.06, 0.07), cream_colour)
        draft.features.append("with a ring of cream")
    _decorate(draft, rng, palette, top, radius, bare=icing >= 0.65 and not layers)
    if cut:
        crumb = palette.any("light yellow", "light brown", "brown", other_than=finish.tone.name)
        yaw = rng.uniform(0, 70)
        wedge(
            sketch, (0, 0.5, 0), 1.2, 2.0, crumb.rgb, opening_deg=rng.uniform(40, 65), yaw_deg=yaw
        )
        draft.features.append("with a slice cut out")
    if icing >= 0.4 and not cut and rng.uniform() < 0.5:
        plate = accent(draft, palette, "plate")
        with sketch.named("plate"):
            brim = wide * 1.15
            sketch.cylinder((0, -0.08, 0), (0, 0, 0), 0.7 * brim, plate, top=brim, rounding=0.02)
    if tiers == 1 and step < 0.35:
        draft.adjectives.append("flat")
    elif tiers == 3:
        draft.adjectives.append("tall")
    return draft


def _decorate(
    draft: Draft,
    rng: np.random.Generator,
    palette: Palette,
    top: float,
    radius: float,
    *,
    bare: bool,
) -> None:
    """Candles, or cherries, on the top surface, counted; always some where it is bare."""
    sketch, kind = draft.sketch, rng.uniform(0, 0.8 if bare else 1.0)
    count = int(rng.integers(1, 8))
    ring = 0.0 if count == 1 else 0.58 * radius
    if kind < 0.5:
        word = "candles" if count > 1 else "candle"
        wax, flame = accent(draft, palette, word), palette.paint("orange")
        high = rng.uniform(0.16, 0.26)
        for x, z, _ in around(count, ring, 20):
            with sketch.named("candles"):
                sketch.cylinder((x, top - 0.03, z), (x, top + high, z), 0.03, wax)
                sketch.ball((x, top + high + 0.03, z), (0.032, 0.05, 0.032), flame)
        draft.counts["candles"] = count
        draft.synonyms = ["birthday cake", "cake with candles"]
    elif kind < 0.8:
        word = "cherries" if count > 1 else "cherry"
        berry = accent(draft, palette, word, "red", "dark red", "purple", "blue")
        with sketch.named("cherries"):
            for x, z, _ in around(count, ring, 20):
                sketch.ball((x, top + 0.035, z), 0.06, berry)
        draft.counts["cherries"] = count


def burger(rng: np.random.Generator, palette: Palette) -> Draft:
    """A burger: a bun with patties, cheese, lettuce and tomato between its halves."""
    finish = natural_finish(palette, "light brown", "brown", "orange", "light yellow")
    colour = finish.tone.rgb
    wide = 0.5
    sketch = Sketch()
    draft = Draft(sketch, "burger", finish, ["hamburger"])
    patties = int(rng.choice((1, 2, 3), p=(0.55, 0.33, 0.12)))
    draft.counts["patties"] = patties
    # From the top bun's flat underside at height 0 downwards.
    dome = rng.uniform(0.27, 0.36)
    with sketch.named("bun"):
        sketch.ball((0, -0.01, 0), (wide, dome, wide), colour)
        sketch.box((0, -0.51, 0), (2, 1, 2), colour, op="cut")
    if rng.uniform() < 0.6:
        seeds = palette.any("white", "light yellow", other_than=finish.tone.name)
        with sketch.named("seeds"):
            for i in range(9):
                level = 0.99 - 0.055 * i
                out, angle = wide * math.sqrt(1 - level**2), 2.4 * i
                at = (out * math.sin(angle), dome * level, out * math.cos(angle))
                sketch.ball(at, 0.036, seeds.rgb)
        draft.features.append("with sesame seeds")
    y = 0.01
    if rng.uniform() < 0.55:
        with sketch.named("tomato"):
            slices = accent(draft, palette, "tomato", "red", "dark red")
            sketch.cylinder((0, y - 0.08, 0), (0, y, 0), 0.97 * wide, slices, rounding=0.02)
        y -= 0.07
    meat = accent(draft, palette, "patties", "dark brown", "brown")
    cheese = accent(draft, palette, "cheese", "yellow", "orange") if rng.uniform() < 0.6 else None
    if cheese is not None:
        draft.synonyms.append("cheeseburger")
    for _ in range(patties):
        if cheese is not None:
            with sketch.named("cheese"):
                side = 1.72 * wide
                sketch.box((0, y - 0.02, 0), (side, 0.055, side), cheese, turn=(0, 45, 0))
            y -= 0.035
        with sketch.named("patties"):
            high = rng.uniform(0.12, 0.15)
            sketch.cylinder((0, y - high, 0), (0, y, 0), 0.99 * wide, meat, rounding=0.045)
        y -= high - 0.012
    if rng.uniform() < 0.7:
        y = _lettuce(draft, rng, palette, y)
    with sketch.named("bun"):
        flat = rng.uniform(0.15, 0.22)
        sketch.cylinder(
            (0, y - flat, 0), (0, y + 0.01, 0), 0.94 * wide, colour, top=wide, rounding=0.06
        )
    if patties > 1:
        draft.synonyms.append("double burger" if patties == 2 else "triple burger")
    return draft


def _lettuce(draft: Draft, rng: np.random.Generator, palette: Palette, y: float) -> float:
    """A wavy leaf below height ``y``; returns where the next filling starts."""
    green = accent(draft, palette, "lettuce", "green", "light green", "dark green")
    sketch = draft.sketch
    with sketch.named("lettuce"):
        sketch.cylinder((0, y - 0.06, 0), (0, y + 0.01, 0), 0.5, green, rounding=0.02)
        for i, (x, z, _) in enumerate(around(int(rng.integers(8, 11)), 0.5)):
            sketch.ball((x, y - 0.03 + (0.02 if i % 2 else -0.02), z), (0.115, 0.045, 0.115), green)
    return y - 0.045
