"""``gen3d distill``: train a few-step student of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gen3d.cli import options
from gen3d.cli.train import run


def distill(
    config: Annotated[Path, typer.Argument(help="A file such as configs/vecset/distill.yaml.")],
    assign: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change one value: --set trainer.max_minutes=40."),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start anew instead of resuming.")] = False,
    json: options.Json = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Distil a model into a student of one or two steps; interrupted runs go on."""
    kinds = ("vecset-student", "vecset-distill")
    run(config, assign or [], fresh=fresh, json=json, quiet=quiet, kinds=kinds)
