import numpy as np
import pytest
import torch
import trimesh

from gen3d.errors import CancelledError
from gen3d.flow import ClassifierFree
from gen3d.flow.steering import FlowChef, squared_distance
from gen3d.geometry.mesh import Mesh
from gen3d.runtime.progress import NullProgress
from gen3d.vecset.steering import (
    Frame,
    candidate_generators,
    condition_on,
    conditions_on,
    noised,
    steer_shape,
)
from tests.vecset.ball_model import make_ball_pipeline


@pytest.fixture
def pipeline(tiny_vae, tiny_dit):
    return make_ball_pipeline(tiny_vae, tiny_dit)


class Recorder(NullProgress):
    def __init__(self):
        self.events = []

    def stage_started(self, name, total):
        self.events.append((name, total))

    def advance(self, n=1, **info):
        self.events.append(n)

    def stage_finished(self):
        self.events.append("end")


def test_a_mesh_comes_back_to_where_its_points_came_from():
    frame = Frame((3.0, -2.0, 500.0), 0.25)
    box = trimesh.creation.box((4, 6, 8))
    mesh = Mesh(box.vertices + np.array(frame.centre), box.faces)
    placed = mesh.with_(vertices=frame.to_network(torch.from_numpy(mesh.vertices)).numpy())
    assert np.abs(placed.bounds - [[-0.5, -0.75, -1.0], [0.5, 0.75, 1.0]]).max() < 1e-4
    back = frame.from_network(placed)
    assert np.abs(back.vertices - mesh.vertices).max() < 1e-3
    assert back.normals is not None


def test_without_a_prompt_there_is_no_guidance_and_nothing_to_see(pipeline):
    nothing = condition_on(pipeline, None, 2, guidance=3.0)
    assert nothing.guidance is None
    assert nothing.cond.mask is not None
    assert not bool(nothing.cond.mask.any()) and not bool(nothing.cond.tokens.any())


def test_a_batch_may_hold_items_with_and_without_a_prompt(pipeline):
    mixed = conditions_on(pipeline, ["a red ball", None], guidance=2.0)
    assert isinstance(mixed.guidance, ClassifierFree) and mixed.guidance.weight == 2.0
    assert mixed.cond.mask is not None
    assert mixed.cond.mask.any(1).tolist() == [True, False]
    alone = condition_on(pipeline, "a red ball", 1, guidance=2.0)
    assert torch.allclose(alone.cond.tokens[0], mixed.cond.tokens[0])


def test_noise_of_one_try_does_not_depend_on_the_others(pipeline):
    latents = torch.zeros(1, 6, 4)
    one, three = (noised(pipeline, latents, 0.5, candidate_generators(7, n)) for n in (1, 3))
    assert torch.equal(one[0], three[0])
    assert not torch.equal(three[1], three[2])
    clean = noised(pipeline, latents + 1, 0.0, candidate_generators(7, 1))
    assert torch.equal(clean, pipeline.dit.normalise(latents + 1))


@pytest.mark.parametrize("stop_after", [None, 2])
def test_progress_ends_whether_the_run_does_or_not(pipeline, stop_after):
    sink, x = Recorder(), torch.zeros(1, 6, 4)

    def run():
        steer_shape(
            pipeline,
            x,
            squared_distance(x),
            condition_on(pipeline, None, 1, guidance=1.0),
            FlowChef(),
            start=0.5,
            steps=3,
            sink=sink,
            cancelled=lambda: stop_after is not None and sink.events.count(1) >= stop_after,
        )

    if stop_after is None:
        run()
    else:
        with pytest.raises(CancelledError):
            run()
    assert sink.events == [("steering", 3), *[1] * (stop_after or 3), "end"]
