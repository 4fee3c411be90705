"""Every primitive against truths in closed form, through the sketch that places it."""

import math

import numpy as np
import pytest
import torch

from gen3d.data.procedural.bounds import part_area, part_bounds, sample_part
from gen3d.data.procedural.parts import Part
from gen3d.data.procedural.shape import Solid
from gen3d.data.procedural.sketch import Sketch

RED = (0.8, 0.1, 0.1)
SQUARE = [(-0.4, -0.3), (0.4, -0.3), (0.4, 0.3), (-0.4, 0.3)]
PROFILE = [(0.0, -0.5), (0.4, -0.5), (0.2, 0.5), (0.0, 0.5)]


def one_of_each() -> dict[str, Part]:
    sketch = Sketch()
    turn = (20.0, -35.0, 50.0)
    sketch.box((0.1, 0.2, -0.1), (0.8, 0.5, 0.3), RED, turn=turn)
    sketch.cylinder((0, -0.5, 0.1), (0.3, 0.5, 0), 0.4, RED, top=0.2)
    sketch.ball((0.1, 0, 0), (0.5, 0.3, 0.4), RED, turn=turn)
    sketch.ring((0, 0.1, 0), 0.5, 0.12, RED, arc_deg=200, turn=turn)
    sketch.limb((0, -0.4, 0), (0.2, 0.4, 0.1), 0.3, RED, top=0.15)
    sketch.prism(SQUARE, (0, 0, 0.1), 0.3, RED, turn=turn)
    sketch.lathe(PROFILE, (0.1, 0, 0), RED, turn=turn)
    return {part.kind: part for part in sketch.parts}


PARTS = one_of_each()


@pytest.mark.parametrize("kind", PARTS)
def test_samples_lie_on_the_surface_and_in_the_bounds(kind: str) -> None:
    part = PARTS[kind]
    points = sample_part(part, 2000, np.random.default_rng(0))
    distance = Solid((part,)).field(torch.from_numpy(points.astype(np.float32)))
    # The taper of capsules and the end caps of arcs are left to the projection.
    loose = {"capsule": 0.06, "torus": 1e-4}.get(kind, 1e-4)
    assert distance.abs().max() < loose
    low, high = part_bounds(part)
    assert (points >= low - 0.02).all()
    assert (points <= high + 0.02).all()


@pytest.mark.parametrize("kind", PARTS)
def test_bounds_hold_the_solid_and_touch_it(kind: str) -> None:
    part = PARTS[kind]
    grid = torch.rand(60_000, 3, generator=torch.Generator().manual_seed(1)) * 3 - 1.5
    inside = grid[Solid((part,)).field(grid) > 0].double().numpy()
    low, high = part_bounds(part)
    assert (inside >= low - 1e-5).all()
    assert (inside <= high + 1e-5).all()
    volume = float(np.prod(high - low))
    assert len(inside) / len(grid) * 27 < volume


@pytest.mark.parametrize("kind", ["box", "cone", "torus", "capsule", "prism", "lathe"])
def test_exact_primitives_have_unit_gradients(kind: str) -> None:
    generator = torch.Generator().manual_seed(2)
    points = (torch.rand(500, 3, generator=generator) * 3 - 1.5).requires_grad_(True)
    value = Solid((PARTS[kind],)).field(points)
    (gradient,) = torch.autograd.grad(value.sum(), points)
    outside = value < -0.05
    assert (gradient[outside].norm(dim=1) - 1).abs().max() < 2e-3


def test_areas_match_monte_carlo_shells() -> None:
    sketch = Sketch()
    sketch.ball((0, 0, 0), 0.5, RED)
    assert part_area(sketch.parts[0]) == pytest.approx(math.pi, rel=0.02)
    sketch.box((0, 0, 0), (1, 2, 3), RED)
    assert part_area(sketch.parts[1]) == pytest.approx(22)
    sketch.ring((0, 0, 0), 1.0, 0.2, RED)
    assert part_area(sketch.parts[2]) == pytest.approx(4 * math.pi**2 * 0.2)
    sketch.cylinder((0, 0, 0), (0, 2, 0), 1, RED)
    assert part_area(sketch.parts[3]) == pytest.approx(6 * math.pi)


def test_cut_removes_and_paint_only_colours() -> None:
    sketch = Sketch()
    sketch.ball((0, 0, 0), 1.0, RED)
    sketch.box((0, 1, 0), (0.5, 1, 0.5), (0, 0, 1), op="cut")
    sketch.box((0, -1, 0), (0.5, 1, 0.5), (0, 1, 0), op="paint")
    solid = Solid(tuple(sketch.parts))
    field = solid.field(torch.tensor([[0, 0.8, 0], [0, -0.8, 0], [0.9, 0, 0]]))
    assert (field > 0).tolist() == [False, True, True]
    colour = solid.colour(torch.tensor([[0.0, -1, 0], [1, 0, 0]]))
    assert torch.allclose(colour, torch.tensor([[0.0, 1, 0], RED]))


def test_blend_only_adds_material() -> None:
    sharp, smooth = Sketch(), Sketch()
    for sketch, blend in ((sharp, 0.0), (smooth, 0.3)):
        sketch.ball((-0.4, 0, 0), 0.5, RED)
        sketch.ball((0.4, 0, 0), 0.5, RED, blend=blend)
    points = torch.rand(5000, 3, generator=torch.Generator().manual_seed(3)) * 2 - 1
    a, b = Solid(tuple(sharp.parts)).field(points), Solid(tuple(smooth.parts)).field(points)
    assert (b >= a - 1e-6).all()
    assert (b > a + 0.01).any()


def test_finish_centres_and_scales() -> None:
    sketch = Sketch()
    sketch.box((5, 5, 5), (4, 1, 1), RED)
    sketch.ball((6, 5.5, 5), 0.7, RED)
    boxes = np.array([part_bounds(part) for part in sketch.finish()])
    low, high = boxes[:, 0].min(0), boxes[:, 1].max(0)
    assert np.allclose(low + high, 0, atol=1e-6)
    assert (high - low).max() == pytest.approx(1.9)
