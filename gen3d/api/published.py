"""Published models on this machine: where to look for them, and how to open one by name."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from gen3d.api.names import PUBLISHED
from gen3d.errors import Gen3dError, ModelError
from gen3d.vecset.image_memory import missing_parts
from gen3d.vecset.image_pipeline import ImagePipeline
from gen3d.vecset.published import PublishedModel, find_published, open_published


@dataclass(frozen=True)
class FoundModel:
    """A checkpoint on disk.

    Attributes:
        name: One of ``PUBLISHED``, or the file's own where it is none of them.
        path: What :func:`gen3d.vecset.published.open_published` takes.
        model: The opened checkpoint; None where it cannot be read.
        problem: What it lacks, or why it cannot be read; empty when it is complete.
    """

    name: str
    path: Path
    model: PublishedModel | None
    problem: str


def search_folders(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Return where models are looked for when no folder is given; each may be absent.

    ``GEN3D_MODELS`` (several, separated as in ``PATH``; ``~/.cache/gen3d``), the publisher's own
    ``HY3DGEN_MODELS`` (``~/.cache/hy3dgen``), and the cache of Hugging Face.
    """
    cache = Path.home() / ".cache"
    own = environment.get("GEN3D_MODELS") or str(cache / "gen3d")
    hub = environment.get("HF_HUB_CACHE")
    hub = hub or str(Path(environment.get("HF_HOME") or cache / "huggingface") / "hub")
    theirs = environment.get("HY3DGEN_MODELS") or str(cache / "hy3dgen")
    folders = [*own.split(os.pathsep), theirs, hub]
    return [Path(folder).expanduser() for folder in dict.fromkeys(folders) if folder]


def find_models(folders: Sequence[Path | str]) -> list[FoundModel]:
    """Look for published checkpoints; a damaged one is listed with its problem."""
    found: dict[Path, FoundModel] = {}
    for folder in (Path(folder) for folder in folders):
        for path in find_published(folder) if folder.exists() else ():
            real = path.resolve()
            if real not in found:
                found[real] = _examine(path)
        for path in _looks_like_models(folder):
            entry = _examine(path)
            if entry.model is None:
                found.setdefault(path.resolve(), entry)
    return sorted(found.values(), key=lambda model: (model.name, str(model.path)))


def load_image_model(
    name: str | None = None,
    *,
    weights: Path | str | None = None,
    device: str | torch.device = "auto",
    dtype: str = "auto",
    vae: Path | str | None = None,
) -> ImagePipeline:
    """Open a published model.

    Args:
        name: One of ``PUBLISHED``; None takes what ``weights`` holds, if that is one model.
        weights: The publisher's folder, a Hugging Face snapshot, a ComfyUI models folder, or a
            single file; by default :func:`search_folders`.
        device: Where to run.
        dtype: ``auto``, ``float32``, ``bfloat16`` or ``float16``.
        vae: Another autoencoder, such as a turbo one or one with an encoder: folder or file.

    Raises:
        ModelError: The name is unknown, no such model lies there, it is damaged, incomplete, or
            does not fit into the memory.
        InputError: The device or dtype is unknown.
    """
    if name is not None and name not in PUBLISHED:
        raise ModelError(
            f"{name!r} is no published image-to-3D model", hint=f"names: {', '.join(PUBLISHED)}"
        )
    if weights is not None and not Path(weights).exists():
        raise ModelError(f"there is no {weights}", hint="--weights is a folder or a weights file")
    folders = search_folders() if weights is None else [Path(weights)]
    chosen = _choose(find_models(folders), name, weights)
    model = open_published(chosen.path, vae=vae) if vae is not None else chosen.model
    if model is None:
        raise ModelError(chosen.problem, hint="download or copy the files again")
    return ImagePipeline(model, name=chosen.name, device=device, dtype=dtype)


def _looks_like_models(folder: Path) -> list[Path]:
    """Return what was meant as a model, here or one level down, whether it can be read or not."""
    if folder.is_file():
        return [folder]
    return [
        path.parent
        for pattern in ("", "*/")
        for path in sorted(folder.glob(f"{pattern}config.yaml"))
    ]


def _choose(found: Sequence[FoundModel], name: str | None, weights: object) -> FoundModel:
    fitting = [model for model in found if name in (None, model.name)]
    # A complete one goes first; a damaged one is still better than "not found", for its message.
    fitting.sort(key=lambda model: bool(model.problem))
    # What cannot be read has only its folder for a name, which may be another.
    fitting = fitting or [model for model in found if model.model is None and weights is not None]
    if not fitting:
        raise _not_found(found, name, weights)
    complete = {model.name for model in fitting if not model.problem}
    if len(complete) > 1:
        raise ModelError(
            f"there are several models: {', '.join(sorted(complete))}", hint="choose with --model"
        )
    return fitting[0]


def _not_found(found: Sequence[FoundModel], name: str | None, weights: object) -> ModelError:
    wanted = name or "a published model"
    if weights is None:
        entry = PUBLISHED[name or "hunyuan3d-2"]
        return ModelError(
            f"no files of {wanted} on this machine",
            hint=f"get {entry.folder} of huggingface.co/{entry.repository} yourself, after reading "
            "its licence, and pass --weights DIR, or set GEN3D_MODELS",
        )
    there = ", ".join(sorted({model.name for model in found})) or "no checkpoint that is known"
    return ModelError(
        f"{weights} does not hold {wanted}: there is {there}",
        hint="--weights takes the publisher's folder, a Hugging Face snapshot or a ComfyUI models "
        "folder",
    )


def _examine(path: Path) -> FoundModel:
    try:
        model = open_published(path)
    except Gen3dError as error:
        return FoundModel(_name_by_path(path), path, None, error.message)
    missing = missing_parts(model)
    problem = f"lacks the {' and the '.join(missing)}" if missing else ""
    wanted = (model.family, model.variant)
    names = (n for n, entry in PUBLISHED.items() if (entry.family, entry.variant) == wanted)
    return FoundModel(next(names, path.name), path, model, problem)


def _name_by_path(path: Path) -> str:
    """Guess the name of a checkpoint that cannot be read, from that of its folder."""
    folders = {entry.folder: name for name, entry in PUBLISHED.items()}
    return folders.get(path.stem if path.is_file() else path.name, path.name)
