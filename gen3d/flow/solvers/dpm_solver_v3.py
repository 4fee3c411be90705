"""DPM-Solver-v3 (Zheng et al. 2023, arXiv 2310.13268): coefficients measured on the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.fields import BoundField
from gen3d.flow.paths import Path
from gen3d.flow.solvers.empirical_statistics import EmpiricalStatistics
from gen3d.flow.solvers.solver import Evaluation, History, Solver, entries
from gen3d.flow.solvers.stretch import Stretch

_F = "f of DPM-Solver-v3"
_ASSUMED = "integral of g over the step"


@dataclass(frozen=True)
class DPMSolverV3(Solver):
    """Solves the flow in the form that statistics of the model suggest; one evaluation a step.

    With ``f = (b eps - l x) / a`` and, counted from the start of the step (where L = S = B = 0),
    ``L = int l``, ``S = int s``, ``B = int e^-S q``, the quantity ``g = e^-S f - B`` is constant
    where the statistics tell all, and nearly a polynomial in lam otherwise:

        x_t = a_t e^-L_t (x_s / a_s - int e^(L+S) B dlam - int e^(L+S) g dlam).

    On Gaussian data one step of order 1 is exact. With ``l = 1, s = q = 0`` this is DPM-Solver++
    (2M in its heun flavour), with ``l = 0, s = -1, q = 0`` DPM-Solver. The corrector works as in
    `UniPC`: at the start of the next step, with the f that is asked for anyway; f stays as it is
    when that moves the state.

    Steps from pure noise, to t = 0, or otherwise beyond the grid of the statistics know no l, s and
    q. They take ``l = 1, s = q = 0`` and order 1, which is finite everywhere.

    Args:
        statistics: Of the field that is to be solved, at its guidance weight.
        order: Values of f that the predictor uses, 1 to 3.
        corrector: Whether to correct, which adds one to the order. The paper halves or drops it
            at large guidance weights.

    Raises:
        InputError: The order is not 1, 2 or 3.
    """

    statistics: EmpiricalStatistics
    order: int = 2
    corrector: bool = True
    evaluations: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.order not in (1, 2, 3):
            raise InputError(f"DPM-Solver-v3 has the orders 1 to 3, got {self.order}")

    def step(
        self, field: BoundField, x: Float[Tensor, "*shape"], s: float, t: float, history: History
    ) -> tuple[Float[Tensor, "*shape"], History]:
        """Correct the step before, then extrapolate g.

        Raises:
            InputError: ``s`` is pure data, which no solver in half-log-SNR can leave.
        """
        path, x0 = field.path, field.x0(x, s)
        plain = Stretch(path, s, t)
        if not self.statistics.cover(path.lam(s)):
            return plain.carry(x, x0), ()
        l = self.statistics.at(path.lam(s))[0].to(x)  # noqa: E741 - the paper's name
        f = (1 - l) / path.a(s) * x - x0  # which is (b eps - l x) / a
        x = self._corrected(path, x, Evaluation(s, f, _F), history)
        past = (Evaluation(s, f, _F), *_values(s, history))[: self.order + 1]
        if t == 0 or not self.statistics.cover(path.lam(t)):
            return plain.carry(x, (1 - l) / path.a(s) * x - f), past
        exact = _Integrals(self.statistics, path, s, t, past)
        assumed = exact.of_polynomial(past[: self.order])
        known = exact.of_statistics().to(x)
        scale = (path.a(t) * torch.exp(-exact.L)).to(x)
        x_t = scale * (x / path.a(s) - known - assumed)
        return x_t, (Evaluation(t, assumed, _ASSUMED), *past)

    def _corrected(self, path: Path, x: Tensor, newest: Evaluation, history: History) -> Tensor:
        s = newest.t
        assumed = [e.value for e in entries(history, _ASSUMED) if e.t == s]
        if not assumed or not self.corrector:
            return x
        past = _values(s, history)[: self.order]
        exact = _Integrals(self.statistics, path, past[0].t, s, past)
        better = exact.of_polynomial((newest, *past))
        return x - (path.a(s) * torch.exp(-exact.L)).to(x) * (better - assumed[0])


def _values(s: float, history: History) -> History:
    return tuple(entry for entry in entries(history, _F) if entry.t != s)


class _Integrals:
    """Integrals over a step of the statistics, which are linear between their nodes.

    Simpson's rule on every piece, so that they are exact to the fourth power of the spacing.

    Attributes:
        L: ``int l`` over the step.
    """

    def __init__(
        self, statistics: EmpiricalStatistics, path: Path, s: float, t: float, past: History
    ) -> None:
        self._path, self._start, self._end = path, path.lam(s), path.lam(t)
        times = [s, t, *(entry.t for entry in past)]
        marks = torch.tensor([path.lam(time) for time in times], dtype=torch.float64)
        inside = (statistics.lam > marks.min()) & (statistics.lam < marks.max())
        ends = torch.unique(torch.cat([marks, statistics.lam[inside]]))
        self._widths = ends.diff()
        self._lam = torch.stack([ends[:-1], ends[:-1] + self._widths / 2], dim=1).flatten()
        self._lam = torch.cat([self._lam, ends[-1:]])
        l, s_rate, q = statistics.at(self._lam)  # noqa: E741 - the paper's name
        self._L, self._S = self._from_start(l), self._from_start(s_rate)
        self._B = self._from_start(torch.exp(-self._S) * q)
        self.L = self._L[self._index(self._end)]

    def of_statistics(self) -> Float64[Tensor, "*one_sample"]:
        """Return ``int e^(L+S) B``."""
        return self._over_step(torch.exp(self._L + self._S) * self._B)

    def of_polynomial(self, points: Sequence[Evaluation]) -> Float[Tensor, "*shape"]:
        """Return ``int e^(L+S) g`` for the polynomial g through values of f at some times."""
        h = self._end - self._start
        offsets = (self._lam - self._start).div(h).reshape(-1, *(1,) * (self._L.ndim - 1))
        weight = torch.exp(self._L + self._S)
        moments = torch.stack([self._over_step(weight * offsets**k) for k in range(len(points))])
        at = [self._path.lam(point.t) for point in points]
        positions = (torch.tensor(at, dtype=torch.float64) - self._start) / h
        powers = positions[None] ** torch.arange(len(points))[:, None]
        weights = torch.linalg.solve(powers, moments.reshape(len(points), -1))
        total = torch.zeros_like(points[0].value)
        for share, lam, point in zip(weights.reshape(moments.shape), at, points, strict=True):
            index = self._index(lam)
            g = torch.exp(-self._S[index]).to(total) * point.value - self._B[index].to(total)
            total = total + share.to(total) * g
        return total

    def _from_start(self, values: Tensor) -> Tensor:
        """Integrate from the start of the step to everywhere."""
        left, middle, right = values[:-1:2], values[1::2], values[2::2]
        width = self._widths.reshape(-1, *(1,) * (values.ndim - 1)) / 24
        halves = torch.stack(
            [
                width * (5 * left + 8 * middle - right),
                width * (5 * right + 8 * middle - left),
            ],
            dim=1,
        ).flatten(0, 1)
        total = torch.cat([torch.zeros_like(values[:1]), halves.cumsum(0)])
        return total - total[self._index(self._start)]

    def _over_step(self, values: Tensor) -> Tensor:
        return self._from_start(values)[self._index(self._end)]

    def _index(self, lam: float) -> int:
        return int(torch.searchsorted(self._lam, self._lam.new_tensor(lam)))
