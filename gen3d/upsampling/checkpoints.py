"""Upsampling networks on disk: ours as fp16 safetensors, and published checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import ValidationError

import gen3d
from gen3d.errors import ModelError
from gen3d.io.network_files import KIND, fill, half_weights, read_settings, settings_fields
from gen3d.io.tensors import load_tensors, save_tensors
from gen3d.upsampling.config import RINConfig, UpsamplerConfig
from gen3d.upsampling.model import VelocityNetwork
from gen3d.upsampling.published import load_published
from gen3d.upsampling.rin import RIN
from gen3d.upsampling.sampler import uniform_times
from gen3d.upsampling.schedule import LossCurve

DEFAULT_MODEL = "pufm-mini"
MODEL_FILE = "upsampler.safetensors"
_RIN, _CURVE = "UpsamplingRIN", "gen3d.loss_curve"


@dataclass(frozen=True)
class Upsampler:
    """A network, ready to move points.

    Attributes:
        network: Takes ``(x, t, latent)`` in our time: t = 1 is the start, t = 0 the surface.
        config: Its sizes.
        curve: The measured loss over time; None: steps are equal.
        path: The file.
    """

    network: VelocityNetwork
    config: UpsamplerConfig
    curve: LossCurve | None
    path: Path

    def times(self, steps: int) -> tuple[float, ...]:
        """Return ``steps`` + 1 times that fall from 1 to 0.

        Raises:
            InputError: ``steps`` is less than 1.
        """
        if self.curve is not None:
            return self.curve.sampling_times(steps)
        return uniform_times(steps)


def shipped_path(name: str = DEFAULT_MODEL) -> Path:
    """Return where a model that comes with the package lies."""
    return Path(gen3d.__file__).parent / "weights" / f"{name}.safetensors"


def load_upsampler(
    source: Path | str = DEFAULT_MODEL, *, device: torch.device | str = "cpu"
) -> Upsampler:
    """Read an upsampling network, in float32 and eval mode.

    Args:
        source: ``pufm-mini``, a file of ours, or a published checkpoint of PUFM++ or PUFM.
        device: Where the network shall live.

    Raises:
        ModelError: The file is missing, damaged, or holds another network.
    """
    path = shipped_path() if str(source) == DEFAULT_MODEL else Path(source)
    if path.suffix != ".safetensors":
        return _published(path, device)
    tensors, metadata = load_tensors(path)
    if KIND not in metadata:
        return _published(path, device)
    config = read_settings(RINConfig, metadata, path, kind=_RIN)
    curve = None
    if _CURVE in metadata:
        try:
            curve = LossCurve.model_validate_json(metadata[_CURVE])
        except ValidationError as error:
            line = str(error).splitlines()[0]
            raise ModelError(f"the loss curve in {path} cannot be read: {line}") from error
    return Upsampler(fill(RIN, config, tensors, path, device), config, curve, path)


def _published(path: Path, device: torch.device | str) -> Upsampler:
    network = load_published(path, device=device)
    return Upsampler(network, network.core.config, None, path)


def save_upsampler(network: RIN, path: Path | str, curve: LossCurve | None = None) -> None:
    """Write a network, with the steps that suit it.

    Raises:
        OutputError: The file cannot be written.
    """
    fields = settings_fields(_RIN, network.config)
    if curve is not None:
        fields[_CURVE] = curve.model_dump_json()
    save_tensors(half_weights(network), path, fields)
