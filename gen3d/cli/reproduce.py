"""``gen3d reproduce``: make a file again from the record inside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gen3d.cli import options


def reproduce(
    file: Annotated[Path, typer.Argument(help="A file that gen3d made.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write.", show_default="NAME-again.EXT"),
    ] = None,
    image: Annotated[
        list[Path] | None,
        typer.Option(
            "--image",
            help="A picture (or mask) that it was made from; may be given several times.",
            show_default="looked for beside FILE, by name",
        ),
    ] = None,
    weights: options.Weights = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Make a file again from the record that it carries; the same machine gives the same bytes."""
    from gen3d.api import reproduce as reproduce_file
    from gen3d.cli.console import RichProgress, console

    target = out or file.with_name(f"{file.stem}-again{file.suffix}")
    with RichProgress(enabled=not quiet) as progress:
        report = reproduce_file(
            file, target, weights=weights, images=image or (), progress=progress
        )
    if not quiet:
        same = "the same bytes" if report.identical else "other bytes"
        console.print(f"{same} as {file}" + (f": {report.reason}" if report.reason else ""))
    print(target)
