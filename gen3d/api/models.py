"""Models by name, or by the folder that holds one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import overload

import torch

from gen3d.api.names import PUBLISHED
from gen3d.api.published import load_image_model
from gen3d.conditioning.concepts import Concepts
from gen3d.conditioning.text import TextEncoder
from gen3d.errors import ModelError
from gen3d.io.files import read_bytes
from gen3d.vecset.image_pipeline import ImagePipeline
from gen3d.vecset.pipeline import VecsetPipeline

WEIGHTS = Path(__file__).parents[1] / "weights"
EMBEDDED: dict[str, Path] = {"mini": WEIGHTS / "mini"}
"""Models that ship in the package."""

CARD = "model.json"
"""Describes a model folder; ``concepts`` lists what the model knows."""

TUNED_FOR = "tuned_for"
"""Key of the card that names the reward which a model was tuned for."""


@overload
def load(model: str = "mini", *, device: str | torch.device = "auto") -> VecsetPipeline: ...


@overload
def load(
    model: str,
    *,
    weights: Path | str | None,
    device: str | torch.device = "auto",
    dtype: str = "auto",
    vae: Path | str | None = None,
) -> ImagePipeline: ...


def load(
    model: str = "mini",
    *,
    weights: Path | str | None = None,
    device: str | torch.device = "auto",
    dtype: str = "auto",
    vae: Path | str | None = None,
) -> VecsetPipeline | ImagePipeline:
    """Load a model.

    Args:
        model: Name of an embedded model, path of a folder that ``gen3d train`` made, or name of a
            published model whose files you have.
        weights: Published models: see :func:`gen3d.api.published.load_image_model`.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        dtype: Published models: ``auto``, ``float32``, ``bfloat16`` or ``float16``.
        vae: Published models: another autoencoder.

    Raises:
        ModelError: There is no such model, or its weights are missing or damaged.
        InputError: The device does not exist.

    Example:
        gen3d.load("mini").text_to_3d("a mug").save("mug.glb")
        gen3d.load("hunyuan3d-2", weights=folder).image_to_3d("mug.png").save("mug.glb")
    """
    if model in PUBLISHED:
        return load_image_model(model, weights=weights, device=device, dtype=dtype, vae=vae)
    if weights is not None or vae is not None:
        raise ModelError(
            f"{model!r} brings its own weights", hint=f"published names: {', '.join(PUBLISHED)}"
        )
    return load_text_model(model, device=device)


def load_text_model(model: str = "mini", *, device: str | torch.device = "auto") -> VecsetPipeline:
    """Load a text-to-3D model.

    Args:
        model: Name of an embedded model, or path of a folder that ``gen3d train`` made.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        ModelError: There is no such model, or its weights are missing or damaged.
        InputError: The device does not exist.
    """
    if model in PUBLISHED:
        raise ModelError(f"{model!r} makes shapes from images", hint="use gen3d image")
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
    name = model if model in EMBEDDED else folder.name
    return VecsetPipeline.from_folder(
        folder, device=device, name=name, text=text, concepts=concepts
    )


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
