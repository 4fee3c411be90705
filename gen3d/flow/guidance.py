"""Guidance: rules that combine a conditional and an unconditional velocity."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.conditions import Condition, stack_conditions
from gen3d.flow.fields import Field
from gen3d.flow.paths import Path
from gen3d.flow.predictions import Prediction
from gen3d.flow.reduce import DENSE, Reducer


class Guidance(ABC):
    """A rule of guidance. It gets the reducer, so that it can treat each sample on its own."""

    @abstractmethod
    def active(self, t: float) -> bool:
        """Tell whether the rule needs the unconditional velocity at ``t``."""

    @abstractmethod
    def combine(
        self,
        v_cond: Float[Tensor, "*shape"],
        v_uncond: Float[Tensor, "*shape"],
        x: Float[Tensor, "*shape"],
        t: float,
        reducer: Reducer,
    ) -> Float[Tensor, "*shape"]:
        """Return the guided velocity at ``(x, t)``."""


@dataclass(frozen=True)
class ClassifierFree(Guidance):
    """``v = v_u + w (v_c - v_u)`` inside an interval of time, ``v_c`` outside.

    Ho & Salimans 2022 (arXiv 2207.12598); the interval is from Kynkaanniemi et al. 2024 (arXiv
    2404.07724).

    Args:
        weight: w, one for all or a tensor with one per sample. The number 1 means no guidance and
            costs one evaluation instead of two.
        interval: ``(low, high)`` in time, both ends included.

    Raises:
        InputError: Not ``0 <= low <= high <= 1``.
    """

    weight: float | Float[Tensor, " batch"]
    interval: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        low, high = self.interval
        if not 0 <= low <= high <= 1:
            raise InputError(
                f"the guidance interval must lie in 0..1 and rise, got {low} and {high}"
            )

    def active(self, t: float) -> bool:
        """Tell whether ``t`` lies in the interval and w is not 1."""
        low, high = self.interval
        return low <= t <= high and (isinstance(self.weight, Tensor) or self.weight != 1)

    def combine(
        self,
        v_cond: Float[Tensor, "*shape"],
        v_uncond: Float[Tensor, "*shape"],
        x: Float[Tensor, "*shape"],
        t: float,
        reducer: Reducer,
    ) -> Float[Tensor, "*shape"]:
        """Extrapolate from the unconditional through the conditional velocity."""
        weight = self.weight
        if isinstance(weight, Tensor):
            weight = reducer.broadcast(weight.to(x), x)
        return v_uncond + weight * (v_cond - v_uncond)


@dataclass(frozen=True)
class Guided:
    """A field under guidance.

    While the rule is active, both halves go through the wrapped field in one call, the
    conditional half first; else the condition goes alone. Where the unconditional branch has a
    cheaper form of its own, whose condition does not stack with the other, ``apart`` makes it a
    call of its own.

    Args:
        field: The field to be guided.
        guidance: The rule.
        uncond: The condition that stands for "none".
        reducer: Handed to the rule.
        stack: Joins two conditions along the batch; sparse networks that keep coordinates in
            their condition bring their own.
        apart: Ask for the two halves one after the other.
    """

    field: Field
    guidance: Guidance
    uncond: Condition
    reducer: Reducer = DENSE
    stack: Callable[[Condition, Condition], Condition] = stack_conditions
    apart: bool = False

    @property
    def path(self) -> Path:
        """The wrapped field's path."""
        return self.field.path

    def __call__(self, x: Tensor, t: float, cond: Condition = None) -> Prediction:
        """Predict the guided velocity, or the field's own kind where the rule rests."""
        if not self.guidance.active(t):
            return self.field(x, t, cond)
        if self.apart:
            v_cond, v_uncond = (self._velocity(x, t, c) for c in (cond, self.uncond))
        else:
            both = self._velocity(torch.cat([x, x]), t, self.stack(cond, self.uncond))
            v_cond, v_uncond = both.chunk(2)
        return Prediction("velocity", self.guidance.combine(v_cond, v_uncond, x, t, self.reducer))

    def _velocity(self, x: Tensor, t: float, cond: Condition) -> Tensor:
        return self.field(x, t, cond).to("velocity", self.path, x, t).value
