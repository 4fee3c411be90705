"""``gen3d image``: from a photo to a mesh."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from gen3d.cli import options


def image(
    photo: Annotated[
        Path, typer.Argument(help="A photo of the object; its front where other views are given.")
    ],
    out: options.NewFile = None,
    mask: Annotated[
        Path | None,
        typer.Option("--mask", help="Picture of the same size, white where the object is."),
    ] = None,
    background: Annotated[
        Literal["auto", "keep", "remove"],
        typer.Option(
            "--background",
            help="auto: find the object; keep: take the picture as it is; remove: "
            "do not trust its transparency.",
        ),
    ] = "auto",
    prompt: Annotated[
        str | None,
        typer.Option("--prompt", help="What to add in words; mini only.", show_default=False),
    ] = None,
    view_left: Annotated[
        Path | None, typer.Option("--view-left", help="The object's left side (mini, mv models).")
    ] = None,
    view_back: Annotated[
        Path | None, typer.Option("--view-back", help="The object's back (mini, mv models).")
    ] = None,
    view_right: Annotated[
        Path | None, typer.Option("--view-right", help="The object's right side (mini, mv models).")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            help="mini, a folder, or hunyuan3d-2, -fast, -turbo, -mini, -mv, ...: see gen3d "
            "models.",
            show_default="mini, or what --weights holds",
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
        typer.Option(
            "--iso-level", help="Field value on the surface, higher is thinner (published models)."
        ),
    ] = 0.0,
    texture: options.Texture = "auto",
    normal_map: options.NormalMap = False,
    height: options.Height = None,
    flat_base: options.FlatBase = False,
    compress: options.Compress = None,
    lod: options.Lod = 0,
    format: options.Format = None,
    count: options.Count = 1,
    device: options.Device = "auto",
    dtype: Annotated[
        str, typer.Option("--dtype", help="auto, float32, bfloat16 or float16 (published models).")
    ] = "auto",
    json: options.Json = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Make a mesh from a photo, or from photos of up to four sides."""
    from gen3d.api import image_to_files
    from gen3d.cli.console import RichProgress, show_run
    from gen3d.geometry.lengths import parse_length_mm
    from gen3d.vecset.asset import AssetOptions

    sides = {"left": view_left, "back": view_back, "right": view_right}
    with RichProgress(enabled=not quiet) as progress:
        run = image_to_files(
            photo,
            out or Path(f"out.{format or 'glb'}"),
            views={side: path for side, path in sides.items() if path is not None},
            mask=mask,
            background=background,
            prompt=prompt,
            seed=seed,
            steps=steps,
            guidance=guidance,
            resolution=resolution,
            faces=faces,
            mesher=mesher,
            iso_level=iso_level,
            texture=options.texture_argument(texture),
            asset=AssetOptions(
                normal_map=normal_map,
                height_mm=None if height is None else parse_length_mm(height),
                flat_base=flat_base,
                compress=compress,
                lod=lod,
            ),
            format=format,
            count=count,
            model=model,
            weights=weights,
            device=device,
            dtype=dtype,
            progress=progress,
        )
    show_run(run, json, quiet=quiet, verbose=verbose)
