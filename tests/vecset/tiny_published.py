"""Tiny random networks, written in the published layouts."""

from pathlib import Path
from typing import Any, Literal

import torch
import yaml
from torch import nn

from gen3d.conditioning.dino import DinoConfig, DinoEncoder
from gen3d.conditioning.dino_keys import dino_entries
from gen3d.io.key_map import export
from gen3d.io.tensors import save_tensors
from gen3d.vecset.config import (
    DiTConfig,
    PlainDiTConfig,
    QueryDecoderConfig,
    VAEConfig,
    hunyuan_dit_config,
    hunyuan_encoder_config,
    hunyuan_vae_config,
)
from gen3d.vecset.dit import ShapeDiT
from gen3d.vecset.plain_dit import PlainDiT
from gen3d.vecset.published.keys import published_entries
from gen3d.vecset.vae import ShapeVAE

TinyFamily = Literal["2.0", "mini-turbo", "mv", "2.1"]
FOLDERS = {
    "2.0": ("hunyuan3d-dit-v2-0", "hunyuan3d-vae-v2-0"),
    "mini-turbo": ("hunyuan3d-dit-v2-mini-turbo", "hunyuan3d-vae-v2-mini-turbo"),
    "mv": ("hunyuan3d-dit-v2-mv", "hunyuan3d-vae-v2-0"),
    "2.1": ("hunyuan3d-dit-v2-1", "hunyuan3d-vae-v2-1"),
}
WIDTH, LATENT_DIM, LATENTS = 64, 8, 16


def tiny_dino_config(family: TinyFamily = "2.0") -> DinoConfig:
    return DinoConfig(width=WIDTH, heads=1, layers=1, swiglu=family != "2.1", image=28)


def tiny_vae_config(family: TinyFamily = "2.0", *, encoder: bool = False) -> VAEConfig:
    turbo = family == "mini-turbo"
    full = QueryDecoderConfig(width=WIDTH, heads=2, mlp_ratio=4, qk_norm="layer")
    fast = QueryDecoderConfig(
        width=WIDTH // 2, heads=1, mlp_ratio=1, ln_post=False, project_latents=True
    )
    part = hunyuan_encoder_config(sharp=family != "2.1").model_copy(update={"layers": 1})
    return hunyuan_vae_config(num_latents=LATENTS).model_copy(
        update={
            "latent_dim": LATENT_DIM,
            "width": WIDTH,
            "heads": 2,
            "latent_layers": 2,
            "geometry": fast if turbo else full,
            "encoder": part if encoder else None,
        }
    )


def tiny_dit_config(family: TinyFamily = "2.0") -> DiTConfig | PlainDiTConfig:
    if family == "2.1":
        return PlainDiTConfig(
            latent_dim=LATENT_DIM,
            context_dim=WIDTH,
            width=WIDTH,
            heads=2,
            depth=3,
            expert_blocks=1,
            experts=4,
        )
    guided = family == "mini-turbo"
    sizes = {"latent_dim": LATENT_DIM, "context_dim": WIDTH, "width": WIDTH, "heads": 2}
    blocks = {"double_blocks": 2, "single_blocks": 2}
    return hunyuan_dit_config(guidance_embedding=guided).model_copy(update=sizes | blocks)


