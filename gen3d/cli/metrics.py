"""``gen3d metrics``: a made cloud against a true one, under every convention."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gen3d.cli import options


def metrics(
    made: Annotated[Path, typer.Argument(help="The cloud to judge.")],
    true: Annotated[Path, typer.Argument(help="The true cloud.")],
    mesh: Annotated[
        Path | None,
        typer.Option("--mesh", help="The true surface, for P2F, uniformity and the floor of JSD."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the samplings.")] = 0,
    json: options.Json = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Print CD, HD, P2F, EMD, JSD, uniformity and normal consistency of a point cloud."""
    from rich.table import Table

    from gen3d.api.cloud_metrics import compare_files
    from gen3d.cli.console import console, write_json

    figures = compare_files(made, true, mesh=mesh, seed=seed)
    if json is None or str(json) != "-":
        table = Table("convention", "CD", "HD", "P2F", title=f"{made} against {true}")
        for row in figures.rows():
            table.add_row(*row)
        console.print(table)
        for line in figures.lines():
            print(line)
    write_json(figures.figures(), json)
