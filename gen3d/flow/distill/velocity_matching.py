"""MDT-dist (arXiv 2509.04406): velocity matching and velocity distillation.

Velocity matching (VM): the displacement ``(t - r) u(x_t, t, r)`` grows along the teacher's
trajectory at the teacher's velocity, so ``u + (t - r) du/dt = v``. Velocity distillation (VD):
noised samples of the student shall have the teacher's velocity; the student's own velocity
``u + t du/dt`` takes the place of a critic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.flow.conditions import Condition
from gen3d.flow.distill.cast import Batch, Cast, Distillation, Distilled, interpolate
from gen3d.flow.distill.derivatives import FINITE_DIFFERENCE, Derivative
from gen3d.flow.times import LogitNormalTimes, TimeDistribution

Stabiliser = Literal["none", "rms", "released"]


_TIMES = LogitNormalTimes(1.0, 1.0)  # leans to the noise, as released


@dataclass(frozen=True)
class VelocityMatching(Distillation):
    """VM, and with ``distillation_weight`` VD; the ends of jumps are ``ends``.

    Args:
        times: Of the starts.
        ends: Every sample gets one of them that lies below its start; 0 alone in the paper.
        distillation_weight: lambda of VD; 0 leaves it out.
        derivative: How du/dt is taken.
        stabiliser: ``none``: the paper's equation; ``rms``: the derivative's RMS is limited to
            ``limit`` per sample; ``released``: as the released code does, the derivative of a
            whole sample is scaled to a length below 1, which all but removes it from large latents.
        limit: See ``stabiliser``.
        exact_factor: Weigh VD by the ``1 - t`` of dx_t/dx_0, which the released code drops.
        share_draws: VD reuses the time and noise of VM, as the released code does.
    """

    times: TimeDistribution = _TIMES
    ends: tuple[float, ...] = (0.0,)
    distillation_weight: float = 0.0
    derivative: Derivative = FINITE_DIFFERENCE
    stabiliser: Stabiliser = "none"
    limit: float = 4.0
    exact_factor: bool = True
    share_draws: bool = False

    def __call__(self, cast: Cast, batch: Batch) -> Distilled:
        """Match velocities on noised data, and distil them on noised samples of the student."""
        x0, reducer = batch.x0, cast.reducer
        noise, t = batch.draw_noise(), self._draw_times(batch, reducer.batch_size(x0))
        x_t = interpolate(x0, noise, t, reducer)
        r = self._draw_ends(t, batch.generator)
        u = cast.student(x_t, t, r, batch.cond)
        v, slope = self._velocities(cast, x_t, t, r, batch.cond, u)
        target = v - reducer.broadcast(t - r, x0) * slope
        matching = reducer.mean((u - target).square()).mean()
        if self.distillation_weight == 0:
            return Distilled(matching, {"vm": matching.detach()})
        if not self.share_draws:
            noise, t = batch.draw_noise(), self._draw_times(batch, len(t))
        distilling, gap = self._distil(cast, batch, noise, t)
        loss = matching + self.distillation_weight * distilling
        return Distilled(loss, {"vm": matching.detach(), "vd_gap": gap})

    def _distil(
        self, cast: Cast, batch: Batch, noise: Tensor, t: Tensor
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """Return a term whose gradient is ``2 (1 - t) e du/dtheta`` per element, and ``E e^2``."""
        reducer, student = cast.reducer, cast.student
        fresh = batch.draw_noise()
        one, zero = torch.ones_like(t), torch.zeros_like(t)
        u_1 = student(fresh, one, zero, batch.cond)
        with torch.no_grad():
            x_t = interpolate(fresh - u_1, noise, t, reducer)
            u = student(x_t, t, zero, batch.cond)
            v, slope = self._velocities(cast, x_t, t, zero, batch.cond, u)
            gap = u + reducer.broadcast(t, u) * slope - v
            push = gap * reducer.broadcast(1 - t, gap) if self.exact_factor else gap
        square = reducer.mean((push + u_1 - u_1.detach()).square()).mean()
        # Only the gradient of the square is meant; its value would hide that of VM in a log.
        return square - square.detach(), reducer.mean(gap.square()).mean()

    def _velocities(
        self, cast: Cast, x: Tensor, t: Tensor, r: Tensor, cond: Condition, u: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the teacher's velocity and the student's derivative along it, stabilised."""
        with torch.no_grad():
            v = cast.teacher(x, t, cond)
        slope = self.derivative.along(cast.student, x, t, r, v, cond, value=u, reducer=cast.reducer)
        reducer = cast.reducer
        if self.stabiliser == "none":
            return v, slope
        if self.stabiliser == "released":
            scale = 1 / (reducer.norm(slope) + 0.1)
        else:
            rms = reducer.mean(slope.square()).sqrt()
            scale = (self.limit / rms.clamp(min=1e-12)).clamp(max=1)
        return v, slope * reducer.broadcast(scale.to(slope.dtype), slope)

    def _draw_times(self, batch: Batch, count: int) -> Float[Tensor, " batch"]:
        # The difference needs a little room below t.
        room = getattr(self.derivative, "step", 0.0)
        t = room + (1 - room) * self.times.sample(count, batch.generator)
        return t.to(batch.x0)

    def _draw_ends(
        self, t: Float[Tensor, " batch"], generator: torch.Generator
    ) -> Float[Tensor, " batch"]:
        ends = t.new_tensor(sorted(self.ends))
        below = (ends[None] < t[:, None]).sum(1).clamp(min=1)
        draw = torch.rand(len(t), generator=generator).to(t)
        return ends[(draw * below).long()]
