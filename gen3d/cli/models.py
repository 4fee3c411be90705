"""``gen3d models``: which models are here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gen3d.cli import options


def models(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Where to look for published models.",
            show_default="GEN3D_MODELS and the usual caches",
        ),
    ] = None,
    json: options.Json = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """List the embedded models and the published ones that you have, with their licences."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from gen3d.api import list_models
    from gen3d.api.published import search_folders
    from gen3d.cli.console import console, write_json

    entries = list_models(folder)
    write_json({"models": [entry.row() for entry in entries]}, json)
    if json is not None and str(json) == "-":
        return
    table = Table("model", "command", "size", "state", "licence", "where")
    for entry in entries:
        state = (
            "[green]complete[/green]" if entry.complete else f"[red]{escape(entry.problem)}[/red]"
        )
        size = f"{entry.size_bytes / 1e6:.1f} MB"
        table.add_row(entry.name, f"gen3d {entry.task}", size, state, entry.licence, entry.path)
    # The list is the result, so unlike the tables of other commands it goes to standard output.
    Console().print(table)
    if not quiet and folder is None:
        places = ", ".join(str(place) for place in search_folders())
        console.print(f"looked for published models in {places}")
