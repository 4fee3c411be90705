"""``gen3d render``: pictures of mesh files, on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gen3d.cli import options


def render(
    files: Annotated[list[Path], typer.Argument(help="Meshes to draw.")],
    out: options.Out = Path("render.png"),
    size: Annotated[int, typer.Option("--size", help="Pixels per side, 16..4096.")] = 512,
    azimuth: Annotated[float, typer.Option("--azimuth", help="Degrees from the front.")] = 35.0,
    elevation: Annotated[float, typer.Option("--elevation", help="Degrees above.")] = 20.0,
    views: Annotated[int, typer.Option("--views", help="Views around each mesh, 1..64.")] = 1,
    columns: Annotated[int, typer.Option("--columns", help="Columns of the sheet.")] = 4,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Draw meshes as PNG; several files or views make a contact sheet."""
    from gen3d.splatting.turntable import render_files

    render_files(
        files, out, size=size, azimuth=azimuth, elevation=elevation, views=views, columns=columns
    )
    print(out)
