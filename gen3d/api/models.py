"""Models by name, or by the folder that holds one."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from gen3d.conditioning.concepts import Concepts
from gen3d.conditioning.text import TextEncoder
from gen3d.errors import ModelError
from gen3d.io.files import read_bytes
from gen3d.io.tensors import sha256_of
from gen3d.vecset.pipeline import VecsetPipeline

WEIGHTS = Path(__file__).parents[1] / "weights"
EMBEDDED: dict[str, Path] = {"mini": WEIGHTS / "mini"}
"""Models that ship in the package."""

CARD = "model.json"
"""Describes a model folder; ``concepts`` lists what the model knows."""


def load(model: str = "mini", *, device: str | torch.device = "auto") -> VecsetPipeline:
    """Load a model.

    Args:
        model: Name of an embedded model, or path of a folder that ``gen3d train`` made.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        ModelError: There is no such model, or its weights are missing or damaged.
        InputError: The device does not exist.
    """
    folder = EMBEDDED.get(model, Path(model))
    if not folder.is_dir():
        if model in EMBEDDED:
            raise ModelError(
                f"the weights of {model!r} are missing: {folder}", hint="reinstall gen3d"
            )
        raise ModelError(
            f"unknown model {model!r}: neither a name nor a folder",
            hint=f"names: {', '.join(EMBEDDED)}; a folder holds {CARD} and safetensors files",
        )
    text = TextEncoder.load()
    concepts = Concepts(text, read_concepts(folder))

    def warn(prompt: str) -> list[str]:
        line = concepts.warning(prompt)
        return [line] if line else []

    name = model if model in EMBEDDED else folder.name
    return VecsetPipeline.from_folder(folder, device=device, name=name, text=text, warn=warn)


def read_concepts(folder: Path) -> list[str]:
    """Return the concepts that a model's card names.

    Raises:
        ModelError: The card is missing or damaged.
    """
    try:
        concepts = json.loads(read_bytes(folder / CARD))["concepts"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"cannot read the card {folder / CARD}: {error}", hint="reinstall gen3d"
        ) from error
    return [str(name) for name in concepts]


def fingerprint(folder: Path) -> dict[str, str]:
    """Return the hashes of a model folder's weights."""
    return {path.name: sha256_of(path) for path in sorted(folder.glob("*.safetensors"))}
