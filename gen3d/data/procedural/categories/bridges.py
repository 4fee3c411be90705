"""Bridges, which span along X."""

from __future__ import annotations

import itertools
import math

import numpy as np

from gen3d.data.procedural.categories.details import accent
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def bridge(rng: np.random.Generator, palette: Palette) -> Draft:
    """A bridge: stone arches, wooden with railings, suspended or trussed."""
    kind = int(rng.choice(4, p=(0.35, 0.25, 0.2, 0.2)))
    materials = (
        ("stone", "brick", "concrete"),
        ("wooden",),
        ("metal", "steel"),
        ("metal", "steel"),
    )
    finish = palette.finish(*materials[kind], plain=0.45, painted=0.3)
    sketch = Sketch()
    draft = Draft(sketch, "bridge", finish)
    (_arch_bridge, _wooden_bridge, _suspension_bridge, _truss_bridge)[kind](rng, palette, draft)
    return draft


def _arch_bridge(rng: np.random.Generator, palette: Palette, draft: Draft) -> None:
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    arches, half = int(rng.integers(1, 5)), rng.uniform(0.18, 0.34)
    hump = rng.uniform(0.1, 0.22) if arches % 2 and rng.uniform() < 0.6 else 0.0
    pitch = 1.84 / arches
    radius = min(0.5 * pitch - 0.07, 0.52)
    high = radius + rng.uniform(0.1, 0.25) + (0.1 if arches > 2 else 0.0)

    def road(extra: float) -> list[tuple[float, float]]:
        xs = [-1.0 + 0.2 * i for i in range(11)]
        return [(x, high - hump * x**2 + extra) for x in xs]

    outline = [(-1.0, 0.0), *road(0.0), (1.0, 0.0)]
    sketch.prism(outline, (0, 0, 0), 2 * half, colour)
    with sketch.named("railings"):
        rail = [(-1.0, 0.0), *road(rng.uniform(0.12, 0.18)), (1.0, 0.0)]
        for z in (-1, 1):
            sketch.prism(rail, (0, 0, z * (half - 0.05)), 0.1, colour)
            for x in (-0.97, 0.97):
                post = high - hump + 0.1
                sketch.box(
                    (x, 0.5 * post + 0.05, z * (half - 0.05)), (0.13, post + 0.1, 0.15), colour
                )
    with sketch.named("arches"):
        for i in range(arches):
            x = (i - (arches - 1) / 2) * pitch
            foot = max(0.0, high - hump * x**2 - radius - 0.12)
            ends = ((x, foot, -1), (x, foot, 1))
            sketch.cylinder(*ends, radius, colour, op="cut")
            if foot > 0.02:
                sketch.box((x, foot / 2, 0), (2 * radius, foot + 0.002, 2), colour, op="cut")
    with sketch.named("road"):
        if rng.uniform() < 0.5:
            paint = accent(draft, palette, "road", "dark grey", "brown", "light brown", "grey")
            low = [(x, y - 0.04) for x, y in road(0.0)]
            surface = [*low, *reversed(road(0.05))]
            sketch.prism(surface, (0, 0, 0), 2 * half - 0.21, paint, op="paint")
    draft.counts["arches"] = arches
    draft.synonyms += ["arch bridge"]
    draft.adjectives.append("arched")


def _wooden_bridge(rng: np.random.Generator, palette: Palette, draft: Draft) -> None:
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    half, hump = rng.uniform(0.22, 0.36), rng.uniform(0.12, 0.35)
    planks = int(rng.integers(8, 12))
    pitch = 1.9 / planks
    rails = accent(draft, palette, "railings") if rng.uniform() < 0.4 else colour

    def level(x: float) -> float:
        return 0.3 + hump * (1 - x**2)

    edges = [-0.97 + 1.94 * i / 6 for i in range(7)]
    for z in (-1, 1):
        low = [(x, level(x) - 0.1) for x in edges]
        beam = [*low, *((x, level(x)) for x in reversed(edges))]
        sketch.prism(beam, (0, 0, z * (half - 0.08)), 0.09, colour)
    with sketch.named("planks"):
        for i in range(planks):
            x = (i - (planks - 1) / 2) * pitch
            tilt = math.degrees(math.atan(-2 * hump * x))
            size = (pitch - 0.065, 0.07, 2 * half)
            sketch.box((x, level(x) + 0.01, 0), size, colour, turn=(0, 0, tilt))
    posts = int(rng.integers(3, 6))
    rise = rng.uniform(0.26, 0.36)
    with sketch.named("railings"):
        for z in (-1, 1):
            side = z * (half - 0.04)
            with sketch.named("posts"):
                for i in range(posts):
                    x = -0.9 + 1.8 * i / (posts - 1)
                    foot = 0.0 if i in (0, posts - 1) else level(x) - 0.08
                    top = level(x) + rise
                    sketch.box((x, (foot + top) / 2, side), (0.09, top - foot, 0.09), rails)
            low = [(x, level(x) + rise - 0.09) for x in edges]
            rail = [*low, *((x, level(x) + rise - 0.01) for x in reversed(edges))]
            sketch.prism(rail, (0, 0, side), 0.08, rails)
    draft.counts["posts"] = 2 * posts
    draft.synonyms += ["footbridge"]
    if draft.finish.material == "wooden":
        draft.features.append("with planks")
    if hump > 0.26:
        draft.adjectives.append("curved")


