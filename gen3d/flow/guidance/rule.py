"""What a rule of guidance is, and a field under one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.flow.conditions import Condition, expand_condition, stack_conditions
from gen3d.flow.fields import Field
from gen3d.flow.paths import Path
from gen3d.flow.predictions import Prediction
from gen3d.flow.reduce import DENSE, Reducer

# What a rule asks the network at a time; ``both`` costs two evaluations, ``none`` nothing.
Branches: TypeAlias = Literal["both", "cond", "uncond", "none"]


class Guidance(ABC):
    """A rule of guidance. It gets the reducer, so that it can treat each sample on its own."""

    @abstractmethod
    def active(self, t: float) -> bool:
        """Tell whether the rule needs the conditional and the unconditional velocity at ``t``."""

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

    def branches(self, t: float) -> Branches:
        """Tell what to ask the network: both where the rule is active, else the condition.

        Where a rule answers ``uncond``, the unconditional velocity is the guided one; where it
        answers ``none``, the guided velocity is zero.
        """
        return "both" if self.active(t) else "cond"

    def condition(self, cond: Condition, x: Float[Tensor, "*shape"], reducer: Reducer) -> Condition:
        """Return what the conditional branch is asked under: as a rule, ``cond`` itself."""
        return cond


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
        branches = self.guidance.branches(t)
        cond = self.guidance.condition(cond, x, self.reducer)
        if branches == "none":
            return Prediction("velocity", torch.zeros_like(x))
        if branches == "uncond":
            # Conditions that do not stack come with the whole batch already.
            stacks = self.stack is stack_conditions and not self.apart
            return self.field(x, t, expand_condition(cond, self.uncond) if stacks else self.uncond)
        if branches == "cond":
            return self.field(x, t, cond)
        if self.apart:
            v_cond, v_uncond = (self._velocity(x, t, c) for c in (cond, self.uncond))
        else:
            both = self._velocity(torch.cat([x, x]), t, self.stack(cond, self.uncond))
            v_cond, v_uncond = both.chunk(2)
        return Prediction("velocity", self.guidance.combine(v_cond, v_uncond, x, t, self.reducer))

    def _velocity(self, x: Tensor, t: float, cond: Condition) -> Tensor:
        return self.field(x, t, cond).to("velocity", self.path, x, t).value
