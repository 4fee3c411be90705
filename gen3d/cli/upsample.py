"""``gen3d upsample``: from a sparse cloud to a dense one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from gen3d.cli import options


def upsample(
    source: Annotated[Path, typer.Argument(help="Points to read; of a mesh, its vertices.")],
    rate: Annotated[
        float, typer.Option("--rate", "-r", help="Points out over points in: 1 < rate <= 64.")
    ] = 4.0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="File to write.", show_default="dense.ply, or dense.FORMAT"
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            help="pufm-mini, midpoint (interpolation only), or a file: one of gen3d train's, or "
            "a published checkpoint of PUFM++ or PUFM.",
        ),
    ] = "pufm-mini",
    steps: options.Steps = None,
    seed: options.Seed = None,
    mode: Annotated[
        Literal["ours", "reference"],
        typer.Option("--mode", help="reference: merge after every step, as PUFM++'s own code."),
    ] = "ours",
    schedule: Annotated[
        Literal["adaptive", "uniform"],
        typer.Option("--schedule", help="Times of the steps: as the model's loss asks, or equal."),
    ] = "adaptive",
    manifold: Annotated[
        Literal["drift", "nearest", "surface", "none"],
        typer.Option(
            "--manifold",
            help="What holds points near the surface: drift: limits how far they move; nearest: "
            "pulls them to interpolated points; surface: onto quadrics through the input.",
        ),
    ] = "drift",
    denoise: Annotated[
        bool, typer.Option("--denoise", help="Move the input onto the surface first.")
    ] = False,
    outliers: Annotated[
        float | None,
        typer.Option(
            "--outliers",
            help="Leave out points so many standard deviations farther from their neighbours than "
            "usual; 2 is a good start.",
            show_default="keep all",
        ),
    ] = None,
    keep_input: Annotated[
        bool, typer.Option("--keep-input", help="Keep all input points, bit for bit, in front.")
    ] = False,
    max_edge: Annotated[
        float,
        typer.Option(
            "--max-edge", help="Wider gaps stay gaps, in spacings of the points; 0: fill all."
        ),
    ] = 2.5,
    tile: Annotated[
        int, typer.Option("--tile", help="Input points of a tile, at least 1024; 0: one tile.")
    ] = 65_536,
    workers: Annotated[
        int, typer.Option("--workers", help="Processes that work on tiles, 1..64.")
    ] = 1,
    format: Annotated[
        str | None,
        typer.Option("--format", help="Format of the file.", show_default="from the file name"),
    ] = None,
    device: options.Device = "auto",
    json: options.Json = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Make a point cloud dense: on its surface, with colours and all else carried over."""
    from gen3d.api.upsample import upsample_to_file
    from gen3d.cli.console import RichProgress, show_run
    from gen3d.upsampling.options import UpsampleOptions

    with RichProgress(enabled=not quiet) as progress:
        run = upsample_to_file(
            source,
            out or Path(f"dense.{format or 'ply'}"),
            rate,
            model=model,
            seed=seed,
            options=UpsampleOptions(
                steps=steps,
                mode=mode,
                schedule=schedule,
                manifold=manifold,
                denoise=denoise,
                outliers=outliers,
                keep_input=keep_input,
                max_edge=max_edge or None,
                tile=tile,
                workers=workers,
            ),
            format=format,
            device=device,
            progress=progress,
        )
    show_run(run, json, quiet=quiet, verbose=verbose)
