"""Trees and cacti."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.categories.natural import natural_finish
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch

_GREENS = ("green", "dark green", "light green")


def tree(rng: np.random.Generator, palette: Palette) -> Draft:
    """A tree: a round leafy crown, a tall oval one, or a fir of stacked cones."""
    finish = natural_finish(palette, *_GREENS)
    colour = finish.tone.rgb
    bark = palette.paint("light brown" if finish.tone.name == "black" else "brown")
    if finish.tone.name == "brown":
        bark = palette.paint("dark grey")
    trunk, stem = rng.uniform(0.45, 0.72), rng.uniform(0.06, 0.1)
    sketch = Sketch()
    sketch.cylinder((0, 0, 0), (0, trunk + 0.3, 0), 1.3 * stem, bark, top=0.8 * stem)
    # Spreading roots.
    sketch.cylinder((0, 0, 0), (0, 0.22, 0), 2.6 * stem, bark, top=stem)
    style = ("leafy", "oval", "fir")[int(rng.choice(3, p=(0.55, 0.12, 0.33)))]
    draft = Draft(sketch, "tree", finish)
    if style == "fir":
        tiers, wide = int(rng.integers(2, 5)), rng.uniform(0.42, 0.6)
        height, base = rng.uniform(1.0, 1.4), 0.65 * trunk
        step = height / (tiers + 0.6)
        for i in range(tiers):
            low = base + i * step
            radius = wide * (1 - 0.72 * i / tiers)
            sketch.cylinder((0, low, 0), (0, low + 1.6 * step, 0), radius, colour, top=0.03)
        draft.synonyms = ["fir tree", "pine tree", "conifer"]
        if rng.uniform() < 0.4:
            star = palette.any("yellow", "red", "white", other_than=finish.tone.name)
            sketch.ball((0, base + height, 0), 0.1, star.rgb)
            draft.synonyms.append("christmas tree")
            draft.features.append(f"with a {star.phrase} ball on top")
    elif style == "oval":
        wide, high = rng.uniform(0.3, 0.42), rng.uniform(0.55, 0.72)
        sketch.ball((0, trunk + 0.88 * high, 0), (wide, high, wide), colour)
        draft.synonyms = ["cypress", "poplar"]
        draft.adjectives.append("tall")
    else:
        crown, squash = rng.uniform(0.36, 0.48), rng.uniform(0.75, 1.05)
        centre = trunk + 0.85 * crown * squash
        sketch.ball((0, centre, 0), (crown, crown * squash, crown), colour)
        count, start = int(rng.integers(3, 7)), rng.uniform(0, 6.28)
        perches: list[tuple[float, float, float, float, float]] = []
        for i in range(count):
            turn, radius = start + 2 * math.pi * i / count, rng.uniform(0.2, 0.3)
            out, rise = 0.95 * crown, rng.uniform(-0.15, 0.35) * crown
            at = (out * math.cos(turn), centre + rise, out * math.sin(turn))
            sketch.ball(at, radius, colour, blend=0.08)
            perches.append((at[0], at[1], at[2], turn, radius))
        sketch.ball((0, centre + 0.6 * crown, 0), rng.uniform(0.24, 0.34), colour, blend=0.08)
        draft.synonyms = ["leafy tree", "broadleaf tree"]
        draft.features.append("with a bushy crown")
        if rng.uniform() < 0.3:
            fruit = palette.any("red", "orange", "yellow", other_than=finish.tone.name)
            for i, (x, y, z, turn, radius) in enumerate(perches):
                up = -0.35 if i % 2 else 0.3
                flat = radius * math.sqrt(1 - up * up)
                at = (x + flat * math.cos(turn), y + 0.9 * up * radius, z + flat * math.sin(turn))
                sketch.ball(at, 0.08, fruit.rgb)
            draft.features.append(f"with {fruit.phrase} fruit")
    if trunk > 0.62:
        draft.features.append("with a long trunk")
    return draft


def cactus(rng: np.random.Generator, palette: Palette) -> Draft:
    """A cactus: a column with arms, or a round barrel; in a pot, on sand or bare."""
    finish = natural_finish(palette, *_GREENS)
    colour = finish.tone.rgb
    barrel = rng.uniform() < 0.15
    thick, high = rng.uniform(0.15, 0.2), rng.uniform(0.95, 1.3)
    sketch = Sketch()
    draft = Draft(sketch, "cactus", finish, ["cactus plant", "desert cactus"])
    if barrel:
        thick, high = rng.uniform(0.36, 0.44), rng.uniform(0.7, 0.9)
        sketch.ball((0, 0.5 * high, 0), (thick, 0.55 * high, thick), colour)
        draft.adjectives.append("round")
        top = 1.05 * high
        elbow = (1.35 * thick, 0.5 * high, 0)
        sketch.limb((0, 0.45 * high, 0), elbow, 0.12, colour, blend=0.04)
        sketch.limb(elbow, (elbow[0], 0.9 * high, 0), 0.12, colour, blend=0.04)
    else:
        sketch.limb((0, 0, 0), (0, high, 0), 1.05 * thick, colour, top=0.9 * thick)
        top = high + 0.9 * thick
        arms = int(rng.integers(1, 4))
        first = 1 if rng.uniform() < 0.5 else -1
        for i in range(arms):
            side, z = first * (1 if i % 2 == 0 else -1), 0.0
            joint = high * (rng.uniform(0.4, 0.6) - 0.08 * (i == 1))
            out, up = thick + rng.uniform(0.2, 0.28), rng.uniform(0.22, 0.42)
            x = side * out
            if i == 2:
                x, z = 0.0, out
            arm = rng.uniform(0.095, 0.125)
            sketch.limb((0, joint - 0.05, 0), (x, joint, z), arm, colour, blend=0.04)
            sketch.limb((x, joint, z), (x, joint + up, z), arm, colour, top=0.9 * arm, blend=0.04)
        draft.features.append(f"with {('one arm', 'two arms', 'three arms')[arms - 1]}")
        if high > 1.2:
            draft.adjectives.append("tall")
    base = rng.integers(3)
    brim = (0.26 if not barrel else 0.31) * rng.uniform(0.95, 1.1)
    ground = palette.any(other_than=finish.tone.name)
    if base < 2:
        # The pot reaches up around the plant's foot.
        deep = rng.uniform(0.2, 0.27)
        sketch.cylinder((0, -deep, 0), (0, 0.08, 0), 0.7 * brim, ground.rgb, top=0.92 * brim)
        sketch.cylinder((0, 0.0, 0), (0, 0.1, 0), brim, ground.rgb, rounding=0.02)
        draft.features.append(f"in a {ground.phrase} pot")
        draft.synonyms.append("potted cactus")
    else:
        sand = palette.any("light yellow", "light brown", other_than=finish.tone.name)
        sketch.ball((0, 0.0, 0), (1.2 * brim, 0.1, 1.2 * brim), sand.rgb)
    if rng.uniform() < 0.4:
        bloom = palette.any("hot pink", "red", "yellow", "white", other_than=finish.tone.name)
        sketch.ball((0, top, 0), (0.13, 0.09, 0.13), bloom.rgb)
        draft.features.append(f"with a {bloom.phrase} flower")
    return draft
