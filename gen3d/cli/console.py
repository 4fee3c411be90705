"""What the command line shows: results on standard output, all else on standard error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gen3d.runtime.atomic import atomic_write

console = Console(stderr=True, highlight=False)


class Run(Protocol):
    """What a command made; see :class:`gen3d.api.generation.GenerationRun`."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """Files, in order."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know."""
        ...

    def figures(self) -> dict[str, Any]:
        """Return everything measured, as JSON values."""
        ...

    def summary(self, *, stages: bool) -> list[str]:
        """Return lines for people."""
        ...


class RichProgress:
    """Shows one bar per stage on standard error; silent where it is no terminal.

    Args:
        enabled: False shows nothing.
    """

    def __init__(self, *, enabled: bool = True) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[info]}"),
            console=console,
            transient=True,
            disable=not (enabled and console.is_terminal),
        )
        self._task = None

    def __enter__(self) -> RichProgress:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def stage_started(self, name: str, total: int | None) -> None:
        """Open the stage's bar."""
        self._task = self._progress.add_task(name, total=total, info="")

    def advance(self, n: int = 1, **info: float | str) -> None:
        """Move the bar and show the figures."""
        if self._task is None:
            return
        shown = "  ".join(
            f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
            for key, value in info.items()
        )
        self._progress.update(self._task, advance=n, info=shown)

    def stage_finished(self) -> None:
        """Remove the bar."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = None


def write_json(payload: Mapping[str, Any], target: Path | None) -> None:
    """Write a JSON document to a file, or to standard output for ``-``; None does nothing."""
    if target is None:
        return
    text = json.dumps(payload, indent=2, sort_keys=True)
    if str(target) == "-":
        print(text)
        return
    with atomic_write(target) as file:
        file.write(text.encode() + b"\n")


def show_run(run: Run, json: Path | None, *, quiet: bool, verbose: bool) -> None:
    """Report what a generating command made: figures, remarks, and the paths on their own lines."""
    write_json(run.figures(), json)
    for warning in run.warnings:
        console.print(f"[yellow]note:[/yellow] {warning}")
    if not quiet:
        for line in run.summary(stages=verbose):
            console.print(line)
    if json is None or str(json) != "-":
        for path in run.paths:
            print(path)
