import pytest
import torch

from gen3d.data.renders import ViewSet
from gen3d.errors import InputError
from gen3d.vecset.caption_table import CaptionTable
from gen3d.vecset.image_encoder import ImageEncoderConfig
from gen3d.vecset.image_lesson import ImageLesson, slots_of
from gen3d.vecset.image_objective import ImageObjective, ImageObjectiveConfig
from gen3d.vecset.vae import ShapeVAE
from tests.vecset.image_fixtures import SIZE, WIDTH, ColourEncoder, ball_views

MODEL = ImageEncoderConfig(
    size=SIZE, patch=8, stem=4, width=16, heads=2, layers=1, mlp_ratio=1, out_dim=WIDTH
)
CONFIG = ImageObjectiveConfig(batch_size=6, encode_points=64, head_width=16, head_layers=1)


@pytest.fixture
def lesson():
    captions = [[f"a {name} ball"] for name in ("red", "green", "blue")] * 2
    latents = torch.randn(6, 3, 4, generator=torch.Generator().manual_seed(2))
    table = CaptionTable.encode(ColourEncoder(), captions)
    return ImageLesson(ball_views(6), latents, table, ["red", "green", "blue"] * 2)


def test_loss_follows_the_generator(lesson):
    objective = ImageObjective(MODEL, CONFIG, lesson, lesson)
    losses = [
        float(objective.loss(0, torch.Generator().manual_seed(s)).loss.detach()) for s in (1, 1, 2)
    ]
    assert losses[0] == losses[1] != losses[2]


def test_training_beats_the_mean_shape():
    captions = [["a red ball"], ["a blue ball"]]
    latents = torch.stack([torch.ones(3, 4), -torch.ones(3, 4)])
    views = ball_views(3)
    views = ViewSet(views.images[::2], views.azimuth_deg[::2], views.elevation_deg[::2])
    table = CaptionTable.encode(ColourEncoder(), captions)
    lesson = ImageLesson(views, latents, table, ["red", "blue"])
    objective = ImageObjective(MODEL, CONFIG, lesson, lesson)
    before = objective.validate(objective.module)
    assert before == objective.validate(objective.module)
    of_the_mean = float(objective.module.head.normalise(latents).square().mean())
    optimizer = torch.optim.AdamW(objective.module.parameters(), lr=1e-2)
    for step in range(40):
        optimizer.zero_grad()
        objective.loss(step, torch.Generator().manual_seed(step)).loss.backward()
        optimizer.step()
    after = objective.validate(objective.module)
    assert after["image_latent_mse"] < 0.5 * of_the_mean
    assert after["image_latent_mse_pair"] < 0.5 * of_the_mean
    assert after["image_retrieval_accuracy"] == after["image_text_accuracy"] == 1


def test_matrices_of_encoder_and_head_go_to_muon(lesson):
    names = ImageObjective(MODEL, CONFIG, lesson, lesson).muon_splits()
    assert names["encoder.blocks.0.attention.qkv.weight"] == 3
    assert names["head.layers.0.cross.attention.kv.weight"] == 2


def test_encoder_of_another_width_than_the_text_is_refused(lesson):
    wrong = MODEL.model_copy(update={"out_dim": 12})
    with pytest.raises(InputError, match="out_dim 12"):
        ImageObjective(wrong, CONFIG, lesson, lesson)


def test_more_views_than_shapes_are_refused(tiny_vae, spheres):
    vae = ShapeVAE(tiny_vae).eval()
    with pytest.raises(InputError, match="views of 7 shapes"):
        ImageLesson.prepare(ball_views(7), spheres, vae, ColourEncoder(), points=64)


def test_slots_are_the_nearest_direction_within_reach():
    azimuths = torch.tensor([5.0, 80.0, -170.0, -100.0, 45.0])
    assert slots_of(azimuths, 25.0).tolist() == [0, 1, 2, 3, 4]