def randomised(module: nn.Module, seed: int = 0) -> nn.Module:
    """Give every tensor a value that no other has, also those that start at zero or one."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in module.state_dict().items():
        fan_in = tensor[0].numel() if tensor.ndim > 1 else 100
        noise = torch.randn(tensor.shape, generator=generator) / fan_in**0.5
        about_one = tensor.ndim == 1 and not name.endswith("bias")
        tensor.copy_(noise + float(about_one))
    return module.eval().requires_grad_(False)


def tiny_networks(
    family: TinyFamily, *, encoder: bool = False
) -> tuple[DinoEncoder, ShapeDiT | PlainDiT, ShapeVAE]:
    dino = DinoEncoder(tiny_dino_config(family))
    config = tiny_dit_config(family)
    dit = PlainDiT(config) if isinstance(config, PlainDiTConfig) else ShapeDiT(config)
    vae = ShapeVAE(tiny_vae_config(family, encoder=encoder))
    for network in (dino, dit, vae):
        randomised(network)
    # Half of the cube inside, so that there is a surface.
    generator = torch.Generator().manual_seed(1)
    latents = torch.randn(1, LATENTS, LATENT_DIM, generator=generator)
    points = 2 * torch.rand(1, 512, 3, generator=generator) - 1
    vae.geometry.output_proj.weight.mul_(10)
    vae.geometry.output_proj.bias.sub_(vae.occupancy(points, vae.decode(latents)).median())
    return dino, dit, vae


def published_tensors(
    family: TinyFamily, *, encoder: bool = False
) -> dict[str, dict[str, torch.Tensor]]:
    """Return the tensors of ``model``, ``vae`` and ``conditioner`` under their published names."""
    dino, dit, vae = tiny_networks(family, encoder=encoder)
    image = export(dino_entries(dino), dino.state_dict())
    image["embeddings.mask_token"] = torch.zeros(1, WIDTH)
    named = {"main_image_encoder.model." + name: value for name, value in image.items()}
    parts = {
        "model": export(published_entries(dit), dit.state_dict()),
        "vae": export(published_entries(vae), vae.state_dict()),
        "conditioner": named,
    }
    return {
        part: {name: value.half().contiguous() for name, value in tensors.items()}
        for part, tensors in parts.items()
    }


def vae_section(family: TinyFamily, *, encoder: bool = False) -> dict[str, Any]:
    package = "hy3dshape" if family == "2.1" else "hy3dgen.shapegen"
    params: dict[str, Any] = {
        "num_latents": LATENTS,
        "embed_dim": LATENT_DIM,
        "num_freqs": 8,
        "include_pi": False,
        "heads": 2,
        "width": WIDTH,
        "num_decoder_layers": 2,
        "qkv_bias": False,
        "qk_norm": True,
        "scale_factor": 0.9990943042622529,
    }
    if encoder and family == "2.1":
        params |= {"pc_size": 20 * LATENTS, "pc_sharpedge_size": 0, "point_feats": 4}
    return {"target": f"{package}.models.autoencoders.ShapeVAE", "params": params}


def model_config(family: TinyFamily, *, encoder: bool = False) -> dict[str, Any]:
    package = "hy3dshape" if family == "2.1" else "hy3dgen.shapegen"
    config = tiny_dit_config(family)
    model: dict[str, Any] = {
        "in_channels": LATENT_DIM,
        "hidden_size": WIDTH,
        "num_heads": 2,
    }
    if isinstance(config, PlainDiTConfig):
        target = "denoisers.hunyuandit.HunYuanDiTPlain"
        model |= {"depth": 3, "context_dim": WIDTH, "num_moe_layers": 1, "num_experts": 4}
        model |= {"moe_top_k": 2, "qkv_bias": False, "qk_norm": True, "text_len": 5}
    else:
        target = "Hunyuan3DDiT"
        model |= {"depth": 2, "depth_single_blocks": 2, "context_in_dim": WIDTH}
        model |= {"axes_dim": [64], "theta": 10000, "qkv_bias": True}
        model |= {"guidance_embed": config.guidance_embedding}
    turbo = family == "mini-turbo"
    scheduler = f"{'Consistency' if turbo else ''}FlowMatchEulerDiscreteScheduler"
    dino = tiny_dino_config(family)
    image = {"hidden_size": WIDTH, "num_attention_heads": 1, "image_size": 28, "patch_size": 14}
    encoder_type = f"DinoImageEncoder{'MV' if family == 'mv' else ''}"
    image |= {"num_hidden_layers": dino.layers, "use_swiglu_ffn": dino.swiglu}
    return {
        "model": {"target": f"{package}.models.{target}", "params": model},
        "vae": vae_section(family, encoder=encoder),
        "conditioner": {
            "target": f"{package}.models.conditioner.SingleImageEncoder",
            "params": {
                "main_image_encoder": {
                    "type": encoder_type,
                    "kwargs": {"config": image, "use_cls_token": True, "image_size": 28},
                }
            },
        },
        "scheduler": {
            "target": f"{package}.schedulers.{scheduler}",
            "params": {"num_train_timesteps": 1000} | ({"pcm_timesteps": 100} if turbo else {}),
        },
        "image_processor": {
            "target": f"{package}.preprocessors.ImageProcessorV2",
            "params": {"size": 512, "border_ratio": 0.15},
        },
        "pipeline": {"target": f"{package}.pipelines.Hunyuan3DDiTFlowMatchingPipeline"},
    }


def make_tiny_published(
    folder: Path,
    family: TinyFamily,
    *,
    layout: Literal["folder", "comfyui"] = "folder",
    encoder: bool = False,
) -> Path:
    """Write a tiny random model as its publisher would, and return its folder or file.

    Args:
        folder: Where; made if missing.
        family: Which model; 2.1 comes as ``.ckpt``.
        layout: ``folder`` writes a folder of the whole model and one of the autoencoder alone,
            both with ``config.yaml``; ``comfyui`` one file without it. Without it, the number of
            latents is the published one (512 to 4096).
        encoder: Give the autoencoder its encoder.
    """
    parts = published_tensors(family, encoder=encoder)
    flat = {
        f"{part}.{name}": value
        for part, tensors in parts.items()
        for name, value in tensors.items()
    }
    dit_name, vae_name = FOLDERS[family]
    if layout == "comfyui":
        file = folder / "checkpoints" / f"{dit_name}.safetensors"
        file.parent.mkdir(parents=True, exist_ok=True)
        save_tensors(flat, file)
        return file
    dit_folder = folder / dit_name
    vae_folder = folder / (vae_name + ("-withencoder" if encoder and family != "2.1" else ""))
    for place, section in (
        (dit_folder, model_config(family, encoder=encoder)),
        (vae_folder, vae_section(family, encoder=encoder)),
    ):
        place.mkdir(parents=True, exist_ok=True)
        (place / "config.yaml").write_text(yaml.safe_dump(section), encoding="utf-8")
    if family == "2.1":
        torch.save(parts, dit_folder / "model.fp16.ckpt")
        torch.save(parts["vae"], vae_folder / "model.fp16.ckpt")
    else:
        save_tensors(flat, dit_folder / "model.fp16.safetensors")
        save_tensors(parts["vae"], vae_folder / "model.fp16.safetensors")
    return dit_folder
