"""``gen3d data``: training data from meshes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gen3d.cli import options


def data(
    config: Annotated[Path, typer.Argument(help="A file such as configs/data/objects.yaml.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the shards.")],
    assign: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change one value: --set objects.split=dev."),
    ] = None,
    json: options.Json = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Sample meshes into shards for training; an interrupted build goes on where it stopped."""
    from gen3d.api.data import build_data
    from gen3d.cli.console import RichProgress, console, write_json

    with RichProgress(enabled=not quiet) as progress:
        report = build_data(config, out, assign or [], progress=progress)
    write_json({"kept": report.kept, "dropped": report.dropped}, json)
    if not quiet:
        console.print(f"{report.kept} shapes, {len(report.dropped)} left out")
    print(report.folder)
