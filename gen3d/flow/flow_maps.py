"""Flow maps: networks that know whole jumps from time t to time r, and the solver for them.

A flow map answers with the average velocity ``u(x_t, t, r) = (x_t - x_r) / (t - r)`` along the
trajectory through ``x_t`` (MeanFlow, Geng et al. 2025, arXiv 2505.13447, eq. 3), so that
``x_r = x_t - (t - r) u``. At r = t it is the velocity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.flow.conditions import Condition
from gen3d.flow.fields import BoundField
from gen3d.flow.paths import LINEAR, Path
from gen3d.flow.predictions import Prediction
from gen3d.flow.reduce import DENSE, Reducer
from gen3d.flow.solvers import History, Solver


class FlowMap(Protocol):
    """A network ``(x, t, r, cond) -> average velocity``."""

    def __call__(
        self,
        x: Float[Tensor, "*shape"],
        t: Float[Tensor, " batch"],
        r: Float[Tensor, " batch"],
        cond: Condition,
        /,
    ) -> Float[Tensor, "*shape"]:
        """Return the average velocity of each sample from its ``t`` to its ``r``, ``r <= t``."""
        ...


@dataclass(frozen=True)
class FlowMapField:
    """A flow map as a field, to be sampled with `Jump`.

    Args:
        network: The flow map.
        path: The path that its teacher was trained on.
        reducer: Tells how many samples ``x`` holds.
        dtype: In which the network wants ``x``; None leaves it.

    Example:
        >>> field = FlowMapField(student.average_velocity)
        >>> latents = sample(field, noise, steps=2, cond=text, solver=Jump()).x0
    """

    network: FlowMap
    path: Path = LINEAR
    reducer: Reducer = DENSE
    dtype: torch.dtype | None = None

    def __call__(self, x: Tensor, t: float, cond: Condition = None) -> Prediction:
        """Predict the velocity, as the jump of no length."""
        return Prediction("velocity", self.average_velocity(x, t, t, cond))

    def average_velocity(self, x: Tensor, t: float, r: float, cond: Condition = None) -> Tensor:
        """Run the network once, for the jump from ``t`` to ``r``."""
        start = x.new_full((self.reducer.batch_size(x),), t)
        end = torch.full_like(start, r)
        return self.network(x.to(self.dtype or x.dtype), start, end, cond).to(x.dtype)


@dataclass(frozen=True)
class EndpointField(FlowMapField):
    """A flow map whose estimate of the data is the end of its jump to t = 0.

    A velocity points to the mean of all data that a state may come from; the end of the trajectory
    is one of them, sharp from the first step on. So a search can tell early how good it will be.
    """

    def __call__(self, x: Tensor, t: float, cond: Condition = None) -> Prediction:
        """Predict the average velocity down to t = 0."""
        return Prediction("velocity", self.average_velocity(x, t, 0.0, cond))


@dataclass(frozen=True)
class Jump(Solver):
    """``x_t = x_s - (s - t) u(x_s, s, t)``: exact in any number of steps, if the flow map is."""

    order: ClassVar[int] = 1
    evaluations: ClassVar[int] = 1

    def step(
        self, field: BoundField, x: Float[Tensor, "*shape"], s: float, t: float, history: History
    ) -> tuple[Float[Tensor, "*shape"], History]:
        """Jump once.

        Raises:
            InputError: The field is no flow map.
        """
        return x - (s - t) * field.average_velocity(x, s, t), history
