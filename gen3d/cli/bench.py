"""``gen3d bench``: measurements, each with its baseline in the same run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gen3d.cli import options

app = typer.Typer(help="Measure quality and speed.", no_args_is_help=True)


@app.command("quality")
def quality(
    model: options.Model = "mini",
    out: Annotated[
        Path | None,
        typer.Option("--sheet", help="Write the contact sheet of the samples as PNG."),
    ] = None,
    per_category: Annotated[
        int, typer.Option("--per-category", help="Prompts per category, 2..100.")
    ] = 10,
    cache: Annotated[
        Path, typer.Option("--cache", help="Folder for finished rows; a stopped bench resumes.")
    ] = Path("outputs/bench-quality"),
    device: options.Device = "auto",
    json: options.Json = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Measure the embedded model on shapes that it never saw."""
    from gen3d.bench.quality import bench_quality

    _show(
        lambda progress: bench_quality(
            model,
            sheet=out,
            per_category=per_category,
            cache=cache,
            device=device,
            progress=progress,
        ),
        json,
        quiet,
    )


@app.command("decode")
def decode(
    model: options.Model = "mini",
    shapes: Annotated[
        int, typer.Option("--shapes", help="Shapes of the model to compare with dense decoding.")
    ] = 50,
    cache: Annotated[
        Path, typer.Option("--cache", help="Folder for finished rows; a stopped bench resumes.")
    ] = Path("outputs/bench-decode"),
    device: options.Device = "auto",
    json: options.Json = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Measure volume decoding: sparse against dense and the published rule."""
    from gen3d.bench.decode import bench_decode

    _show(
        lambda progress: bench_decode(
            model, shapes=shapes, cache=cache, device=device, progress=progress
        ),
        json,
        quiet,
    )


def _show(run, json: Path | None, quiet: bool) -> None:
    from rich.table import Table

    from gen3d.cli.console import RichProgress, console, write_json

    with RichProgress(enabled=not quiet) as progress:
        report = run(progress)
    if json is None or str(json) != "-":
        for title, head, rows in report.tables:
            table = Table(*head, title=title)
            for row in rows:
                table.add_row(*row)
            console.print(table)
    write_json({"figures": report.figures, "notes": report.notes}, json)
