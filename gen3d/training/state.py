"""Checkpoints of a run: whole or absent, checked on reading, loadable without pickle's powers."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gen3d.errors import ModelError
from gen3d.runtime.atomic import atomic_write

FORMAT = "gen3d-training-1"


def save_state(state: Mapping[str, Any], path: Path) -> None:
    """Write a checkpoint; an interrupted or failed write leaves the old file.

    Args:
        state: Tensors, numbers, strings, and dicts and lists of them.
        path: File to write.

    Raises:
        OutputError: The folder cannot be written, or the disk is full.
    """
    # Through memory: torch's zip writer turns a full disk into an opaque RuntimeError.
    buffer = io.BytesIO()
    torch.save({**state, "format": FORMAT}, buffer)
    with atomic_write(path) as file:
        file.write(buffer.getbuffer())


def load_state(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU.

    Raises:
        ModelError: The file is missing, damaged, or no checkpoint of a training run.
    """
    hint = "restore the file, resume from best.ckpt in its place, or train into a new folder"
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelError(f"cannot read checkpoint {path}: {reason}", hint=hint) from error
    try:
        # torch.load does not compare the checksums that torch.save stores.
        damaged = zipfile.ZipFile(io.BytesIO(data)).testzip()
        if damaged is not None:
            raise ModelError(f"checkpoint {path} is damaged at {damaged!r}", hint=hint)
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (zipfile.BadZipFile, pickle.UnpicklingError, RuntimeError, EOFError, KeyError) as error:
        raise ModelError(f"checkpoint {path} is damaged: {error}", hint=hint) from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise ModelError(f"{path} is no checkpoint of a training run ({FORMAT})", hint=hint)
    return state


def load_ema_weights(path: Path | str) -> dict[str, Tensor]:
    """Read the averaged weights of a checkpoint, as a state dict of the trained module.

    Raises:
        ModelError: The file is missing, damaged, or no checkpoint of a training run.
    """
    return load_state(Path(path))["ema"]
