"""RAAG: a weight that falls where the two velocities differ most."""

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
class RAAG(Guidance):
    """``v = v_u + w(rho) (v_c - v_u)`` with ``w = 1 + (w_max - 1) exp(-alpha rho)`` per sample.

    Ratio-aware adaptive guidance (Zhu et al. 2025, arXiv 2508.03442): ``rho = |v_c - v_u| / |v_u|``
    is largest at the first steps, where a constant weight overshoots.

    Args:
        max_weight: w_max, the weight where both velocities agree; 18 in the reference port.
        alpha: How fast the weight falls; 12 in the reference port.
        power: Of both norms in rho: 1 in the reference port, 2 in accounts of the paper.

    Raises:
        InputError: ``power`` is neither 1 nor 2, or ``alpha`` is negative.
    """

    max_weight: float = 18.0
    alpha: float = 12.0
    power: int = 1

    def __post_init__(self) -> None:
        if self.power not in (1, 2):
            raise InputError(f"the power must be 1 or 2, got {self.power}")
        if self.alpha < 0:
            raise InputError(f"alpha must not be negative, got {self.alpha}")

    def active(self, t: float) -> bool:
        """Always."""
        return True

    def weight(
        self, v_cond: Float[Tensor, "*shape"], v_uncond: Float[Tensor, "*shape"], reducer: Reducer
    ) -> Float[Tensor, " batch"]:
        """Return each sample's weight."""
        difference, base = reducer.norm(v_cond - v_uncond), reducer.norm(v_uncond)
        # Of 0 / 0 nothing follows: equal velocities need no weight.
        ratio = difference / base.clamp(min=_TINY)
        return 1 + (self.max_weight - 1) * (-self.alpha * ratio**self.power).exp()

    def combine(
        self,
        v_cond: Float[Tensor, "*shape"],
        v_uncond: Float[Tensor, "*shape"],
        x: Float[Tensor, "*shape"],
        t: float,
        reducer: Reducer,
    ) -> Float[Tensor, "*shape"]:
        """Extrapolate by each sample's own weight."""
        weight = per_sample(self.weight(v_cond, v_uncond, reducer), x, reducer)
        return v_uncond + weight * (v_cond - v_uncond)
