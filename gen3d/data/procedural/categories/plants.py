"""Trees and cacti."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch

_GREENS = ("green", "dark green", "light green")


def tree(rng: np.random.Generator, palette: Palette) -> Draft:
    """A tree: a leafy crown, a tall oval one, a fir of stacked cones or a topiary."""
    finish = palette.natural(*_GREENS)
    sketch = Sketch()
    draft = Draft(sketch, "tree", finish)
    kinds = ("leafy", "oval", "fir", "topiary")
    kind = kinds[int(rng.choice(4, p=(0.45, 0.13, 0.32, 0.1)))]
    barks = ("brown", "light brown", "brown", "dark grey", "white")
    bark = draft.tint("trunk", palette.any(*barks, other_than=finish.tone.name))
    trunk, stem = rng.uniform(0.45, 0.72), rng.uniform(0.06, 0.1)
    with sketch.named("trunk"):
        sketch.cylinder((0, 0, 0), (0, trunk + 0.3, 0), 1.3 * stem, bark, top=0.8 * stem)
        # Spreading roots.
        sketch.cylinder((0, 0, 0), (0, 0.22, 0), 2.6 * stem, bark, top=stem)
    if kind == "fir":
        _fir(draft, rng, palette, trunk)
    elif kind == "oval":
        wide, high = rng.uniform(0.3, 0.42), rng.uniform(0.55, 0.72)
        sketch.ball((0, trunk + 0.88 * high, 0), (wide, high, wide), finish.tone.rgb)
        draft.synonyms = ["cypress", "poplar"]
        draft.adjectives.append("tall")
        draft.features.append("with an oval crown")
    elif kind == "topiary":
        balls, y, radius = int(rng.integers(2, 4)), trunk + 0.1, rng.uniform(0.26, 0.34)
        start = y
        with sketch.named("balls"):
            for _ in range(balls):
                y += radius
                sketch.ball((0, y, 0), radius, finish.tone.rgb)
                y, radius = y + radius + 0.05, 0.78 * radius
        sketch.cylinder((0, start, 0), (0, y - radius, 0), 0.05, bark)
        draft.counts["balls"] = balls
        draft.synonyms = ["topiary", "topiary tree"]
    else:
        _leafy(draft, rng, palette, trunk)
    if trunk > 0.62:
        draft.features.append("with a long trunk")
    elif trunk < 0.5:
        draft.features.append("with a short trunk")
    return draft


def _fir(draft: Draft, rng: np.random.Generator, palette: Palette, trunk: float) -> None:
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    tiers, wide = int(rng.integers(2, 5)), rng.uniform(0.42, 0.6)
    height, base = rng.uniform(1.0, 1.4), 0.65 * trunk
    step = height / (tiers + 0.6)
    with sketch.named("tiers"):
        for i in range(tiers):
            low, radius = base + i * step, wide * (1 - 0.72 * i / tiers)
            sketch.cylinder((0, low, 0), (0, low + 1.6 * step, 0), radius, colour, top=0.03)
    draft.counts["tiers"] = tiers
    draft.synonyms = ["fir tree", "pine tree", "conifer"]
    if wide < 0.47:
        draft.adjectives.append("narrow")
    if rng.uniform() < 0.4:
        star = palette.any("yellow", "red", "white", "blue", other_than=draft.finish.tone.name)
        with sketch.named("ball on top"):
            sketch.ball((0, base + height, 0), 0.1, draft.tint("ball on top", star))
        draft.synonyms.append("christmas tree")


def _leafy(draft: Draft, rng: np.random.Generator, palette: Palette, trunk: float) -> None:
    sketch, colour = draft.sketch, draft.finish.tone.rgb
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
    if crown > 0.45:
        draft.adjectives.append("wide")
    chance = rng.uniform()
    if chance < 0.35:
        name = draft.finish.tone.name
        fruit = draft.tint(
            "fruits", palette.any("red", "orange", "yellow", "pink", other_than=name)
        )
        with sketch.named("fruits"):
            for i, (x, y, z, turn, radius) in enumerate(perches):
                up = -0.35 if i % 2 else 0.3
                flat = radius * math.sqrt(1 - up * up)
                at = (x + flat * math.cos(turn), y + 0.9 * up * radius, z + flat * math.sin(turn))
                sketch.ball(at, 0.08, fruit)
        draft.counts["fruits"] = count
        draft.synonyms.append("fruit tree")


def cactus(rng: np.random.Generator, palette: Palette) -> Draft:
    """A cactus: a column with up to four arms, or a round barrel; in a pot or on sand."""
    finish = palette.natural(*_GREENS)
    colour = finish.tone.rgb
    barrel = rng.uniform() < 0.15
    thick, high = rng.uniform(0.15, 0.2), rng.uniform(0.95, 1.3)
    sketch = Sketch()
    draft = Draft(sketch, "cactus", finish, ["cactus plant", "desert cactus"])
    if barrel:
        thick, high = rng.uniform(0.36, 0.44), rng.uniform(0.7, 0.9)
        # Eight lobes around the axis, as barrel cacti have ribs.
        lobe = (0.5 * thick, 0.54 * high, 0.5 * thick)
        for i in range(8):
            turn = math.pi * i / 4
            at = (0.52 * thick * math.cos(turn), 0.5 * high, 0.52 * thick * math.sin(turn))
            sketch.ball(at, lobe, colour)
        sketch.ball((0, 0.5 * high, 0), (0.6 * thick, 0.55 * high, 0.6 * thick), colour)
        draft.adjectives.append("round")
        top, arms = 1.05 * high, 0
        if rng.uniform() < 0.5:
            arms, elbow = 1, (1.35 * thick, 0.5 * high, 0)
            with sketch.named("arms"):
                sketch.limb((0, 0.45 * high, 0), elbow, 0.12, colour, blend=0.04)
                sketch.limb(elbow, (elbow[0], 0.9 * high, 0), 0.12, colour, blend=0.04)
    else:
        sketch.limb((0, 0, 0), (0, high, 0), 1.05 * thick, colour, top=0.9 * thick)
        top = high + 0.9 * thick
        arms = int(rng.choice(5, p=(0.08, 0.23, 0.27, 0.23, 0.19)))
        first = 1 if rng.uniform() < 0.5 else -1
        with sketch.named("arms"):
            for i in range(arms):
                turn = (0.0, math.pi, math.pi / 2, -math.pi / 2)[i]
                joint = high * (rng.uniform(0.4, 0.6) - 0.08 * (i == 1))
                out, up = thick + rng.uniform(0.2, 0.28), rng.uniform(0.22, 0.42)
                x, z = first * out * math.cos(turn), out * math.sin(turn)
                arm = rng.uniform(0.095, 0.125)
                sketch.limb((0, joint - 0.05, 0), (x, joint, z), arm, colour, blend=0.04)
                ends = (x, joint, z), (x, joint + up, z)
                sketch.limb(*ends, arm, colour, top=0.9 * arm, blend=0.04)
        if high > 1.2:
            draft.adjectives.append("tall")
        elif high < 1.03:
            draft.adjectives.append("short")
    draft.counts["arms"] = arms
    _cactus_ground(draft, rng, palette, barrel=barrel)
    if rng.uniform() < 0.4:
        flowers = 3 if rng.uniform() < 0.3 else 1
        word = "flower" if flowers == 1 else "flowers"
        tone = palette.any("hot pink", "red", "yellow", "white", "purple",
                           other_than=finish.tone.name)  # fmt: skip
        bloom, wide = draft.tint(word, tone), 0.6 * thick
        with sketch.named(word):
            if flowers == 1:
                sketch.ball((0, top, 0), (0.13, 0.09, 0.13), bloom)
            for i in range(flowers if flowers > 1 else 0):
                turn = math.pi / 2 + 2 * math.pi * i / 3
                at = (wide * math.cos(turn), top - 0.35 * thick, wide * math.sin(turn))
                sketch.ball(at, 0.085, bloom)
        draft.counts["flowers"] = flowers
    return draft


def _cactus_ground(
    draft: Draft, rng: np.random.Generator, palette: Palette, *, barrel: bool
) -> None:
    sketch, name = draft.sketch, draft.finish.tone.name
    brim = (0.31 if barrel else 0.26) * rng.uniform(0.95, 1.1)
    if rng.uniform() < 0.65:
        # The pot reaches up around the plant's foot.
        deep = rng.uniform(0.2, 0.27)
        pot = draft.tint("pot", palette.any(other_than=name))
        with sketch.named("pot"):
            sketch.cylinder((0, -deep, 0), (0, 0.08, 0), 0.7 * brim, pot, top=0.92 * brim)
            sketch.cylinder((0, 0.0, 0), (0, 0.1, 0), brim, pot, rounding=0.02)
        draft.synonyms.append("potted cactus")
    else:
        sand = palette.any("light yellow", "light brown", other_than=name)
        sketch.ball((0, 0.0, 0), (1.2 * brim, 0.1, 1.2 * brim), sand.rgb)
