import dataclasses

import numpy as np
import pytest
import torch

from gen3d.conditioning.concepts import Concepts
from gen3d.conditioning.text import TextConfig, TextEncoder
from gen3d.conditioning.wordpiece import WordPiece
from gen3d.errors import CancelledError, InputError
from gen3d.vecset.config import SamplingConfig
from gen3d.vecset.dit import ShapeDiT
from gen3d.vecset.extract import extract_mesh
from gen3d.vecset.grid_field import PointField
from gen3d.vecset.pipeline import VecsetPipeline
from gen3d.vecset.vae import ShapeVAE


class BallVAE(ShapeVAE):
    """Answers with a ball and a speck beside it, whatever the latents say."""

    def occupancy(self, queries, shape):
        ball = 0.7 - queries.norm(dim=-1)
        speck = 0.035 - (queries - 0.8).norm(dim=-1)
        return 10 * torch.maximum(ball, speck)


@pytest.fixture
def pipeline(tiny_vae, tiny_dit, monkeypatch):
    # The ball's field in place of the geometry network's.
    monkeypatch.setattr(
        "gen3d.vecset.extract.shape_field",
        lambda vae, shape, chunk=None: PointField(lambda points: vae.occupancy(points, shape)),
    )
    torch.manual_seed(0)
    text = TextEncoder(
        WordPiece(["[PAD]", "[UNK]", "a", "red", "ball"]),
        TextConfig(width=8, table_width=8, heads=2, layers=1),
    )
    return VecsetPipeline(
        BallVAE(tiny_vae).eval(),
        ShapeDiT(tiny_dit).eval(),
        text.eval(),
        sampling=SamplingConfig(steps=3, resolution=48, decode_start=12),
        name="tiny",
        concepts=Concepts(text, ["ball"]),
    )


class Recorder:
    def __init__(self):
        self.events = []

    def stage_started(self, name, total):
        self.events.append((name, total))

    def advance(self, n=1, **info):
        self.events.append(n)

    def stage_finished(self):
        self.events.append("end")


def test_result_is_a_clean_closed_coloured_mesh_in_the_public_frame(pipeline):
    result = pipeline.text_to_3d("a red ball", seed=1)
    mesh = result.mesh
    assert result.report.watertight
    assert result.report.components == 1
    assert result.report.floaters_removed == 1
    assert mesh.colors is not None and mesh.normals is not None
    extent = mesh.bounds[1] - mesh.bounds[0]
    assert extent.max() == pytest.approx(1.0, abs=1e-5)
    radius = np.linalg.norm(mesh.vertices, axis=1)
    assert radius == pytest.approx(0.5, abs=2e-3)
    outward = (mesh.normals * mesh.vertices).sum(1) / radius
    assert outward.min() > 0.95


def test_same_seed_gives_the_same_mesh_and_record(pipeline):
    a, b = (pipeline.text_to_3d("a red ball", seed=5) for _ in range(2))
    assert a.record == b.record
    assert np.array_equal(a.mesh.vertices, b.mesh.vertices)
    assert a.mesh.metadata["gen3d"] == a.record
    assert {"prompt", "seed", "steps", "guidance", "resolution", "faces"} <= set(a.record)


def test_items_of_a_batch_do_not_depend_on_their_neighbours(pipeline):
    both = pipeline.sample_latents(["a ball", "red"], [3, 4], steps=2, guidance=2.0)
    alone = pipeline.sample_latents(["red"], [4], steps=2, guidance=2.0)
    assert torch.allclose(both[1:], alone, atol=1e-5)


def test_dual_contouring_gives_a_closed_ball_and_is_in_the_record(pipeline):
    result = pipeline.text_to_3d("a red ball", seed=1, mesher="dual-contouring")
    assert result.record["mesher"] == "dual-contouring"
    assert result.report.watertight
    assert result.report.components == 1
    assert np.linalg.norm(result.mesh.vertices, axis=1) == pytest.approx(0.5, abs=2e-3)
    plain = pipeline.text_to_3d("a red ball", seed=1)
    assert plain.record["mesher"] == "marching-cubes"
    assert len(plain.mesh.vertices) != len(result.mesh.vertices)


def test_face_budget_is_met_and_reported(pipeline):
    report = pipeline.text_to_3d("a red ball", seed=1, faces=300).report
    assert report.faces_asked == 300
    assert report.faces <= 300
    assert report.watertight


def test_progress_names_both_stages(pipeline):
    recorder = Recorder()
    pipeline.text_to_3d("a red ball", seed=1, progress=recorder)
    assert recorder.events == [("sampling", 3), 1, 1, 1, "end", ("decoding", None), "end"]


def test_cancelling_stops_the_work(pipeline):
    with pytest.raises(CancelledError):
        pipeline.text_to_3d("a red ball", seed=1, cancelled=lambda: True)


def test_doubts_reach_the_result(pipeline, monkeypatch):
    far = "never heard of it"
    monkeypatch.setattr(pipeline.concepts, "warning", {"a ufo": far}.get)
    assert pipeline.text_to_3d("a ufo", seed=1).warnings == (far,)
    long = " ".join(["ball"] * 60)
    assert "beginning only" in pipeline.text_to_3d(long, seed=1).warnings[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps"),
        ({"steps": 1001}, "steps"),
        ({"guidance": -1.0}, "guidance"),
        ({"guidance": float("nan")}, "guidance"),
        ({"resolution": 15}, "resolution"),
        ({"resolution": 513}, "resolution"),
        ({"faces": 99}, "faces"),
        ({"seed": -1}, "seed"),
        ({"mesher": "poisson"}, "mesher"),
    ],
)
def test_options_out_of_range_are_refused(pipeline, options, message):
    with pytest.raises(InputError, match=message):
        pipeline.text_to_3d("a red ball", **{"seed": 1, **options})


def test_empty_prompt_is_refused(pipeline):
    with pytest.raises(InputError, match="empty"):
        pipeline.text_to_3d("  ")


def test_result_saves_with_its_record(pipeline, tmp_path):
    from gen3d.io import load, read_record

    result = pipeline.text_to_3d("a red ball", seed=1)
    result.save(tmp_path / "ball.glb")
    assert read_record(tmp_path / "ball.glb") == result.record
    assert len(load(tmp_path / "ball.glb").faces) == result.report.faces


def test_model_without_colours_gives_a_bare_mesh(pipeline, tiny_vae):
    vae = BallVAE(tiny_vae.model_copy(update={"colour": None})).eval()
    shape = vae.decode(torch.zeros(1, 6, 4))
    extracted = extract_mesh(vae, shape, resolution=24, start=12)
    assert extracted.mesh.colors is None
    assert set(extracted.timings_s) == {"decode", "surface", "finish"}
    assert dataclasses.is_dataclass(extracted.report)
