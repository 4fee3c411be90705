"""Sizes of published networks, read from the shapes of their tensors.

What shapes do not tell (number of latents, scale of latents, time schedule) comes from the
configuration beside the file, or from what is published for a network of these sizes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gen3d.errors import ModelError
from gen3d.io.checkpoints import TensorSource
from gen3d.vecset.config import (
    PUBLISHED_SCALE_FACTORS,
    DiTConfig,
    PlainDiTConfig,
    QueryDecoderConfig,
    VAEConfig,
    hunyuan_dit_config,
    hunyuan_encoder_config,
    hunyuan_vae_config,
)

_LATENT_Q_NORM = "transformer.resblocks.0.attn.attention.q_norm.weight"
_PUBLISHED_HEAD_DIM = 64


def sniff_vae(source: TensorSource, *, num_latents: int) -> VAEConfig:
    """Return the sizes of an autoencoder.

    Args:
        source: Its tensors, without a prefix.
        num_latents: Which weights do not tell.

    Raises:
        ModelError: It is no published autoencoder.
    """
    shapes = source.shapes
    try:
        width, latent_dim = shapes["post_kl.weight"]
        inner = shapes["geo_decoder.output_proj.weight"][1]
        features = shapes["geo_decoder.query_proj.weight"][1]
        geo_hidden = shapes["geo_decoder.cross_attn_decoder.mlp.c_fc.weight"][0]
        hidden = shapes["transformer.resblocks.0.mlp.c_fc.weight"][0]
    except (KeyError, ValueError, IndexError) as error:
        raise ModelError(f"{source.path} holds no Hunyuan3D autoencoder: lacks {error}") from error
    head_dim = shapes.get(_LATENT_Q_NORM, (min(_PUBLISHED_HEAD_DIM, width),))[0]
    base = hunyuan_vae_config(num_latents=num_latents)
    geo_norm = "geo_decoder.cross_attn_decoder.attn.attention.q_norm.weight" in shapes
    geometry = QueryDecoderConfig(
        width=inner,
        heads=inner // head_dim,
        mlp_ratio=geo_hidden / inner,
        ln_post="geo_decoder.ln_post.weight" in shapes,
        project_latents="geo_decoder.latents_proj.weight" in shapes,
        qk_norm="layer" if geo_norm else "none",
    )
    encoder = None
    if "encoder.input_proj.weight" in shapes:
        # The published sizes have sharp-edge points in 2.0 and mini, and none in 2.1.
        encoder = hunyuan_encoder_config(sharp=num_latents != 4096).model_copy(
            update={
                "layers": _blocks(shapes, r"encoder\.self_attn\.resblocks\.(\d+)\."),
                "point_channels": shapes["encoder.input_proj.weight"][1] - features,
            }
        )
    return base.model_copy(
        update={
            "latent_dim": latent_dim,
            "width": width,
            "heads": width // head_dim,
            "latent_layers": _blocks(shapes, r"transformer\.resblocks\.(\d+)\."),
            "mlp_ratio": hidden / width,
            "fourier": base.fourier.model_copy(update={"num_freqs": (features - 3) // 6}),
            "geometry": geometry,
            "encoder": encoder,
            "qk_norm": "layer" if _LATENT_Q_NORM in shapes else "none",
            "qkv_bias": "transformer.resblocks.0.attn.c_qkv.bias" in shapes,
            "scale_factor": PUBLISHED_SCALE_FACTORS.get(num_latents, 1.0),
        }
    )


def sniff_dit(source: TensorSource) -> DiTConfig | PlainDiTConfig:
    """Return the sizes of a flow network: 2.0's kind or 2.1's.

    Args:
        source: Its tensors, without a prefix.

    Raises:
        ModelError: It is no published flow network.
    """
    try:
        if "x_embedder.weight" in source.shapes:
            return _plain(source.shapes)
        return _double_single(source.shapes)
    except (KeyError, ValueError, IndexError) as error:
        raise ModelError(f"{source.path} holds no Hunyuan3D flow network: lacks {error}") from error


def _double_single(shapes: Mapping[str, tuple[int, ...]]) -> DiTConfig:
    width, latent_dim = shapes["latent_in.weight"]
    head_dim = shapes["double_blocks.0.img_attn.norm.query_norm.scale"][0]
    hidden = shapes["double_blocks.0.img_mlp.0.weight"][0]
    return hunyuan_dit_config().model_copy(
        update={
            "latent_dim": latent_dim,
            "context_dim": shapes["cond_in.weight"][1],
            "width": width,
            "heads": width // head_dim,
            "double_blocks": _blocks(shapes, r"double_blocks\.(\d+)\."),
            "single_blocks": _blocks(shapes, r"single_blocks\.(\d+)\."),
            "mlp_ratio": hidden // width,
            "qkv_bias": "double_blocks.0.img_attn.qkv.bias" in shapes,
            "guidance_embedding": "guidance_in.in_layer.weight" in shapes,
            "time_dim": shapes["time_in.in_layer.weight"][1],
        }
    )


def _plain(shapes: Mapping[str, tuple[int, ...]]) -> PlainDiTConfig:
    width, latent_dim = shapes["x_embedder.weight"]
    head_dim = shapes["blocks.0.attn1.q_norm.weight"][0]
    gates = [name for name in shapes if name.endswith(".moe.gate.weight")]
    experts = shapes[gates[0]][0] if gates else 1
    return PlainDiTConfig(
        latent_dim=latent_dim,
        context_dim=shapes["blocks.0.attn2.to_k.weight"][1],
        width=width,
        heads=width // head_dim,
        depth=_blocks(shapes, r"blocks\.(\d+)\."),
        mlp_ratio=shapes["t_embedder.mlp.0.weight"][0] // width,
        expert_blocks=len(gates),
        experts=experts,
        top=min(2, experts),
        qkv_bias="blocks.0.attn1.to_q.bias" in shapes,
    )


def _blocks(shapes: Mapping[str, tuple[int, ...]], pattern: str) -> int:
    """Count the blocks that names speak of, so that a gap shows as missing names."""
    found = (re.match(pattern, name) for name in shapes)
    return max((int(match[1]) + 1 for match in found if match), default=0)
