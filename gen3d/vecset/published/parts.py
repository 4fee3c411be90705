"""One weights file, several networks: which names belong to which part."""

from __future__ import annotations

import re
from typing import Literal

from gen3d.errors import ModelError
from gen3d.io.checkpoints import TensorSource

PartName = Literal["conditioner", "dit", "vae"]

# What training wrappers and other programs put before every name.
_WRAPPERS = re.compile(r"^(?:state_dict\.|_forward_module\.|module\.)+")
_PREFIXES: dict[str, PartName] = {
    "model.diffusion_model.": "dit",
    "model.": "dit",
    "vae.": "vae",
    "conditioner.": "conditioner",
}
_MARKS: tuple[tuple[str, PartName], ...] = (
    ("geo_decoder.output_proj.weight", "vae"),
    ("double_blocks.0.img_attn.qkv.weight", "dit"),
    ("x_embedder.weight", "dit"),
    ("main_image_encoder.model.embeddings.cls_token", "conditioner"),
    ("embeddings.cls_token", "conditioner"),
)
_ENCODER = "main_image_encoder.model."


def split_parts(source: TensorSource) -> dict[PartName, TensorSource]:
    """Return the parts that a file holds, each with its names free of prefixes.

    Parts are told apart by the first component of their names (``model``, ``vae``,
    ``conditioner``), or by what is in the file, where it holds one part.

    Raises:
        ModelError: The file holds no part that is known.
    """
    parts: dict[PartName, dict[str, str]] = {}
    loose: dict[str, str] = {}
    for name in source.shapes:
        bare = _WRAPPERS.sub("", name)
        prefix = next((text for text in _PREFIXES if bare.startswith(text)), None)
        if prefix is None:
            loose[bare] = name
        else:
            short = _WRAPPERS.sub("", bare[len(prefix) :])
            parts.setdefault(_PREFIXES[prefix], {})[short] = name
    if not parts:
        kind: PartName | None = next((part for mark, part in _MARKS if mark in loose), None)
        if kind is not None:
            parts[kind] = loose
    if not parts:
        shown = ", ".join(list(source.shapes)[:3])
        raise ModelError(
            f"{source.path} holds no known Hunyuan3D network; its names start with {shown}"
        )
    if "conditioner" in parts:
        parts["conditioner"] = {
            name.removeprefix(_ENCODER): old for name, old in parts["conditioner"].items()
        }
    return {part: source.renamed(names) for part, names in parts.items()}
