"""Judges of counts and part colours on shapes whose truth is known."""

import json
from pathlib import Path

import numpy as np
import torch

from gen3d.bench.attribute_judge import NearestShapes
from gen3d.bench.part_judges import (
    FEWEST,
    ColourJudge,
    fit_colour_judge,
    fit_count_judge,
)
from gen3d.data.procedural import Shape, Solid
from gen3d.data.procedural.sketch import Sketch
from gen3d.geometry.color import BASIC_COLOURS, COLOUR_NAMES


def stool(seed: int, legs: int, top: str = "red") -> Shape:
    """A seat in ``top`` on so many grey legs, no two alike."""
    rng = np.random.default_rng(seed)
    sketch = Sketch()
    with sketch.named("seats"):
        sketch.cylinder((0, 1, 0), (0, 1.3, 0), 0.6 + 0.02 * rng.uniform(), BASIC_COLOURS[top])
    with sketch.named("legs"):
        for angle in np.arange(legs) * 2 * np.pi / legs:
            foot = (0.45 * np.cos(angle), 0, 0.45 * np.sin(angle))
            sketch.cylinder(foot, (foot[0], 1.1, foot[2]), 0.12, BASIC_COLOURS["grey"])
    attributes = {
        "counts": json.dumps({"legs": legs}),
        "parts": json.dumps({"seat": top}),
    }
    return Shape("stool", sketch.finish(), ("a stool",), attributes, seed)


def test_number_of_legs_is_told_from_others() -> None:
    fitted = [stool(i, 3 + i % 2) for i in range(2 * FEWEST)]
    own = [stool(100 + i, 3 + i % 2) for i in range(2 * FEWEST)]
    judge = fit_count_judge(fitted, own, "legs", 3)
    assert isinstance(judge, NearestShapes)
    assert judge.ceiling() == 1
    for legs in (3, 4):
        with torch.no_grad():
            inside = Solid(stool(500, legs).parts).field(judge.points) > 0
        assert (float(judge.lead(inside[None])) > 0) == (legs == 3)


def test_number_that_hardly_any_shape_has_is_not_judged() -> None:
    shapes = [stool(i, 4) for i in range(2 * FEWEST)]
    assert fit_count_judge(shapes, shapes, "legs", 3) is None


def test_colour_is_read_where_the_part_is(tmp_path: Path) -> None:
    tops = ("red", "blue", "green")
    shapes = [stool(i, 4, tops[i % 3]) for i in range(FEWEST)]
    judge = fit_colour_judge(shapes, "seat", tmp_path)
    assert isinstance(judge, ColourJudge)
    assert judge.ceiling() == 1
    cloud, names = judge.clouds[0], judge.names[0]
    assert judge.right(cloud, names, "red")
    assert not judge.right(cloud, names, "blue")
    everywhere = np.full_like(names, COLOUR_NAMES.index("red"))
    assert not judge.right(cloud, everywhere, "red"), "the rest must have another colour"
    again = fit_colour_judge(shapes, "seat", tmp_path)
    assert again is not None and torch.equal(again.of_part, judge.of_part)


def test_part_that_no_primitive_is_named_after_is_not_judged(tmp_path: Path) -> None:
    shapes = [stool(i, 4) for i in range(FEWEST)]
    for shape in shapes:
        shape.attributes["parts"] = json.dumps({"cushion": "red"})
    assert fit_colour_judge(shapes, "cushion", tmp_path) is None
