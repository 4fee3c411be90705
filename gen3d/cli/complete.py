"""``gen3d complete``: from part of a shape to the whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gen3d.cli import options

Fit = Annotated[
    bool,
    typer.Option(
        "--fit",
        help="Centre the points and take their longest side for the whole's (times --scale).",
    ),
]
Scale = Annotated[
    float,
    typer.Option(
        "--scale",
        help="Factor from the file's units to a frame in which the whole's longest side is 1; "
        "with --fit, the part of that side which the points span.",
    ),
]


def complete(
    partial: Annotated[
        Path, typer.Argument(help="Points of part of the surface (PLY), or a mesh with holes.")
    ],
    out: options.NewFile = None,
    prompt: Annotated[
        str | None,
        typer.Option("--prompt", help="What the whole is.", show_default="the points decide"),
    ] = None,
    fit: Fit = False,
    scale: Scale = 1.0,
    seed: options.Seed = None,
    steps: options.Steps = None,
    guidance: options.Guidance = None,
    resolution: options.Resolution = None,
    faces: options.Faces = None,
    mesher: options.Mesher = "marching-cubes",
    format: options.Format = None,
    count: options.Count = 1,
    model: options.Model = "mini",
    device: options.Device = "auto",
    json: options.Json = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Make a whole mesh from part of its surface; it lies where the points lie.

    Points are taken to be in the frame of all files that gen3d writes: Y up, the whole centred at
    the origin with its longest side 1.
    """
    from gen3d.api import complete_to_files
    from gen3d.cli.console import RichProgress, show_run

    with RichProgress(enabled=not quiet) as progress:
        run = complete_to_files(
            partial,
            out or Path(f"out.{format or 'glb'}"),
            prompt=prompt,
            fit=fit,
            scale=scale,
            seed=seed,
            steps=steps,
            guidance=guidance,
            resolution=resolution,
            faces=faces,
            mesher=mesher,
            format=format,
            count=count,
            model=model,
            device=device,
            progress=progress,
        )
    show_run(run, json, quiet=quiet, verbose=verbose)
