"""Samples of meshes against closed forms."""

import numpy as np
import pytest
import torch

from gen3d.data.mesh_sampling import PaintedMesh, paint, sample_mesh
from gen3d.errors import Gen3dError
from gen3d.geometry.mesh import Mesh
from tests.data.soups import box, join


def test_samples_of_a_cube_are_true() -> None:
    found = sample_mesh(paint(box((0, 0, 0), (3, 3, 3))), seed=1, surface=256, queries=512)
    samples = found.samples
    points, normals = samples.surface[:, :3], samples.surface[:, 3:6]
    axis = points.abs().argmax(1, keepdim=True)
    assert torch.allclose(points.gather(1, axis).abs(), torch.tensor(0.95), atol=1e-5)
    assert (normals.gather(1, axis) * points.gather(1, axis).sign() > 0.999).all()
    assert torch.equal(samples.inside, (samples.queries.abs() < 0.95).all(1))
    assert torch.equal(samples.queries, samples.queries.half().float())
    near = samples.queries[:256].abs().amax(1) - 0.95
    assert near[::2].abs().median() < near[1::2].abs().median()
    assert samples.queries[256:].abs().max() <= 1
    assert found.kept_share == 1 and found.sheet_share == 0
    assert found.volume == pytest.approx(0.95**3, abs=0.1)


def test_hidden_faces_give_no_points() -> None:
    crossed = join(box((-1, -1, -1), (0.5, 1, 1)), box((-0.5, -0.9, -0.9), (1, 0.9, 0.9)))
    points = sample_mesh(paint(crossed), seed=0, surface=512, queries=16).samples.surface[:, :3]
    # In the frame of longest side 1.9 the end of each box inside the other is at +-0.475.
    deep = (points[:, 0].abs() < 0.48) & (points[:, 1:].abs() < 0.8).all(1)
    assert not deep.any()


def test_sheets_have_points_on_both_sides() -> None:
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0.0]])
    sheet = Mesh(corners, np.array([[0, 1, 2], [0, 2, 3]]))
    found = sample_mesh(paint(sheet), seed=0, surface=128, queries=16, thickness=0.06)
    rows = found.samples.surface
    assert torch.allclose(rows[:, 2].abs(), torch.tensor(0.03), atol=1e-6)
    assert torch.equal(rows[:, 5].sign(), rows[:, 2].sign())
    assert 30 < (rows[:, 2] > 0).sum() < 98
    assert found.sheet_share == 1


def test_colours_follow_faces() -> None:
    cube = box((-1, -1, -1), (1, 1, 1))
    top = cube.corners[..., 1].min(axis=1) > 0.9
    colours = np.where(top.reshape(-1, 1, 1), [0.9, 0.1, 0.1], [0.1, 0.2, 0.8]).repeat(3, axis=1)
    painted = PaintedMesh(cube, colours.astype(np.float32))
    rows = sample_mesh(painted, seed=0, surface=200, queries=16).samples.surface
    red = torch.tensor([0.9, 0.1, 0.1])
    assert torch.equal((rows[:, 6:] - red).abs().amax(1) < 1e-5, rows[:, 1] > 0.9499)


def test_equal_seeds_give_equal_samples() -> None:
    cube = paint(box((-1, -1, -1), (1, 1, 1)))
    one, same, other = (sample_mesh(cube, seed=s, surface=32, queries=32) for s in (3, 3, 4))
    assert torch.equal(one.samples.surface, same.samples.surface)
    assert torch.equal(one.samples.queries, same.samples.queries)
    assert not torch.equal(one.samples.surface, other.samples.surface)


def test_a_mesh_that_shows_nothing_is_an_error() -> None:
    plate = paint(box((-1, -1e-4, -1), (1, 1e-4, 1)))
    with pytest.raises(Gen3dError, match="almost no surface"):
        sample_mesh(plate, seed=0, surface=64, queries=16, thickness=1e-5)
