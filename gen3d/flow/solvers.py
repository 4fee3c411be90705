"""ODE solvers: pure functions from ``x`` at time s to ``x`` at time t.

A solver keeps no state. What a multistep method remembers is an immutable history that the caller
passes on, so a search may branch or go back by keeping a tuple. Times are Python floats (float64);
states are float32 or wider.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from jaxtyping import Float
from torch import Tensor

from gen3d.flow.fields import BoundField


@dataclass(frozen=True)
class Evaluation:
    """One entry of a history: what the field answered at time ``t``, as the solver uses it."""

    t: float
    value: Float[Tensor, "*shape"]


History: TypeAlias = tuple[Evaluation, ...]  # the newest entry first


class Solver(ABC):
    """One step of an ODE method.

    Attributes:
        order: The error of a whole run falls as ``steps ** -order``.
        evaluations: Evaluations of the field in one step.
    """

    order: ClassVar[int]
    evaluations: ClassVar[int]

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


@dataclass(frozen=True)
class Euler(Solver):
    """``x_t = x_s + (t - s) v(x_s, s)``; on the linear path the same as DDIM."""

    order: ClassVar[int] = 1
    evaluations: ClassVar[int] = 1

    def step(
        self, field: BoundField, x: Float[Tensor, "*shape"], s: float, t: float, history: History
    ) -> tuple[Float[Tensor, "*shape"], History]:
        """Follow the tangent."""
        return x + (t - s) * field.velocity(x, s), history


@dataclass(frozen=True)
class Heun(Solver):
    """An Euler step, then the mean of the velocities at both of its ends.

    The step that reaches t = 0 stays with Euler, as in Karras et al. 2022 (arXiv 2206.00364, alg.
    1): at t = 0 networks are untrained, and predictions of x_0 determine no velocity. One such
    step leaves the order at 2, and saves its second evaluation.
    """

    order: ClassVar[int] = 2
    evaluations: ClassVar[int] = 2

    def step(
        self, field: BoundField, x: Float[Tensor, "*shape"], s: float, t: float, history: History
    ) -> tuple[Float[Tensor, "*shape"], History]:
        """Predict, then correct."""
        v_s = field.velocity(x, s)
        x_t = x + (t - s) * v_s
        if t == 0:
            return x_t, history
        v_t = field.velocity(x_t, t)
        return x + (t - s) / 2 * (v_s + v_t), history


EULER = Euler()
