"""Derivatives of a flow map along a trajectory and in its end time.

Finite differences are the default: they need one more evaluation, and run on kernels that have no
forward-mode derivative, as fused attention and our native operations. `ForwardMode` is exact where
every operation of the network has one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.conditions import Condition
from gen3d.flow.flow_maps import FlowMap
from gen3d.flow.reduce import DENSE, Reducer


class Derivative(ABC):
    """How derivatives of a flow map are taken; all answers are detached."""

    @abstractmethod
    def along(
        self,
        student: FlowMap,
        x: Float[Tensor, "*shape"],
        t: Float[Tensor, " batch"],
        r: Float[Tensor, " batch"],
        velocity: Float[Tensor, "*shape"],
        cond: Condition,
        *,
        value: Float[Tensor, "*shape"],
        reducer: Reducer = DENSE,
    ) -> Float[Tensor, "*shape"]:
        """Return the total derivative ``du/dt = v . grad_x u + d_t u`` at fixed ``r``.

        Args:
            student: The flow map u.
            x: States at ``t``.
            t: Starts of the jumps.
            r: Their ends.
            velocity: ``dx/dt`` at ``(x, t)``.
            cond: Handed to the student.
            value: ``u(x, t, r)``, which the caller has already.
            reducer: Knows the samples.
        """

    @abstractmethod
    def in_end(
        self,
        student: FlowMap,
        x: Float[Tensor, "*shape"],
        t: Float[Tensor, " batch"],
        r: Float[Tensor, " batch"],
        cond: Condition,
        *,
        value: Float[Tensor, "*shape"],
        reducer: Reducer = DENSE,
    ) -> Float[Tensor, "*shape"]:
        """Return the partial derivative ``du/dr``."""


@dataclass(frozen=True)
class FiniteDifference(Derivative):
    """``(u(t) - u(t - h)) / h``, which MDT-dist takes with h = 0.01 (arXiv 2509.04406).

    Args:
        step: h; its square is the error in float32 arithmetic, so nothing is gained below 1e-3.

    Raises:
        InputError: ``step`` is not positive.
    """

    step: float = 0.01

    def __post_init__(self) -> None:
        if not self.step > 0:
            raise InputError(f"the step of a difference must be positive, got {self.step}")

    @torch.no_grad()
    def along(
        self,
        student: FlowMap,
        x: Float[Tensor, "*shape"],
        t: Float[Tensor, " batch"],
        r: Float[Tensor, " batch"],
        velocity: Float[Tensor, "*shape"],
        cond: Condition,
        *,
        value: Float[Tensor, "*shape"],
        reducer: Reducer = DENSE,
    ) -> Float[Tensor, "*shape"]:
        """Go back along the velocity."""
        before = student(x - self.step * velocity, t - self.step, r, cond)
        return (value.detach() - before) / self.step

    @torch.no_grad()
    def in_end(
        self,
        student: FlowMap,
        x: Float[Tensor, "*shape"],
        t: Float[Tensor, " batch"],
        r: Float[Tensor, " batch"],
        cond: Condition,
        *,
        value: Float[Tensor, "*shape"],
        reducer: Reducer = DENSE,
    ) -> Float[Tensor, "*shape"]:
        """Move the end by h into the interval [0, 1]."""
        h = torch.where(r > 0.5, -self.step, self.step)
        return (student(x, t, r + h, cond) - value.detach()) / reducer.broadcast(h, value)


@dataclass(frozen=True)
class ForwardMode(Derivative):
    """``torch.func.jvp``: exact, one pass, but every operation needs a forward derivative.

    Gradients stay enabled inside, where attention keeps to operations that have one.
    """

    @torch.enable_grad()
    def along(
        self,
        student: FlowMap,
        x: Float[Tensor, "*shape"],
        t: Float[Tensor, " batch"],
        r: Float[Tensor, " batch"],
        velocity: Float[Tensor, "*shape"],
        cond: Condition,
        *,
        value: Float[Tensor, "*shape"],
        reducer: Reducer = DENSE,
    ) -> Float[Tensor, "*shape"]:
        """Push the tangent ``(v, 1)`` through."""
        tangent = torch.func.jvp(
            lambda x, t: student(x, t, r, cond), (x, t), (velocity, torch.ones_like(t))
        )[1]
        return tangent.detach()

    @torch.enable_grad()
    def in_end(
        self,
        student: FlowMap,
        x: Float[Tensor, "*shape"],
        t: Float[Tensor, " batch"],
        r: Float[Tensor, " batch"],
        cond: Condition,
        *,
        value: Float[Tensor, "*shape"],
        reducer: Reducer = DENSE,
    ) -> Float[Tensor, "*shape"]:
        """Push a 1 through the end time."""
        tangent = torch.func.jvp(lambda r: student(x, t, r, cond), (r,), (torch.ones_like(r),))[1]
        return tangent.detach()


FINITE_DIFFERENCE = FiniteDifference()
