"""What a published model needs in memory, part by part, and how to run it in what there is."""

from __future__ import annotations

from collections.abc import Callable

import torch

from gen3d.errors import InputError, ModelError
from gen3d.runtime.memory import MemoryPlan, PartNeed, free_memory_bytes, plan_parts
from gen3d.vecset.published import PublishedModel

DTYPES: dict[str, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
"""What ``dtype`` may say, besides ``auto``."""

# Live activations of a transformer block, in channels of its width per token: the packed
# projections (3), the MLP's hidden layer twice (8), residual, norms and outputs (5).
_BLOCK_CHANNELS = 16
# Attention scores of a query where no kernel avoids them: raw, scaled and normalised.
_SCORES = 3
_MARGIN_BYTES = 32 << 20


def missing_parts(model: PublishedModel) -> tuple[str, ...]:
    """Name the parts that a checkpoint lacks for image to 3D."""
    parts = {
        "image encoder": model.dino_config,
        "flow network": model.dit_config,
        "autoencoder": model.vae_config,
    }
    return tuple(name for name, config in parts.items() if config is None)


def plan_memory(
    model: PublishedModel,
    *,
    device: torch.device,
    dtype: str = "auto",
    free_bytes: int | None = None,
) -> MemoryPlan:
    """Choose dtype and loading for a published model on a device.

    Args:
        model: The checkpoint.
        device: Where to run.
        dtype: ``auto`` or one of ``DTYPES``.
        free_bytes: Memory to plan with; measured if None.

    Raises:
        InputError: The dtype is unknown.
        ModelError: The model does not fit, or lacks a part.
    """
    if dtype != "auto" and dtype not in DTYPES:
        raise InputError(f"unknown dtype {dtype!r}", hint=f"use auto, {', '.join(DTYPES)}")
    dino, dit, vae = model.dino_config, model.dit_config, model.vae_config
    if dino is None or dit is None or vae is None:
        raise ModelError(
            f"{model.path} lacks the {' and the '.join(missing_parts(model))}",
            hint="give the whole folder of the publisher, or a file that holds all parts",
        )
    scores = vae.geometry.heads * vae.num_latents
    seen = dino.tokens * model.views
    # Guidance runs the network on two halves at a time, unless it was distilled into it.
    halves = 1 if model.guidance_embedding else 2
    parts = (
        PartNeed(
            "image encoder",
            lambda dtype: model.bytes_of("conditioner", dtype),
            _work(seen * dino.width),
        ),
        PartNeed(
            "flow network",
            lambda dtype: model.bytes_of("dit", dtype),
            _work(halves * (vae.num_latents + seen) * dit.width),
        ),
        PartNeed(
            "autoencoder",
            lambda dtype: model.bytes_of("vae", dtype),
            _work(vae.num_latents * vae.width),
        ),
    )
    return plan_parts(
        parts,
        device=device,
        dtypes=_dtypes(device) if dtype == "auto" else (DTYPES[dtype],),
        free_bytes=free_memory_bytes(device) if free_bytes is None else free_bytes,
        query_bytes=4 * (_BLOCK_CHANNELS * vae.geometry.width + _SCORES * scores),
    )


def _work(channels: int) -> Callable[[torch.dtype], int]:
    return lambda dtype: channels * _BLOCK_CHANNELS * dtype.itemsize + _MARGIN_BYTES


def _dtypes(device: torch.device) -> tuple[torch.dtype, ...]:
    """Return the dtypes to try, best first: bfloat16 does not overflow where float16 does."""
    if device.type == "cuda":
        return (torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16,)
    return (torch.float32, torch.bfloat16)
