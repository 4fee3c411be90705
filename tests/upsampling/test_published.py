"""Published checkpoints, against layouts and a forward pass that share no code with ours."""

import importlib.util
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import batch_norm, conv1d, gelu, layer_norm, linear, relu

from gen3d.errors import ModelError
from gen3d.io.key_map import export
from gen3d.io.tensors import save_tensors
from gen3d.upsampling.checkpoints import load_upsampler
from gen3d.upsampling.config import PointNetConfig, published_rin_config
from gen3d.upsampling.model import ReversedTime
from gen3d.upsampling.pointnet import PUFMNet
from gen3d.upsampling.published import load_published
from gen3d.upsampling.published_keys import published_entries
from gen3d.upsampling.rin import RIN

_SPEC = importlib.util.spec_from_file_location(
    "published_layouts", Path(__file__).with_name("published_layouts.py")
)
assert _SPEC is not None and _SPEC.loader is not None
layouts = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(layouts)

State = dict[str, Tensor]
WIDTH, LATENTS, BLOCKS, COMPUTES, GLOBAL = 128, 5, 2, 2, (6, 8, 128)
PUBLISHED_LEVELS = (
    ((16, 16, 32), (32, 32, 64)),
    ((64, 64, 128), (64, 96, 128)),
    ((128, 196, 256), (128, 196, 256)),
    ((256, 256, 512), (256, 384, 512)),
)
PUBLISHED_UPS = ((256, 256), (256, 256), (256, 128), (128, 128, 128))
TINY_LEVELS = (((4, 6), (4, 5)),) * 4
TINY_UPS = ((8, 8), (8, 8), (8, 6), (6, 6, 6))


def tiny_rin() -> State:
    return layouts.random_state(layouts.rin_layout(WIDTH, LATENTS, BLOCKS, COMPUTES, GLOBAL))


def lightning_file(state: State, path: Path, **more: Any) -> Path:
    content = {
        "epoch": 3,
        "state_dict": {f"model.{name}": tensor for name, tensor in state.items()},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.ones(2)}}}],
        "loops": {"fit_loop": {"state": torch.zeros(1)}},
        **more,
    }
    torch.save(content, path)
    return path


def published_names(network: RIN | PUFMNet) -> dict[str, tuple[int, ...]]:
    entries = published_entries(network)
    return {name: shape for entry in entries for name, shape in entry.published.items()}


def test_key_set_of_the_published_rin_is_exact() -> None:
    with torch.device("meta"):
        network = RIN(published_rin_config())
    layout = layouts.rin_layout(512, 256, 6, 4, (32, 64, 64, 128, 256, 512))
    assert published_names(network) == layout


@pytest.mark.parametrize("attention", [False, True])
def test_key_set_of_the_published_pufm_is_exact(attention: bool) -> None:
    with torch.device("meta"):
        network = PUFMNet(PointNetConfig(attention=attention))
    layout = layouts.pufm_layout(PUBLISHED_LEVELS, PUBLISHED_UPS, 128, attention=attention)
    assert published_names(network) == layout


def _linear(state: State, name: str, x: Tensor) -> Tensor:
    return linear(x, state[f"{name}.weight"], state[f"{name}.bias"])


def _norm(state: State, name: str, x: Tensor) -> Tensor:
    return layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"])


def _mlp(state: State, name: str, x: Tensor) -> Tensor:
    return _linear(state, f"{name}.fc2", gelu(_linear(state, f"{name}.fc1", x)))


def _attend(state: State, name: str, query: Tensor, context: Tensor) -> Tensor:
    heads = WIDTH // 64

    def split(part: str, x: Tensor) -> Tensor:
        return _linear(state, f"{name}.attn.{part}", x).unflatten(-1, (heads, 64)).transpose(1, 2)

    q, k, v = split("wq", query), split("wk", context), split("wv", context)
    mixed = (q @ k.mT / 8).softmax(-1) @ v
    return _linear(state, f"{name}.attn.proj", mixed.transpose(1, 2).flatten(2))


