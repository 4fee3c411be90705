"""Which steps of a run are stochastic, and so trained, in which iteration.

MixGRPO (Li et al. 2025, arXiv 2507.21802) trains a few steps at a time: noise, and with it credit,
is confined to a window, all other steps follow the flow. Windows are functions of the iteration,
so a run that is resumed goes on where it was. The last step of a run is never trained: its noise
vanishes with t.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch

from gen3d.errors import InputError


class Window(ABC):
    """A rule that picks the stochastic steps."""

    @abstractmethod
    def at(self, iteration: int, steps: int, generator: torch.Generator) -> range:
        """Return the indices of the stochastic steps of one iteration.

        Args:
            iteration: Counts from 0.
            steps: Steps of a run.
            generator: A CPU generator of this iteration.

        Raises:
            InputError: The window does not fit into so many steps.
        """


@dataclass(frozen=True)
class AllSteps(Window):
    """Every step but the last: Flow-GRPO and DanceGRPO."""

    def at(self, iteration: int, steps: int, generator: torch.Generator) -> range:
        """Return all trainable steps."""
        return range(_last_start(1, steps) + 1)


@dataclass(frozen=True)
class FrozenWindow(Window):
    """Always the same steps: MixGRPO-Flash* keeps those at the start of the run.

    Args:
        size: Steps in the window.
        start: The first of them.
    """

    size: int = 4
    start: int = 0

    def at(self, iteration: int, steps: int, generator: torch.Generator) -> range:
        """Return the window."""
        if not 0 <= self.start <= _last_start(self.size, steps):
            raise InputError(
                f"a window of {self.size} steps from {self.start} does not fit into the first "
                f"{steps - 1} of {steps}"
            )
        return range(self.start, self.start + self.size)


@dataclass(frozen=True)
class RandomWindow(Window):
    """A window anywhere.

    With ``size`` 1 this is the credit assignment of pi_RL's Flow-SDE (arXiv 2510.25889): one
    random step of the chain is stochastic, and its log-probability stands for the whole chain's.

    Args:
        size: Steps in the window.
    """

    size: int = 4

    def at(self, iteration: int, steps: int, generator: torch.Generator) -> range:
        """Draw where the window starts."""
        last = _last_start(self.size, steps)
        start = int(torch.randint(last + 1, (), generator=generator))
        return range(start, start + self.size)


@dataclass(frozen=True)
class SlidingWindow(Window):
    """A window that moves from noise to data, where each stay may be shorter than the one before.

    Stay at start l of the S trainable starts: ``none``: ``stay``; ``linear``: ``stay`` falling to
    ``shortest`` in proportion to l / S; ``exponential``: ``ceil(stay exp(-rate max(0, l -
    threshold)))``. After the last position it begins anew, or stays there.

    Args:
        size: Steps in the window; 4 as published.
        stay: Iterations at the first position; 25 as published.
        stride: Steps to move by.
        decay: How stays shorten.
        shortest: Of ``linear``.
        rate: Of ``exponential``.
        threshold: Of ``exponential``.
        roll_back: Begin anew after the last position.

    Raises:
        InputError: A number is not positive.
    """

    size: int = 4
    stay: int = 25
    stride: int = 1
    decay: Literal["none", "linear", "exponential"] = "none"
    shortest: int = 1
    rate: float = 0.1
    threshold: int = 13
    roll_back: bool = True

    def __post_init__(self) -> None:
        for name in ("stay", "stride", "shortest"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")

    def at(self, iteration: int, steps: int, generator: torch.Generator) -> range:
        """Return the window of an iteration."""
        last = _last_start(self.size, steps)
        starts = range(0, last + 1, self.stride)
        stays = [self.stay_at(start, last + 1) for start in starts]
        left = iteration % sum(stays) if self.roll_back else min(iteration, sum(stays) - 1)
        for start, stay in zip(starts, stays, strict=True):
            if left < stay:
                return range(start, start + self.size)
            left -= stay
        raise AssertionError("the stays cover every iteration")

    def stay_at(self, start: int, count: int) -> int:
        """Return the iterations spent at one of ``count`` positions."""
        if self.decay == "linear":
            progress = start / count
            return max(self.shortest, int(self.stay * (1 - progress) + self.shortest * progress))
        if self.decay == "exponential":
            return math.ceil(self.stay * math.exp(-self.rate * max(0, start - self.threshold)))
        return self.stay


def _last_start(size: int, steps: int) -> int:
    """Return the last position of a window; the last step of the run stays outside of it.

    Raises:
        InputError: There is none.
    """
    if not 1 <= size <= steps - 1:
        raise InputError(
            f"a window of {size} steps needs a run of at least {max(size, 1) + 1}, got {steps}"
        )
    return steps - 1 - size
