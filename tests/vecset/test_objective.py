import math

import pytest
import torch

from gen3d.errors import InputError
from gen3d.vecset.config import VAEConfig
from gen3d.vecset.objective import VAEObjective, VAEObjectiveConfig

CONFIG = VAEObjectiveConfig(
    batch_size=4, points=64, queries=64, colour_points=16, validation_points=64
)


def test_loss_is_a_function_of_the_generator_alone(tiny_vae, spheres):
    objective = VAEObjective(tiny_vae, CONFIG, spheres, spheres)
    losses = [
        float(objective.loss(3, torch.Generator().manual_seed(s)).loss.detach()) for s in (1, 1, 2)
    ]
    assert losses[0] == losses[1] != losses[2]


def test_initial_weights_follow_the_seed(tiny_vae, spheres):
    def weights(seed):
        objective = VAEObjective(tiny_vae, CONFIG, spheres, spheres, seed=seed)
        return objective.module.from_latent.weight

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_network_starts_undecided_with_gradients_everywhere_that_is_not_zeroed(tiny_vae, spheres):
    objective = VAEObjective(tiny_vae, CONFIG, spheres, spheres)
    result = objective.loss(0, torch.Generator().manual_seed(0))
    result.loss.backward()
    assert abs(float(result.figures["bce"].detach()) - math.log(2)) < 0.3
    assert all(p.grad is not None for p in objective.module.parameters())


def test_muon_names_existing_matrices_with_dividing_chunks(tiny_vae, spheres):
    objective = VAEObjective(tiny_vae, CONFIG, spheres, spheres)
    parameters = dict(objective.module.named_parameters())
    splits = objective.muon_splits()
    assert splits["encoder.blocks.0.attention.qkv.weight"] == 3
    assert splits["geometry.cross.attention.kv.weight"] == 2
    for name, chunks in splits.items():
        assert parameters[name].ndim == 2
        assert parameters[name].shape[0] % chunks == 0


def test_a_short_run_learns_spheres_and_their_colour(tiny_vae, spheres):
    objective = VAEObjective(tiny_vae, CONFIG, spheres, spheres)
    optimizer = torch.optim.AdamW(objective.module.parameters(), lr=1e-2)
    before = objective.validate(objective.module.eval())
    objective.module.train()
    generator = torch.Generator().manual_seed(0)
    for step in range(150):
        optimizer.zero_grad()
        objective.loss(step, generator).loss.backward()
        optimizer.step()
    after = objective.validate(objective.module.eval())
    assert after["vae_iou"] > before["vae_iou"] + 0.2
    assert after["colour_psnr_db"] > 20 > before["colour_psnr_db"]


def test_decoder_only_model_cannot_be_trained(tiny_vae, spheres):
    config = VAEConfig(**{**tiny_vae.model_dump(), "encoder": None})
    with pytest.raises(InputError, match="needs an encoder"):
        VAEObjective(config, CONFIG, spheres, spheres)


def test_too_few_surface_points_are_refused(tiny_vae, spheres):
    config = CONFIG.model_copy(update={"points": 10_000})
    with pytest.raises(InputError, match="256 surface points"):
        VAEObjective(tiny_vae, config, spheres, spheres)


def test_numbers_of_latents_are_drawn_and_measured_one_by_one(tiny_vae, spheres):
    counts = (2, tiny_vae.num_latents)
    config = CONFIG.model_copy(update={"token_counts": counts})
    objective = VAEObjective(tiny_vae, config, spheres, spheres)
    seen = []
    encode = objective.module.encode
    objective.module.encode = lambda *args, **kwargs: (  # type: ignore[method-assign]
        seen.append(kwargs["tokens"]) or encode(*args, **kwargs)
    )
    for seed in range(12):
        objective.loss(0, torch.Generator().manual_seed(seed))
    assert set(seen) == set(counts)
    del objective.module.encode
    assert objective.validate(objective.module).keys() >= {"vae_iou", "vae_iou_2"}


def test_more_latents_than_the_model_has_are_refused(tiny_vae, spheres):
    config = CONFIG.model_copy(update={"token_counts": (tiny_vae.num_latents + 1,)})
    with pytest.raises(InputError, match="token_counts go up to"):
        VAEObjective(tiny_vae, config, spheres, spheres)
