"""``gen3d train``: train a model from a YAML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from gen3d.cli import options


def train(
    config: Annotated[Path, typer.Argument(help="A file such as configs/vecset/vae.yaml.")],
    assign: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change one value: --set trainer.steps=100."),
    ] = None,
    size: Annotated[
        str | None, typer.Option("--size", help="Of the machine: cpu, gpu or cluster.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start anew instead of resuming.")] = False,
    json: options.Json = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Train a model; an interrupted run goes on where it stopped.

    On several GPUs: torchrun --nproc-per-node 8 -m gen3d train CONFIG --size cluster
    """
    run(config, assign or [], size=size, fresh=fresh, json=json, quiet=quiet)


def run(
    config: Path,
    assign: Sequence[str],
    *,
    size: str | None = None,
    fresh: bool,
    json: Path | None,
    quiet: bool,
    kinds: Sequence[str] = (),
) -> None:
    """Do a run, and report its figures and what it made.

    Args:
        config: YAML file.
        assign: Changes as ``key.sub=value``.
        size: One of the file's sizes; None: the file as it stands.
        fresh: Start anew instead of resuming.
        json: Where to write the figures.
        quiet: Print the result only.
        kinds: Kinds of runs that the command takes; all, if none is named.
    """
    from gen3d.api.training import run_training
    from gen3d.cli.console import RichProgress, console, write_json
    from gen3d.training.processes import Processes

    speaks = Processes.launched().is_first
    with RichProgress(enabled=speaks and not quiet) as progress:
        result = run_training(
            config, assign, size=size, kinds=kinds, resume=not fresh, progress=progress
        )
    if not speaks:
        return
    write_json({"figures": result.figures}, json)
    if not quiet:
        for name, value in result.figures.items():
            console.print(f"{name}: {value:.5g}")
    print(result.output)
