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
    fresh: Annotated[bool, typer.Option("--fresh", help="Start anew instead of resuming.")] = False,
    json: options.Json = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Train a model; an interrupted run goes on where it stopped."""
    run(config, assign or [], fresh=fresh, json=json, quiet=quiet)


def run(
    config: Path,
    assign: Sequence[str],
    *,
    fresh: bool,
    json: Path | None,
    quiet: bool,
    kinds: Sequence[str] = (),
) -> None:
    """Do a run, and report its figures and what it made.

    Args:
        config: YAML file.
        assign: Changes as ``key.sub=value``.
        fresh: Start anew instead of resuming.
        json: Where to write the figures.
        quiet: Print the result only.
        kinds: Kinds of runs that the command takes; all, if none is named.
    """
    from gen3d.api.training import run_training
    from gen3d.cli.console import RichProgress, console, write_json

    with RichProgress(enabled=not quiet) as progress:
        result = run_training(config, assign, kinds=kinds, resume=not fresh, progress=progress)
    write_json({"figures": result.figures}, json)
    if not quiet:
        for name, value in result.figures.items():
            console.print(f"{name}: {value:.5g}")
    print(result.output)
