"""Published layouts, each against a transcription that shares no code with ours."""

import importlib.util
import math
import re
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, silu

from gen3d.errors import ModelError
from gen3d.io.checkpoints import TensorSource
from gen3d.io.key_map import check, export
from gen3d.nn.fourier import FourierFeatures
from gen3d.nn.time_embedding import sinusoidal_embedding
from gen3d.vecset.config import (
    PlainDiTConfig,
    hunyuan_dit_config,
    hunyuan_encoder_config,
    hunyuan_vae_config,
)
from gen3d.vecset.dit import Condition, ShapeDiT
from gen3d.vecset.plain_dit import PlainDiT
from gen3d.vecset.published.keys import published_entries
from gen3d.vecset.vae import ShapeVAE

_SPEC = importlib.util.spec_from_file_location(
    "tiny_published", Path(__file__).with_name("tiny_published.py")
)
assert _SPEC is not None and _SPEC.loader is not None
tiny = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(tiny)

FROZEN = Path(__file__).with_name("published_shapes.txt")
HEADS, HEAD = 2, 32
State = dict[str, Tensor]


def frozen(section: str) -> dict[str, tuple[int, ...]]:
    """Expand one section of the frozen list: ``a.{0..2}.{x,y} shape``."""
    shapes: dict[str, tuple[int, ...]] = {}
    active = False
    for line in FROZEN.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            active = line == f"[{section}]"
        elif active and line and not line.startswith("#"):
            pattern, *sizes = line.split()
            for name in expand(pattern):
                shapes[name] = tuple(int(size) for size in sizes)
    return shapes


def expand(pattern: str) -> list[str]:
    start = pattern.find("{")
    if start < 0:
        return [pattern]
    end = pattern.index("}")
    inside = pattern[start + 1 : end]
    choices = inside.split(",")
    if ".." in inside:
        low, high = inside.split("..")
        choices = [str(i) for i in range(int(low), int(high) + 1)]
    return [
        name for choice in choices for name in expand(pattern[:start] + choice + pattern[end + 1 :])
    ]


NETWORKS = {
    "vae": (lambda: ShapeVAE(hunyuan_vae_config()), 214_212_865),
    "vae-turbo": (lambda: ShapeVAE(hunyuan_vae_config(turbo=True)), 203_690_497),
    "vae-encoder": (
        lambda: ShapeVAE(
            hunyuan_vae_config(num_latents=4096, encoder=hunyuan_encoder_config(sharp=False))
        ),
        327_746_177,
    ),
    "dit": (lambda: ShapeDiT(hunyuan_dit_config()), 1_113_274_432),
    "dit-guidance": (
        lambda: ShapeDiT(hunyuan_dit_config(guidance_embedding=True)),
        1_114_587_200,
    ),
    "mini-guidance": (
        lambda: ShapeDiT(hunyuan_dit_config(mini=True, guidance_embedding=True)),
        560_508_992,
    ),
    "plain": (lambda: PlainDiT(PlainDiTConfig()), 3_050_758_720),
}
SECTIONS = {
    "vae": ("vae",),
    "vae-turbo": ("vae-turbo",),
    "vae-encoder": ("vae", "encoder"),
    "dit": ("dit",),
    "dit-guidance": ("dit", "guidance"),
    "mini-guidance": ("dit", "guidance"),
    "plain": ("plain",),
}
# Mini has half of the blocks: 8 and 16.
BEYOND_MINI = re.compile(r"double_blocks\.(8|9|1\d)\.|single_blocks\.(1[6-9]|2\d|3\d)\.")


@pytest.mark.parametrize("name", NETWORKS)
def test_names_shapes_and_counts_are_the_published_ones(name):
    build, count = NETWORKS[name]
    with torch.device("meta"):
        network = build()
    shapes = {k: v for entry in published_entries(network) for k, v in entry.published.items()}
    expected = {key: shape for section in SECTIONS[name] for key, shape in frozen(section).items()}
    if name == "mini-guidance":
        expected = {k: v for k, v in expected.items() if not BEYOND_MINI.match(k)}
    assert shapes == expected
    assert sum(math.prod(shape) for shape in expected.values()) == count


@pytest.mark.parametrize("family", ["2.0", "mini-turbo", "2.1"])
def test_round_trip_changes_no_bit(family):
    _, dit, vae = tiny.tiny_networks(family, encoder=True)
    for network in (dit, vae):
        entries = published_entries(network)
        state = network.state_dict()
        published = export(entries, state)
        for entry in entries:
            again = entry.to_ours([published[name] for name in entry.published])
            assert torch.equal(again, state[entry.ours]), entry.ours


def norm(x: Tensor, state: State, name: str, eps: float = 1e-6) -> Tensor:
    return layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"], eps)


