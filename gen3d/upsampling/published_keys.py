"""Published names of the upsampling networks."""

from __future__ import annotations

from collections.abc import Iterator

from gen3d.io.key_map import Entry, Row, expand, module_shapes
from gen3d.upsampling.pointnet import PUFMNet
from gen3d.upsampling.rin import RIN

_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def _attention_rows(ours: str, theirs: str, *, self_attention: bool) -> Iterator[Row]:
    wq, wk, wv = (f"{theirs}.attn.{name}.{{p}}" for name in ("wq", "wk", "wv"))
    if self_attention:
        yield Row(f"{ours}.attention.qkv.{{p}}", (wq, wk, wv))
    else:
        yield Row(f"{ours}.attention.q.{{p}}", (wq,))
        yield Row(f"{ours}.attention.kv.{{p}}", (wk, wv))
    yield Row(f"{ours}.attention.proj.{{p}}", (f"{theirs}.attn.proj.{{p}}",))
    yield from _mlp_rows(f"{ours}.mlp", f"{theirs}.mlp")


def _mlp_rows(ours: str, theirs: str) -> Iterator[Row]:
    yield Row(f"{ours}.fc_in.{{p}}", (f"{theirs}.fc1.{{p}}",))
    yield Row(f"{ours}.fc_out.{{p}}", (f"{theirs}.fc2.{{p}}",))


def _rin_rows() -> Iterator[Row]:
    yield Row("latent_init", ("z_init",))
    for name in _NORM:
        yield Row(f"global_features.net.{{i}}.{name}", (f"global_cond.net.{{i}}.{name}",))
    for ours, theirs in (
        ("point_in", "input_proj"),
        ("point_norm", "ln_pre"),
        ("latent_norm", "ln_latent"),
        ("out_norm", "ln_post"),
        ("out", "output_proj"),
    ):
        yield Row(f"{ours}.{{p}}", (f"{theirs}.{{p}}",))
    yield from _mlp_rows("time_in", "time_embed")
    yield from _mlp_rows("latent_in", "latent_mlp")
    # The latents are z and the points x on both sides of a block.
    for part, own, other in (("read", "z", "x"), ("write", "x", "z")):
        block = f"blocks.{{i}}.{part}"
        yield Row(f"{block}.query_norm.{{p}}", (f"{block}.norm_{own}1.{{p}}",))
        yield Row(f"{block}.context_norm.{{p}}", (f"{block}.norm_{other}.{{p}}",))
        yield Row(f"{block}.mlp_norm.{{p}}", (f"{block}.norm_{own}2.{{p}}",))
        yield from _attention_rows(block, block, self_attention=False)
    block = "blocks.{i}.compute.{j}"
    yield Row(f"{block}.attention_norm.{{p}}", (f"{block}.norm_z1.{{p}}",))
    yield Row(f"{block}.mlp_norm.{{p}}", (f"{block}.norm_z2.{{p}}",))
    yield from _attention_rows(block, block, self_attention=True)


def _squash_rows(ours: str, theirs: str) -> Iterator[Row]:
    yield Row(f"{ours}.layer.{{p}}", (f"{theirs}._layer.{{p}}",))
    yield Row(f"{ours}.shift.weight", (f"{theirs}._hyper_bias.weight",))
    yield Row(f"{ours}.gate.{{p}}", (f"{theirs}._hyper_gate.{{p}}",))


def _pufm_rows() -> Iterator[Row]:
    for level in range(4):
        ours, theirs = f"down.{level}", f"sa{level + 1}"
        yield Row(f"{ours}.convs.{{i}}.{{j}}.{{p}}", (f"{theirs}.conv_blocks.{{i}}.{{j}}.{{p}}",))
        for name in _NORM:
            norm = f"{{i}}.{{j}}.{name}"
            yield Row(f"{ours}.norms.{norm}", (f"{theirs}.bn_blocks.{norm}",))
        ours, theirs = f"up.{level}", f"fp{4 - level}"
        yield Row(f"{ours}.convs.{{i}}.{{p}}", (f"{theirs}.mlp_convs.{{i}}.{{p}}",))
        for name in _NORM:
            yield Row(f"{ours}.norms.{{i}}.{name}", (f"{theirs}.mlp_bns.{{i}}.{name}",))
        yield from _squash_rows(f"times_down.{level}", f"cond{level + 1}")
        yield from _squash_rows(f"times_up.{level}", f"cond{level + 5}")
    for ours, theirs in (("head", "conv1"), ("out", "conv2")):
        yield Row(f"{ours}.{{p}}", (f"{theirs}.{{p}}",))
    for ours, theirs in (("query", "q_conv"), ("key", "k_conv"), ("value", "v_conv")):
        yield Row(f"attention.{ours}.{{p}}", (f"attn.{theirs}.{{p}}",))
    for ours, theirs in (("position", "geo_mlp"), ("relation", "rel_mlp"), ("out", "out_conv")):
        for name in _NORM:
            yield Row(f"attention.{ours}.{{i}}.{name}", (f"attn.{theirs}.{{i}}.{name}",))
    yield from _squash_rows("attention.time", "attn.time_cond")


RIN_ROWS = tuple(_rin_rows())
PUFM_ROWS = tuple(_pufm_rows())


def published_entries(module: RIN | PUFMNet) -> list[Entry]:
    """Return where each tensor of a network lies in a published file.

    Args:
        module: Ours, on any device.
    """
    rows = RIN_ROWS if isinstance(module, RIN) else PUFM_ROWS
    return expand(rows, module_shapes(module))
