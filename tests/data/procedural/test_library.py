"""Every shape program, however many there are, on a few seeds."""

import json
import re
from functools import cache

import numpy as np
import pytest
import torch

from gen3d.data.procedural import CATEGORIES, HELD_OUT_COMBINATIONS, Shape, Solid, make_shape
from gen3d.data.procedural.bounds import part_bounds
from gen3d.data.procedural.paraphrases import is_held_out
from gen3d.data.procedural.parts import Part
from gen3d.data.procedural.sketch import LONGEST_SIDE
from gen3d.data.procedural.words import is_plural, singular, with_articles
from gen3d.geometry.cleanup import remove_floaters
from gen3d.geometry.color import COLOUR_NAMES, nearest_basic_colour
from gen3d.geometry.mesh import Mesh
from gen3d.ops.isosurface import marching_cubes
from gen3d.vecset.decode import PointField, decode_field

SEEDS = range(6_000_000, 6_000_004)
THINNEST = 0.03 * LONGEST_SIDE
# Rounding of drawn numbers, not a licence for thinner parts.
SLACK = 0.97
OPPOSITES = (
    {"tall", "short", "low", "low-backed", "short-legged"},
    {"wide", "narrow", "slim", "slender"},
    {"long", "short"},
    {"round", "square", "flat"},
    {"small", "large", "big"},
)


@cache
def shapes(category: str) -> list[Shape]:
    return [make_shape(category, seed) for seed in SEEDS]


def thickness(part: Part) -> float:
    """Smallest full size of a part, outlines aside."""
    p = np.array(part.params)
    sizes = {
        "box": p[:3],
        "cone": np.array([p[:2].max(), p[-2]]),
        "ellipsoid": p,
        "torus": p[1:2],
        "capsule": p[:2].max(keepdims=True),
        "prism": p[:1],
        "lathe": np.array([np.inf]),
    }
    return 2 * float(sizes[part.kind].min())


@pytest.mark.parametrize("category", CATEGORIES)
def test_shapes_fill_the_frame(category: str) -> None:
    for shape in shapes(category):
        boxes = np.array([part_bounds(part) for part in shape.parts if part.op == "add"])
        low, high = boxes[:, 0].min(0), boxes[:, 1].max(0)
        assert np.allclose(low + high, 0, atol=1e-6)
        assert (high - low).max() == pytest.approx(LONGEST_SIDE)


@pytest.mark.parametrize("category", CATEGORIES)
def test_no_part_is_too_thin_to_survive(category: str) -> None:
    for shape in shapes(category):
        for part in shape.parts:
            if part.op == "add":
                assert thickness(part) > SLACK * THINNEST, (shape.seed, part.kind, part.name)


@pytest.mark.parametrize("category", CATEGORIES)
def test_captions_are_plain_english(category: str) -> None:
    for shape in shapes(category):
        assert len(shape.captions) == 8
        for caption in shape.captions:
            assert re.fullmatch(r"[a-z0-9][a-z0-9 ,:'-]*[a-z0-9]", caption), caption
            assert "  " not in caption and " ," not in caption, caption
            assert with_articles(caption) == caption
            assert not re.search(r"\ban [^aeiou8h1]|\b(an?|the) (an?|the)\b", caption)
            assert not re.search(r"\b(with|and) (with|and)\b", caption), caption
            assert not re.search(r"\b(\w+) \1\b", caption), caption
        noun = shape.attributes["noun"]
        assert shape.captions[0] == (noun if is_plural(noun) else with_articles(f"a {noun}"))
        before = set(shape.captions[1].partition(noun)[0].split())
        for group in OPPOSITES:
            assert len(before & group) <= 1, shape.captions[1]


@pytest.mark.parametrize("category", CATEGORIES)
def test_no_training_caption_has_the_form_of_a_held_out_one(category: str) -> None:
    captions = [caption for shape in shapes(category) for caption in shape.captions]
    assert not any(map(is_held_out, captions))


@pytest.mark.parametrize("category", CATEGORIES)
def test_parts_that_captions_speak_of_are_there_in_their_colour(category: str) -> None:
    for shape in shapes(category):
        named: dict[str, list[Part]] = {}
        for part in shape.parts:
            named.setdefault(singular(part.name), []).append(part)
        counts = json.loads(shape.attributes["counts"])
        for word, count in counts.items():
            assert count == 0 or singular(word) in named, (shape.seed, word)
        for word, colour in json.loads(shape.attributes["parts"]).items():
            assert word == shape.attributes["worn"] or colour != shape.attributes["colour"]
            painted = np.array([part.colour for part in named[singular(word)]])
            names = {COLOUR_NAMES[int(i)] for i in nearest_basic_colour(painted)}
            assert colour in names, (shape.seed, word, names)


@pytest.mark.parametrize("category", CATEGORIES)
def test_held_out_combinations_are_never_made(category: str) -> None:
    held_out = {colour for name, colour in HELD_OUT_COMBINATIONS if name == category}
    assert len(held_out) <= 1
    assert not held_out & {shape.attributes["colour"] for shape in shapes(category)}


def test_a_category_with_a_held_out_colour_never_draws_it_in_many_shapes() -> None:
    for category, colour in HELD_OUT_COMBINATIONS[:2]:
        drawn = {make_shape(category, seed).attributes["colour"] for seed in range(120)}
        assert colour not in drawn
        assert len(drawn) == len(COLOUR_NAMES) - 1, category


@pytest.mark.slow
@pytest.mark.parametrize("category", CATEGORIES)
def test_shape_is_one_connected_solid(category: str) -> None:
    solid = Solid(make_shape(category, SEEDS[0]).parts)
    with torch.no_grad():
        found = decode_field(PointField(solid.field), 64)
    vertices, faces = marching_cubes(
        found.cells, found.corner_values, resolution=64, bounds=(-1.0, 1.0)
    )
    report = remove_floaters(Mesh(vertices.numpy(), faces.numpy()))
    assert report.removed == 0
