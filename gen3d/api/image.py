"""From photos to files."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from gen3d.api.generation import GenerationRun, Targets, texture_size
from gen3d.api.models import load_text_model
from gen3d.api.names import PUBLISHED
from gen3d.api.published import load_image_model
from gen3d.conditioning.background import Background
from gen3d.conditioning.photos import load_photos
from gen3d.conditioning.text import validate_prompt
from gen3d.errors import InputError
from gen3d.runtime.progress import ProgressSink
from gen3d.vecset.asset import AssetOptions
from gen3d.vecset.config import Mesher

DEFAULT_MODEL = "mini"


def image_to_files(
    image: Path | str,
    out: Path | str,
    *,
    views: Mapping[str, Path | str] | None = None,
    mask: Path | str | None = None,
    background: Background = "auto",
    prompt: str | None = None,
    seed: int | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    resolution: int | None = None,
    faces: int | None = None,
    mesher: Mesher = "marching-cubes",
    iso_level: float = 0.0,
    texture: int | Literal["auto"] | None = "auto",
    asset: AssetOptions | None = None,
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
        image: The object, from anywhere; its front where there are other views.
        out: File to write; with several, ``NAME-1.EXT``, ``NAME-2.EXT``, ...
        views: Other sides of the object: ``left``, ``back``, ``right``.
        mask: White where the object is in ``image``.
        background: What to do with what is not the object: ``auto``, ``keep`` or ``remove``.
        prompt: What to add in words; embedded models only.
        seed: Seed of the first; drawn if None. Item i of several has a seed derived from it.
        steps: Sampling steps.
        guidance: Guidance strength.
        resolution: Grid cells per axis.
        faces: Face budget.
        mesher: ``marching-cubes`` or ``dual-contouring``.
        iso_level: Value of the field on the surface; published models only.
        texture: Texels per side; None: vertex colours; ``auto``: see :func:`texture_size`.
            Embedded models only.
        asset: Normal map, height, base and compression; its texture is that of ``texture``.
            Embedded models only.
        format: Format, where the extension does not tell.
        count: How many, 1 to 64.
        model: Name of a model or folder of an embedded one; None: the published one that
            ``weights`` holds, or ``mini``.
        weights: Where a published model's files lie; None: the usual places.
        device: Where to run.
        dtype: ``auto``, ``float32``, ``bfloat16`` or ``float16``; published models only.
        progress: Where to report.

    Raises:
        UserError: Something given cannot be used; nothing was written.
        CancelledError: The user stopped; files of finished items stay, whole.
    """
    began = time.perf_counter()
    published = weights is not None or model in PUBLISHED
    asset = _asset(asset, texture, out, format=format, published=published)
    asset.check(faces)
    prompt = None if prompt is None else validate_prompt(prompt)
    if published and prompt is not None:
        raise InputError("published models take no prompt", hint="leave --prompt out")
    if not published and iso_level != 0:
        raise InputError(f"iso_level is for published models, got {iso_level}")
    if not published and dtype != "auto":
        raise InputError(f"dtype is for published models, got {dtype!r}")
    photos = load_photos({"front": image, **(views or {})}, mask=mask, background=background)
    targets = Targets.checked(out, count=count, seed=seed, format=format)
    details: tuple[str, ...] = ()
    if published:
        pipeline = load_image_model(model, weights=weights, device=device, dtype=dtype)
        make = partial(pipeline.image_to_3d, photos, iso_level=iso_level)
        details = tuple(pipeline.plan.lines())
    else:
        embedded = load_text_model(model or DEFAULT_MODEL, device=device)
        if texture == "auto" and embedded.vae.colour is None:
            asset = replace(asset, texture=None)
        make = partial(embedded.image_to_3d, photos, prompt=prompt, asset=asset)
    return targets.fill(
        lambda seed: make(
            seed=seed,
            steps=steps,
            guidance=guidance,
            resolution=resolution,
            faces=faces,
            mesher=mesher,
            progress=progress,
        ),
        began=began,
        details=details,
    )


def _asset(
    asset: AssetOptions | None,
    texture: int | Literal["auto"] | None,
    out: Path | str,
    *,
    format: str | None,
    published: bool,
) -> AssetOptions:
    """Resolve what becomes of the mesh; published models leave it as it is."""
    if not published:
        return replace(asset or AssetOptions(), texture=texture_size(texture, out, format))
    if texture not in ("auto", None) or asset not in (None, AssetOptions()):
        raise InputError(
            "published models make bare meshes: texture, normal map, height, base, compression "
            "and levels of detail are for embedded models"
        )
    return AssetOptions()
