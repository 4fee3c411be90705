"""Published names of the vecset networks, and how their rows are packed.

Three layouts of queries, keys and values meet here (ours is the second everywhere):

- the autoencoder's packed projections are split head by head, ``[q_0 k_0 v_0 q_1 ...]``;
- Hunyuan3D-2.0's flow network keeps ``[q | k | v]``, all heads of one after the other;
- 2.1's self-attention has three matrices ``to_q``, ``to_k``, ``to_v``, but joins their outputs and
  splits the result head by head, so head h's queries are rows of whichever matrix they fall in;
  its cross-attention does so with ``to_k`` and ``to_v`` only.
"""

from __future__ import annotations

from gen3d.io.key_map import Entry, Row, expand, module_shapes
from gen3d.vecset.dit import ShapeDiT
from gen3d.vecset.plain_dit import PlainDiT
from gen3d.vecset.vae import ShapeVAE


def _vae_attention_norms(ours: str, theirs: str) -> tuple[Row, ...]:
    return (
        Row(f"{ours}.attention.query_norm.{{p}}", (f"{theirs}.attn.attention.q_norm.{{p}}",)),
        Row(f"{ours}.attention.key_norm.{{p}}", (f"{theirs}.attn.attention.k_norm.{{p}}",)),
        Row(f"{ours}.attention.proj.{{p}}", (f"{theirs}.attn.c_proj.{{p}}",)),
        Row(f"{ours}.mlp.fc_in.{{p}}", (f"{theirs}.mlp.c_fc.{{p}}",)),
        Row(f"{ours}.mlp.fc_out.{{p}}", (f"{theirs}.mlp.c_proj.{{p}}",)),
    )


def _vae_self_block(ours: str, theirs: str) -> tuple[Row, ...]:
    return (
        Row(f"{ours}.attention.qkv.{{p}}", (f"{theirs}.attn.c_qkv.{{p}}",), interleaved=3),
        Row(f"{ours}.attention_norm.{{p}}", (f"{theirs}.ln_1.{{p}}",)),
        Row(f"{ours}.mlp_norm.{{p}}", (f"{theirs}.ln_2.{{p}}",)),
        *_vae_attention_norms(ours, theirs),
    )


def _vae_cross_block(ours: str, theirs: str) -> tuple[Row, ...]:
    return (
        Row(f"{ours}.attention.q.{{p}}", (f"{theirs}.attn.c_q.{{p}}",)),
        Row(f"{ours}.attention.kv.{{p}}", (f"{theirs}.attn.c_kv.{{p}}",), interleaved=2),
        Row(f"{ours}.query_norm.{{p}}", (f"{theirs}.ln_1.{{p}}",)),
        Row(f"{ours}.context_norm.{{p}}", (f"{theirs}.ln_2.{{p}}",)),
        Row(f"{ours}.mlp_norm.{{p}}", (f"{theirs}.ln_3.{{p}}",)),
        *_vae_attention_norms(ours, theirs),
    )


VAE_ROWS = (
    Row("from_latent.{p}", ("post_kl.{p}",)),
    Row("to_posterior.{p}", ("pre_kl.{p}",)),
    *_vae_self_block("blocks.{i}", "transformer.resblocks.{i}"),
    Row("geometry.query_proj.{p}", ("geo_decoder.query_proj.{p}",)),
    Row("geometry.latents_proj.{p}", ("geo_decoder.latents_proj.{p}",)),
    *_vae_cross_block("geometry.cross", "geo_decoder.cross_attn_decoder"),
    Row("geometry.ln_post.{p}", ("geo_decoder.ln_post.{p}",)),
    Row("geometry.output_proj.{p}", ("geo_decoder.output_proj.{p}",)),
    Row("encoder.input_proj.{p}", ("encoder.input_proj.{p}",)),
    *_vae_cross_block("encoder.cross", "encoder.cross_attn"),
    *_vae_self_block("encoder.blocks.{i}", "encoder.self_attn.resblocks.{i}"),
    Row("encoder.ln_post.{p}", ("encoder.ln_post.{p}",)),
)


def _dit_stream(ours: str, theirs: str) -> tuple[Row, ...]:
    block, attention = "double_blocks.{i}." + ours, "double_blocks.{i}." + theirs + "_attn"
    return (
        Row(f"{block}.modulation.lin.{{p}}", (f"double_blocks.{{i}}.{theirs}_mod.lin.{{p}}",)),
        Row(f"{block}.attention.qkv.{{p}}", (f"{attention}.qkv.{{p}}",)),
        Row(f"{block}.attention.query_norm.scale", (f"{attention}.norm.query_norm.scale",)),
        Row(f"{block}.attention.key_norm.scale", (f"{attention}.norm.key_norm.scale",)),
        Row(f"{block}.attention.proj.{{p}}", (f"{attention}.proj.{{p}}",)),
        Row(f"{block}.mlp.fc_in.{{p}}", (f"double_blocks.{{i}}.{theirs}_mlp.0.{{p}}",)),
        Row(f"{block}.mlp.fc_out.{{p}}", (f"double_blocks.{{i}}.{theirs}_mlp.2.{{p}}",)),
    )


