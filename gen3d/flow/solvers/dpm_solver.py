"""DPM-Solver++ (Lu et al. 2022, arXiv 2211.01095): solvers in half-log-SNR that predict the data.

`stretch` has the formula that they share, and says what they do at pure noise and at pure data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.fields import BoundField
from gen3d.flow.solvers.data_history import ASSUMED, X0, DataMultistep, remembered
from gen3d.flow.solvers.solver import Evaluation, History, Solver
from gen3d.flow.solvers.stretch import Stretch, weigh_all

Flavour: TypeAlias = Literal["midpoint", "heun"]


@dataclass(frozen=True)
class DPMSolverSingle(Solver):
    """DPM-Solver++ 1, 2S and 3S: looks ahead within the step, and needs no history.

    The steps that look ahead do so at lam_s + h/2 (2S) or at one and two thirds of h (3S); from
    pure noise, at such shares of the way in a / b. The step that reaches t = 0 is of order 1 and
    costs one evaluation.

    Args:
        order: 1, 2 or 3; also the evaluations of a step.
        flavour: How 2S weighs its two values: ``midpoint`` takes the second alone (the paper's alg.
            1), ``heun`` integrates the line through both.

    Raises:
        InputError: The order is not 1, 2 or 3.
    """

    order: int = 2
    flavour: Flavour = "midpoint"

    def __post_init__(self) -> None:
        if self.order not in (1, 2, 3):
            raise InputError(f"DPM-Solver++ singlestep has the orders 1 to 3, got {self.order}")

    @property
    def evaluations(self) -> int:
        """As many as the order."""
        return self.order

    def step(
        self, field: BoundField, x: Float[Tensor, "*shape"], s: float, t: float, history: History
    ) -> tuple[Float[Tensor, "*shape"], History]:
        """Look ahead as often as the order asks, then go."""
        stretch = Stretch(field.path, s, t)
        m = field.x0(x, s)
        mean = m
        if t != 0 and self.order == 2:
            m1 = _look(field, x, stretch.part(1 / 2), m)
            slope = 1 / 2 if self.flavour == "midpoint" else stretch.moment(1)
            mean = m + slope / (1 / 2) * (m1 - m)
        elif t != 0 and self.order == 3:
            m1 = _look(field, x, stretch.part(1 / 3), m)
            ahead = stretch.part(2 / 3)  # in which m1 lies half way
            m2 = _look(field, x, ahead, m + ahead.moment(1) / (1 / 2) * (m1 - m))
            mean = m + stretch.moment(1) / (2 / 3) * (m2 - m)
        return stretch.carry(x, mean), history


def _look(field: BoundField, x: Tensor, ahead: Stretch, mean: Tensor) -> Tensor:
    """Return x_0 at the end of a stretch, reached by a guess of its mean."""
    return field.x0(ahead.carry(x, mean), ahead.t)


def singlestep_orders(evaluations: int, *, order: int = 3, to_data: bool = True) -> tuple[int, ...]:
    """Spend a budget of evaluations on singlestep solvers of the given order, and a rest of lower.

    As the authors' code does: for order 3 and n evaluations, n // 3 + 1 steps of orders 3, .., 3
    and finally 2, 1 (n divisible by 3), 1 (remainder 1) or 2 (remainder 2).

    Args:
        evaluations: The budget, at least 1.
        order: The highest order, 1 to 3.
        to_data: The last step reaches t = 0, where it can only use one evaluation: a last 2
            becomes 1, 1.

    Raises:
        InputError: A number is out of range.
    """
    if evaluations < 1 or order not in (1, 2, 3):
        raise InputError(
            f"expected a positive budget and an order of 1 to 3, got {evaluations} and {order}"
        )
    full, rest = divmod(evaluations, order)
    orders = [order] * full + [rest] * (rest > 0)
    if order == 3 and rest == 0:
        orders[-1:] = [2, 1]
    if to_data and orders[-1] > 1:
        orders[-1:] = [orders[-1] - 1, 1]
    return tuple(orders)


@dataclass(frozen=True)
class DPMSolverPlan(Solver):
    """Singlestep solvers of various orders, one after the other.

    A run makes exactly as many steps as there are orders; `singlestep_orders` plans them.

    Args:
        orders: The order of each step.

    Raises:
        InputError: There are no orders, or one is not 1, 2 or 3.
    """

    orders: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.orders or not set(self.orders) <= {1, 2, 3}:
            raise InputError(f"a plan needs orders of 1 to 3, got {self.orders}")

    @property
    def order(self) -> int:
        """The lowest order but for the last step, whose error counts once."""
        return min(self.orders[:-1], default=1)

    @property
    def evaluations(self) -> int:
        """The most that a step takes."""
        return max(self.orders)

    def step(
        self, field: BoundField, x: Float[Tensor, "*shape"], s: float, t: float, history: History
    ) -> tuple[Float[Tensor, "*shape"], History]:
        """Make the step whose turn it is.

        Raises:
            InputError: All steps of the plan have been made.
        """
        done = len(history)
        if done >= len(self.orders):
            raise InputError(
                f"this plan has {len(self.orders)} steps", hint="sample with steps=len(orders)"
            )
        x_t, _ = DPMSolverSingle(self.orders[done]).step(field, x, s, t, ())
        return x_t, (Evaluation(t, x_t, "state"), *history)


@dataclass(frozen=True)
class DPMSolverMulti(DataMultistep):
    """DPM-Solver++ 2M and 3M: extrapolates x_0 from past steps; one evaluation a step.

    2M of flavour ``midpoint`` is the published one, and is UniP-2 with B_2(h). 3M integrates the
    parabola through three values. The published code of 3M (the authors', diffusers, k-diffusion's
    3M-SDE) gives the second divided difference half of its weight, and begins with a step of first
    order; each alone makes it a method of second order. Here the weight is right, and the first
    step is 2S, which costs one evaluation more.

    Args:
        order: 2 or 3.
        flavour: How two values are weighed; with ``heun`` the line through them is integrated.
        published: Repeat both defects of the published 3M.

    Raises:
        InputError: The order is not 2 or 3.
    """

    order: int = 2
    flavour: Flavour = "midpoint"
    published: bool = False
    evaluations: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.order not in (2, 3):
            raise InputError(f"DPM-Solver++ multistep has the orders 2 and 3, got {self.order}")

    def step(
        self, field: BoundField, x: Float[Tensor, "*shape"], s: float, t: float, history: History
    ) -> tuple[Float[Tensor, "*shape"], History]:
        """Look ahead in the first step of 3M; else advance by what is known."""
        if self.order < 3 or self.published or t == 0 or remembered(s, history):
            return super().step(field, x, s, t, history)
        stretch = Stretch(field.path, s, t)
        m = field.x0(x, s)
        m1 = _look(field, x, stretch.part(1 / 2), m)
        return stretch.carry(x, m1), (Evaluation(t, m1, ASSUMED), Evaluation(s, m, X0))

    def guess(self, stretch: Stretch, past: History) -> Float[Tensor, "*shape"]:
        """Extrapolate."""
        values = [entry.value for entry in past]
        positions = [stretch.position(entry.t) for entry in past]
        if len(past) == 2 and self.flavour == "midpoint":
            return values[0] + 0.5 / positions[1] * (values[1] - values[0])
        weights = stretch.weights(positions)
        if len(past) == 3 and self.published:
            weights = _published_weights(stretch, positions)
        return weigh_all(weights, values)


def _published_weights(stretch: Stretch, positions: list[float]) -> list[float]:
    """Weights with half of the second divided difference missing."""
    whole = stretch.weights(positions)
    curvature = [
        1 / ((p - positions[i - 1]) * (p - positions[i - 2])) for i, p in enumerate(positions)
    ]
    missing = stretch.moment(2) / 2
    return [w - missing * c for w, c in zip(whole, curvature, strict=True)]
