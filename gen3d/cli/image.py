"""``gen3d image``: from a photo to a mesh."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gen3d.cli import options


def image(
    photo: Annotated[Path, typer.Argument(help="The object's front: an image with transparency.")],
    out: options.NewFile = None,
    mask: Annotated[
        Path | None,
        typer.Option("--mask", help="White where the object is, for a photo without transparency."),
    ] = None,
    view_left: Annotated[
        Path | None, typer.Option("--view-left", help="The object's left side (mv models).")
    ] = None,
    view_back: Annotated[
        Path | None, typer.Option("--view-back", help="The object's back (mv models).")
    ] = None,
    view_right: Annotated[
        Path | None, typer.Option("--view-right", help="The object's right side (mv models).")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            help="hunyuan3d-2, -fast, -turbo, -mini, -mv, ...: see gen3d models.",
            show_default="what --weights holds",
        ),
    ] = None,
    weights: options.Weights = None,
    seed: options.Seed = None,
    steps: options.Steps = None,
    guidance: options.Guidance = None,
    resolution: options.Resolution = None,
    faces: options.Faces = None,
    mesher: options.Mesher = "marching-cubes",
    iso_level: Annotated[
        float,
        typer.Option("--iso-level", help="Field value on the surface; higher is thinner."),
    ] = 0.0,
    format: options.Format = None,
    count: options.Count = 1,
    device: options.Device = "auto",
    dtype: Annotated[
        str, typer.Option("--dtype", help="auto, float32, bfloat16 or float16.")
    ] = "auto",
    json: options.Json = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Make a mesh from a photo, or from photos of up to four sides."""
    from gen3d.api import image_to_files
    from gen3d.cli.console import RichProgress, show_run

    sides = {"left": view_left, "back": view_back, "right": view_right}
    with RichProgress(enabled=not quiet) as progress:
        run = image_to_files(
            photo,
            out or Path(f"out.{format or 'glb'}"),
            views={side: path for side, path in sides.items() if path is not None},
            mask=mask,
            seed=seed,
            steps=steps,
            guidance=guidance,
            resolution=resolution,
            faces=faces,
            mesher=mesher,
            iso_level=iso_level,
            format=format,
            count=count,
            model=model,
            weights=weights,
            device=device,
            dtype=dtype,
            progress=progress,
        )
    show_run(run, json, quiet=quiet, verbose=verbose)
