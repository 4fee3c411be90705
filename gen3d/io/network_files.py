"""Networks on disk: fp16 safetensors that carry the settings they are built from."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import torch
from pydantic import BaseModel, ValidationError
from torch import Tensor, nn

from gen3d.errors import ModelError

KIND, _CONFIG = "gen3d.kind", "gen3d.config"

AnySettings = TypeVar("AnySettings", bound=BaseModel)
AnyNetwork = TypeVar("AnyNetwork", bound=nn.Module)


def half_weights(module: nn.Module) -> dict[str, Tensor]:
    """Return a network's state with its weights in float16."""
    # Buffers (the scales of the latents) are small, and wanted exactly.
    weights = {name for name, _ in module.named_parameters()}
    return {
        name: tensor.to(torch.float16) if name in weights else tensor
        for name, tensor in module.state_dict().items()
    }


def settings_fields(kind: str, config: BaseModel) -> dict[str, str]:
    """Return the text fields of a file: what it holds, and with which settings."""
    return {KIND: kind, _CONFIG: config.model_dump_json()}


def read_settings(
    settings: type[AnySettings],
    metadata: dict[str, str],
    path: Path | str,
    *,
    kind: str,
    field: str = _CONFIG,
    retired: Sequence[str] = (),
) -> AnySettings:
    """Read the settings out of a file's text fields.

    Args:
        settings: Their class.
        metadata: The text fields.
        path: Of the file, for messages.
        kind: What the file must hold.
        field: Name of the text field.
        retired: Settings that old files carry and nothing reads any more.

    Raises:
        ModelError: The file holds something else, or its settings cannot be read.
    """
    if metadata.get(KIND) != kind:
        raise ModelError(f"{path} holds {metadata.get(KIND) or 'unknown weights'}, not {kind}")
    try:
        values = json.loads(metadata.get(field, ""))
        if isinstance(values, dict):
            values = {name: value for name, value in values.items() if name not in retired}
        return settings.model_validate(values)
    except (ValidationError, json.JSONDecodeError) as error:
        line = str(error).splitlines()[0]
        raise ModelError(
            f"the settings in {path} cannot be read: {line}",
            hint="the file may come from a newer gen3d",
        ) from error


def fill(
    network: Callable[[AnySettings], AnyNetwork],
    config: AnySettings,
    tensors: dict[str, Tensor],
    path: Path | str,
    device: torch.device | str,
) -> AnyNetwork:
    """Build a network and give it its weights, in eval mode.

    Raises:
        ModelError: Names or shapes do not fit, or a value is not finite.
    """
    # Not on the meta device: its first use imports for a second, and these networks are small.
    with torch.random.fork_rng(devices=[]):
        module = network(config)
    expected = module.state_dict()
    missing, extra = sorted(expected.keys() - tensors), sorted(tensors.keys() - expected)
    if missing or extra:
        raise ModelError(
            f"{path} does not fit its settings: lacks {', '.join(missing[:3]) or 'nothing'}, "
            f"has unknown {', '.join(extra[:3]) or 'nothing'}"
        )
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            raise ModelError(
                f"{name} in {path} has shape {tuple(tensor.shape)}, "
                f"expected {tuple(expected[name].shape)}"
            )
        if not bool(tensor.isfinite().all()):
            raise ModelError(f"{name} in {path} holds values that are not finite")
    module.load_state_dict(tensors)
    return module.to(device).eval().requires_grad_(False)
