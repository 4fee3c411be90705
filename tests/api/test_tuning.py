"""Tuning from YAML, end to end on tiny networks."""

import json
from pathlib import Path

import pytest
import torch

from gen3d.api import load, run_training
from gen3d.api.models import CARD, TUNED_FOR
from gen3d.cli.main import main
from gen3d.errors import InputError
from gen3d.vecset.checkpoints import DIT_FILE, VAE_FILE, save_dit, save_vae
from gen3d.vecset.config import DiTConfig, VAEConfig
from gen3d.vecset.dit import ShapeDiT
from gen3d.vecset.vae import ShapeVAE

CONFIGS = Path(__file__).parents[2] / "configs" / "vecset"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    sizes = {"num_latents": 6, "latent_dim": 4, "width": 16, "heads": 2}
    decoder = {"width": 16, "heads": 2, "mlp_ratio": 1}
    decoders = {"latent_layers": 1, "geometry": decoder, "colour": decoder}
    vae = ShapeVAE(VAEConfig.model_validate(sizes | decoders))
    blocks = {"double_blocks": 1, "single_blocks": 1, "time_dim": 8}
    dit = ShapeDiT(DiTConfig.model_validate(sizes | blocks))
    for network in (vae, dit):
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
    folder = tmp_path / "base"
    folder.mkdir()
    save_vae(vae, folder / VAE_FILE)
    save_dit(dit, folder / DIT_FILE)
    (folder / CARD).write_text(json.dumps({"concepts": ["chair"]}))
    return folder


def changes(base: Path) -> list[str]:
    return [
        f"base={base}",
        "trainer={output: %s, steps: 2, precision: 32-true}" % (base.parent / "run"),
        "prompts_per_category=1",
        "objective={prompts: 2, members: 2, steps: 3, window: {size: 1}, resolution: 8}",
        "study={members: 2, steps: 1}",
    ]


def test_tiny_run_makes_a_model_that_loads_and_says_what_for(base: Path) -> None:
    result = run_training(CONFIGS / "tune.yaml", changes(base), kinds=("vecset-tune",))
    assert json.loads((result.output / CARD).read_text())[TUNED_FOR] == "compact"
    tuned, before = load(str(result.output), device="cpu"), load(str(base), device="cpu")
    assert not torch.equal(tuned.dit.latent_in.weight, before.dit.latent_in.weight)
    assert torch.equal(tuned.vae.from_latent.weight, before.vae.from_latent.weight)
    assert result.figures["base_reward_best"] >= result.figures["base_reward_mean"]


def test_run_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match="kind 'vecset-vae', expected vecset-tune"):
        run_training(CONFIGS / "vae.yaml", kinds=("vecset-tune",))


def test_command_names_a_wrong_reward(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["tune", str(CONFIGS / "tune.yaml"), "--set", "reward=beautiful"])
    assert stop.value.code == 2
    assert "unknown reward 'beautiful'" in capsys.readouterr().err
