import pytest
import torch

from gen3d.training import TrainConfig, Trainer
from gen3d.vecset.checkpoints import VAE_FILE, load_vae, save_vae
from gen3d.vecset.config import QueryDecoderConfig
from gen3d.vecset.lightning_objective import LightningObjective, LightningObjectiveConfig
from gen3d.vecset.objective import VAEObjective, VAEObjectiveConfig
from gen3d.vecset.runs import LightningRun, export_run

NARROW = QueryDecoderConfig(width=8, heads=1, mlp_ratio=1, ln_post=False)
CONFIG = LightningObjectiveConfig(batch_size=4, encode_points=64, queries=64)


@pytest.fixture
def vae(tiny_vae, spheres):
    objective = VAEObjective(
        tiny_vae,
        VAEObjectiveConfig(batch_size=4, points=64, queries=64, colour_points=16),
        spheres,
        spheres,
    )
    optimizer = torch.optim.AdamW(objective.module.parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(0)
    for step in range(30):
        optimizer.zero_grad()
        objective.loss(step, generator).loss.backward()
        optimizer.step()
    objective.module.zero_grad(set_to_none=True)
    return objective.module.eval()


def make(vae, spheres, decoder=NARROW, **changes):
    config = CONFIG.model_copy(update=changes)
    return LightningObjective(vae, decoder, config, spheres, spheres)


def train(objective, steps):
    optimizer = torch.optim.AdamW(objective.module.parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(0)
    losses = []
    for step in range(steps):
        optimizer.zero_grad()
        loss = objective.loss(step, generator).loss
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_only_the_new_decoder_learns(vae, spheres, noise):
    before = {name: x.clone() for name, x in vae.state_dict().items()}
    objective = make(vae, spheres, latent_noise=noise)
    losses = train(objective, 30)
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])
    assert all(torch.equal(x, before[name]) for name, x in vae.state_dict().items())
    assert all(p.grad is None for p in vae.parameters())


def test_copy_of_the_full_decoder_reproduces_it_exactly(vae, spheres):
    objective = make(vae, spheres, decoder=vae.config.geometry, latent_noise=0.2)
    figures = objective.validate(objective.module)
    assert figures["iou_vs_full"] == 1
    assert figures["vae_iou"] == figures["full_iou"]
    assert figures["noisy_iou"] == figures["full_noisy_iou"]
    assert figures["mac_ratio"] == 1


def test_copy_has_no_gradient_towards_its_teacher(vae, spheres):
    objective = make(vae, spheres, decoder=vae.config.geometry, teacher_share=1.0)
    objective.loss(0, torch.Generator().manual_seed(0)).loss.backward()
    assert all(p.grad.abs().max() < 1e-6 for p in objective.module.parameters())


def test_loss_is_a_function_of_the_generator_alone(vae, spheres):
    objective = make(vae, spheres, latent_noise=0.1)
    losses = [
        float(objective.loss(3, torch.Generator().manual_seed(s)).loss.detach()) for s in (1, 1, 2)
    ]
    assert losses[0] == losses[1] != losses[2]


def test_target_without_teacher_is_the_truth(vae, spheres):
    result = make(vae, spheres, teacher_share=0.0).loss(0, torch.Generator().manual_seed(0))
    assert float(result.loss.detach()) == pytest.approx(float(result.figures["bce"]))


def test_noise_follows_the_spread_of_each_latent_channel(vae, spheres):
    objective = make(vae, spheres, latent_noise=0.5)
    zeros = torch.zeros(4000, *objective.latents.shape[1:])
    noise = objective._with_noise(zeros, torch.Generator().manual_seed(0))
    expected = 0.5 * objective.latents.std(0, correction=0)
    assert torch.allclose(noise.std(0), expected, rtol=0.1)


def run_settings(folder, **trainer):
    source = {"folder": "data", "procedural": {}}
    return LightningRun.model_validate(
        {
            "kind": "vecset-lightning",
            "data": {"train": source, "held_out": source},
            "base": folder,
            "decoder": NARROW.model_dump(),
            "objective": CONFIG.model_dump(),
            "trainer": {"output": folder / "run", "device": "cpu", "threads": 1, **trainer},
        }
    )


def test_resumed_run_is_exported_as_a_whole_autoencoder(vae, spheres, tmp_path):
    save_vae(vae, tmp_path / VAE_FILE)
    base = load_vae(tmp_path / VAE_FILE)

    def fit(output, steps):
        # No decay: the learning rate must not depend on where a run ends.
        schedule = {"kind": "trapezoid", "warmup_steps": 0, "decay_start": 0.9, "floor": 1.0}
        config = TrainConfig(output=output, steps=steps, device="cpu", threads=1, schedule=schedule)
        trainer = Trainer(config, make(base, spheres))
        return trainer.fit(), trainer.ema_module()

    whole, whole_ema = fit(tmp_path / "whole", 6)
    fit(tmp_path / "run", 3)
    parts, parts_ema = fit(tmp_path / "run", 6)
    assert parts.figures == whole.figures
    for name, weight in parts_ema.state_dict().items():
        assert torch.equal(weight, whole_ema.state_dict()[name])

    export_run(run_settings(tmp_path, steps=6), parts.checkpoint, tmp_path / "lightning")
    back = load_vae(tmp_path / "lightning")
    assert back.config == base.config.model_copy(update={"geometry": NARROW})
    for name, weight in back.state_dict().items():
        if name.startswith("geometry."):
            mine = parts_ema.state_dict()[name.removeprefix("geometry.")]
            assert torch.allclose(weight, mine, atol=1e-3)
        else:
            assert torch.equal(weight, base.state_dict()[name])
