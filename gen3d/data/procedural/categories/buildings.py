"""Houses."""

from __future__ import annotations

import numpy as np

from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def house(rng: np.random.Generator, palette: Palette) -> Draft:
    """A house with a gable roof; door and windows on the front (+Z), windows at the sides."""
    finish = palette.finish("wooden", "brick", "stone", plain=0.6)
    colour = finish.tone.rgb
    width, depth = rng.uniform(0.85, 1.25), rng.uniform(0.8, 1.15)
    floors = 2 if rng.uniform() < 0.35 else 1
    wall = rng.uniform(1.0, 1.2) if floors == 2 else rng.uniform(0.74, 0.9)
    rise, eave, thick = rng.uniform(0.32, 0.52), rng.uniform(0.05, 0.08), 0.08
    sketch = Sketch()
    draft = Draft(sketch, "house", finish, ["home", "building", "cottage"])
    roof = palette.any(other_than=finish.tone.name)
    front = bool(rng.uniform() < 0.6)
    span, run = (width, depth) if front else (depth, width)
    turn = (0, 0, 0) if front else (0, 90, 0)
    half, slope = span / 2, 2 * rise / span
    gable = [(-half, 0), (half, 0), (half, wall), (0, wall + rise), (-half, wall)]
    sketch.prism(gable, (0, 0, 0), run, colour, turn=turn)
    out, drop = half + eave, wall - slope * eave
    slab = [
        (-out, drop),
        (0, wall + rise),
        (out, drop),
        (out, drop + thick),
        (0, wall + rise + 1.2 * thick),
        (-out, drop + thick),
    ]
    sketch.prism([(x, y - 0.02) for x, y in slab], (0, 0, 0), run + 1.6 * eave, roof.rgb, turn=turn)
    draft.features.append(f"with a {roof.phrase} roof")
    if rng.uniform() < 0.6:
        side = -1 if rng.uniform() < 0.5 else 1
        brick = palette.any("dark red", "dark grey", "brown", other_than=roof.name).rgb
        high = wall + rise + rng.uniform(0.05, 0.18)
        x, z = (0.5 * half * side, -0.2 * run) if front else (0.25 * run * side, -0.3 * half)
        sketch.box((x, (wall + high) / 2, z), (0.17, high - wall, 0.17), brick)
        draft.features.append("with a chimney")
    door = palette.any(
        "dark brown", "brown", "red", "blue", "white", "green", other_than=finish.tone.name
    )
    x = rng.choice([-0.24, 0.0, 0.24]) * width
    face = depth / 2
    sketch.box((x, 0.22, face), (0.22, 0.44, 0.06), door.rgb)
    glass = palette.paint("light blue" if finish.tone.name != "blue" else "light yellow")
    places = [-0.3, 0.3] if x == 0 else [-float(np.sign(x)) * 0.2]
    for at in places:
        sketch.box((at * width, 0.38, face), (0.22, 0.22, 0.06), glass)
        if floors == 2:
            sketch.box((at * width, 0.82, face), (0.22, 0.22, 0.06), glass)
    if floors == 2 and x != 0:
        sketch.box((x, 0.82, face), (0.22, 0.22, 0.06), glass)
    for side in (-1, 1):
        sketch.box((side * width / 2, 0.38, 0), (0.06, 0.22, 0.26), glass)
    count = len(places) * floors + (floors == 2 and x != 0)
    word = {1: "a window", 2: "two windows", 4: "four windows"}
    draft.features.append(f"with {word.get(count, 'windows')} in front")
    draft.adjectives.append("two-storey" if floors == 2 else "small")
    if width > 1.15 and floors == 1:
        draft.adjectives[-1] = "wide"
    return draft
