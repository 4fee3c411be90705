"""Classifier-free guidance: constant, in an interval, by steps, rescaled."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.conditions import Condition
from gen3d.flow.guidance.rule import Branches, Guidance
from gen3d.flow.reduce import Reducer


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
        _check_interval(*self.interval)

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
        return v_uncond + per_sample(self.weight, x, reducer) * (v_cond - v_uncond)


@dataclass(frozen=True)
class StepwiseClassifierFree(Guidance):
    """Classifier-free guidance with a weight for each step, as a search or a fit has found them.

    Args:
        times: Of the schedule that the weights were found for, falling.
        weights: ``weights[i]`` holds at ``times[i] >= t > times[i + 1]``, so that a step's second
            evaluation at its end belongs to the next step; the last one holds down to 0. The
            weights 1 and 0 cost one evaluation, the conditional and the unconditional one.

    Raises:
        InputError: There is not one weight for each step, or the times do not fall.
    """

    times: tuple[float, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.times) != len(self.weights) + 1:
            raise InputError(
                f"expected a weight per step ({len(self.times) - 1}), got {len(self.weights)}"
            )
        if any(s <= t for s, t in itertools.pairwise(self.times)):
            raise InputError(f"the times must fall, got {self.times}")

    def weight(self, t: float) -> float:
        """Return the weight at ``t``."""
        ends = self.times[1:-1]
        return self.weights[sum(t <= end for end in ends)]

    def active(self, t: float) -> bool:
        """Tell whether the weight at ``t`` is neither 0 nor 1."""
        return self.weight(t) not in (0, 1)

    def branches(self, t: float) -> Branches:
        """Ask one branch alone where the weight says that the other has no part."""
        if self.active(t):
            return "both"
        return "cond" if self.weight(t) == 1 else "uncond"

    def combine(
        self,
        v_cond: Float[Tensor, "*shape"],
        v_uncond: Float[Tensor, "*shape"],
        x: Float[Tensor, "*shape"],
        t: float,
        reducer: Reducer,
    ) -> Float[Tensor, "*shape"]:
        """Extrapolate by the weight of the step."""
        return v_uncond + self.weight(t) * (v_cond - v_uncond)


@dataclass(frozen=True)
class Interval(Guidance):
    """Any rule, inside an interval of time only; the condition goes alone outside.

    Kynkaanniemi et al. 2024 (arXiv 2404.07724).

    Args:
        rule: The rule.
        low: Lowest time at which it holds.
        high: Highest time at which it holds.

    Raises:
        InputError: Not ``0 <= low <= high <= 1``.
    """

    rule: Guidance
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        _check_interval(self.low, self.high)

    def active(self, t: float) -> bool:
        """Tell whether ``t`` lies in the interval and the rule is active there."""
        return self.low <= t <= self.high and self.rule.active(t)

    def branches(self, t: float) -> Branches:
        """Ask what the rule asks inside the interval."""
        return self.rule.branches(t) if self.low <= t <= self.high else "cond"

    def condition(self, cond: Condition, x: Float[Tensor, "*shape"], reducer: Reducer) -> Condition:
        """Return what the rule makes of the condition."""
        return self.rule.condition(cond, x, reducer)

    def combine(
        self,
        v_cond: Float[Tensor, "*shape"],
        v_uncond: Float[Tensor, "*shape"],
        x: Float[Tensor, "*shape"],
        t: float,
        reducer: Reducer,
    ) -> Float[Tensor, "*shape"]:
        """Leave it to the rule."""
        return self.rule.combine(v_cond, v_uncond, x, t, reducer)


@dataclass(frozen=True)
class Rescaled(Guidance):
    """Gives a guided velocity back the spread of the conditional one.

    ``g' = phi g std(v_c) / std(g) + (1 - phi) g``, per sample, against the overexposure that large
    weights cause (Lin et al. 2023, arXiv 2305.08891, eq. 15-16, there on predictions of other
    kinds).

    Args:
        rule: The rule whose velocity is rescaled.
        phi: Between 0 (the rule alone) and 1.

    Raises:
        InputError: ``phi`` is out of range.
    """

    rule: Guidance
    phi: float = 0.7

    def __post_init__(self) -> None:
        if not 0 <= self.phi <= 1:
            raise InputError(f"phi must lie in 0..1, got {self.phi}")

    def active(self, t: float) -> bool:
        """Tell whether the rule is active."""
        return self.rule.active(t)

    def branches(self, t: float) -> Branches:
        """Ask what the rule asks."""
        return self.rule.branches(t)

    def condition(self, cond: Condition, x: Float[Tensor, "*shape"], reducer: Reducer) -> Condition:
        """Return what the rule makes of the condition."""
        return self.rule.condition(cond, x, reducer)

    def combine(
        self,
        v_cond: Float[Tensor, "*shape"],
        v_uncond: Float[Tensor, "*shape"],
        x: Float[Tensor, "*shape"],
        t: float,
        reducer: Reducer,
    ) -> Float[Tensor, "*shape"]:
        """Rescale what the rule gives; a sample without spread stays as it is."""
        guided = self.rule.combine(v_cond, v_uncond, x, t, reducer)
        spread = reducer.std(guided)
        ratio = reducer.std(v_cond) / spread.where(spread > 0, 1)
        factor = (self.phi * ratio + 1 - self.phi).where(spread > 0, 1)
        return guided * per_sample(factor, guided, reducer)


def per_sample(
    values: float | Float[Tensor, " batch"], x: Float[Tensor, "*shape"], reducer: Reducer
) -> float | Tensor:
    """Bring one value per sample to the dtype of ``x``, ready to be multiplied with it."""
    return reducer.broadcast(values.to(x), x) if isinstance(values, Tensor) else values


def _check_interval(low: float, high: float) -> None:
    if not 0 <= low <= high <= 1:
        raise InputError(f"the guidance interval must lie in 0..1 and rise, got {low} and {high}")
