"""What a solver is: a pure function from ``x`` at time s to ``x`` at time t.

A solver keeps no state. What a multistep method remembers is an immutable history that the caller
passes on, so a search may branch or go back by keeping a tuple. Times are Python floats (float64);
states are float32 or wider.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TypeAlias

from jaxtyping import Float
from torch import Tensor

from gen3d.flow.fields import BoundField


@dataclass(frozen=True)
class Evaluation:
    """One entry of a history.

    Attributes:
        t: The time that the value belongs to.
        value: What the field answered, as the solver uses it.
        kind: What the value is. A solver reads only the kinds that it writes, so that a run may
            change from one solver to another.
    """

    t: float
    value: Float[Tensor, "*shape"]
    kind: str = "x0"


History: TypeAlias = tuple[Evaluation, ...]  # the newest entry first


def entries(history: History, kind: str) -> History:
    """Return what a history holds of one kind, newest first."""
    return tuple(entry for entry in history if entry.kind == kind)


class Solver(ABC):
    """One step of an ODE method.

    Attributes:
        order: Between smooth ends, the error of a run falls as ``steps ** -order`` or faster.
        evaluations: Evaluations of the field in one step; the first or the last step of a run may
            differ, as the solvers say.
    """

    order: int
    evaluations: int

    @abstractmethod
    def step(
        self, field: BoundField, x: Float[Tensor, "*shape"], s: float, t: float, history: History
    ) -> tuple[Float[Tensor, "*shape"], History]:
        """Go from time ``s`` to time ``t``.

        Args:
            field: Gives the velocity or the estimate of the data.
            x: The state at ``s``.
            s: The time now.
            t: The time to reach; usually less.
            history: Of the steps before; ``()`` at the start.

        Returns:
            The state at ``t`` and the history for the next step.
        """
