"""Our weights on disk."""

from pathlib import Path

import pytest
import torch

from gen3d.errors import ModelError
from gen3d.io.tensors import load_tensors, save_tensors
from gen3d.upsampling.checkpoints import load_upsampler, save_upsampler, shipped_path
from gen3d.upsampling.config import LocalConfig, RINConfig
from gen3d.upsampling.rin import RIN
from gen3d.upsampling.schedule import LossCurve

CONFIG = RINConfig(
    width=16,
    latents=4,
    blocks=1,
    computes=1,
    global_count=3,
    global_widths=(4, 16),
    local=LocalConfig(neighbours=4, width=4, scales=(4,)),
)


def test_network_and_its_steps_come_back(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = RIN(CONFIG).eval()
    curve = LossCurve(times=(1.0, 0.5, 0.0), losses=(3.0, 1.0, 1.0))
    save_upsampler(network, tmp_path / "a.safetensors", curve)
    found = load_upsampler(tmp_path / "a.safetensors")
    assert found.config == CONFIG and found.curve == curve
    assert found.times(2) == curve.sampling_times(2)
    x = torch.randn(1, 12, 3) / 2
    with torch.no_grad():
        ours, _ = found.network(x, torch.ones(1), None)
        torch.testing.assert_close(ours, network(x, torch.ones(1))[0], atol=5e-3, rtol=5e-2)
    save_upsampler(network, tmp_path / "b.safetensors", curve)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_without_a_curve_steps_are_equal(tmp_path: Path) -> None:
    save_upsampler(RIN(CONFIG), tmp_path / "a.safetensors")
    assert load_upsampler(tmp_path / "a.safetensors").times(2) == (1, 0.5, 0)


def test_default_name_means_the_shipped_file() -> None:
    assert shipped_path().name == "pufm-mini.safetensors"
    assert shipped_path().parent.name == "weights"


def test_damaged_curve_and_foreign_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_upsampler(RIN(CONFIG), path)
    tensors, metadata = load_tensors(path)
    save_tensors(tensors, path, {**metadata, "gen3d.loss_curve": "{}"})
    with pytest.raises(ModelError, match="loss curve"):
        load_upsampler(path)
    save_tensors(tensors, path, {**metadata, "gen3d.kind": "ShapeVAE"})
    with pytest.raises(ModelError, match="holds ShapeVAE"):
        load_upsampler(path)
    with pytest.raises(ModelError, match="there is no weights file"):
        load_upsampler(tmp_path / "none.safetensors")
