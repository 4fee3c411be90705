"""Coefficients-preserving sampling: part of the predicted noise is replaced by fresh noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.paths import Path
from gen3d.flow.solvers import History
from gen3d.flow.stochastic.step import Mixing, StochasticStep
from gen3d.flow.stochastic.transition import Transition


@dataclass(frozen=True)
class CoefficientsPreserving(StochasticStep):
    """``x_t = a_t x_0 + b_t (cos(pi eta/2) eps + sin(pi eta/2) z)`` (CPS, arXiv 2509.05952).

    The level of noise is right after every step, if the estimates are, and the last step ends
    without any. But replacing the same share in each of ever more steps does not tend to an SDE:
    the variance of the samples keeps a bias that no number of steps removes. For exploration, not
    for exact sampling.

    Args:
        eta: Share of fresh noise, 0 (DDIM) to 1 (all of it).

    Raises:
        InputError: ``eta`` lies outside 0..1.
    """

    eta: float = 0.7

    def __post_init__(self) -> None:
        if not 0 <= self.eta <= 1:
            raise InputError(f"eta must lie in 0..1, got {self.eta}")

    def propose(
        self,
        path: Path,
        x0: Float[Tensor, "*shape"],
        x: Float[Tensor, "*shape"],
        s: float,
        t: float,
        history: History,
    ) -> tuple[Transition, History]:
        """Keep the coefficients of the path."""
        kept = path.b(t) * math.cos(math.pi / 2 * self.eta)
        fresh = path.b(t) * math.sin(math.pi / 2 * self.eta)
        mixing = Mixing(kept / path.b(s), path.a(t) - kept * path.a(s) / path.b(s), fresh)
        return mixing.apply(x, x0), history
