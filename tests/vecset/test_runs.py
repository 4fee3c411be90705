from pathlib import Path

import pytest
import torch
import yaml

from gen3d.errors import ModelError
from gen3d.training.state import save_state
from gen3d.vecset.checkpoints import load_dit, load_vae
from gen3d.vecset.dit import ShapeDiT
from gen3d.vecset.runs import RUNS, FlowRun, VAERun, export_run
from gen3d.vecset.vae import ShapeVAE

CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "vecset").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.name)
def test_shipped_configs_are_valid(path):
    settings = yaml.safe_load(path.read_text())
    settings.pop("sizes", None)
    run = RUNS[settings["kind"]].model_validate(settings)
    assert run.trainer.output.name.startswith("vecset")


def test_shipped_configs_fit_each_other():
    loaded = {path.stem: yaml.safe_load(path.read_text()) for path in CONFIGS}
    for settings in loaded.values():
        settings.pop("sizes", None)
    vae = VAERun.model_validate(loaded["vae"]).model
    dit = FlowRun.model_validate(loaded["dit"]).model
    assert (dit.num_latents, dit.latent_dim) == (vae.num_latents, vae.latent_dim)


def data_section():
    source = {"folder": "data", "procedural": {}}
    return {"train": source, "held_out": source}


def test_averaged_weights_of_a_run_are_exported(tiny_vae, tiny_dit, tmp_path):
    trainer = {"output": "runs/x", "steps": 1}
    vae_run = VAERun(kind="vecset-vae", data=data_section(), model=tiny_vae, trainer=trainer)
    flow_run = FlowRun(
        kind="vecset-dit", data=data_section(), vae="v", model=tiny_dit, trainer=trainer
    )
    vae, dit = ShapeVAE(tiny_vae), ShapeDiT(tiny_dit)
    for network, run in ((vae, vae_run), (dit, flow_run)):
        save_state({"ema": network.state_dict()}, tmp_path / "best.ckpt")
        export_run(run, tmp_path / "best.ckpt", tmp_path / run.kind)
    back = load_vae(tmp_path / "vecset-vae").from_latent.weight
    assert torch.allclose(back, vae.from_latent.weight, atol=1e-3)
    assert load_dit(tmp_path / "vecset-dit")[1] == flow_run.sampling


def test_checkpoint_of_another_network_is_refused(tiny_vae, tmp_path):
    run = VAERun(
        kind="vecset-vae",
        data=data_section(),
        model=tiny_vae,
        trainer={"output": "runs/x", "steps": 1},
    )
    save_state({"ema": {"weight": torch.zeros(2)}}, tmp_path / "best.ckpt")
    with pytest.raises(ModelError, match="not of this run's network"):
        export_run(run, tmp_path / "best.ckpt", tmp_path / "out")