def transcribed_rin(state: State, x: Tensor, t: Tensor, previous: Tensor) -> tuple[Tensor, Tensor]:
    """PUFM++'s forward pass, in its own time, with the three points that its sampling picks."""
    features = x.mT
    for i in range(len(GLOBAL)):
        conv, norm = f"global_cond.net.{3 * i}", f"global_cond.net.{3 * i + 1}"
        features = conv1d(features, state[f"{conv}.weight"], state[f"{conv}.bias"])
        mean, variance = state[f"{norm}.running_mean"], state[f"{norm}.running_var"]
        features = relu(
            batch_norm(features, mean, variance, state[f"{norm}.weight"], state[f"{norm}.bias"])
        )
    cond = features.mT[:, [0, 2, 1] + [0] * 13]
    half = WIDTH // 2
    angle = t[:, None] * torch.exp(-math.log(10_000) * torch.arange(half) / half)
    time = _mlp(state, "time_embed", torch.cat([angle.cos(), angle.sin()], -1))[:, None]
    x = _norm(state, "ln_pre", _linear(state, "input_proj", x))
    z = torch.cat([state["z_init"].expand(len(x), -1, -1), cond, time], 1)
    z = z + _norm(state, "ln_latent", previous + _mlp(state, "latent_mlp", previous))
    for i in range(BLOCKS):
        name = f"blocks.{i}.read"
        context = _norm(state, f"{name}.norm_x", x)
        z = z + _attend(state, name, _norm(state, f"{name}.norm_z1", z), context)
        z = z + _mlp(state, f"{name}.mlp", _norm(state, f"{name}.norm_z2", z))
        for j in range(COMPUTES):
            name = f"blocks.{i}.compute.{j}"
            normed = _norm(state, f"{name}.norm_z1", z)
            z = z + _attend(state, name, normed, normed)
            z = z + _mlp(state, f"{name}.mlp", _norm(state, f"{name}.norm_z2", z))
        name = f"blocks.{i}.write"
        context = _norm(state, f"{name}.norm_z", z)
        x = x + _attend(state, name, _norm(state, f"{name}.norm_x1", x), context)
        x = x + _mlp(state, f"{name}.mlp", _norm(state, f"{name}.norm_x2", x))
    return _linear(state, "output_proj", _norm(state, "ln_post", x)), z


def test_lightning_file_gives_the_published_velocity_in_our_time(tmp_path: Path) -> None:
    state = tiny_rin()
    upsampler = load_upsampler(lightning_file(state, tmp_path / "rin_self_latent_v2.ckpt"))
    x = torch.randn(2, 20, 3, generator=torch.Generator().manual_seed(3)) / 2
    t = torch.tensor([1.0, 0.25])
    with torch.no_grad():
        velocity, latent = upsampler.network(x, t, None)
        true, true_latent = transcribed_rin(state, x, 1 - t, torch.zeros(2, LATENTS + 17, WIDTH))
        torch.testing.assert_close(velocity, -true, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(latent, true_latent, rtol=1e-4, atol=1e-4)
        velocity, _ = upsampler.network(x, t / 2, true_latent)
        true, _ = transcribed_rin(state, x, 1 - t / 2, true_latent)
        torch.testing.assert_close(velocity, -true, rtol=1e-4, atol=1e-4)
    assert upsampler.curve is None
    assert upsampler.times(4) == (1, 0.75, 0.5, 0.25, 0)


@pytest.mark.parametrize("attention", [False, True])
def test_state_dict_of_pufm_is_read_and_written_back(attention: bool, tmp_path: Path) -> None:
    layout = layouts.pufm_layout(TINY_LEVELS, TINY_UPS, 6, attention=attention)
    state = layouts.random_state(layout)
    torch.save(state, tmp_path / "pufm.pth")
    network = load_published(tmp_path / "pufm.pth")
    assert isinstance(network.core, PUFMNet) and network.core.config.attention is attention
    back = export(published_entries(network.core), network.core.state_dict())
    assert back.keys() == state.keys()
    assert all(torch.equal(back[name].to(state[name]), state[name]) for name in state)
    with torch.no_grad():
        velocity, latent = network(torch.randn(1, 40, 3) / 2, torch.ones(1))
    assert velocity.shape == (1, 40, 3) and latent is None


def test_tokens_of_a_published_network_can_be_spread(tmp_path: Path) -> None:
    path = tmp_path / "rin.safetensors"
    save_tensors(tiny_rin(), path)
    network = load_published(path, global_tokens="fps")
    assert isinstance(network, ReversedTime) and isinstance(network.core, RIN)
    assert network.core.config.global_tokens == "fps"


def test_missing_unknown_and_misshapen_tensors_are_named(tmp_path: Path) -> None:
    state = tiny_rin()
    path = tmp_path / "rin.pth"
    torch.save({k: v for k, v in state.items() if k != "ln_post.bias"}, path)
    with pytest.raises(ModelError, match=r"lacks ln_post\.bias"):
        load_published(path)
    torch.save({**state, "extra": torch.ones(1)}, path)
    with pytest.raises(ModelError, match="unknown extra"):
        load_published(path)
    torch.save({**state, "output_proj.bias": torch.ones(4)}, path)
    with pytest.raises(ModelError, match=r"output_proj\.bias .* shape \(4,\)"):
        load_published(path)
    torch.save({"z_init": torch.ones(1, 2, 8)}, path)
    with pytest.raises(ModelError, match=r"no PUFM\+\+ network"):
        load_published(path)
    torch.save({"something": torch.ones(1)}, path)
    with pytest.raises(ModelError, match="neither"):
        load_published(path)


class _Payload:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("must-not-exist"),))


def test_code_in_a_checkpoint_is_refused_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = lightning_file(tiny_rin(), tmp_path / "evil.ckpt", callbacks=_Payload())
    with pytest.raises(ModelError, match="nothing of it was run"):
        load_upsampler(path)
    assert not (tmp_path / "must-not-exist").exists()
