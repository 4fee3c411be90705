"""DINOv2's published names, as transformers 4 and 5 write them, and its sizes read from them."""

from __future__ import annotations

import math

import torch

from gen3d.conditioning.dino import DinoConfig, DinoEncoder
from gen3d.errors import ModelError
from gen3d.io.checkpoints import TensorSource
from gen3d.io.key_map import Entry, Row, check, expand, fill, module_shapes

_LAYER = "encoder.layer.{i}."
_COMMON = (
    Row("class_token", ("embeddings.cls_token",)),
    Row("positions", ("embeddings.position_embeddings",)),
    Row("registers", ("embeddings.register_tokens",)),
    Row("patches.{p}", ("embeddings.patch_embeddings.projection.{p}",)),
    Row("norm.{p}", ("layernorm.{p}",)),
    Row("blocks.{i}.attention_norm.{p}", (_LAYER + "norm1.{p}",)),
    Row("blocks.{i}.mlp_norm.{p}", (_LAYER + "norm2.{p}",)),
    Row("blocks.{i}.attention_scale", (_LAYER + "layer_scale1.lambda1",)),
    Row("blocks.{i}.mlp_scale", (_LAYER + "layer_scale2.lambda1",)),
)
_QKV4 = tuple(f"{_LAYER}attention.attention.{name}.{{p}}" for name in ("query", "key", "value"))
_QKV5 = tuple(f"{_LAYER}attention.{name}_proj.{{p}}" for name in "qkv")
_ATTENTION = {
    4: (
        Row("blocks.{i}.attention.qkv.{p}", _QKV4),
        Row("blocks.{i}.attention.proj.{p}", (_LAYER + "attention.output.dense.{p}",)),
    ),
    5: (
        Row("blocks.{i}.attention.qkv.{p}", _QKV5),
        Row("blocks.{i}.attention.proj.{p}", (_LAYER + "attention.o_proj.{p}",)),
    ),
}
_PLAIN_MLP = (
    Row("blocks.{i}.mlp.fc_in.{p}", (_LAYER + "mlp.fc1.{p}",)),
    Row("blocks.{i}.mlp.fc_out.{p}", (_LAYER + "mlp.fc2.{p}",)),
)
_GATED_MLP = {
    4: (
        Row("blocks.{i}.mlp.fc_in.{p}", (_LAYER + "mlp.weights_in.{p}",)),
        Row("blocks.{i}.mlp.fc_out.{p}", (_LAYER + "mlp.weights_out.{p}",)),
    ),
    5: (
        Row("blocks.{i}.mlp.fc_in.{p}", (_LAYER + "mlp.gate_proj.{p}", _LAYER + "mlp.up_proj.{p}")),
        Row("blocks.{i}.mlp.fc_out.{p}", (_LAYER + "mlp.down_proj.{p}",)),
    ),
}
_IGNORED = (r"embeddings\.mask_token",)
# Published DINOv2 networks have heads of 64 channels, and no tensor that shows it.
_HEAD_DIM = 64


def dino_entries(encoder: DinoEncoder, *, version: int = 4) -> list[Entry]:
    """Return where each tensor of an encoder lies in a file.

    Args:
        encoder: Ours, on any device.
        version: Whose names: transformers 4 (all Hunyuan3D files) or 5.
    """
    mlp = _GATED_MLP[version] if encoder.config.swiglu else _PLAIN_MLP
    return expand((*_COMMON, *_ATTENTION[version], *mlp), module_shapes(encoder))


def sniff_dino(source: TensorSource, *, heads: int | None = None) -> DinoConfig:
    """Read the sizes from the shapes of a file's tensors.

    Args:
        source: The encoder's tensors, without a prefix.
        heads: Attention heads, where a configuration names them.

    Raises:
        ModelError: It is no DINOv2.
    """
    shapes = source.shapes
    try:
        width, _, patch, _ = shapes["embeddings.patch_embeddings.projection.weight"]
        positions = shapes["embeddings.position_embeddings"][1] - 1
    except (KeyError, ValueError, IndexError) as error:
        raise ModelError(f"{source.path} holds no DINOv2 image encoder") from error
    layers = {name.split(".")[2] for name in shapes if name.startswith("encoder.layer.")}
    registers = shapes.get("embeddings.register_tokens", (1, 0, width))[1]
    plain = "encoder.layer.0.mlp.fc1.weight"
    return DinoConfig(
        width=width,
        heads=heads or max(1, width // _HEAD_DIM),
        layers=len(layers),
        swiglu=plain not in shapes,
        mlp_ratio=shapes[plain][0] // width if plain in shapes else 4,
        patch=patch,
        image=math.isqrt(positions) * patch,
        registers=registers,
    )


def load_dino(
    source: TensorSource,
    config: DinoConfig,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> DinoEncoder:
    """Read an encoder.

    Args:
        source: Its tensors, without a prefix.
        config: Its sizes.
        dtype: Of the weights.
        device: Where it shall live.

    Raises:
        ModelError: Names or shapes do not fit, or values are not finite.
    """
    with torch.device("meta"):
        encoder = DinoEncoder(config)
    newer = "encoder.layer.0.attention.q_proj.weight" in source.shapes
    entries = dino_entries(encoder, version=5 if newer else 4)
    check(entries, source, what="DINOv2 image encoder", ignored=_IGNORED)
    return fill(encoder, entries, source, dtype=dtype, device=device)
