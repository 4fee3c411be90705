"""Methods in time that remember a velocity: two velocities a step for the price of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from gen3d.flow.fields import BoundField
from gen3d.flow.solvers.solver import Evaluation, History, Solver, entries

VELOCITY = "velocity"
PREDICTED = "velocity at the predicted point"


@dataclass(frozen=True)
class AdamsBashforth2(Solver):
    """Extrapolates the velocity from this step and the one before; steps may vary in size.

    ``x_t = x_s + dt ((1 + r/2) v_s - r/2 v_before)`` with ``r = dt / dt_before``. The first step is
    one of Euler.
    """

    order: ClassVar[int] = 2
    evaluations: ClassVar[int] = 1

    def step(
        self, field: BoundField, x: Float[Tensor, "*shape"], s: float, t: float, history: History
    ) -> tuple[Float[Tensor, "*shape"], History]:
        """Follow the straight line through the last two velocities."""
        mean = velocity = field.velocity(x, s)
        before = next((e for e in entries(history, VELOCITY) if e.t != s), None)
        if before is not None:
            mean = velocity + (t - s) / (s - before.t) / 2 * (velocity - before.value)
        return x + (t - s) * mean, (Evaluation(s, velocity, VELOCITY),)


@dataclass(frozen=True)
class PseudoCorrector(Solver):
    """Heun's method with the velocity at its start taken over from the step before.

    FlowTurbo (Zhao et al. 2024, arXiv 2409.18128): what Heun evaluated at the end of a step,
    at the point that was predicted there, opens the next step too. The first step, which inherits
    nothing, is a step of Heun and costs one evaluation more; the step that reaches t = 0 follows
    the inherited velocity and costs none. N steps to t = 0 thus take N evaluations.
    """

    order: ClassVar[int] = 2
    evaluations: ClassVar[int] = 1

    def step(
        self, field: BoundField, x: Float[Tensor, "*shape"], s: float, t: float, history: History
    ) -> tuple[Float[Tensor, "*shape"], History]:
        """Predict by the inherited velocity, then correct."""
        inherited = [entry.value for entry in entries(history, PREDICTED) if entry.t == s]
        v_s = inherited[0] if inherited else field.velocity(x, s)
        x_t = x + (t - s) * v_s
        if t == 0:
            return x_t, ()
        v_t = field.velocity(x_t, t)
        return x + (t - s) / 2 * (v_s + v_t), (Evaluation(t, v_t, PREDICTED),)
