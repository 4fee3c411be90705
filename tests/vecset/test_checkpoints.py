import pytest
import torch

from gen3d.errors import ModelError
from gen3d.io.tensors import load_tensors, save_tensors
from gen3d.vecset.checkpoints import load_dit, load_vae, save_dit, save_vae
from gen3d.vecset.config import SamplingConfig
from gen3d.vecset.model import Condition, ShapeDiT, ShapeVAE


def test_autoencoder_survives_the_round_trip_up_to_half_precision(tiny_vae, tmp_path):
    vae = ShapeVAE(tiny_vae).eval()
    save_vae(vae, tmp_path / "vae.safetensors")
    back = load_vae(tmp_path / "vae.safetensors")
    assert back.config == tiny_vae
    surface = torch.rand(1, 20, 9)
    with torch.no_grad():
        a, b = vae.encode(surface).mean, back.encode(surface).mean
    assert torch.allclose(a, b, atol=5e-3)
    assert not any(p.requires_grad for p in back.parameters())


def test_flow_network_keeps_its_latent_scales_exactly(tiny_dit, tmp_path):
    dit = ShapeDiT(tiny_dit)
    dit.fit_normalisation(torch.randn(10, 6, 4) * 3 + 1)
    save_dit(dit, tmp_path / "dit.safetensors", SamplingConfig(steps=7))
    back, sampling = load_dit(tmp_path / "dit.safetensors")
    assert sampling.steps == 7
    assert torch.equal(back.latent_std, dit.latent_std)
    condition = Condition(torch.rand(1, 2, 8), None, torch.rand(1, 8))
    x, t = torch.rand(1, 6, 4), torch.rand(1)
    with torch.no_grad():
        assert torch.allclose(dit(x, t, condition), back(x, t, condition), atol=5e-3)


def test_equal_weights_give_equal_bytes(tiny_vae, tmp_path):
    vae = ShapeVAE(tiny_vae)
    for name in ("a", "b"):
        save_vae(vae, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.fixture
def saved(tiny_vae, tmp_path):
    path = tmp_path / "vae.safetensors"
    save_vae(ShapeVAE(tiny_vae), path)
    tensors, metadata = load_tensors(path)
    return path, tensors, metadata


def test_wrong_kind_is_named(saved):
    with pytest.raises(ModelError, match="ShapeVAE, not ShapeDiT"):
        load_dit(saved[0])


def test_missing_tensor_is_named(saved):
    path, tensors, metadata = saved
    del tensors["from_latent.bias"]
    save_tensors(tensors, path, metadata)
    with pytest.raises(ModelError, match=r"lacks from_latent\.bias"):
        load_vae(path)


def test_wrong_shape_is_named(saved):
    path, tensors, metadata = saved
    tensors["from_latent.bias"] = torch.zeros(3)
    save_tensors(tensors, path, metadata)
    with pytest.raises(ModelError, match=r"from_latent\.bias .* \(3,\), expected \(16,\)"):
        load_vae(path)


def test_values_that_are_not_finite_are_named(saved):
    path, tensors, metadata = saved
    tensors["from_latent.bias"][2] = torch.nan
    save_tensors(tensors, path, metadata)
    with pytest.raises(ModelError, match=r"from_latent\.bias .* not finite"):
        load_vae(path)


def test_unreadable_settings_are_an_error(saved):
    path, tensors, metadata = saved
    save_tensors(tensors, path, {**metadata, "gen3d.config": '{"width": "wide"}'})
    with pytest.raises(ModelError, match="settings in"):
        load_vae(path)
