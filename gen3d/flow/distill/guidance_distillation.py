"""Guidance distillation: one evaluation instead of two (Meng et al. 2023, arXiv 2210.03142).

FlashVDM (arXiv 2503.16302, section 3.2) makes it the first stage: guidance and steps distilled at
once fail in 3D.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from gen3d.flow.distill.cast import Batch, Cast, Distillation, Distilled, interpolate
from gen3d.flow.distill.errors import SQUARED, ErrorNorm
from gen3d.flow.guidance import WithWeight
from gen3d.flow.times import UNIFORM_TIMES, TimeDistribution


@dataclass(frozen=True)
class GuidanceDistillation(Distillation):
    """``d(u(x_t, t, t), v_w(x_t, t))``: the student's velocity becomes the guided one.

    Args:
        times: Where velocities are compared.
        norm: Of the difference.
        weights: The guidance strength of each sample is drawn from this range and handed to both
            networks inside a `WithWeight`; None: the teacher has a fixed one.
    """

    times: TimeDistribution = UNIFORM_TIMES
    norm: ErrorNorm = SQUARED
    weights: tuple[float, float] | None = None

    def __call__(self, cast: Cast, batch: Batch) -> Distilled:
        """Compare velocities on noised data."""
        x0, reducer = batch.x0, cast.reducer
        t = self.times.sample(reducer.batch_size(x0), batch.generator).to(x0)
        x_t = interpolate(x0, batch.draw_noise(), t, reducer)
        cond = batch.cond
        if self.weights is not None:
            low, high = self.weights
            cond = WithWeight(
                cond, low + (high - low) * torch.rand(len(t), generator=batch.generator).to(t)
            )
        with torch.no_grad():
            v = cast.teacher(x_t, t, cond)
        error = self.norm(cast.student(x_t, t, t, cond) - v, reducer).mean()
        return Distilled(error, {"guidance": error.detach()})
