"""From a sentence to files."""

from __future__ import annotations

import time
from pathlib import Path

from gen3d.api.generation import GenerationRun, Targets
from gen3d.api.models import load_text_model
from gen3d.conditioning.text import validate_prompt
from gen3d.runtime.progress import ProgressSink


def text_to_files(
    prompt: str,
    out: Path | str,
    *,
    seed: int | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    resolution: int | None = None,
    faces: int | None = None,
    format: str | None = None,
    count: int = 1,
    model: str = "mini",
    device: str = "auto",
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
        format: Format, where the extension does not tell.
        count: How many, 1 to 64.
        model: Name or folder.
        device: Where to run.
        progress: Where to report.

    Raises:
        UserError: Something given cannot be used; nothing was written.
        CancelledError: The user stopped; files of finished items stay, whole.
    """
    began = time.perf_counter()
    prompt = validate_prompt(prompt)
    targets = Targets.checked(out, count=count, seed=seed, format=format)
    pipeline = load_text_model(model, device=device)
    return targets.fill(
        lambda seed: pipeline.text_to_3d(
            prompt,
            seed=seed,
            steps=steps,
            guidance=guidance,
            resolution=resolution,
            faces=faces,
            progress=progress,
        ),
        began=began,
    )
