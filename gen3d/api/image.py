"""From photos to files."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from gen3d.api.generation import GenerationRun, Targets
from gen3d.api.published import load_image_model
from gen3d.conditioning.image import prepare_views
from gen3d.runtime.progress import ProgressSink
from gen3d.vecset.config import Mesher


def image_to_files(
    image: Path | str,
    out: Path | str,
    *,
    views: Mapping[str, Path | str] | None = None,
    mask: Path | str | None = None,
    seed: int | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    resolution: int | None = None,
    faces: int | None = None,
    mesher: Mesher = "marching-cubes",
    iso_level: float = 0.0,
    format: str | None = None,
    count: int = 1,
    model: str | None = None,
    weights: Path | str | None = None,
    device: str = "auto",
    dtype: str = "auto",
    progress: ProgressSink | None = None,
) -> GenerationRun:
    """Make one or more meshes from a photo, or from up to four, and write them.

    Args:
        image: The object's front, with transparency or a mask.
        out: File to write; with several, ``NAME-1.EXT``, ``NAME-2.EXT``, ...
        views: Other sides of the object: ``left``, ``back``, ``right``.
        mask: White where the object is in ``image``.
        seed: Seed of the first; drawn if None. Item i of several has a seed derived from it.
        steps: Sampling steps.
        guidance: Guidance strength.
        resolution: Grid cells per axis.
        faces: Face budget.
        mesher: ``marching-cubes`` or ``dual-contouring``.
        iso_level: Value of the field on the surface.
        format: Format, where the extension does not tell.
        count: How many, 1 to 64.
        model: Name of a published model; None: the one that ``weights`` holds.
        weights: Where its files lie; None: the usual places.
        device: Where to run.
        dtype: ``auto``, ``float32``, ``bfloat16`` or ``float16``.
        progress: Where to report.

    Raises:
        UserError: Something given cannot be used; nothing was written.
        CancelledError: The user stopped; files of finished items stay, whole.
    """
    began = time.perf_counter()
    images = prepare_views({"front": image, **(views or {})}, mask=mask)
    targets = Targets.checked(out, count=count, seed=seed, format=format)
    pipeline = load_image_model(model, weights=weights, device=device, dtype=dtype)
    return targets.fill(
        lambda seed: pipeline.image_to_3d(
            images,
            seed=seed,
            steps=steps,
            guidance=guidance,
            resolution=resolution,
            faces=faces,
            mesher=mesher,
            iso_level=iso_level,
            progress=progress,
        ),
        began=began,
        details=pipeline.plan.lines(),
    )
