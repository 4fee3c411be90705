"""``gen3d text``: from a sentence to a mesh."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gen3d.cli import options


def text(
    prompt: Annotated[str, typer.Argument(help='What to make, e.g. "a red wooden chair".')],
    out: options.NewFile = None,
    seed: options.Seed = None,
    steps: options.Steps = None,
    guidance: options.Guidance = None,
    resolution: options.Resolution = None,
    faces: options.Faces = None,
    format: options.Format = None,
    count: options.Count = 1,
    model: options.Model = "mini",
    device: options.Device = "auto",
    json: options.Json = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Make a coloured mesh from a sentence."""
    from gen3d.api import text_to_files
    from gen3d.cli.console import RichProgress, show_run

    with RichProgress(enabled=not quiet) as progress:
        run = text_to_files(
            prompt,
            out or Path(f"out.{format or 'glb'}"),
            seed=seed,
            steps=steps,
            guidance=guidance,
            resolution=resolution,
            faces=faces,
            format=format,
            count=count,
            model=model,
            device=device,
            progress=progress,
        )
    show_run(run, json, quiet=quiet, verbose=verbose)
