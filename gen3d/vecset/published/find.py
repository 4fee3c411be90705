"""Where published files lie: the publisher's folder, a hub's snapshot, a ComfyUI models folder."""

from __future__ import annotations

import os
from pathlib import Path

from gen3d.errors import ModelError
from gen3d.io.checkpoints import WEIGHT_SUFFIXES, open_tensors
from gen3d.vecset.published.parts import split_parts

CONFIG = "config.yaml"
WEIGHTS = tuple(
    f"model{variant}{suffix}" for suffix in (".safetensors", ".ckpt") for variant in (".fp16", "")
)
# Deep enough for <hub>/models--<owner>--<name>/snapshots/<revision>/<folder>.
_DEPTH = 5


def weights_in(folder: Path) -> Path:
    """Return the weights file of a published folder; half precision and safetensors first.

    Raises:
        ModelError: There is none.
    """
    found = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if found is None:
        raise ModelError(
            f"there are no weights in {folder}", hint=f"expected one of {', '.join(WEIGHTS)}"
        )
    return found


def find_published(root: Path | str) -> list[Path]:
    """Return what can be opened under a folder: folders and single files with a flow network.

    Only folders with a ``config.yaml`` and files with ``hunyuan`` in their names are looked at.
    What cannot be read is left out.

    Args:
        root: A published folder itself, or a folder above such, up to five levels.
    """
    root = Path(root)
    if root.is_file():
        return [root] if _has_flow_network(root) else []
    found: list[Path] = []
    for place, folders, files in os.walk(root):
        here = Path(place)
        folders.sort()
        if len(here.relative_to(root).parts) >= _DEPTH:
            folders.clear()
        if CONFIG in files:
            name = next((name for name in WEIGHTS if name in files), None)
            if name is not None and _has_flow_network(here / name):
                found.append(here)
            continue
        for name in sorted(files):
            known = "hunyuan" in name.lower() and name.endswith(WEIGHT_SUFFIXES)
            if known and _has_flow_network(here / name):
                found.append(here / name)
    return found


def _has_flow_network(file: Path) -> bool:
    try:
        return "dit" in split_parts(open_tensors(file))
    except ModelError:
        return False
