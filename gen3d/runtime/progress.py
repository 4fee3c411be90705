"""Progress sinks: libraries report, somebody else shows."""

from __future__ import annotations

from typing import Protocol


class ProgressSink(Protocol):
    """Receives what a long job has to say about its progress.

    Stages follow each other and do not nest.
    """

    def stage_started(self, name: str, total: int | None) -> None:
        """A stage of ``total`` steps (None: unknown) begins."""
        ...

    def advance(self, n: int = 1, **info: float | str) -> None:
        """``n`` more steps are done; ``info`` holds figures worth showing."""
        ...

    def stage_finished(self) -> None:
        """The stage is over."""
        ...


class NullProgress:
    """Shows nothing."""

    def stage_started(self, name: str, total: int | None) -> None:
        """Do nothing."""

    def advance(self, n: int = 1, **info: float | str) -> None:
        """Do nothing."""

    def stage_finished(self) -> None:
        """Do nothing."""
