"""Ctrl-C at the right moment: between two steps, when the state is whole."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType


class InterruptWatch:
    """While entered, the first SIGINT or SIGTERM only sets ``requested``; the next one interrupts.

    Outside the main thread, where Python delivers no signals, it watches nothing.

    Attributes:
        requested: Whether the user asked to stop.
    """

    def __init__(self) -> None:
        self.requested = False
        self._previous: dict[int, object] = {}

    def __enter__(self) -> InterruptWatch:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._previous.clear()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
