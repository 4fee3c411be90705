"""Euler's method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from gen3d.flow.fields import BoundField
from gen3d.flow.solvers.solver import History, Solver


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


EULER = Euler()
