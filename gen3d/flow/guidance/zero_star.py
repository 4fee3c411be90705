"""CFG-Zero*: an optimised scale of the unconditional velocity, and a first step of zero."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.guidance.classifier_free import per_sample
from gen3d.flow.guidance.rule import Branches, Guidance
from gen3d.flow.reduce import Reducer
from gen3d.flow.schedules import Schedule

_EPS = 1e-8  # of the released code


@dataclass(frozen=True)
class CFGZeroStar(Guidance):
    """``v = s v_u + w (v_c - s v_u)`` with ``s = <v_c, v_u> / |v_u|^2`` per sample.

    Fan et al. 2025 (arXiv 2503.18886, eq. 9-10): s makes the unconditional velocity, as an
    estimate of the conditional one, as good as a scale can. Where the flow is too young to be
    trusted, early in the run, the velocity is zero ("zero-init"), and the network is not asked.

    Args:
        weight: w, one for all or a tensor with one per sample.
        zero_above: The velocity is zero at times above this; 1 never. `on_grid` finds it.
    """

    weight: float | Float[Tensor, " batch"]
    zero_above: float = 1.0

    @classmethod
    def on_grid(
        cls,
        weight: float | Float[Tensor, " batch"],
        schedule: Schedule,
        steps: int,
        *,
        zero_steps: int = 1,
        published: bool = False,
    ) -> CFGZeroStar:
        """Let exactly the first ``zero_steps`` steps of a run stand still.

        Args:
            weight: w.
            schedule: Of the run.
            steps: Of the run.
            zero_steps: K; the paper has about 4 % of the steps.
            published: Count as the released code does, whose test ``i <= zero_steps`` zeroes one
                step more than it says.

        Raises:
            InputError: No step would be left to move.
        """
        still = zero_steps + published
        if not 0 <= still < steps:
            raise InputError(f"{still} of {steps} steps cannot stand still")
        return cls(weight, schedule.grid(steps)[still].item())

    def active(self, t: float) -> bool:
        """Tell whether the flow moves at ``t``."""
        return t <= self.zero_above

    def branches(self, t: float) -> Branches:
        """Ask for nothing while the flow stands still."""
        return "both" if self.active(t) else "none"

    def combine(
        self,
        v_cond: Float[Tensor, "*shape"],
        v_uncond: Float[Tensor, "*shape"],
        x: Float[Tensor, "*shape"],
        t: float,
        reducer: Reducer,
    ) -> Float[Tensor, "*shape"]:
        """Scale the unconditional velocity, then extrapolate."""
        scale = reducer.dot(v_cond, v_uncond) / (reducer.dot(v_uncond, v_uncond) + _EPS)
        scaled = per_sample(scale, x, reducer) * v_uncond
        return scaled + per_sample(self.weight, x, reducer) * (v_cond - scaled)
