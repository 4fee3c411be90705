"""Published checkpoints: PUFM++'s Lightning files and PUFM's state dicts, from a local file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch

from gen3d.errors import ModelError
from gen3d.io.checkpoints import TensorSource, open_tensors
from gen3d.io.key_map import check, fill
from gen3d.upsampling.config import (
    PUBLISHED_LEVELS,
    PointNetConfig,
    RINConfig,
    published_rin_config,
)
from gen3d.upsampling.model import ReversedTime
from gen3d.upsampling.pointnet import PUFMNet
from gen3d.upsampling.published_keys import published_entries
from gen3d.upsampling.rin import RIN

_PUBLISHED_HEAD_DIM = 64
_LIGHTNING, _MODEL = "state_dict.", "model."


def load_published(
    path: Path | str,
    *,
    global_tokens: Literal["fps", "legacy"] = "legacy",
    device: torch.device | str = "cpu",
) -> ReversedTime:
    """Read a published checkpoint; which network it holds is seen from its names.

    Pickled code in the file is never run.

    Args:
        path: ``.ckpt``, ``.pth``, ``.pt`` or ``.safetensors``.
        global_tokens: See :class:`RINConfig`; ``legacy`` is how the public code runs.
        device: Where the network shall live.

    Raises:
        ModelError: The file is missing, damaged, carries code, or holds another network.
    """
    source = _plain_names(open_tensors(path))
    with torch.device("meta"):
        if "z_init" in source.shapes:
            what, core = "PUFM++ network", RIN(sniff_rin(source, global_tokens))
        elif "sa1.conv_blocks.0.0.weight" in source.shapes:
            what, core = "PUFM network", PUFMNet(sniff_pufm(source))
        else:
            raise ModelError(
                f"{path} holds neither a PUFM++ nor a PUFM network",
                hint="expected a checkpoint with z_init, or one with sa1.conv_blocks",
            )
    entries = published_entries(core)
    check(entries, source, what=what)
    return ReversedTime(fill(core, entries, source, dtype=torch.float32, device=device)).eval()


def _plain_names(source: TensorSource) -> TensorSource:
    """Leave out what a Lightning file holds besides the network, and its prefix."""
    if any(name.startswith(_LIGHTNING) for name in source.shapes):
        source = source.part(_LIGHTNING)
    return source.renamed({name.replace(_MODEL, ""): name for name in source.shapes})


def sniff_rin(source: TensorSource, global_tokens: Literal["fps", "legacy"]) -> RINConfig:
    """Return the sizes of a PUFM++ network.

    Raises:
        ModelError: A tensor that tells them is missing or of another kind.
    """
    shapes = source.shapes
    try:
        _, latents, width = shapes["z_init"]
        hidden = shapes["time_embed.fc1.weight"][0]
        convs = [name for name in shapes if re.fullmatch(r"global_cond\.net\.\d+\.weight", name)]
        widths = {int(name.split(".")[2]): shapes[name] for name in convs}
        layers = [shape[0] for _, shape in sorted(widths.items()) if len(shape) == 3]
        return RINConfig.model_validate(
            {
                **published_rin_config(global_tokens).model_dump(),
                "width": width,
                "heads": max(1, width // _PUBLISHED_HEAD_DIM),
                "latents": latents,
                "blocks": _count(shapes, r"blocks\.(\d+)\."),
                "computes": _count(shapes, r"blocks\.0\.compute\.(\d+)\."),
                "mlp_ratio": hidden / width,
                "global_widths": layers,
            }
        )
    except (KeyError, ValueError, IndexError) as error:
        line = str(error).splitlines()[0]
        raise ModelError(f"{source.path} holds no PUFM++ network: {line}") from error


def sniff_pufm(source: TensorSource) -> PointNetConfig:
    """Return the sizes of a PUFM network; its radii and numbers of points are the published ones.

    Raises:
        ModelError: A tensor that tells them is missing or of another kind.
    """
    shapes = source.shapes

    def widths(pattern: str) -> tuple[int, ...]:
        count = _count(shapes, re.escape(pattern) + r"\.(\d+)\.weight")
        return tuple(shapes[f"{pattern}.{i}.weight"][0] for i in range(count))

    try:
        levels = [
            level.model_copy(
                update={"widths": tuple(widths(f"sa{i}.conv_blocks.{s}") for s in range(2))}
            )
            for i, level in enumerate(PUBLISHED_LEVELS, 1)
        ]
        return PointNetConfig.model_validate(
            {
                "levels": [level.model_dump() for level in levels],
                "up": [widths(f"fp{i}.mlp_convs") for i in (4, 3, 2, 1)],
                "neighbours": (shapes["sa1.conv_blocks.0.0.weight"][1] - 3) // 3,
                "attention": "attn.q_conv.weight" in shapes,
                "head": shapes["conv1.weight"][0],
            }
        )
    except (KeyError, ValueError, IndexError) as error:
        line = str(error).splitlines()[0]
        raise ModelError(f"{source.path} holds no PUFM network: {line}") from error


def _count(shapes: Mapping[str, tuple[int, ...]], pattern: str) -> int:
    """Count the parts that names speak of, so that a gap shows as missing names."""
    found = (re.match(pattern, name) for name in shapes)
    return max((int(match[1]) + 1 for match in found if match), default=0)
