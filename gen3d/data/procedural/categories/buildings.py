"""Houses."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch

_PANE = 0.2


def house(rng: np.random.Generator, palette: Palette) -> Draft:
    """A house with a gable, hip or flat roof; door and windows in front (+Z) and at the sides."""
    finish = palette.finish("wooden", "brick", "stone", "concrete", plain=0.6)
    colour = finish.tone.rgb
    width, depth = rng.uniform(0.85, 1.25), rng.uniform(0.8, 1.15)
    floors = int(rng.choice(3, p=(0.55, 0.33, 0.12))) + 1
    storey = rng.uniform(0.72, 0.88) if floors == 1 else rng.uniform(0.5, 0.58)
    wall = floors * storey
    sketch = Sketch()
    draft = Draft(sketch, "house", finish, ["home", "building", "cottage"])
    roof = palette.any(other_than=finish.tone.name)
    kind = "flat" if rng.uniform() < 0.2 else "gable"
    front = bool(rng.uniform() < 0.6)
    if kind == "flat":
        sketch.box((0, wall / 2, 0), (width, wall, depth), colour)
        with sketch.named("roof"):
            slab, over = draft.tint("roof", roof), rng.uniform(0.08, 0.2)
            sketch.box((0, wall + 0.03, 0), (width + over, 0.1, depth + over), slab)
        draft.features.append("with a flat roof")
        draft.style = "modern"
        peak = wall + 0.05
    else:
        peak = _gable(draft, rng, (width, depth, wall), front, draft.tint("roof", roof))
        draft.features.append("with a pointed roof")
    chimneys = int(rng.choice(3, p=(0.45, 0.4, 0.15)))
    if chimneys:
        word = "chimneys" if chimneys > 1 else "chimney"
        tone = palette.any("dark red", "dark grey", "brown", "white", other_than=roof.name)
        brick = draft.tint(word, tone)
        first = -1 if rng.uniform() < 0.5 else 1
        with sketch.named(word):
            for side in (first, -first)[:chimneys]:
                high = peak + rng.uniform(0.1, 0.2)
                x, z = (0.25 * width * side, -0.15 * depth)
                if not front:
                    x, z = (0.28 * width * side, -0.12 * depth)
                sketch.box((x, wall / 2 + high / 2, z), (0.16, high - wall, 0.16), brick)
                sketch.box((x, high, z), (0.22, 0.08, 0.22), brick)
        draft.counts["chimneys"] = chimneys
    _openings(draft, rng, palette, (width, depth, storey), floors)
    if floors > 1:
        draft.adjectives.append("two-storey" if floors == 2 else "three-storey")
    elif width > 1.12:
        draft.adjectives.append("wide")
    else:
        draft.adjectives.append("small")
    return draft


def _gable(
    draft: Draft,
    rng: np.random.Generator,
    sizes: tuple[float, float, float],
    front: bool,
    colour: tuple[float, float, float],
) -> float:
    """Draw walls with gables and the roof's two slopes; return the height of the ridge."""
    width, depth, wall = sizes
    rise, eave, thick = rng.uniform(0.32, 0.55), rng.uniform(0.05, 0.09), 0.08
    span, run = (width, depth) if front else (depth, width)
    turn = (0, 0, 0) if front else (0, 90, 0)
    half, slope, sketch = span / 2, 2 * rise / span, draft.sketch
    gable = [(-half, 0), (half, 0), (half, wall), (0, wall + rise), (-half, wall)]
    sketch.prism(gable, (0, 0, 0), run, draft.finish.tone.rgb, turn=turn)
    out, drop = half + eave, wall - slope * eave
    slab = [
        (-out, drop),
        (0, wall + rise),
        (out, drop),
        (out, drop + thick),
        (0, wall + rise + 1.2 * thick),
        (-out, drop + thick),
    ]
    with sketch.named("roof"):
        outline = [(x, y - 0.02) for x, y in slab]
        sketch.prism(outline, (0, 0, 0), run + 1.6 * eave, colour, turn=turn)
    return wall + rise


def _openings(
    draft: Draft,
    rng: np.random.Generator,
    palette: Palette,
    sizes: tuple[float, float, float],
    floors: int,
) -> None:
    """Put the door and windows on the front, one window per storey on each side."""
    width, depth, storey = sizes
    sketch, body, face = draft.sketch, draft.finish.tone.name, depth / 2
    x = (-0.27, 0.0, 0.27)[int(rng.integers(3))] * width
    tall = min(0.46, 0.74 * storey)
    with sketch.named("door"):
        door = draft.tint("door", palette.any(other_than=body))
        sketch.box((x, tall / 2, face), (0.22, tall, 0.08), door)
        knob = palette.paint(
            "yellow" if not np.allclose(door, (0.9, 0.8, 0.2), atol=0.2) else "black"
        )
        sketch.ball((x + 0.06, 0.48 * tall, face + 0.04), 0.038, knob)
    if rng.uniform() < 0.4:
        step = (x, 0.045, face + 0.06)
        sketch.box(step, (0.36, 0.09, 0.18), palette.paint("grey" if body != "grey" else "brown"))
        draft.features.append("with a doorstep")
    glass = palette.any("light blue", "light yellow", "white", "black", other_than=body)
    pane = draft.tint("windows", glass)
    columns = (-0.3, 0.3) if x == 0 else (-float(np.sign(x)) * 0.2,)
    if x != 0 and width > 1.05 and rng.uniform() < 0.6:
        columns = tuple(-float(np.sign(x)) * share for share in (0.06, 0.33))
    places = [(share * width, 0.62 * storey if i == 0 else (i + 0.52) * storey)
              for i in range(floors) for share in columns]  # fmt: skip
    if x != 0:
        places += [(x, (i + 0.52) * storey) for i in range(1, floors)]
    with sketch.named("windows"):
        for at in places:
            sketch.box((*at, face), (_PANE, _PANE, 0.08), pane)
        for side in (-1, 1):
            for i in range(floors):
                at = (side * width / 2, (i + 0.55) * storey, 0)
                sketch.box(at, (0.08, _PANE, 0.26), pane)
    shown = "a window" if len(places) == 1 else f"{_WORDS[len(places)]} windows"
    draft.features.append(f"with {shown} in front")


_WORDS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 8: "eight"}
