"""``gen3d text``: from a sentence to a mesh."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from gen3d.cli import options

_SEARCH = "Search"


def text(
    prompt: Annotated[str, typer.Argument(help='What to make, e.g. "a red wooden chair".')],
    out: options.NewFile = None,
    seed: options.Seed = None,
    steps: options.TextSteps = None,
    guidance: options.Guidance = None,
    resolution: options.Resolution = None,
    faces: options.Faces = None,
    mesher: options.Mesher = "marching-cubes",
    texture: options.Texture = "auto",
    normal_map: options.NormalMap = False,
    height: options.Height = None,
    flat_base: options.FlatBase = False,
    compress: options.Compress = None,
    lod: options.Lod = 0,
    format: options.Format = None,
    count: options.Count = 1,
    model: options.Model = "mini",
    device: options.Device = "auto",
    search: Annotated[
        Literal["rbf", "best-of-n", "svdd", "smc", "paths"] | None,
        typer.Option(
            "--search",
            help="Search for a shape with a high reward; rbf: rollover budget forcing.",
            show_default="one sample, no search",
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    budget: Annotated[
        int | None,
        typer.Option(
            "--budget",
            help="Network evaluations to spend, 1..100000; a guided step takes two.",
            show_default="200",
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    reward: Annotated[
        str | None,
        typer.Option(
            "--reward",
            help="What for: watertight, single, symmetric, printable, support-free, stable, "
            "compact, silhouette=IMAGE, scan=CLOUD; several with commas, weights as symmetric:2.",
            show_default=False,
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    json: options.Json = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Make a textured mesh from a sentence."""
    from gen3d.api import text_to_files
    from gen3d.cli.console import RichProgress, show_run
    from gen3d.geometry.lengths import parse_length_mm
    from gen3d.vecset.asset import AssetOptions

    with RichProgress(enabled=not quiet) as progress:
        run = text_to_files(
            prompt,
            out or Path(f"out.{format or 'glb'}"),
            seed=seed,
            steps=steps,
            guidance=guidance,
            resolution=resolution,
            faces=faces,
            mesher=mesher,
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
            device=device,
            search=search,
            budget=budget,
            reward=reward,
            progress=progress,
        )
    show_run(run, json, quiet=quiet, verbose=verbose)
