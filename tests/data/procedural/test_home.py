"""Furniture, containers, appliances and small things of the house: what is said of them is true."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from gen3d.data.procedural import Shape, make_shape

SEEDS = range(24)
# Categories with the words whose named solids number exactly what the captions say.
EXACT = (
    ("stool", "legs"),
    ("bench", "slats"),
    ("desk", "drawers"),
    ("bookshelf", "shelves"),
    ("wardrobe", "drawers"),
    ("wardrobe", "doors"),
    ("dresser", "drawers"),
    ("barrel", "hoops"),
    ("vase", "handles"),
    ("bucket", "hoops"),
    ("stove", "knobs"),
    ("television", "knobs"),
    ("ladder", "rungs"),
    ("ladder", "steps"),
    ("door", "panels"),
)


def _counts(shape: Shape) -> dict[str, int]:
    return json.loads(shape.attributes["counts"])


def _drawn(shape: Shape) -> Counter[str]:
    return Counter(part.name for part in shape.parts if part.op == "add")


@pytest.mark.parametrize(("category", "word"), EXACT)
def test_counts_are_those_of_the_named_parts(category: str, word: str) -> None:
    shapes = [make_shape(category, seed) for seed in SEEDS]
    said = [(shape, _counts(shape)[word]) for shape in shapes if word in _counts(shape)]
    assert said
    for shape, number in said:
        assert _drawn(shape)[word] == number, f"{category} {shape.seed}"


@pytest.mark.parametrize(("category", "word"), [("stool", "legs"), ("ladder", "rungs")])
def test_numbers_vary_between_shapes(category: str, word: str) -> None:
    numbers = {_counts(make_shape(category, seed)).get(word) for seed in SEEDS}
    assert len(numbers - {None}) >= 2


def test_every_candle_has_its_wick_and_a_lit_one_its_flame() -> None:
    for seed in SEEDS:
        shape = make_shape("candle", seed)
        drawn = _drawn(shape)
        number = _counts(shape).get("candles", 1)
        assert drawn["candle"] == drawn["wick"] == number
        lit = any(word.startswith("flame") for word in json.loads(shape.attributes["parts"]))
        assert drawn["flame"] == (number if lit else 0)


def test_a_clock_has_two_hands_of_different_length() -> None:
    for seed in SEEDS:
        hands = [part for part in make_shape("clock", seed).parts if part.name == "hands"]
        lengths = sorted(part.params[2] for part in hands if part.kind == "capsule")
        assert len(lengths) == 2
        assert lengths[1] > 1.3 * lengths[0]


def test_refrigerator_doors_that_are_said_are_drawn() -> None:
    for seed in SEEDS:
        shape = make_shape("refrigerator", seed)
        drawer = "freezer drawer" in shape.attributes["features"]
        assert _drawn(shape)["doors"] == _counts(shape)["doors"] + int(drawer)
        assert _drawn(shape)["handles"] == _drawn(shape)["doors"]


def test_an_open_chest_has_its_lid_behind() -> None:
    opened = 0
    for seed in SEEDS:
        shape = make_shape("treasure chest", seed)
        if "open lid" not in shape.attributes["features"]:
            continue
        opened += 1
        lid = next(part for part in shape.parts if part.name == "lid")
        # The outline's x runs forwards, y up, both from the prism's centre.
        assert lid.outline[:, 0].mean() + lid.centre[2] < 0
    assert opened > 0
