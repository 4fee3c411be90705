"""From a sentence to files."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from gen3d.api.generation import GenerationRun, Targets, texture_size
from gen3d.api.models import load_text_model
from gen3d.conditioning.text import validate_prompt
from gen3d.runtime.progress import ProgressSink
from gen3d.vecset.asset import AssetOptions
from gen3d.vecset.config import Mesher
from gen3d.vecset.search import SearchOptions, search_text


def text_to_files(
    prompt: str,
    out: Path | str,
    *,
    seed: int | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    resolution: int | None = None,
    faces: int | None = None,
    mesher: Mesher = "marching-cubes",
    texture: int | Literal["auto"] | None = "auto",
    asset: AssetOptions | None = None,
    format: str | None = None,
    count: int = 1,
    model: str = "mini",
    device: str = "auto",
    search: str | None = None,
    budget: int | None = None,
    reward: str | None = None,
    progress: ProgressSink | None = None,
) -> GenerationRun:
    """Make one or more meshes from a sentence and write them.

    Args:
        prompt: What to make.
        out: File to write; with several, ``NAME-1.EXT``, ``NAME-2.EXT``, ...
        seed: Seed of the first; drawn if None. Item i of several has a seed derived from it.
        steps: Sampling steps.
        guidance: Guidance strength.
        resolution: Grid cells per axis.
        faces: Face budget.
        mesher: ``marching-cubes`` or ``dual-contouring``.
        texture: Texels per side; None: vertex colours; ``auto``: see :func:`texture_size`.
        asset: Normal map, height, base and compression; its texture is that of ``texture``.
        format: Format, where the extension does not tell.
        count: How many, 1 to 64.
        model: Name or folder.
        device: Where to run.
        search: How to search for a shape with a high reward: ``rbf``, ``best-of-n``, ``svdd``,
            ``smc`` or ``paths``; None: make one sample and take it.
        budget: Evaluations of the network that the search of one item may spend; 200 by default.
        reward: What to search for: see :func:`gen3d.rewards.parse_rewards`.
        progress: Where to report.

    Raises:
        UserError: Something given cannot be used; nothing was written.
        CancelledError: The user stopped; files of finished items stay, whole.
    """
    began = time.perf_counter()
    prompt = validate_prompt(prompt)
    wanted = SearchOptions.parse(search, budget, reward)
    targets = Targets.checked(out, count=count, seed=seed, format=format)
    asset = replace(asset or AssetOptions(), texture=texture_size(texture, out, format))
    asset.check(faces)
    pipeline = load_text_model(model, device=device)
    if texture == "auto" and pipeline.vae.colour is None:
        asset = replace(asset, texture=None)
    make = pipeline.text_to_3d
    if wanted is not None:
        make = partial(search_text, pipeline, wanted=wanted)
    return targets.fill(
        lambda seed: make(
            prompt,
            seed=seed,
            steps=steps,
            guidance=guidance,
            resolution=resolution,
            faces=faces,
            mesher=mesher,
            asset=asset,
            progress=progress,
        ),
        began=began,
    )
