"""Hooks: how others watch, change or stop a sampling run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from gen3d.errors import CancelledError, InputError
from gen3d.flow.paths import Path
from gen3d.flow.predictions import Prediction
from gen3d.flow.reduce import DENSE, Reducer
from gen3d.runtime.progress import ProgressSink


@dataclass(frozen=True)
class Step:
    """A step that has been made.

    Attributes:
        index: Counts from 0.
        steps: Number of steps in the run.
        s: Time before.
        t: Time after.
        x_s: State before.
        x_t: State after.
        path: The path of the field.
    """

    index: int
    steps: int
    s: float
    t: float
    x_s: Float[Tensor, "*shape"]
    x_t: Float[Tensor, "*shape"]
    path: Path

    def preview(self) -> Float[Tensor, "*shape"]:
        """Estimate the data that the run is heading for, without another evaluation.

        The chord of the step serves as its velocity; after the last step this is ``x_t`` itself.
        """
        chord = Prediction("velocity", (self.x_t - self.x_s) / (self.t - self.s))
        return chord.to("x0", self.path, self.x_t, self.t).value


class Hook:
    """Base of all hooks; override what you need. Raise ``CancelledError`` to stop the run."""

    def on_start(self, steps: int) -> None:
        """Hear that a run of so many steps begins."""

    def on_x0(
        self, x0: Float[Tensor, "*shape"], x: Float[Tensor, "*shape"], t: float
    ) -> Float[Tensor, "*shape"] | None:
        """See each estimate of the data; return another to replace it, or None."""
        return None

    def on_x(self, x: Float[Tensor, "*shape"], t: float) -> Float[Tensor, "*shape"] | None:
        """See the state after each step; return another to replace it, or None."""
        return None

    def on_step(self, step: Step) -> None:
        """See each finished step."""

    def on_end(self) -> None:
        """Hear that the run is over; also after an error or a cancellation."""


@dataclass(frozen=True)
class ProgressHook(Hook):
    """Reports every step to a progress sink."""

    sink: ProgressSink
    name: str = "sampling"

    def on_start(self, steps: int) -> None:
        """Start the stage."""
        self.sink.stage_started(self.name, steps)

    def on_step(self, step: Step) -> None:
        """Advance by one, with the time reached."""
        self.sink.advance(1, t=step.t)

    def on_end(self) -> None:
        """Finish the stage."""
        self.sink.stage_finished()


@dataclass(frozen=True)
class PreviewHook(Hook):
    """Hands the estimated data to ``show`` after every ``every`` steps, and after the last."""

    show: Callable[[Tensor, Step], None]
    every: int = 1

    def on_step(self, step: Step) -> None:
        """Show, if it is time to."""
        done = step.index + 1
        if done % self.every == 0 or done == step.steps:
            self.show(step.preview(), step)


@dataclass(frozen=True)
class CancelHook(Hook):
    """Stops the run after the step during which ``cancelled`` began to return True."""

    cancelled: Callable[[], bool]

    def on_step(self, step: Step) -> None:
        """Raise if asked to stop.

        Raises:
            CancelledError: ``cancelled()`` is true.
        """
        if self.cancelled():
            raise CancelledError(f"cancelled after {step.index + 1} of {step.steps} steps")


@dataclass(frozen=True)
class DynamicThreshold(Hook):
    """Keeps estimates of bounded data in their bounds without burning them in.

    ``s`` is a high quantile of ``|x_0|`` per sample, at least ``limit``; the estimate is clamped to
    ``-s..s`` and scaled to the limits (Saharia et al. 2022, arXiv 2205.11487, sec. 2.3). For grids
    of occupancy or distance and the like: latents have no bounds.

    Args:
        quantile: Share of the elements that may pass without being clamped.
        limit: The data lie in -limit..limit.
        reducer: Knows the samples.

    Raises:
        InputError: The quantile is not in 0..1, or the limit not positive.
    """

    quantile: float = 0.995
    limit: float = 1.0
    reducer: Reducer = DENSE

    def __post_init__(self) -> None:
        if not 0 <= self.quantile <= 1:
            raise InputError(f"the quantile must lie in 0..1, got {self.quantile}")
        if not self.limit > 0:
            raise InputError(f"the limit must be positive, got {self.limit}")

    def on_x0(
        self, x0: Float[Tensor, "*shape"], x: Float[Tensor, "*shape"], t: float
    ) -> Float[Tensor, "*shape"]:
        """Clamp and rescale each sample."""
        reach = self.reducer.quantile(x0.abs(), self.quantile).clamp(min=self.limit)
        scale = self.reducer.broadcast((self.limit / reach).to(x0), x0)
        return (x0 * scale).clamp(-self.limit, self.limit)