def _suspension_bridge(rng: np.random.Generator, palette: Palette, draft: Draft) -> None:
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    half, deck, tall = rng.uniform(0.14, 0.2), rng.uniform(0.2, 0.3), rng.uniform(0.75, 0.95)
    tower, end = rng.uniform(0.45, 0.56), 0.98
    with sketch.named("road"):
        road = colour
        if rng.uniform() < 0.5:
            road = accent(draft, palette, "road", "dark grey", "grey", "black")
        sketch.box((0, deck, 0), (2.0, 0.09, 2 * half), road)
    with sketch.named("towers"):
        for x in (-tower, tower):
            for z in (-half, half):
                sketch.box((x, tall / 2, z), (0.13, tall, 0.1), colour)
            for y in (tall - 0.04, 0.62 * tall, deck - 0.08):
                sketch.box((x, y, 0), (0.11, 0.09, 2 * half), colour)
    sag = deck + rng.uniform(0.1, 0.16)

    def cable(x: float) -> float:
        if abs(x) <= tower:
            return sag + (tall - 0.06 - sag) * (x / tower) ** 2
        return deck + (tall - 0.06 - deck) * ((end - abs(x)) / (end - tower))

    stops = [-end, -tower, -tower / 2, 0.0, tower / 2, tower, end]
    with sketch.named("cables"):
        for z in (-half, half):
            for left, right in itertools.pairwise(stops):
                ends = ((left, cable(left), z), (right, cable(right), z))
                sketch.limb(*ends, 0.034, colour)
            for x in (-tower / 2, 0.0, tower / 2, -0.75, 0.75):
                sketch.limb((x, deck, z), (x, cable(x), z), 0.033, colour)
    draft.features.append("with two towers")
    draft.synonyms += ["suspension bridge"]


def _truss_bridge(rng: np.random.Generator, palette: Palette, draft: Draft) -> None:
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    half, deck, rise = rng.uniform(0.18, 0.28), rng.uniform(0.26, 0.36), rng.uniform(0.36, 0.5)
    fields = int(rng.integers(3, 6))
    pitch = 1.9 / fields
    with sketch.named("road"):
        road = colour
        if rng.uniform() < 0.5:
            road = accent(draft, palette, "road", "dark grey", "grey", "black", "brown")
        sketch.box((0, deck, 0), (2.0, 0.09, 2 * half), road)
    top = 0.95 - 0.5 * pitch
    with sketch.named("trusses"):
        for z in (-half, half):
            sketch.box((0, deck, z), (2.0, 0.12, 0.09), colour)
            sketch.box((0, deck + rise, z), (2 * top + 0.06, 0.09, 0.09), colour)
            for i in range(fields):
                left = -0.95 + i * pitch
                apex = (left + 0.5 * pitch, deck + rise, z)
                sketch.limb((left, deck, z), apex, 0.04, colour)
                sketch.limb(apex, (left + pitch, deck, z), 0.04, colour)
        for x in (-top, top):
            sketch.box((x, deck + rise, 0), (0.08, 0.08, 2 * half), colour)
    with sketch.named("piers"):
        pier = accent(draft, palette, "piers", "grey", "light grey", "dark red")
        for x in (-0.86, 0.86):
            sketch.box((x, deck / 2, 0), (0.2, deck, 2 * half + 0.06), pier)
    draft.synonyms += ["truss bridge", "railway bridge"]
