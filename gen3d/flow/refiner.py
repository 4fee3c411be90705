"""FlowTurbo's velocity refiner: a small network that updates a velocity instead of asking anew.

Zhao et al. 2024 (arXiv 2409.18128, sec. 3.2): along a trajectory the velocity hardly changes, so a
network of a twentieth of the size, which sees the point and the last velocity, can predict the
change: ``v(x_t, t) ~ v_last + g([x_t, v_last], t)``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.conditions import Condition
from gen3d.flow.fields import BoundField, Field
from gen3d.flow.paths import Path
from gen3d.flow.predictions import Prediction
from gen3d.flow.reduce import DENSE, Reducer
from gen3d.flow.solvers import Evaluation, History, Solver
from gen3d.flow.solvers.linear_multistep import PREDICTED, VELOCITY

# (x, last velocity, times of shape (batch,), condition) -> the change of the velocity.
Refiner: TypeAlias = Callable[[Tensor, Tensor, Tensor, Condition], Tensor]
MAX_GAP = 0.12  # longest time between the two velocities that the paper trains for


@dataclass(frozen=True)
class RefinedField:
    """A field that updates a known velocity; the field it stands for is not asked.

    Args:
        field: The field that is stood for; gives the path.
        refiner: The small network.
        last: A velocity from nearby.
        reducer: Tells how many samples there are.
    """

    field: Field
    refiner: Refiner
    last: Float[Tensor, "*shape"]
    reducer: Reducer = DENSE

    @property
    def path(self) -> Path:
        """The path of the field that is stood for."""
        return self.field.path

    def __call__(self, x: Tensor, t: float, cond: Condition = None) -> Prediction:
        """Predict the velocity: the last one and its change."""
        times = torch.full((self.reducer.batch_size(x),), t, dtype=x.dtype, device=x.device)
        return Prediction("velocity", self.last + self.refiner(x, self.last, times, cond))


@dataclass(frozen=True)
class RefinerStep(Solver):
    """Heun's step with both of its velocities from the refiner: no evaluation of the field.

    ``d = v + g([x, v], s)``, ``y = x + (t - s) d``, ``d' = d + g([y, d], t)``, and
    ``x_t = x + (t - s) (d + d') / 2``. The last velocity v is the newest that
    AdamsBashforth2, PseudoCorrector or this step itself left in the history, to which d' is added
    for the next one; a step without asks the field. At t = 0 the step ends at y, as Heun's does.

    Args:
        refiner: The small network.
        reducer: Tells how many samples there are.
    """

    refiner: Refiner
    reducer: Reducer = DENSE

    order: ClassVar[int] = 2  # if the refiner is exact
    evaluations: ClassVar[int] = 0

    def step(
        self, field: BoundField, x: Float[Tensor, "*shape"], s: float, t: float, history: History
    ) -> tuple[Float[Tensor, "*shape"], History]:
        """Update the velocity twice."""
        known = [entry for entry in history if entry.kind in (VELOCITY, PREDICTED)]
        nearby = self._refined(field, known[0].value) if known else field
        d_s = nearby.velocity(x, s)
        x_t = x + (t - s) * d_s
        if t == 0:
            return x_t, (Evaluation(s, d_s, VELOCITY),)
        d_t = self._refined(field, d_s).velocity(x_t, t)
        return x + (t - s) / 2 * (d_s + d_t), (Evaluation(t, d_t, PREDICTED),)

    def _refined(self, field: BoundField, last: Tensor) -> BoundField:
        refined = RefinedField(field.field, self.refiner, last, self.reducer)
        return BoundField(refined, field.cond, field.on_x0)


def refiner_loss(
    refiner: Refiner,
    field: Field,
    x0: Float[Tensor, "*shape"],
    noise: Float[Tensor, "*shape"],
    cond: Condition = None,
    *,
    generator: torch.Generator,
    max_gap: float = MAX_GAP,
    reducer: Reducer = DENSE,
) -> Float[Tensor, ""]:
    """Regress the change of a teacher's velocity over one short Euler step to the data.

    With ``t`` and ``t' = t - gap``, ``x' = x_t + (t' - t) v(x_t, t)``:
    ``E |v(x_t, t) + g([x', v(x_t, t)], t') - v(x', t')|^2`` (FlowTurbo, eq. 8).

    Args:
        refiner: The small network, to be trained.
        field: The teacher; guided if the samples shall be. Fields have one time for the batch, so
            a batch shares its time and gap, as in the paper's code.
        x0: Data.
        noise: In its shape.
        cond: Handed to both.
        generator: A CPU generator, for the time and the gap.
        max_gap: The gap is uniform between 0 and this, and ends at t = 0.
        reducer: Knows the samples.

    Raises:
        InputError: ``max_gap`` is not in 0..1.
    """
    if not 0 < max_gap <= 1:
        raise InputError(f"the longest gap must lie in 0..1, got {max_gap}")
    drawn = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
    t, later = drawn[0], max(drawn[0] - max_gap * drawn[1], 0.0)
    with torch.no_grad():
        x_t = field.path.interpolate(x0, noise, t)
        teacher = BoundField(field, cond)
        last = teacher.velocity(x_t, t)
        x_later = x_t + (later - t) * last
        target = teacher.velocity(x_later, later)
    guess = BoundField(RefinedField(field, refiner, last, reducer), cond)
    return reducer.mean((guess.velocity(x_later, later) - target).square()).mean()
