"""Stochastic steps: from a state at time s to the distribution of the state at time t."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from gen3d.flow.fields import BoundField
from gen3d.flow.paths import Path
from gen3d.flow.solvers import History
from gen3d.flow.stochastic.transition import Transition


class StochasticStep(ABC):
    """One step of a sampler with fresh noise in it.

    Every rule here needs one estimate of the data at ``(x, s)`` and nothing else. `propose` takes
    it ready made, so that a search which has scored the estimate pays for it once, and may draw
    any number of successors from one state.

    Attributes:
        evaluations: Evaluations of the field in one step.
    """

    evaluations: ClassVar[int] = 1

    def transition(
        self, field: BoundField, x: Float[Tensor, "*shape"], s: float, t: float, history: History
    ) -> tuple[Transition, History]:
        """Evaluate the field once and return the kernel from ``s`` to ``t``.

        Args:
            field: Gives the estimate of the data.
            x: The state at ``s``.
            s: The time now, above 0.
            t: The time to reach, less than ``s``.
            history: Of the steps before; ``()`` at the start.

        Returns:
            The kernel and the history for the next step.
        """
        return self.propose(field.path, field.x0(x, s), x, s, t, history)

    @abstractmethod
    def propose(
        self,
        path: Path,
        x0: Float[Tensor, "*shape"],
        x: Float[Tensor, "*shape"],
        s: float,
        t: float,
        history: History,
    ) -> tuple[Transition, History]:
        """Return the kernel for a given estimate ``x0`` of the data at ``(x, s)``."""


@dataclass(frozen=True)
class Mixing:
    """The mean of a kernel as ``state x + data x_0``, with scalars in float64.

    Attributes:
        state: Weight of the state.
        data: Weight of the estimated data.
        std: The kernel's standard deviation.
    """

    state: float
    data: float
    std: float

    def apply(self, x: Float[Tensor, "*shape"], x0: Float[Tensor, "*shape"]) -> Transition:
        """Return the kernel."""
        return Transition(self.state * x + self.data * x0, self.std)
