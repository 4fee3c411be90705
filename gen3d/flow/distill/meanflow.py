"""MeanFlow (Geng et al. 2025, arXiv 2505.13447), from data or from a teacher's velocity."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.flow.distill.cast import Batch, Cast, Distillation, Distilled, interpolate
from gen3d.flow.distill.derivatives import FINITE_DIFFERENCE, Derivative
from gen3d.flow.distill.errors import ADAPTIVE, ErrorNorm
from gen3d.flow.times import LogitNormalTimes, TimeDistribution

_TIMES = LogitNormalTimes(-0.4, 1.0)  # the paper's


@dataclass(frozen=True)
class MeanFlow(Distillation):
    """``u = v - (t - r) du/dt`` for random pairs of times (eq. 6; loss eq. 9).

    Args:
        times: Of both ends, drawn apart and sorted.
        jump_share: Share of the samples with r < t; the others learn the velocity, r = t.
        from_teacher: v is the teacher's velocity, rather than ``eps - x_0`` of the sample. Both
            have the same minimum, but the teacher's has no variance, and carries its guidance.
        derivative: How du/dt is taken.
        norm: Of the error.
    """

    times: TimeDistribution = _TIMES
    jump_share: float = 0.5
    from_teacher: bool = True
    derivative: Derivative = FINITE_DIFFERENCE
    norm: ErrorNorm = ADAPTIVE

    def __call__(self, cast: Cast, batch: Batch) -> Distilled:
        """Draw pairs of times and compare average velocities."""
        x0, reducer = batch.x0, cast.reducer
        noise = batch.draw_noise()
        t, r = self._draw_times(batch, reducer.batch_size(x0))
        x_t = interpolate(x0, noise, t, reducer)
        if self.from_teacher:
            with torch.no_grad():
                v = cast.teacher(x_t, t, batch.cond)
        else:
            v = noise - x0
        u = cast.student(x_t, t, r, batch.cond)
        slope = self.derivative.along(
            cast.student, x_t, t, r, v, batch.cond, value=u, reducer=reducer
        )
        error = u - (v - reducer.broadcast(t - r, v) * slope)
        square = reducer.mean(error.detach().square()).mean()
        return Distilled(self.norm(error, reducer).mean(), {"meanflow_mse": square})

    def _draw_times(
        self, batch: Batch, count: int
    ) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
        generator = batch.generator
        both = torch.stack([self.times.sample(count, generator) for _ in range(2)]).to(batch.x0)
        t, r = both.amax(0), both.amin(0)
        jumps = torch.rand(count, generator=generator).to(t) < self.jump_share
        return t, torch.where(jumps, r, t)
