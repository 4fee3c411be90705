"""Keys and books."""

from __future__ import annotations

import math

import numpy as np

from gen3d.data.procedural.categories.details import accent, around
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.sketch import Sketch


def key(rng: np.random.Generator, palette: Palette) -> Draft:
    """An old-fashioned key along X: a bow with a hole, a shaft with collars, counted teeth."""
    finish = palette.finish("golden", "metal", "steel", "silver", "bronze", "iron")
    colour = finish.tone.rgb
    form = int(rng.choice(4, p=(0.4, 0.22, 0.2, 0.18)))
    size, tube = rng.uniform(0.12, 0.17), rng.uniform(0.034, 0.045)
    girth, long = rng.uniform(0.03, 0.042), rng.uniform(0.55, 0.72)
    sketch = Sketch()
    draft = Draft(sketch, "key", finish, ["door key", "old key"])
    with sketch.named("head"):
        if form == 0:
            sketch.ring((-size, 0, 0), size, tube, colour)
            draft.features.append("with a round head")
        elif form == 1:
            for x, y, _ in around(3, 0.95 * size, -90):
                sketch.ring((-1.1 * size + x, y, 0), 0.68 * size, 0.85 * tube, colour)
            draft.features.append("with a clover-shaped head")
        elif form == 2:
            sketch.cylinder((-size, 0, -0.04), (-size, 0, 0.04), 1.15 * size, colour, rounding=0.02)
            hole = rng.uniform(0.35, 0.6) * size
            sketch.cylinder(
                (-size - 0.25 * size, 0, -1), (-1.25 * size, 0, 1), hole, colour, op="cut"
            )
            draft.features.append("with a flat head")
        else:
            turn = (0, 0, 45)
            sketch.box(
                (-size, 0, 0), (1.7 * size, 1.7 * size, 0.08), colour, turn=turn, rounding=0.02
            )
            sketch.box((-size, 0, 0), (0.8 * size, 0.8 * size, 1), colour, turn=turn, op="cut")
            draft.features.append("with a diamond-shaped head")
    with sketch.named("shaft"):
        sketch.limb((-0.02, 0, 0), (long, 0, 0), girth, colour)
        for i in range(int(rng.integers(1, 4))):
            x = 0.035 + 0.085 * i
            sketch.cylinder((x - 0.02, 0, 0), (x + 0.02, 0, 0), 1.7 * girth, colour, rounding=0.01)
    teeth, deep = int(rng.integers(1, 5)), rng.uniform(0.1, 0.17)
    both = teeth == 1 and rng.uniform() < 0.4
    metal = accent(draft, palette, "teeth") if rng.uniform() < 0.35 else colour
    with sketch.named("teeth"):
        for i in range(teeth):
            x, drop = long - 0.02 - 0.088 * i, deep * (1.0 if i % 2 == 0 else 0.72)
            low, high = -girth - drop, (girth + drop if both else 0.0)
            sketch.box((x, (low + high) / 2, 0), (0.048, high - low, 0.045), metal, rounding=0.005)
    draft.counts["teeth"] = teeth
    if long < 0.6:
        draft.adjectives.append("short")
    elif long > 0.68:
        draft.adjectives.append("long")
    return draft


def book(rng: np.random.Generator, palette: Palette) -> Draft:
    """A book: a cover around a block of pages; standing, lying or open."""
    finish = palette.finish("leather", "leather", "fabric", "paper", plain=0.65)
    sketch = Sketch()
    draft = Draft(sketch, "book", finish, ["hardcover book", "novel"])
    page = accent(draft, palette, "pages", "white", "light yellow")
    if rng.uniform() < 0.3:
        _open_book(draft, rng, palette, page)
        return draft
    _closed_book(draft, rng, palette, page)
    return draft


