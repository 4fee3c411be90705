"""SDE-DPM-Solver++: exact exponential steps of the diffusion SDE in the half-log-SNR."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.paths import Path
from gen3d.flow.solvers import Evaluation, History
from gen3d.flow.stochastic.step import Mixing, StochasticStep
from gen3d.flow.stochastic.transition import Transition


@dataclass(frozen=True)
class SDEDPMSolver(StochasticStep):
    """SDE-DPM-Solver++ of order 1 or 2M (Lu et al. 2022, arXiv 2211.01095, eqs. 18 and 19).

    With ``h = lam_t - lam_s``, ``k = (1 + eta) h``, m the estimate of the data now and m' the one
    before, ``r = h' / h``:

        mean:      (b_t / b_s) e^(-eta h) x + a_t (1 - e^-k) m + correction
        std:       b_t sqrt(1 - e^(-2 eta h))
        midpoint:  a_t (1 - e^-k) (m - m') / (2 r)
        heun:      a_t (1 - (1 - e^-k) / k) (m - m') / r

    The strength ``eta`` is k-diffusion's: 1 is the paper's SDE, 0 the ODE solver of the same order.
    Both ends are exact: from pure noise the step forgets the state, and at t = 0 it lands on m.
    The first step of a run, and the last to t = 0, are of order 1.

    Args:
        order: 1 or 2; the weak order of a run.
        correction: Kind of the second-order term.
        eta: Strength of the noise, not negative.

    Raises:
        InputError: ``order``, ``correction`` or ``eta`` is out of range.
    """

    order: int = 2
    correction: Literal["midpoint", "heun"] = "midpoint"
    eta: float = 1.0

    def __post_init__(self) -> None:
        if self.order not in (1, 2):
            raise InputError(f"SDE-DPM-Solver++ has order 1 or 2, got {self.order}")
        if self.correction not in ("midpoint", "heun"):
            raise InputError(f"the correction must be midpoint or heun, got {self.correction!r}")
        if not self.eta >= 0:
            raise InputError(f"eta must not be negative, got {self.eta}")

    def propose(
        self,
        path: Path,
        x0: Float[Tensor, "*shape"],
        x: Float[Tensor, "*shape"],
        s: float,
        t: float,
        history: History,
    ) -> tuple[Transition, History]:
        """Integrate the linear part exactly."""
        h = path.lam(t) - path.lam(s)
        damping = math.exp(-self.eta * h) if self.eta else 1.0
        gain = path.a(t) * -math.expm1(-(1 + self.eta) * h)
        fresh = path.b(t) * math.sqrt(-math.expm1(-2 * self.eta * h)) if self.eta else 0.0
        kernel = Mixing(path.b(t) / path.b(s) * damping, gain, fresh).apply(x, x0)
        weight = self._weight(path, h, gain, s, t, history)
        if weight:
            kernel = Transition(kernel.mean + weight * (x0 - history[0].value), kernel.std)
        return kernel, (Evaluation(s, x0),) if self.order == 2 else history

    def _weight(
        self, path: Path, h: float, gain: float, s: float, t: float, history: History
    ) -> float:
        """Return the weight of ``m - m'``; 0 where the step is of first order."""
        if self.order == 1 or not history or math.isinf(h):
            return 0.0
        ratio = (path.lam(s) - path.lam(history[0].t)) / h
        if self.correction == "midpoint":
            return gain / (2 * ratio)
        return (path.a(t) - gain / ((1 + self.eta) * h)) / ratio
