import pytest
import torch

from gen3d.training import TrainConfig, Trainer
from gen3d.vecset.checkpoints import VAE_FILE, load_vae, save_vae
from gen3d.vecset.decoder_objective import (
    DecoderObjective,
    DecoderObjectiveConfig,
    decoder_of,
    with_decoder,
)
from gen3d.vecset.objective import reconstruction_figures
from gen3d.vecset.runs import DecoderRun, export_run
from gen3d.vecset.vae import ShapeVAE

CONFIG = DecoderObjectiveConfig(batch_size=4, encode_points=64, queries=64, colour_points=16)


@pytest.fixture
def vae(tiny_vae):
    torch.manual_seed(0)
    return ShapeVAE(tiny_vae).eval()


def make(vae, spheres, **changes):
    return DecoderObjective(vae, CONFIG.model_copy(update=changes), spheres, spheres)


def test_decoder_learns_and_the_autoencoder_it_came_from_stays(vae, spheres):
    before = {name: x.clone() for name, x in vae.state_dict().items()}
    objective = make(vae, spheres)
    optimizer = torch.optim.AdamW(objective.module.parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(0)
    losses = []
    for step in range(30):
        optimizer.zero_grad()
        loss = objective.loss(step, generator).loss
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])
    assert all(torch.equal(x, before[name]) for name, x in vae.state_dict().items())


def test_untrained_copy_measures_as_the_original(vae, spheres):
    objective = make(vae, spheres)
    config = objective.config
    expected = reconstruction_figures(
        vae,
        spheres,
        shapes=config.validation_shapes,
        points=config.validation_points,
        queries=config.validation_queries,
    )
    assert objective.validate(objective.module) == expected


def test_latents_do_not_change_with_the_decoder(vae, spheres):
    other = decoder_of(vae)
    with torch.no_grad():
        for weight in other.parameters():
            weight.add_(0.1)
    made = with_decoder(vae, other.state_dict())
    surface = torch.from_numpy(spheres.surface[:2, :64].astype("float32"))
    assert torch.equal(made.encode(surface).mean, vae.encode(surface).mean)
    latents = vae.encode(surface).mean
    assert torch.equal(made.tokens(latents), other.tokens(latents))


def test_noise_share_zero_is_no_noise(vae, spheres):
    losses = [
        float(make(vae, spheres, **c).loss(0, torch.Generator().manual_seed(1)).loss.detach())
        for c in ({"noise_share": 0.0, "latent_noise": 9.0}, {"noise_share": 0.0})
    ]
    assert losses[0] == losses[1]


def test_run_is_exported_as_a_whole_autoencoder(vae, spheres, tmp_path):
    save_vae(vae, tmp_path / VAE_FILE)
    base = load_vae(tmp_path / VAE_FILE)
    config = TrainConfig(output=tmp_path / "run", steps=3, device="cpu", threads=1)
    trainer = Trainer(config, make(base, spheres))
    result = trainer.fit()
    source = {"folder": "data", "procedural": {}}
    run = DecoderRun.model_validate(
        {
            "kind": "vecset-decoder",
            "data": {"train": source, "held_out": source},
            "base": tmp_path,
            "objective": CONFIG.model_dump(),
            "trainer": config.model_dump(),
        }
    )
    export_run(run, result.checkpoint, tmp_path / "new")
    back, trained = load_vae(tmp_path / "new"), trainer.ema_module().state_dict()
    assert back.config == base.config
    for name, weight in back.state_dict().items():
        if name.startswith(("encoder.", "to_posterior.")):
            assert torch.equal(weight, base.state_dict()[name])
        else:
            assert torch.allclose(weight, trained[name], atol=1e-3)
