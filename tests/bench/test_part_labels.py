"""Named and thin parts of shapes."""

import json
import math

import numpy as np
import pytest
import torch

from gen3d.bench.part_labels import is_called, is_thin, label_points, least_extent
from gen3d.data.procedural import Shape
from gen3d.data.procedural.sketch import Sketch

GREY, RED = (0.5, 0.5, 0.5), (0.9, 0.1, 0.1)


def lollipop() -> Shape:
    sketch = Sketch()
    sketch.ball((0, 1, 0), 0.5, RED)
    with sketch.named("stick"):
        sketch.cylinder((0, -0.5, 0), (0, 0.6, 0), 0.03, GREY)
    attributes = {"counts": json.dumps({}), "parts": json.dumps({"stick": "grey"})}
    return Shape("lollipop", sketch.finish(), ("a lollipop",), attributes, 0)


@pytest.mark.parametrize(
    ("draw", "expected"),
    [
        (lambda s: s.box((0, 0, 0), (1, 0.2, 0.7), GREY), 0.2),
        (lambda s: s.cylinder((0, 0, 0), (0, 1, 0), 0.1, GREY, top=0.2), 0.4),
        (lambda s: s.cylinder((0, 0, 0), (0, 0.1, 0), 0.5, GREY), 0.1),
        (lambda s: s.ball((0, 0, 0), (0.3, 0.4, 0.1), GREY), 0.2),
        (lambda s: s.ring((0, 0, 0), 0.5, 0.05, GREY), 0.1),
        (lambda s: s.limb((0, 0, 0), (0, 1, 0), 0.05, GREY, top=0.1), 0.2),
        (lambda s: s.prism([(0, 0), (1, 0), (1, 0.3), (0, 0.3)], (0, 0, 0), 0.8, GREY), 0.3),
        (lambda s: s.lathe([(0, 0), (0.5, 0), (0.5, 0.2), (0, 0.2)], (0, 0, 0), GREY), 0.2),
    ],
)
def test_least_extent_of_each_primitive(draw, expected: float) -> None:
    sketch = Sketch()
    draw(sketch)
    assert least_extent(sketch.parts[0]) == pytest.approx(expected, rel=1e-6)


def test_slanted_outline_is_as_thin_as_across_it() -> None:
    sketch = Sketch()
    corner = np.array([math.cos(math.pi / 4), math.sin(math.pi / 4)])
    across = 0.1 * np.array([-corner[1], corner[0]])
    outline = [(0.0, 0.0), *(tuple(p) for p in (corner, corner + across, across))]
    sketch.prism(outline, (0, 0, 0), 1.0, GREY)
    assert least_extent(sketch.parts[0]) == pytest.approx(0.1, rel=0.02)


def test_only_the_named_stick_is_thin_and_its_points_are_found() -> None:
    shape = lollipop()
    ball, stick = shape.parts
    assert is_thin(stick)
    assert not is_thin(ball)
    assert is_called(stick, "sticks")
    low = torch.tensor([[0.0, -0.9, 0.0], [0.0, 0.9, 0.0]])
    assert label_points(shape, low, is_thin).tolist() == [True, False]