def linear(x: Tensor, state: State, name: str) -> Tensor:
    return torch.nn.functional.linear(x, state[f"{name}.weight"], state.get(f"{name}.bias"))


def softmax_average(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Average ``(n, heads, d)`` values by ``(m, heads, d)`` queries, head by head."""
    heads = []
    for h in range(q.shape[1]):
        p = torch.softmax(q[:, h] @ k[:, h].T / math.sqrt(q.shape[-1]), dim=-1)
        heads.append(p @ v[:, h])
    return torch.cat(heads, dim=-1)


def published_fourier(p: Tensor) -> Tensor:
    """``[x, y, z | sin of x at 8 octaves, y, z | cos]`` without pi."""
    rows = []
    for point in p.tolist():
        sines = [math.sin(c * 2**k) for c in point for k in range(8)]
        cosines = [math.cos(c * 2**k) for c in point for k in range(8)]
        rows.append(point + sines + cosines)
    return torch.tensor(rows, dtype=p.dtype)


def published_vae(s: State, z: Tensor, p: Tensor) -> Tensor:
    """Logits at points ``p`` of latents ``z``; rows of packed projections are split per head."""
    x = linear(z, s, "post_kl")
    for i in range(2):
        b = f"transformer.resblocks.{i}"
        packed = linear(norm(x, s, f"{b}.ln_1"), s, f"{b}.attn.c_qkv")
        q, k, v = packed.view(len(x), HEADS, 3 * HEAD).split(HEAD, dim=-1)
        q = norm(q, s, f"{b}.attn.attention.q_norm")
        k = norm(k, s, f"{b}.attn.attention.k_norm")
        x = x + linear(softmax_average(q, k, v), s, f"{b}.attn.c_proj")
        hidden = gelu(linear(norm(x, s, f"{b}.ln_2"), s, f"{b}.mlp.c_fc"))
        x = x + linear(hidden, s, f"{b}.mlp.c_proj")
    g = "geo_decoder.cross_attn_decoder"
    e = linear(published_fourier(p), s, "geo_decoder.query_proj")
    if "geo_decoder.latents_proj.weight" in s:
        x = linear(x, s, "geo_decoder.latents_proj")
    q = linear(norm(e, s, f"{g}.ln_1"), s, f"{g}.attn.c_q")
    q = q.view(len(p), -1, HEAD)
    kv = linear(norm(x, s, f"{g}.ln_2"), s, f"{g}.attn.c_kv")
    k, v = kv.view(len(x), -1, 2 * HEAD).split(HEAD, dim=-1)
    if f"{g}.attn.attention.q_norm.weight" in s:
        q = norm(q, s, f"{g}.attn.attention.q_norm")
        k = norm(k, s, f"{g}.attn.attention.k_norm")
    e = e + linear(softmax_average(q, k, v), s, f"{g}.attn.c_proj")
    e = e + linear(gelu(linear(norm(e, s, f"{g}.ln_3"), s, f"{g}.mlp.c_fc")), s, f"{g}.mlp.c_proj")
    if "geo_decoder.ln_post.weight" in s:
        e = norm(e, s, "geo_decoder.ln_post", eps=1e-5)
    return linear(e, s, "geo_decoder.output_proj")[:, 0]


@pytest.mark.parametrize("family", ["2.0", "mini-turbo"])
def test_autoencoder_splits_its_packed_rows_head_by_head(family):
    _, _, vae = tiny.tiny_networks(family)
    state = export(published_entries(vae), vae.state_dict())
    torch.manual_seed(0)
    z, p = torch.randn(1, 16, tiny.LATENT_DIM), 2 * torch.rand(9, 3) - 1
    with torch.no_grad():
        expected = published_vae(state, z[0], p)
        found = vae.occupancy(p[None], vae.decode(z))[0]
    assert float(expected.std()) > 0.1
    assert torch.allclose(found, expected, atol=2e-4)


def published_time(value: float, dim: int) -> Tensor:
    """2.0: factor 1000 and, by a slip that the weights know, longest period 1000; cos first."""
    half = dim // 2
    angles = [1000 * value * math.exp(-math.log(1000) * i / half) for i in range(half)]
    return torch.tensor([math.cos(a) for a in angles] + [math.sin(a) for a in angles])


def rms(x: Tensor, scale: Tensor) -> Tensor:
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-6) * scale


def published_dit(s: State, x: Tensor, context: Tensor, t: float, w: float | None) -> Tensor:
    """2.0's network on one item; q, k and v of all heads follow each other."""

    def embed(name: str, value: float) -> Tensor:
        hidden = silu(linear(published_time(value, 256), s, f"{name}.in_layer"))
        return linear(hidden, s, f"{name}.out_layer")

    vec = embed("time_in", t)
    if w is not None:
        vec = vec + embed("guidance_in", w)

    def plain(h: Tensor) -> Tensor:
        return layer_norm(h, h.shape[-1:], eps=1e-6)

    def split(qkv: Tensor, name: str) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = qkv.view(len(qkv), 3, HEADS, HEAD).unbind(1)
        return rms(q, s[f"{name}.query_norm.scale"]), rms(k, s[f"{name}.key_norm.scale"]), v

    streams = {"txt": linear(context, s, "cond_in"), "img": linear(x, s, "latent_in")}
    for i in range(2):
        b = f"double_blocks.{i}"
        mods = {n: linear(silu(vec), s, f"{b}.{n}_mod.lin").chunk(6) for n in streams}
        parts = []
        for n, h in streams.items():
            shift, scale = mods[n][:2]
            qkv = linear((1 + scale) * plain(h) + shift, s, f"{b}.{n}_attn.qkv")
            parts.append(split(qkv, f"{b}.{n}_attn.norm"))
        q, k, v = (torch.cat(pair) for pair in zip(*parts, strict=True))
        joint = softmax_average(q, k, v)
        pieces = joint.split([len(context), len(x)])
        for (n, h), attended in zip(list(streams.items()), pieces, strict=True):
            _, _, gate1, shift2, scale2, gate2 = mods[n]
            h = h + gate1 * linear(attended, s, f"{b}.{n}_attn.proj")
            hidden = linear((1 + scale2) * plain(h) + shift2, s, f"{b}.{n}_mlp.0")
            hidden = gelu(hidden, approximate="tanh")
            streams[n] = h + gate2 * linear(hidden, s, f"{b}.{n}_mlp.2")
    h = torch.cat([streams["txt"], streams["img"]])
    for i in range(2):
        b = f"single_blocks.{i}"
        shift, scale, gate = linear(silu(vec), s, f"{b}.modulation.lin").chunk(3)
        packed = linear((1 + scale) * plain(h) + shift, s, f"{b}.linear1")
        width = h.shape[-1]
        q, k, v = split(packed[:, : 3 * width], f"{b}.norm")
        hidden = gelu(packed[:, 3 * width :], approximate="tanh")
        h = h + gate * linear(torch.cat([softmax_average(q, k, v), hidden], -1), s, f"{b}.linear2")
    h = h[len(context) :]
    shift, scale = linear(silu(vec), s, "final_layer.adaLN_modulation.1").chunk(2)
    return linear((1 + scale) * plain(h) + shift, s, "final_layer.linear")


@pytest.mark.parametrize("family", ["2.0", "mini-turbo"])
def test_flow_network_keeps_all_heads_of_q_then_k_then_v(family):
    _, dit, _ = tiny.tiny_networks(family)
    state = export(published_entries(dit), dit.state_dict())
    torch.manual_seed(0)
    x, context = torch.randn(1, 7, tiny.LATENT_DIM), torch.randn(1, 5, tiny.WIDTH)
    w = 5.0 if family == "mini-turbo" else None
    with torch.no_grad():
        expected = published_dit(state, x[0], context[0], 0.37, w)
        strength = None if w is None else torch.tensor([w])
        found = dit(x, torch.tensor([0.37]), Condition(context), strength)[0]
    assert float(expected.std()) > 0.1
    assert torch.allclose(found, expected, atol=5e-4)


def published_plain(s: State, x: Tensor, context: Tensor, t: float, depth: int) -> Tensor:
    """2.1's network on one item, with its head slicing, skips and experts."""
    width = s["x_embedder.weight"].shape[0]
    half = width // 2
    angles = [t * 10000 ** (-i / half) for i in range(half)]
    time = torch.tensor([math.sin(a) for a in angles] + [math.cos(a) for a in angles])
    time = linear(gelu(linear(time, s, "t_embedder.mlp.0")), s, "t_embedder.mlp.2")
    h = torch.cat([time[None], linear(x, s, "x_embedder")])
    stack: list[Tensor] = []
    for i in range(depth):
        b = f"blocks.{i}"
        if i > depth // 2:
            h = linear(torch.cat([stack.pop(), h], dim=-1), s, f"{b}.skip_linear")
            h = norm(h, s, f"{b}.skip_norm")
        n = norm(h, s, f"{b}.norm1")
        # The three outputs are joined first, and heads cut out of the whole.
        whole = torch.cat([linear(n, s, f"{b}.attn1.to_{name}") for name in "qkv"], dim=-1)
        q, k, v = whole.view(len(h), HEADS, 3 * HEAD).split(HEAD, dim=-1)
        q, k = rms(q, s[f"{b}.attn1.q_norm.weight"]), rms(k, s[f"{b}.attn1.k_norm.weight"])
        h = h + linear(softmax_average(q, k, v), s, f"{b}.attn1.out_proj")
        n = norm(h, s, f"{b}.norm2")
        q = linear(n, s, f"{b}.attn2.to_q").view(len(h), HEADS, HEAD)
        whole = torch.cat([linear(context, s, f"{b}.attn2.to_{name}") for name in "kv"], dim=-1)
        k, v = whole.view(len(context), HEADS, 2 * HEAD).split(HEAD, dim=-1)
        q, k = rms(q, s[f"{b}.attn2.q_norm.weight"]), rms(k, s[f"{b}.attn2.k_norm.weight"])
        h = h + linear(softmax_average(q, k, v), s, f"{b}.attn2.out_proj")
        n = norm(h, s, f"{b}.norm3")
        if f"{b}.moe.gate.weight" in s:
            h = h + published_experts(s, f"{b}.moe", n)
        else:
            h = h + linear(gelu(linear(n, s, f"{b}.mlp.fc1")), s, f"{b}.mlp.fc2")
        if i < depth // 2:
            stack.append(h)
    assert not stack
    return linear(norm(h, s, "final_layer.norm_final")[1:], s, "final_layer.linear")


def published_experts(s: State, name: str, rows: Tensor) -> Tensor:
    def feed_forward(token: Tensor, part: str) -> Tensor:
        hidden = gelu(linear(token, s, f"{part}.net.0.proj"))
        return linear(hidden, s, f"{part}.net.2")

    results = []
    for token in rows:
        p = torch.softmax(s[f"{name}.gate.weight"] @ token, dim=0)
        best = p.argsort(descending=True)[:2].tolist()
        mixed = feed_forward(token, f"{name}.shared_experts")
        for e in best:
            mixed = mixed + p[e] * feed_forward(token, f"{name}.experts.{e}")
        results.append(mixed)
    return torch.stack(results)


def test_later_network_slices_heads_across_its_three_matrices():
    _, dit, _ = tiny.tiny_networks("2.1")
    state = export(published_entries(dit), dit.state_dict())
    torch.manual_seed(0)
    x, context = torch.randn(1, 7, tiny.LATENT_DIM), torch.randn(1, 5, tiny.WIDTH)
    with torch.no_grad():
        expected = published_plain(state, x[0], context[0], 0.37, depth=3)
        found = dit(x, torch.tensor([0.37]), Condition(context))[0]
    assert float(expected.std()) > 0.1
    assert torch.allclose(found, expected, atol=5e-4)


def test_rows_of_the_later_network_are_not_what_their_names_say():
    # Head 0 takes q, k and v from the first half of to_q and to_k: with two heads of 32 channels,
    # rows 0..31 and 32..63 of to_q are its queries and keys, rows 0..31 of to_k its values.
    _, dit, _ = tiny.tiny_networks("2.1")
    state = export(published_entries(dit), dit.state_dict())
    packed = dit.blocks[0].self_attention.qkv.weight
    to_q, to_k = state["blocks.0.attn1.to_q.weight"], state["blocks.0.attn1.to_k.weight"]
    assert torch.equal(packed[0:32], to_q[0:32])
    assert torch.equal(packed[64:96], to_q[32:64])
    assert torch.equal(packed[128:160], to_k[0:32])


def test_longest_period_is_a_thousand_in_the_first_networks():
    config = hunyuan_dit_config()
    found = sinusoidal_embedding(
        torch.tensor([0.3]),
        config.time_dim,
        max_period=config.time_max_period,
        factor=config.time_factor,
    )[0]
    assert torch.allclose(found, published_time(0.3, 256), atol=1e-3)
    # The slowest channel tells the periods apart: 1000 * .3 / 1000^(127/128) is .317 rad.
    assert float(found[127]) == pytest.approx(math.cos(300 * 1000 ** (-127 / 128)), abs=1e-5)


def test_point_features_have_no_pi_and_keep_axes_apart():
    config = hunyuan_vae_config().fourier
    features = FourierFeatures(config.num_freqs, base=config.base)
    points = torch.tensor([[0.1, -0.7, 1.01]])
    assert torch.allclose(features(points), published_fourier(points), atol=1e-5)


def test_what_does_not_fit_is_named_with_its_shape(tmp_path):
    _, dit, _ = tiny.tiny_networks("2.0")
    tensors = export(published_entries(dit), dit.state_dict())
    tensors["double_blocks.0.img_attn.qkv.weight"] = torch.zeros(3, 4)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    source = TensorSource(tmp_path / "model.safetensors", shapes, tensors.__getitem__)
    with pytest.raises(
        ModelError, match=r"img_attn\.qkv\.weight .* \(3, 4\), expected \(192, 64\)"
    ):
        check(published_entries(dit), source, what="flow network")
