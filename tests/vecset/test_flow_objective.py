from dataclasses import dataclass

import pytest
import torch

from gen3d.errors import InputError
from gen3d.vecset.caption_table import CaptionTable
from gen3d.vecset.condition_source import MixtureShares
from gen3d.vecset.flow_objective import FlowObjective, FlowObjectiveConfig, TrainingPictures
from gen3d.vecset.image_encoder import join_views
from gen3d.vecset.vae import ShapeVAE

CONFIG = FlowObjectiveConfig(batch_size=8, encode_points=64)


@dataclass(frozen=True)
class Encoded:
    tokens: torch.Tensor
    mask: torch.Tensor
    pooled: torch.Tensor


class LetterEncoder:
    """Counts letters: token i of a text is the length of its word i in channel 0."""

    def encode(self, texts):
        words = [text.split() for text in texts]
        tokens = torch.zeros(len(texts), max(map(len, words)), 8)
        mask = torch.zeros(tokens.shape[:2], dtype=torch.bool)
        for i, row in enumerate(words):
            for j, word in enumerate(row):
                tokens[i, j, 0], mask[i, j] = len(word), True
        return Encoded(tokens, mask, tokens.sum(1))


@pytest.fixture
def objective(tiny_vae, tiny_dit, spheres):
    torch.manual_seed(0)
    vae = ShapeVAE(tiny_vae)
    return FlowObjective(tiny_dit, CONFIG, vae, LetterEncoder(), spheres, spheres)


def test_captions_are_stored_once_and_come_back_padded():
    table = CaptionTable.encode(LetterEncoder(), [["a ball"], ["a ball", "one red ball"]])
    assert len(table.pooled) == 2
    condition = table.condition([0, 1])
    assert condition.tokens[:, :, 0].tolist() == [[1, 4, 0], [3, 3, 4]]
    assert condition.mask is not None
    assert condition.mask.tolist() == [[True, True, False], [True, True, True]]


def test_shape_without_caption_is_refused():
    with pytest.raises(InputError, match="needs a caption"):
        CaptionTable.encode(LetterEncoder(), [["a"], []])


def test_latents_are_normalised_and_the_network_carries_the_scales(objective):
    assert objective.latents.mean(0).abs().max() < 1e-4
    back = objective.module.denormalise(objective.latents)
    assert torch.allclose(objective.module.normalise(back), objective.latents, atol=1e-4)
    assert {"latent_mean", "latent_std"} <= set(objective.module.state_dict())


def test_loss_follows_the_generator_and_starts_near_the_variance_of_the_target(objective):
    losses = [
        float(objective.loss(0, torch.Generator().manual_seed(s)).loss.detach()) for s in (1, 1, 2)
    ]
    assert losses[0] == losses[1] != losses[2]
    # The output layer starts at zero, so the error is that of target = noise - latent.
    assert 0.8 < losses[0] < 2.5


def test_validation_has_fixed_noise_and_improves_with_training(objective):
    before = objective.validate(objective.module)
    assert before == objective.validate(objective.module)
    optimizer = torch.optim.AdamW(objective.module.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(0)
    for step in range(60):
        optimizer.zero_grad()
        objective.loss(step, generator).loss.backward()
        optimizer.step()
    after = objective.validate(objective.module)
    assert after["flow_velocity_mse"] < before["flow_velocity_mse"]


def test_sizes_that_do_not_fit_are_named(tiny_vae, tiny_dit, spheres):
    wrong = tiny_dit.model_copy(update={"context_dim": 9})
    with pytest.raises(InputError, match="context_dim 9"):
        FlowObjective(wrong, CONFIG, ShapeVAE(tiny_vae), LetterEncoder(), spheres, spheres)


@dataclass(frozen=True)
class ConstantPictures:
    copies: int = 2

    def encoded(self, shapes, copies, generator):
        tokens = (shapes + 1.0)[:, None, None, None].expand(-1, copies.shape[1], 3, 8)
        return join_views(tokens, torch.ones(*copies.shape, 8))


def test_pictures_join_the_training_and_are_measured_apart(tiny_vae, tiny_dit, spheres):
    torch.manual_seed(0)
    pictures = TrainingPictures(ConstantPictures(), ConstantPictures(), MixtureShares(image=0.5))
    arguments = (tiny_dit, CONFIG, ShapeVAE(tiny_vae), LetterEncoder(), spheres, spheres)
    objective = FlowObjective(*arguments, images=pictures)
    losses = [
        float(objective.loss(0, torch.Generator().manual_seed(s)).loss.detach()) for s in (1, 1, 2)
    ]
    assert losses[0] == losses[1] != losses[2]
    assert 0.8 < losses[0] < 2.5
    figures = objective.validate(objective.module)
    assert set(figures) == {"flow_velocity_mse", "image_velocity_mse"}
    # The untrained network answers zero to any condition, so noise and times are all that counts.
    assert 0.8 < figures["image_velocity_mse"] < 2.5
