"""Runge-Kutta methods in time: several velocities within one step, and no memory.

At t = 0 networks are untrained, and predictions of x_0 determine no velocity. None of these
solvers therefore asks there: the step that reaches t = 0 falls back by one order, which leaves the
order of the whole run as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from gen3d.flow.fields import BoundField
from gen3d.flow.solvers.solver import History, Solver


@dataclass(frozen=True)
class Heun(Solver):
    """An Euler step, then the mean of the velocities at both of its ends.

    The step that reaches t = 0 stays with Euler, as in Karras et al. 2022 (arXiv 2206.00364, alg.
    1), and saves its second evaluation.
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


@dataclass(frozen=True)
class Midpoint(Solver):
    """The velocity half an Euler step ahead serves for the whole step, also for the last one."""

    order: ClassVar[int] = 2
    evaluations: ClassVar[int] = 2

    def step(
        self, field: BoundField, x: Float[Tensor, "*shape"], s: float, t: float, history: History
    ) -> tuple[Float[Tensor, "*shape"], History]:
        """Go half way, look, and go the whole way from the start."""
        middle = (s + t) / 2
        halfway = x + (middle - s) * field.velocity(x, s)
        return x + (t - s) * field.velocity(halfway, middle), history


@dataclass(frozen=True)
class RK4(Solver):
    """The classical Runge-Kutta method.

    The step that reaches t = 0 is Heun's of third order, whose three stages lie at 0, 1/3 and 2/3
    of the step.
    """

    order: ClassVar[int] = 4
    evaluations: ClassVar[int] = 4

    def step(
        self, field: BoundField, x: Float[Tensor, "*shape"], s: float, t: float, history: History
    ) -> tuple[Float[Tensor, "*shape"], History]:
        """Weigh four velocities as 1 : 2 : 2 : 1."""
        dt = t - s
        v1 = field.velocity(x, s)
        if t == 0:
            v2 = field.velocity(x + dt / 3 * v1, s + dt / 3)
            v3 = field.velocity(x + 2 * dt / 3 * v2, s + 2 * dt / 3)
            return x + dt / 4 * (v1 + 3 * v3), history
        v2 = field.velocity(x + dt / 2 * v1, s + dt / 2)
        v3 = field.velocity(x + dt / 2 * v2, s + dt / 2)
        v4 = field.velocity(x + dt * v3, t)
        return x + dt / 6 * (v1 + 2 * v2 + 2 * v3 + v4), history
