import numpy as np
import pytest
import torch
import trimesh

from gen3d.errors import CancelledError, InputError
from gen3d.geometry.mesh import Mesh
from gen3d.vecset.editing import Box, edit, encode_source, mesh_frame, outside_iou
from gen3d.vecset.steering import Frame, decode_states
from tests.vecset.ball_model import ball_field, make_ball_pipeline, radius_of


@pytest.fixture
def pipeline(tiny_vae, tiny_dit, monkeypatch):
    monkeypatch.setattr("gen3d.vecset.extract.shape_field", ball_field)
    return make_ball_pipeline(tiny_vae, tiny_dit)


def ball(radius: float, centre: tuple[float, float, float] = (0, 0, 0)) -> Mesh:
    made = trimesh.creation.icosphere(subdivisions=3, radius=radius)
    return Mesh(made.vertices + np.array(centre), made.faces)


UPPER = Box((-1.0, 0.0, -1.0), (1.0, 1.0, 1.0))


def test_a_box_knows_its_points_in_the_networks_frame():
    frame = Frame((10.0, 0.0, 0.0), 2.0)
    box = Box((10.0, 0.0, 0.0), (10.5, 0.5, 0.5))
    points = torch.tensor([[0.5, 0.5, 0.5], [0.5, 1.5, 0.5], [-0.1, 0.5, 0.5]])
    assert box.contains(points, frame).tolist() == [True, False, False]


@pytest.mark.parametrize("high", [(0.0, 1.0, 1.0), (-1.0, 1.0, 1.0), (float("nan"), 1.0, 1.0)])
def test_empty_boxes_are_refused(high):
    with pytest.raises(InputError, match="empty"):
        Box((0.0, 0.0, 0.0), high)


def test_a_box_beside_the_mesh_is_refused():
    with pytest.raises(InputError, match="outside the mesh"):
        mesh_frame(ball(0.5), Box((0.6, 0.0, 0.0), (0.9, 1.0, 1.0)))


def test_the_frame_makes_the_longest_side_that_of_the_models_shapes():
    frame = mesh_frame(ball(3.0, (7, 0, 0)))
    corners = frame.to_network(torch.tensor([[4.0, 0.0, 0.0], [10.0, 0.0, 0.0]]))
    assert torch.allclose(corners[:, 0], torch.tensor([-0.95, 0.95]), atol=1e-3)


@pytest.mark.parametrize("box", [None, UPPER])
def test_the_result_lies_where_the_mesh_lies_and_says_what_was_kept(pipeline, box):
    centre = (20.0, 0.0, 0.0)
    if box is not None:
        box = Box((19.0, 0.0, -1.0), (21.0, 1.0, 1.0))
    result = edit(pipeline, ball(0.5, centre), "a red ball", box=box, seed=1, steps=4)
    assert np.abs(result.mesh.vertices.mean(axis=0) - np.array(centre)).max() < 0.1
    record = result.record
    assert record["task"] == "edit" and record["prompt"] == "a red ball"
    assert record["box"] == (None if box is None else [19.0, 0.0, -1.0, 21.0, 1.0, 1.0])
    assert any(f"IoU {record['kept_iou']:.2f}" in line for line in result.warnings)


def test_the_outside_of_the_box_is_kept(pipeline):
    source = encode_source(pipeline, ball(0.5))
    kept = edit(pipeline, ball(0.5), "a red ball", box=UPPER, seed=1, steps=8).record["kept_iou"]
    assert kept > 0.97
    other = decode_states(pipeline, source.x + 1.0)
    assert float(radius_of(other) - radius_of(source.shape)) == pytest.approx(0.1, abs=1e-4)
    assert outside_iou(pipeline, source, other, UPPER) < 0.8
    assert outside_iou(pipeline, source, source.shape, UPPER) == 1


def test_a_badly_encoded_mesh_is_told(pipeline):
    # This model knows balls about 0.6 in radius, and makes the mesh 0.95.
    result = edit(pipeline, ball(0.5), "a red ball", box=UPPER, seed=1, steps=2)
    assert result.record["encoded_accuracy"] < 0.6
    assert any("knows few shapes" in line for line in result.warnings)


def test_without_a_box_the_noise_of_the_mesh_leads_back_to_it(pipeline):
    # The random network's last layer is zero: its flow stands still, whatever the prompt.
    result = edit(pipeline, ball(0.5), "a red ball", seed=1, steps=4)
    assert result.record["kept_iou"] == 1


@pytest.mark.parametrize("strength", [0.0, 1.1, float("nan")])
def test_strength_must_lie_in_its_range(pipeline, strength):
    with pytest.raises(InputError, match="strength"):
        edit(pipeline, ball(0.5), "a red ball", strength=strength)


def test_an_empty_prompt_is_refused(pipeline):
    with pytest.raises(InputError, match="prompt"):
        edit(pipeline, ball(0.5), "  ")


def test_a_mesh_without_faces_is_refused(pipeline):
    empty = Mesh(np.zeros((3, 3)), np.zeros((0, 3), np.int64))
    with pytest.raises(InputError, match="without faces"):
        edit(pipeline, empty, "a red ball")


def test_it_stops_when_asked(pipeline):
    with pytest.raises(CancelledError):
        edit(pipeline, ball(0.5), "a red ball", box=UPPER, seed=1, cancelled=lambda: True)
