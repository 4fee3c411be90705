"""``gen3d tune``: tune a model for a reward."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gen3d.cli import options
from gen3d.cli.train import run


def tune(
    config: Annotated[Path, typer.Argument(help="A file such as configs/vecset/tune.yaml.")],
    assign: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change one value: --set reward=printable."),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start anew instead of resuming.")] = False,
    json: options.Json = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Tune a model for a geometric reward; an interrupted run goes on where it stopped."""
    run(config, assign or [], fresh=fresh, json=json, quiet=quiet, kinds=("vecset-tune",))
