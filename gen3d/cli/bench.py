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
    part: Annotated[
        list[str] | None,
        typer.Option(
            "--part",
            help="reconstruction, text, unseen, parts, images or distribution; may be repeated.",
        ),
    ] = None,
    split: Annotated[
        str, typer.Option("--split", help="test for reports, val for choosing settings.")
    ] = "test",
    html: Annotated[
        Path | None, typer.Option("--html", help="Write the report with pictures as one file.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--sheet", help="Write the contact sheet of the samples as PNG."),
    ] = None,
    per_category: Annotated[
        int, typer.Option("--per-category", help="Plain prompts per category.", min=1, max=100)
    ] = 3,
    objects: Annotated[
        Path,
        typer.Option("--objects", help="Shards of real objects: folders train, dev and val."),
    ] = Path("data/objects"),
    photos: Annotated[
        Path | None,
        typer.Option("--photos", help="Photographs to show in the report.", file_okay=False),
    ] = None,
    cache: Annotated[
        Path, typer.Option("--cache", help="Folder for finished rows; a stopped bench resumes.")
    ] = Path("outputs/bench-quality"),
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Write the tables as Markdown.")
    ] = None,
    device: options.Device = "auto",
    json: options.Json = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Measure a model on shapes, prompts and images that it never saw."""
    from gen3d.bench.quality import bench_quality
    from gen3d.bench.quality_context import QualitySizes

    _show(
        lambda progress: bench_quality(
            model,
            parts=part or (),
            split=split,
            sizes=QualitySizes(per_category=per_category),
            sheet=out,
            html=html,
            objects=objects,
            photos=photos,
            cache=cache,
            device=device,
            progress=progress,
        ),
        json,
        quiet,
        markdown,
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
    lightning: Annotated[
        Path | None,
        typer.Option(
            "--lightning",
            help="Autoencoder file with another geometry decoder, to compare with the model's.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    device: options.Device = "auto",
    json: options.Json = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Measure volume decoding: sparse against dense and the published rule."""
    from gen3d.bench.decode import bench_decode

    _show(
        lambda progress: bench_decode(
            model,
            shapes=shapes,
            lightning=lightning,
            cache=cache,
            device=device,
            progress=progress,
        ),
        json,
        quiet,
    )


@app.command("sample")
def sample(
    model: options.Model = "mini",
    part: Annotated[
        list[str] | None,
        typer.Option(
            "--part",
            help="students, solvers, schedules, search, steering, ring or tune; may be repeated.",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", help="Write quality against evaluations as PNG."),
    ] = None,
    pairs: Annotated[
        int, typer.Option("--pairs", help="Pairs of captions per attribute.", min=1)
    ] = 2,
    tuned: Annotated[
        Path | None,
        typer.Option(
            "--tuned",
            help="Folder of a model that `gen3d tune` made from this one.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    cache: Annotated[
        Path, typer.Option("--cache", help="Folder for finished rows; a stopped bench resumes.")
    ] = Path("outputs/bench-sample"),
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Write the tables as Markdown.")
    ] = None,
    device: options.Device = "auto",
    json: options.Json = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Measure samplers: quality against evaluations for solvers, schedules and students."""
    from gen3d.bench.sample import bench_sample
    from gen3d.bench.sample_context import SampleSizes

    _show(
        lambda progress: bench_sample(
            model,
            parts=part or (),
            sizes=SampleSizes(pairs=pairs),
            plot=plot,
            tuned=tuned,
            cache=cache,
            device=device,
            progress=progress,
        ),
        json,
        quiet,
        markdown,
    )


@app.command("roofline")
def roofline(
    model: options.Model = "mini",
    prompt: Annotated[
        str, typer.Option("--prompt", help="What the profiled shape is of.")
    ] = "a red mug",
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Write the tables as Markdown.")
    ] = None,
    json: options.Json = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Profile one decode on the CPU against the ceilings that the machine reaches."""
    from gen3d.bench.roofline import bench_roofline

    _show(
        lambda progress: bench_roofline(model, prompt=prompt, progress=progress),
        json,
        quiet,
        markdown,
    )


@app.command("points")
def points(
    samples: Annotated[
        int, typer.Option("--samples", help="Points to sample, out of four times as many.", min=100)
    ] = 100_000,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Write the tables as Markdown.")
    ] = None,
    json: options.Json = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Measure searches among points against plain loops and SciPy."""
    from gen3d.bench.points import bench_points

    _show(lambda progress: bench_points(samples=samples, progress=progress), json, quiet, markdown)


@app.command("upsample")
def upsample(
    model: Annotated[
        str, typer.Option("--model", help="pufm-mini, midpoint, or a file.")
    ] = "pufm-mini",
    surfaces: Annotated[
        Path | None,
        typer.Option(
            "--surfaces", help="Folder of meshes to sample.", exists=True, file_okay=False
        ),
    ] = None,
    part: Annotated[
        list[str] | None,
        typer.Option(
            "--part",
            help="anchors, surfaces, shapes, noise, room or speed; may be repeated.",
        ),
    ] = None,
    big: Annotated[
        int, typer.Option("--big", help="Points of the largest cloud; 0: leave it out.")
    ] = 1_000_000,
    cache: Annotated[
        Path, typer.Option("--cache", help="Folder for finished rows; a stopped bench resumes.")
    ] = Path("outputs/bench-upsample"),
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Write the tables as Markdown.")
    ] = None,
    device: options.Device = "auto",
    json: options.Json = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Measure upsampling against interpolation and the published inference."""
    from gen3d.bench.upsample import UpsampleSizes, bench_upsample

    _show(
        lambda progress: bench_upsample(
            model,
            surfaces=surfaces,
            parts=part or (),
            sizes=UpsampleSizes(big=big),
            cache=cache,
            device=device,
            progress=progress,
        ),
        json,
        quiet,
        markdown,
    )


def _show(run, json: Path | None, quiet: bool, markdown: Path | None = None) -> None:
    from rich.table import Table

    from gen3d.cli.console import RichProgress, console, write_json
    from gen3d.runtime.atomic import atomic_write

    with RichProgress(enabled=not quiet) as progress:
        report = run(progress)
    if markdown is not None:
        with atomic_write(markdown) as file:
            file.write(report.markdown().encode())
    if json is None or str(json) != "-":
        for title, head, rows in report.tables:
            table = Table(*head, title=title)
            for row in rows:
                table.add_row(*row)
            console.print(table)
    write_json({"figures": report.figures, "notes": report.notes}, json)
