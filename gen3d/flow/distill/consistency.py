"""Consistency distillation in phases: the second stage of progressive flow distillation.

FlashVDM (arXiv 2503.16302, section 3.2) after phased consistency models (Wang et al. 2024, arXiv
2405.18407): time is cut into phases, and the student jumps from any time to the lower end of its
phase. Two neighbouring times on a trajectory of the teacher must land on the same point.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.distill.cast import Batch, Cast, Distillation, Distilled, interpolate
from gen3d.flow.distill.errors import HUBER, ErrorNorm
from gen3d.flow.reduce import Reducer


@dataclass(frozen=True)
class PhasedConsistency(Distillation):
    """``d(f(x_t, t -> b), f^-(x_s, s -> b))`` with ``x_s`` one Euler step of the teacher below.

    Args:
        phases: Equal phases; 5 first, then 1 (FlashVDM).
        intervals: Of the grid from which t is drawn; each neighbour lies one interval below: 100
            of the 1000 noise levels, that is, k = 10 are skipped.
        norm: Of the difference of the two end points.

    Raises:
        InputError: The intervals do not divide into the phases.
    """

    phases: int = 5
    intervals: int = 100
    norm: ErrorNorm = HUBER

    def __post_init__(self) -> None:
        if self.phases < 1 or self.intervals % self.phases:
            raise InputError(f"{self.intervals} intervals do not divide into {self.phases} phases")

    def __call__(self, cast: Cast, batch: Batch) -> Distilled:
        """Draw times from the grid and compare where neighbours land."""
        x0, reducer, cond = batch.x0, cast.reducer, batch.cond
        count = reducer.batch_size(x0)
        level = torch.randint(1, self.intervals + 1, (count,), generator=batch.generator)
        length = self.intervals // self.phases
        bound = (level - 1) // length * length
        t, s, b = ((n.double() / self.intervals).to(x0) for n in (level, level - 1, bound))
        x_t = interpolate(x0, batch.draw_noise(), t, reducer)
        end = _jump(x_t, cast.student(x_t, t, b, cond), t, b, reducer)
        with torch.no_grad():
            step = cast.teacher(x_t, t, cond)
            x_s = x_t - reducer.broadcast(t - s, x_t) * step
            # At the end of the phase the jump has no length, whatever the network says.
            slow = cast.averaged or cast.student
            target = _jump(x_s, slow(x_s, s, b, cond), s, b, reducer)
        error = self.norm(end - target, reducer).mean()
        return Distilled(error, {"consistency": error.detach()})


def _jump(
    x: Float[Tensor, "*shape"],
    u: Float[Tensor, "*shape"],
    t: Float[Tensor, " batch"],
    r: Float[Tensor, " batch"],
    reducer: Reducer,
) -> Float[Tensor, "*shape"]:
    return x - reducer.broadcast(t - r, x) * u
