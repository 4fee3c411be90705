"""What captions of food, tools, plants and figures count is there."""

from __future__ import annotations

import numpy as np
import pytest

from gen3d.data.procedural.categories import PROGRAMS
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Palette

SEEDS = range(24)


def _draw(category: str, seed: int) -> Draft:
    rng = np.random.default_rng(seed)
    return PROGRAMS[category](rng, Palette(rng))


def _parts(draft: Draft, name: str, kind: str = "") -> int:
    parts = draft.sketch.parts
    return sum(part.name == name and kind in ("", part.kind) for part in parts)


@pytest.mark.parametrize(
    ("category", "word", "name", "kind", "each"),
    [
        ("apple", "leaves", "leaves", "ellipsoid", 1),
        ("mushroom", "spots", "spots", "ellipsoid", 1),
        ("mushroom", "caps", "gills", "cone", 1),
        ("pumpkin", "ribs", "ribs", "ellipsoid", 1),
        ("cake", "candles", "candles", "cone", 1),
        ("cake", "cherries", "cherries", "ellipsoid", 1),
        ("burger", "patties", "patties", "cone", 1),
        ("bowl", "fruits", "fruits", "ellipsoid", 1),
        ("frying pan", "eggs", "eggs", "cone", 1),
        ("shield", "studs", "studs", "ellipsoid", 1),
        ("axe", "blades", "blade", "prism", 1),
        ("axe", "bands", "bands", "cone", 1),
        ("key", "teeth", "teeth", "box", 1),
        ("book", "bands", "bands", "box", 1),
        ("flower", "leaves", "leaves", "ellipsoid", 1),
        ("palm tree", "fronds", "fronds", "ellipsoid", 2),
        ("palm tree", "coconuts", "coconuts", "ellipsoid", 1),
        ("robot", "antennas", "antennas", "capsule", 1),
        ("robot", "eyes", "eyes", "ellipsoid", 1),
        ("robot", "buttons", "buttons", "ellipsoid", 1),
        ("snowman", "buttons", "buttons", "ellipsoid", 1),
    ],
)
def test_said_number_is_drawn(category: str, word: str, name: str, kind: str, each: int) -> None:
    said = set()
    for seed in SEEDS:
        draft = _draw(category, seed)
        if word not in draft.counts:
            continue
        said.add(draft.counts[word])
        # The heart of a palm's crown is a frond's part too.
        extra = 1 if word == "fronds" else 0
        assert _parts(draft, name, kind) == each * draft.counts[word] + extra, (category, seed)
    assert len(said) > 1


@pytest.mark.parametrize(
    "category",
    ["apple", "banana", "carrot", "cake", "burger", "sword", "shield", "book", "bird", "horse"],
)
def test_noted_colours_are_those_of_drawn_parts(category: str) -> None:
    for seed in range(12):
        draft = _draw(category, seed)
        drawn = {part.colour for part in draft.sketch.parts}
        for word, tone in draft.part_tones.items():
            assert tone.rgb in drawn, (category, seed, word)


def test_person_wears_what_the_caption_says() -> None:
    worn = set()
    for seed in SEEDS:
        draft = _draw("person", seed)
        garments = {"trousers", "shorts", "skirt", "dress", "suit"} & set(draft.part_tones)
        assert len(garments) == 1
        worn |= garments
        (garment,) = garments
        shown = {part.colour for part in draft.sketch.parts if part.name in (garment, "legs")}
        assert draft.part_tones[garment].rgb in shown
    assert len(worn) >= 4
