"""Distillation by regression on stored trajectories of the teacher.

Reflow (Liu et al. 2023, arXiv 2209.03003) and rectified diffusion (Wang et al. 2024, arXiv
2410.07303) learn the jump from noise to sample; BOSS (Nguyen et al. 2024, arXiv 2312.16414,
section 3.2) the jumps between the times of a short schedule. Both regress a known end point, so
one loss does for all.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.flow.conditions import Condition
from gen3d.flow.distill.cast import Batch, Cast, Distillation, Distilled, interpolate
from gen3d.flow.distill.errors import SQUARED, ErrorNorm
from gen3d.flow.flow_maps import FlowMap
from gen3d.flow.reduce import DENSE, Reducer
from gen3d.flow.times import UNIFORM_TIMES, TimeDistribution


def jump_loss(
    student: FlowMap,
    x_t: Float[Tensor, "*shape"],
    x_r: Float[Tensor, "*shape"],
    t: Float[Tensor, " batch"],
    r: Float[Tensor, " batch"],
    cond: Condition = None,
    *,
    norm: ErrorNorm = SQUARED,
    reducer: Reducer = DENSE,
) -> Float[Tensor, " batch"]:
    """Regress the average velocity ``(x_t - x_r) / (t - r)`` of known jumps.

    Args:
        student: The flow map.
        x_t: Where the jumps start.
        x_r: Where they end.
        t: Time of the start.
        r: Time of the end, less than ``t``.
        cond: Handed to the student.
        norm: Of the error.
        reducer: Knows the samples.

    Returns:
        The error of each sample.
    """
    target = (x_t - x_r) / reducer.broadcast(t - r, x_t)
    return norm(student(x_t, t, r, cond).to(target.dtype) - target, reducer)


@dataclass(frozen=True)
class Reflow(Distillation):
    """Regress ``eps - x_0`` anywhere on the straight line between a noise and its sample.

    The improved form of 2-rectified flows (rf++, Lee et al. 2024, arXiv 2405.20320) draws times
    with ``UShapedTimes`` and weighs a Huber norm by ``1 - t``. Rectified diffusion compares the
    data instead, elementwise: ``in_data`` and ``PseudoHuber(1e-3, elementwise=True)``.

    Args:
        times: Where on the line.
        norm: Of the error.
        data_weighted: Weigh the error by ``1 - t`` (rf++).
        in_data: Measure the error of ``x_0`` rather than of the velocity.
        from_end: Ask for the jump to t = 0, rather than for the velocity; on a straight line both
            are the same.
    """

    times: TimeDistribution = UNIFORM_TIMES
    norm: ErrorNorm = SQUARED
    data_weighted: bool = False
    in_data: bool = False
    from_end: bool = False

    def __call__(self, cast: Cast, batch: Batch) -> Distilled:
        """Compare velocities on the lines of a batch of pairs."""
        x0, noise, reducer = batch.x0, batch.paired_noise(), cast.reducer
        t = self.times.sample(reducer.batch_size(x0), batch.generator).to(x0)
        x_t = interpolate(x0, noise, t, reducer)
        end = torch.zeros_like(t) if self.from_end else t
        error = cast.student(x_t, t, end, batch.cond) - (noise - x0)
        if self.in_data:
            error = reducer.broadcast(t, error) * error
        per_sample = self.norm(error, reducer)
        if self.data_weighted:
            per_sample = (1 - t) * per_sample
        loss = per_sample.mean()
        return Distilled(loss, {"reflow": loss.detach()})