def _closed_book(
    draft: Draft, rng: np.random.Generator, palette: Palette, page: tuple[float, float, float]
) -> None:
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    standing = rng.uniform() < 0.6
    wide, high, thick = rng.uniform(0.6, 0.8), 1.0, rng.uniform(0.15, 0.32)
    board = 0.042

    # Drawn standing: the spine at -X, the front cover at +Z; a lying book is turned on its back.
    def at(x: float, y: float, z: float) -> tuple[float, float, float]:
        return (x, y, z) if standing else (x, z, -y)

    def size(x: float, y: float, z: float) -> tuple[float, float, float]:
        return (x, y, z) if standing else (x, z, y)

    with sketch.named("cover"):
        for side in (-1, 1):
            middle = side * (thick - board) / 2
            sketch.box(at(0, 0, middle), size(wide, high, board), colour, rounding=0.01)
        spine = -wide / 2 + board / 2
        if rng.uniform() < 0.4:
            low, top = at(spine, -high / 2, 0), at(spine, high / 2, 0)
            sketch.cylinder(low, top, thick / 2, colour, rounding=0.01)
            draft.features.append("with a round spine")
        else:
            sketch.box(at(spine, 0, 0), size(board, high, thick), colour, rounding=0.01)
    with sketch.named("pages"):
        block = size(wide - 0.05, high - 0.09, thick - 0.5 * board)
        sketch.box(at(-0.02, 0, 0), block, page)
    ribs = int(rng.choice((0, 2, 3, 4), p=(0.5, 0.18, 0.17, 0.15)))
    if ribs:
        band = accent(draft, palette, "bands", "yellow", "brown", "black", "white")
        with sketch.named("bands"):
            for i in range(ribs):
                y = high * (-0.36 + 0.72 * i / (ribs - 1))
                reach = thick / 2 if "with a round spine" in draft.features else board / 2
                extent = size(2 * reach + 0.05, 0.06, thick + 0.02)
                sketch.box(at(spine, y, 0), extent, band, rounding=0.02)
        draft.counts["bands"] = ribs
    face = thick / 2
    kind = rng.uniform()
    if kind < 0.3:
        label = accent(draft, palette, "label", "white", "yellow", "red", "black", "light blue")
        with sketch.named("label"):
            panel = size(0.5 * wide, rng.uniform(0.14, 0.3), 0.05)
            sketch.box(at(0.02, 0.2, face), panel, label, rounding=0.01)
    elif kind < 0.5:
        metal = accent(draft, palette, "corners", "yellow", "grey", "dark brown")
        with sketch.named("corners"):
            for x in (wide / 2 - 0.07, -wide / 2 + 0.1):
                for y in (-1, 1):
                    middle = at(x, y * (high / 2 - 0.07), face - 0.01)
                    sketch.box(middle, size(0.15, 0.15, 0.05), metal, rounding=0.01)
    elif kind < 0.68:
        with sketch.named("emblem"):
            emblem = accent(draft, palette, "emblem", "yellow", "red", "light blue", "purple")
            radius = rng.uniform(0.12, 0.18)
            start, end = at(0.02, 0.05, face - 0.03), at(0.02, 0.05, face + 0.03)
            sketch.cylinder(start, end, radius, emblem, rounding=0.01)
    elif kind < 0.82:
        with sketch.named("strap"):
            strap = accent(draft, palette, "strap", "brown", "black", "red", "dark blue")
            extent = size(0.1, high + 0.05, thick + 0.06)
            sketch.box(at(0.5 * wide - 0.14, 0, 0), extent, strap, rounding=0.02)
    if rng.uniform() < 0.3:
        with sketch.named("bookmark"):
            ribbon = accent(draft, palette, "bookmark", "red", "blue", "yellow", "green")
            sketch.box(at(0.1, -high / 2, 0), size(0.07, 0.24, 0.045), ribbon)
    draft.features.append("standing upright" if standing else "lying flat")
    if thick > 0.27:
        draft.adjectives.append("thick")
    elif thick < 0.19:
        draft.adjectives.append("thin")


def _open_book(
    draft: Draft, rng: np.random.Generator, palette: Palette, page: tuple[float, float, float]
) -> None:
    """Two halves that meet at the spine, tilted towards the reader at +Z."""
    sketch, colour = draft.sketch, draft.finish.tone.rgb
    wide, deep = 0.5, rng.uniform(0.6, 0.8)
    thick, lift = rng.uniform(0.06, 0.12), rng.uniform(4, 18)
    for side in (-1, 1):
        angle = math.radians(lift)
        turn = (0, 0, side * lift)

        def along(x: float, up: float, side: int = side, angle: float = angle) -> tuple[float, ...]:
            """Point of a tilted half, ``x`` from the spine and ``up`` from its cover."""
            out = x * math.cos(angle) - up * math.sin(angle)
            return side * out, x * math.sin(angle) + up * math.cos(angle), 0.0

        with sketch.named("cover"):
            at = along(wide / 2, 0.0)
            sketch.box(at, (wide + 0.02, 0.045, deep), colour, turn=turn, rounding=0.01)
        with sketch.named("pages"):
            at = along(wide / 2 - 0.02, thick / 2 + 0.01)
            sketch.box(at, (wide - 0.03, thick, deep - 0.07), page, turn=turn, rounding=0.02)
            # Text is painted lines, with room between them.
            for i in range(4):
                x, _, z = along(wide / 2 - 0.02, 0)[0], 0, -0.32 * deep + 0.2 * deep * i
                ink = (0.35, 0.35, 0.38)
                line = (0.62 * wide, thick + 0.3, 0.035)
                raised = along(wide / 2 - 0.02, thick / 2 + 0.2)
                sketch.box((x, raised[1], z), line, ink, turn=turn, op="paint")
    with sketch.named("cover"):
        sketch.box((0, -0.005, 0), (0.12, 0.06, deep), colour, rounding=0.01)
    if rng.uniform() < 0.4:
        with sketch.named("bookmark"):
            ribbon = accent(draft, palette, "bookmark", "red", "blue", "yellow", "green")
            sketch.box((0.02, thick, 0.5 * deep), (0.07, 0.045, 0.36), ribbon)
            sketch.box((0.02, 0.5 * thick, 0.5 * deep), (0.06, thick, 0.1), ribbon)
    draft.noun, draft.synonyms = "open book", ["opened book", "book lying open"]
