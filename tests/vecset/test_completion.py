import numpy as np
import pytest
import torch

from gen3d.errors import CancelledError, InputError
from gen3d.geometry.cloud import PointCloud
from gen3d.vecset.completion import complete, complete_surface, frame_of
from gen3d.vecset.steering import decode_states
from gen3d.vecset.surface_encoding import surface_points
from tests.vecset.ball_model import ball_field, make_ball_pipeline, radius_of

CPU = torch.device("cpu")


@pytest.fixture
def pipeline(tiny_vae, tiny_dit, monkeypatch):
    monkeypatch.setattr("gen3d.vecset.extract.shape_field", ball_field)
    return make_ball_pipeline(tiny_vae, tiny_dit)


def half_ball(radius: float, n: int = 300) -> PointCloud:
    rows = np.random.default_rng(0).normal(size=(n, 3))
    rows[:, 0] = np.abs(rows[:, 0])
    normals = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return PointCloud(radius * normals, normals)


def test_the_whole_has_the_size_that_its_part_shows(pipeline):
    for radius in (0.6, 0.72):
        surface = surface_points(half_ball(radius), seed=0, device=CPU)
        found = complete_surface(pipeline, surface, seed=3, steps=8, candidates=2)
        shape = decode_states(pipeline, found.x)
        assert float(radius_of(shape)) == pytest.approx(radius, abs=0.01)


def test_the_mesh_lies_where_the_points_lie(pipeline):
    cloud = half_ball(0.6 / 1.9)
    result = complete(pipeline, cloud, seed=1)
    lengths = np.linalg.norm(result.mesh.vertices, axis=1)
    assert lengths.mean() == pytest.approx(0.6 / 1.9, rel=0.1)
    moved = cloud.with_(points=40 * cloud.points + np.array([1000, 0, -7]))
    placed = complete(pipeline, moved, fit=True, seed=1).mesh
    # The half ball reaches 40 * 0.6 / 1.9 from its flat side; its box's middle is the centre.
    low, high = moved.bounds
    assert np.abs(placed.vertices.mean(axis=0) - (low + high) / 2).max() < 1


def test_the_record_says_what_was_done(pipeline):
    result = complete(pipeline, half_ball(0.6 / 1.9), prompt="a ball", seed=1, steps=3)
    record = result.record
    assert record["task"] == "completion"
    assert (record["seed"], record["steps"], record["prompt"]) == (1, 3, "a ball")
    assert record["points"] == 300 and record["misfit"] > 0
    assert result.mesh.metadata["gen3d"] == record


def test_equal_seeds_give_equal_meshes(pipeline):
    first, again, other = (complete(pipeline, half_ball(0.3), seed=s).mesh for s in (1, 1, 2))
    assert np.array_equal(first.vertices, again.vertices)
    assert not np.array_equal(first.vertices, other.vertices)


def test_points_outside_the_frame_are_refused_with_a_way_out():
    cloud = half_ball(0.4)
    far = cloud.with_(points=100 * cloud.points)
    with pytest.raises(InputError, match="reach") as error:
        frame_of(far)
    assert "--fit" in error.value.hint
    assert frame_of(far, scale=0.01).scale == pytest.approx(0.019)
    with pytest.raises(InputError, match="span"):
        frame_of(cloud.with_(points=cloud.points / 100))


def test_fit_takes_the_longest_side_for_part_of_the_wholes():
    cloud = half_ball(10.0)
    low, high = cloud.bounds
    frame = frame_of(cloud, fit=True, scale=0.5)
    placed = frame.to_network(torch.from_numpy(cloud.bounds))
    assert float((placed[1] - placed[0]).max()) == pytest.approx(0.95, rel=1e-4)
    assert np.allclose(frame.centre, (low + high) / 2, atol=1e-4)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_scales_that_are_none_are_refused(scale):
    with pytest.raises(InputError, match="scale"):
        frame_of(half_ball(0.4), scale=scale)


def test_a_single_point_is_refused():
    with pytest.raises(InputError, match="single point"):
        frame_of(PointCloud(np.zeros((40, 3), np.float32)), fit=True)


def test_points_that_no_shape_fits_are_told(pipeline):
    cloud = half_ball(0.4)
    noise = np.random.default_rng(1).uniform(-0.45, 0.45, cloud.points.shape)
    result = complete(pipeline, cloud.with_(points=noise), seed=1, steps=2)
    assert any("fits the points badly" in line for line in result.warnings)


def test_it_stops_when_asked(pipeline):
    with pytest.raises(CancelledError, match="steering"):
        complete(pipeline, half_ball(0.3), seed=1, cancelled=lambda: True)
