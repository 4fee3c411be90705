"""The one formula behind all solvers in half-log-SNR: a weighted mean of x_0 over a step.

With ``lam = ln(a / b)`` the flow of every path solves (DPM-Solver++, arXiv 2211.01095, prop. 4.1)

    x_t = (b_t / b_s) x_s + a_t int_{lam_s}^{lam_t} e^(lam - lam_t) x0(lam) dlam
        = shrink x_s + gain * (mean of x0 under the weight e^lam),

with ``shrink = b_t / b_s`` and ``gain = a_t - shrink a_s``. The solvers differ only in how they
guess that mean. A mean of values of x_0 leaves the path out of it, which is why lam-space solvers
give the same on every path.

**Pure noise.** Where ``a = 0``, lam is -inf, and x_0 is no polynomial in lam. But in ``rho = a / b
= e^lam`` the flow ``d(x / b) / d rho = x0`` is regular there, and the weight of the mean is one. A
step that begins or ends at pure noise, or remembers a value from there, therefore measures its
positions in rho instead of lam; ``shrink`` and ``gain`` are the same in both. First-order steps do
not notice; Heun's and midpoint rules, Adams's and their variable-step forms result for higher ones.

**Pure data.** At t = 0, lam is inf, and any polynomial through past values says nothing. A step
that reaches t = 0 takes the newest x_0 for the mean: ``x_0 = x0_hat``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.paths import Path


class Stretch:
    """The step from ``s`` to ``t``, with positions along it: 0 at ``s``, 1 at ``t``.

    Args:
        path: Of the field.
        s: Time at the start; pure data (``b = 0``) is no start, for it tells nothing of the noise.
        t: Time at the end.
        nodes: Other times whose positions shall be asked for.

    Attributes:
        shrink: Weight of the state.
        gain: Weight of the mean of x_0.
        h: Length in lam; None where positions are measured in rho, and at t = 0.

    Raises:
        InputError: ``s`` is pure data, or ``s = t``.
    """

    def __init__(self, path: Path, s: float, t: float, nodes: Sequence[float] = ()) -> None:
        if path.b(s) == 0 or s == t:
            raise InputError(
                f"a step in half-log-SNR cannot go from t = {s} to {t}",
                hint="leave the data (t = 0) with a solver in time, such as Euler or Midpoint",
            )
        self.path, self.s, self.t = path, s, t
        self.shrink = path.b(t) / path.b(s)
        self.gain = path.a(t) - self.shrink * path.a(s)
        self._in_rho = any(path.a(time) == 0 for time in (s, t, *nodes))
        self._origin, self._end = self._coordinate(s), self._coordinate(t)
        finite = math.isfinite(self._end) and not self._in_rho
        self.h = self._end - self._origin if finite else None

    def carry(self, x: Float[Tensor, "*shape"], mean: Float[Tensor, "*shape"]) -> Tensor:
        """Return ``x_t`` for a guess of the mean."""
        return self.shrink * x + self.gain * mean

    def noise(self, x: Float[Tensor, "*shape"], x0: Float[Tensor, "*shape"]) -> Tensor:
        """Return the noise that ``x`` at ``s`` holds beside ``x0``."""
        return (x - self.path.a(self.s) * x0) / self.path.b(self.s)

    def position(self, time: float) -> float:
        """Return where a time lies; past times are negative."""
        return (self._coordinate(time) - self._origin) / (self._end - self._origin)

    def part(self, position: float) -> Stretch:
        """Return the stretch from the same start to a position on the way."""
        coordinate = self._origin + position * (self._end - self._origin)
        lam = math.log(coordinate) if self._in_rho else coordinate
        return Stretch(self.path, self.s, self.path.t_of_lam(lam))

    def moment(self, k: int) -> float:
        """Return the mean of ``position^k`` under the weight of the mean."""
        if self.h is None:
            return 1 / (k + 1)
        return exponential_moment(k, self.h)

    def weights(self, positions: Sequence[float]) -> list[float]:
        """Return the weights of values at ``positions`` in the mean of the polynomial through them.

        They solve ``sum_i w_i position_i^k = moment(k)`` for k = 0 .. n - 1.
        """
        n = len(positions)
        powers = np.vander(np.array(positions), n, increasing=True).T
        return np.linalg.solve(powers, [self.moment(k) for k in range(n)]).tolist()

    def _coordinate(self, time: float) -> float:
        if not self._in_rho:
            return self.path.lam(time)
        b = self.path.b(time)
        return self.path.a(time) / b if b else math.inf


def exponential_moment(k: int, h: float) -> float:
    """Return ``int_0^1 u^k e^(h u) du / int_0^1 e^(h u) du``.

    By parts, ``m_k = 1 / (1 - e^-h) - (k / h) m_(k-1)``; for small h, where that cancels, by the
    series ``int_0^1 u^k e^(-h (1 - u)) du = sum_j (-h)^j k! / (k + j + 1)!``.
    """
    if k == 0:
        return 1.0
    if abs(h) >= 1:
        full = 0.0 if h < -700 else -1 / math.expm1(-h)
        return full - k / h * exponential_moment(k - 1, h)
    term = total = 1 / (k + 1)
    for j in range(1, 24):
        term *= -h / (k + j + 1)
        total += term
    return total if h == 0 else total * h / -math.expm1(-h)


def weigh_all(weights: Sequence[float], values: Sequence[Float[Tensor, "*shape"]]) -> Tensor:
    """Return ``sum_i weights_i values_i``."""
    total = weights[0] * values[0]
    for weight, value in zip(weights[1:], values[1:], strict=True):
        total = total + weight * value
    return total