def _same(*names: str) -> tuple[Row, ...]:
    return tuple(Row(name, (name,)) for name in names)


DIT_ROWS = (
    *_same("latent_in.{p}", "time_in.in_layer.{p}", "time_in.out_layer.{p}"),
    *_same("guidance_in.in_layer.{p}", "guidance_in.out_layer.{p}"),
    Row("context_in.{p}", ("cond_in.{p}",)),
    *_dit_stream("latent", "img"),
    *_dit_stream("context", "txt"),
    *_same("single_blocks.{i}.linear1.{p}", "single_blocks.{i}.linear2.{p}"),
    *_same("single_blocks.{i}.modulation.lin.{p}"),
    Row("single_blocks.{i}.query_norm.scale", ("single_blocks.{i}.norm.query_norm.scale",)),
    Row("single_blocks.{i}.key_norm.scale", ("single_blocks.{i}.norm.key_norm.scale",)),
    *_same("final_layer.linear.{p}"),
    Row("final_layer.modulation.{p}", ("final_layer.adaLN_modulation.1.{p}",)),
)

_ATTN1, _ATTN2 = "blocks.{i}.attn1.", "blocks.{i}.attn2."
_EXPERT, _SHARED = "blocks.{i}.moe.experts.{e}.net.", "blocks.{i}.moe.shared_experts.net."
PLAIN_ROWS = (
    Row("latent_in.{p}", ("x_embedder.{p}",)),
    Row("time_in.fc_in.{p}", ("t_embedder.mlp.0.{p}",)),
    Row("time_in.fc_out.{p}", ("t_embedder.mlp.2.{p}",)),
    *_same("blocks.{i}.skip_linear.{p}", "blocks.{i}.skip_norm.{p}"),
    Row("blocks.{i}.self_norm.{p}", ("blocks.{i}.norm1.{p}",)),
    Row(
        "blocks.{i}.self_attention.qkv.{p}",
        (_ATTN1 + "to_q.{p}", _ATTN1 + "to_k.{p}", _ATTN1 + "to_v.{p}"),
        interleaved=3,
    ),
    Row("blocks.{i}.self_attention.query_norm.scale", (_ATTN1 + "q_norm.weight",)),
    Row("blocks.{i}.self_attention.key_norm.scale", (_ATTN1 + "k_norm.weight",)),
    Row("blocks.{i}.self_attention.proj.{p}", (_ATTN1 + "out_proj.{p}",)),
    Row("blocks.{i}.cross_norm.{p}", ("blocks.{i}.norm2.{p}",)),
    Row("blocks.{i}.cross_attention.q.{p}", (_ATTN2 + "to_q.{p}",)),
    Row(
        "blocks.{i}.cross_attention.kv.{p}",
        (_ATTN2 + "to_k.{p}", _ATTN2 + "to_v.{p}"),
        interleaved=2,
    ),
    Row("blocks.{i}.cross_attention.query_norm.scale", (_ATTN2 + "q_norm.weight",)),
    Row("blocks.{i}.cross_attention.key_norm.scale", (_ATTN2 + "k_norm.weight",)),
    Row("blocks.{i}.cross_attention.proj.{p}", (_ATTN2 + "out_proj.{p}",)),
    Row("blocks.{i}.mlp_norm.{p}", ("blocks.{i}.norm3.{p}",)),
    Row("blocks.{i}.mlp.fc_in.{p}", ("blocks.{i}.mlp.fc1.{p}",)),
    Row("blocks.{i}.mlp.fc_out.{p}", ("blocks.{i}.mlp.fc2.{p}",)),
    Row("blocks.{i}.mlp.gate.weight", ("blocks.{i}.moe.gate.weight",)),
    Row("blocks.{i}.mlp.experts.in_{p}", (_EXPERT + "0.proj.{p}",)),
    Row("blocks.{i}.mlp.experts.out_{p}", (_EXPERT + "2.{p}",)),
    Row("blocks.{i}.mlp.shared.fc_in.{p}", (_SHARED + "0.proj.{p}",)),
    Row("blocks.{i}.mlp.shared.fc_out.{p}", (_SHARED + "2.{p}",)),
    Row("final_norm.{p}", ("final_layer.norm_final.{p}",)),
    Row("final_linear.{p}", ("final_layer.linear.{p}",)),
)


def published_entries(module: ShapeVAE | ShapeDiT | PlainDiT) -> list[Entry]:
    """Return where each tensor of a network lies in a published file.

    Args:
        module: Ours, on any device.
    """
    rows = PLAIN_ROWS if isinstance(module, PlainDiT) else DIT_ROWS
    if isinstance(module, ShapeVAE):
        rows = VAE_ROWS
    config = module.config
    return expand(rows, module_shapes(module), head_dim=config.width // config.heads)
