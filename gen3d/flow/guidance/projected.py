"""APG: guidance without the part that only makes the prediction louder."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.guidance.classifier_free import per_sample
from gen3d.flow.guidance.rule import Guidance
from gen3d.flow.reduce import Reducer

_TINY = 1e-30  # keeps 0 / 0 out


@dataclass(frozen=True)
class Projected(Guidance):
    """``v = v_c + (w - 1) (d_perp + eta d_par)`` with ``d = v_c - v_u`` split along ``v_c``.

    Adaptive projected guidance (Sadat et al. 2024, arXiv 2410.02416, alg. 1), on velocities. Its
    momentum over the steps is left out: rules have no memory.

    Args:
        weight: w, one for all or a tensor with one per sample.
        parallel: eta, the share that is kept of the part along ``v_c``; 1 and no radius give
            plain guidance.
        radius: The norm that d is shortened to, per sample; None leaves it.

    Raises:
        InputError: The radius is not positive.
    """

    weight: float | Float[Tensor, " batch"]
    parallel: float = 0.0
    radius: float | None = None

    def __post_init__(self) -> None:
        if self.radius is not None and not self.radius > 0:
            raise InputError(f"the radius must be positive, got {self.radius}")

    def active(self, t: float) -> bool:
        """Always."""
        return True

    def combine(
        self,
        v_cond: Float[Tensor, "*shape"],
        v_uncond: Float[Tensor, "*shape"],
        x: Float[Tensor, "*shape"],
        t: float,
        reducer: Reducer,
    ) -> Float[Tensor, "*shape"]:
        """Split the difference, then extrapolate from the conditional velocity."""
        difference = v_cond - v_uncond
        if self.radius is not None:
            norm = reducer.norm(difference)
            shortened = (self.radius / norm.clamp(min=self.radius)).to(x)
            difference = difference * per_sample(shortened, x, reducer)
        along = reducer.dot(difference, v_cond) / reducer.dot(v_cond, v_cond).clamp(min=_TINY)
        parallel = per_sample(along, x, reducer) * v_cond
        update = difference - (1 - self.parallel) * parallel
        return v_cond + (per_sample(self.weight, x, reducer) - 1) * update
