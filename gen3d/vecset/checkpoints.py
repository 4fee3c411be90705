"""Weights on disk: fp16 safetensors that carry their own configuration."""

from __future__ import annotations

from pathlib import Path

import torch

from gen3d.io.network_files import fill, half_weights, read_settings, settings_fields
from gen3d.io.tensors import load_tensors, save_tensors
from gen3d.vecset.config import DiTConfig, SamplingConfig, VAEConfig
from gen3d.vecset.dit import ShapeDiT
from gen3d.vecset.vae import ShapeVAE

VAE_FILE = "vae.safetensors"
DIT_FILE = "dit.safetensors"
_SAMPLING = "gen3d.sampling"
# Settings that old files carry and nothing reads any more: the decoder measures slopes.
_RETIRED = ("decode_slope",)


def save_vae(vae: ShapeVAE, path: Path | str) -> None:
    """Write an autoencoder.

    Raises:
        OutputError: The file cannot be written.
    """
    save_tensors(half_weights(vae), path, settings_fields("ShapeVAE", vae.config))


def save_dit(dit: ShapeDiT, path: Path | str, sampling: SamplingConfig | None = None) -> None:
    """Write a flow network with the scales of its latents.

    Args:
        dit: The network.
        path: File to write.
        sampling: Settings that suit it.

    Raises:
        OutputError: The file cannot be written.
    """
    fields = settings_fields("ShapeDiT", dit.config)
    fields[_SAMPLING] = (sampling or SamplingConfig()).model_dump_json()
    save_tensors(half_weights(dit), path, fields)


def load_vae(path: Path | str, *, device: torch.device | str = "cpu") -> ShapeVAE:
    """Read an autoencoder, in float32 and eval mode.

    Raises:
        ModelError: The file is missing, damaged, or no autoencoder.
    """
    tensors, metadata = load_tensors(path)
    config = read_settings(VAEConfig, metadata, path, kind="ShapeVAE", retired=_RETIRED)
    return fill(ShapeVAE, config, tensors, path, device)


def load_dit(
    path: Path | str, *, device: torch.device | str = "cpu"
) -> tuple[ShapeDiT, SamplingConfig]:
    """Read a flow network, in float32 and eval mode, and the settings that suit it.

    Raises:
        ModelError: The file is missing, damaged, or no flow network.
    """
    tensors, metadata = load_tensors(path)
    config = read_settings(DiTConfig, metadata, path, kind="ShapeDiT", retired=_RETIRED)
    sampling = read_settings(
        SamplingConfig, metadata, path, kind="ShapeDiT", field=_SAMPLING, retired=_RETIRED
    )
    return fill(ShapeDiT, config, tensors, path, device), sampling
