"""Chairs."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette, Rgb
from gen3d.data.procedural.sketch import Sketch


def chair(rng: np.random.Generator, palette: Palette) -> Draft:
    """A dining chair: legs or a pedestal, a seat, one of five backs, sometimes armrests."""
    finish = palette.finish("wooden", "wooden", "wooden", "metal", "plastic", "wicker", "golden")
    colour = finish.tone.rgb
    width, depth = rng.uniform(0.42, 0.58), rng.uniform(0.42, 0.52)
    seat, back = rng.uniform(0.40, 0.50), rng.uniform(0.40, 0.62)
    thick, leg = rng.uniform(0.045, 0.07), rng.uniform(0.028, 0.038)
    lean = rng.uniform(0.0, 0.06)
    sketch = Sketch()
    draft = Draft(sketch, "chair", finish, ["dining chair", "seat", "side chair"])
    rounded = rng.uniform() < 0.2
    if rounded:
        radius = (0, seat - thick / 2, 0), (0, seat + thick / 2, 0), 0.5 * width + 0.02
        sketch.cylinder(*radius, colour, rounding=0.015)
        draft.features.append("with a round seat")
        depth = width
    else:
        sketch.box((0, seat, 0), (width, thick, depth), colour, rounding=0.01)
    if rng.uniform() < 0.25:
        cushion = palette.any(other_than=finish.tone.name)
        soft = draft.tint("cushion", cushion)
        with sketch.named("cushion"):
            low = seat + thick / 2
            if rounded:
                ends = (0, low - 0.02, 0), (0, low + 0.05, 0)
                sketch.cylinder(*ends, 0.44 * width, soft, rounding=0.02)
            else:
                size = (0.84 * width, 0.07, 0.84 * depth)
                sketch.box((0, low + 0.015, 0), size, soft, rounding=0.02)
    # Round seats carry their posts nearer to the middle.
    inset = 0.72 if rounded else 1.0
    x, z = inset * (width / 2 - leg), inset * (depth / 2 - leg)
    base = _base(draft, rng, palette, (x, z), seat, leg)
    back_style = _back(draft, rng, (x, z, seat, back, lean, leg), colour)
    if rng.uniform() < 0.35 and not rounded:
        rise = seat + rng.uniform(0.18, 0.24)
        with sketch.named("armrests"):
            for side in (-1, 1):
                sketch.cylinder((side * x, seat, z), (side * x, rise, z), leg, colour)
                arm = (side * x, rise, -0.02)
                sketch.box(arm, (0.065, 0.05, 2 * z + 0.1), colour, rounding=0.015)
        draft.features.append("with armrests")
        draft.synonyms = ["armchair", "chair with arms"]
    if base == "rails" and back_style in ("slats", "cross"):
        draft.style = "rustic"
    elif base in ("pedestal", "splayed") and back_style in ("solid", "arched"):
        draft.style = "modern"
    if back > 0.56:
        draft.adjectives.append("tall")
    elif back < 0.45:
        draft.adjectives.append("low-backed")
    elif width > 0.54:
        draft.adjectives.append("wide")
    elif width < 0.445:
        draft.adjectives.append("narrow")
    return draft


def _base(
    draft: Draft,
    rng: np.random.Generator,
    palette: Palette,
    corner: tuple[float, float],
    seat: float,
    leg: float,
) -> str:
    """Draw what the seat stands on, and return its kind."""
    sketch, (x, z) = draft.sketch, corner
    tone = palette.second(draft.finish, 0.35)
    if rng.uniform() < 0.12:
        with sketch.named("base"):
            colour = draft.tint("base", tone)
            sketch.cylinder((0, 0.02, 0), (0, seat, 0), 0.045, colour)
            sketch.cylinder((0, 0, 0), (0, 0.05, 0), 0.21, colour, top=0.17, rounding=0.015)
        draft.features.append("with a pedestal base")
        return "pedestal"
    colour = draft.tint("legs", tone)
    kind = ("plain", "plain", "square", "splayed", "rails")[int(rng.integers(5))]
    three = rng.uniform() < 0.12
    draft.counts["legs"] = 3 if three else 4
    feet = [(-x, z), (x, z), *([(0.0, -z)] if three else [(-x, -z), (x, -z)])]
    splay = rng.uniform(1.15, 1.3) if kind == "splayed" else 1.0
    with sketch.named("legs"):
        for a, b in feet:
            if kind == "square":
                sketch.box((a, seat / 2, b), (2 * leg, seat, 2 * leg), colour, rounding=0.006)
            else:
                sketch.cylinder((splay * a, 0, splay * b), (a, seat, b), 0.9 * leg, colour, top=leg)
    if kind == "rails" and not three:
        height = rng.uniform(0.3, 0.45) * seat
        for side in (-1, 1):
            ends = (side * x, height, -z), (side * x, height, z)
            sketch.cylinder(*ends, 0.02, colour)
        sketch.cylinder((-x, height, 0), (x, height, 0), 0.02, colour)
        draft.features.append("with rails between the legs")
    return kind


def _back(
    draft: Draft,
    rng: np.random.Generator,
    sizes: tuple[float, float, float, float, float, float],
    colour: Rgb,
) -> str:
    """Draw the back between two posts, and return its kind."""
    x, z, seat, back, lean, leg = sizes
    sketch, features = draft.sketch, draft.features

    def at(share: float, across: float = 0.0) -> tuple[float, float, float]:
        return (across, seat + share * back, -z - share * lean)

    for side in (-1, 1):
        sketch.cylinder((side * x, seat, -z), at(1.0, side * x), leg, colour)
    kind = ("solid", "slats", "slats", "spindles", "cross", "arched")[int(rng.integers(6))]
    inner = 2 * (x - leg)
    if kind == "solid":
        sketch.box(at(0.72), (2 * x, 0.52 * back, 0.05), colour, rounding=0.015)
        features.append("with a solid back")
    elif kind == "arched":
        high, depth = seat + back - x, -z - 0.6 * lean
        sketch.cylinder((0, high, depth - 0.03), (0, high, depth + 0.03), x + leg, colour)
        features.append("with a rounded back")
    elif kind == "slats":
        count = int(rng.integers(2, 5))
        gap = rng.uniform(0.065, 0.1 if count < 4 else 0.075)
        high = min(back / count - gap, 0.15)
        with sketch.named("slats"):
            for i in range(count):
                share = 1.0 - (0.5 * high + i * (high + gap)) / back
                sketch.box(at(share), (2 * x, high, 0.045), colour, rounding=0.01)
        draft.counts["slats"] = count
        features.append("with a slatted back")
    elif kind == "spindles":
        sketch.box(at(0.95), (2 * (x + leg), 0.09, 0.06), colour, rounding=0.02)
        most = int((inner - 0.06) / 0.1)
        count = int(rng.integers(2, max(most, 2) + 1))
        with sketch.named("spindles"):
            for i in range(count):
                across = ((i + 1) / (count + 1) - 0.5) * inner
                sketch.cylinder(at(0, across), at(0.95, across), 0.021, colour)
        draft.counts["spindles"] = count
        features.append("with a spindle back")
    else:
        sketch.box(at(0.96), (2 * (x + leg), 0.08, 0.06), colour, rounding=0.02)
        with sketch.named("cross"):
            for side in (-1, 1):
                sketch.cylinder(at(0.08, -side * x), at(0.94, side * x), 0.024, colour)
        features.append("with a crossed back")
    return kind
