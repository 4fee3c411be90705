"""``gen3d edit``: change a mesh by a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gen3d.cli import options


def edit(
    mesh: Annotated[Path, typer.Argument(help="The mesh to change.")],
    prompt: Annotated[str, typer.Option("--prompt", help="What the result shall be, as a whole.")],
    out: options.NewFile = None,
    box: Annotated[
        str | None,
        typer.Option(
            "--box",
            metavar="X0,Y0,Z0,X1,Y1,Z1",
            help="Where it may change, in the file's coordinates; write --box=-1,... for a minus.",
            show_default="anywhere",
        ),
    ] = None,
    strength: Annotated[
        float, typer.Option("--strength", help="How far it may change, above 0 to 1.")
    ] = 0.9,
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
    """Change a mesh as a sentence says, inside a box or as a whole; it stays in its place."""
    from gen3d.api import edit_to_files
    from gen3d.cli.console import RichProgress, show_run

    numbers = None if box is None else _numbers(box)
    with RichProgress(enabled=not quiet) as progress:
        run = edit_to_files(
            mesh,
            prompt,
            out or Path(f"out.{format or 'glb'}"),
            box=numbers,
            strength=strength,
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


def _numbers(box: str) -> list[float]:
    try:
        return [float(number) for number in box.split(",")]
    except ValueError as error:
        raise typer.BadParameter(
            f"{box!r} is no box: give x0,y0,z0,x1,y1,z1", param_hint="--box"
        ) from error
