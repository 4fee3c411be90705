"""UniPC (Zhao et al. 2023, arXiv 2302.04867): a predictor and a corrector that costs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.paths import Path
from gen3d.flow.solvers.data_history import ASSUMED, DataMultistep, remembered
from gen3d.flow.solvers.solver import Evaluation, History, entries
from gen3d.flow.solvers.stretch import Stretch, weigh_all


@dataclass(frozen=True)
class UniPC(DataMultistep):
    """UniPC-p, multistep and in its data-prediction form.

    The predictor extrapolates x_0 from p values. The corrector takes x_0 at the predicted point
    into the polynomial; that value has to be asked for anyway, for the next step, which is where
    the correction is made. The state after the last step is thus the predictor's, as published,
    and N steps take N evaluations. A state that a hook has changed, or noise has been added to,
    keeps its change and is asked for x_0 as it is; the correction is merely added to it. It falls
    away where the step before was none of UniPC's.

    The first step has no past and is of order 1, the second of order 2, and so on; the step that
    reaches t = 0 is of order 1 (`stretch` says why, and how steps from pure noise are made).

    ``B_1`` and ``B_2`` differ in the corrector of order 1 and the predictor of order 2 only; for
    the rest both give the exact integral of a polynomial. From pure noise, where ``B_1`` is
    infinite, both are ``B_2``. The released third variant, ``vary_coeff``, is left out: its
    corrector reads its coefficients by an index that a loop before it has left behind, so the
    numbers published for it are of no method at all.

    Args:
        order: p, 1 to 3. The error of a run falls as ``steps ** -(p + 1)``; for p = 3 the first
            steps limit it to the third power in the end.
        kind: ``bh1``: ``B(h) = h``, ``bh2``: ``B(h) = e^h - 1``.
        corrector: Whether to correct; without, this is UniP-p.

    Raises:
        InputError: The order is not 1, 2 or 3.
    """

    order: int = 2
    kind: Literal["bh1", "bh2"] = "bh2"
    corrector: bool = True
    evaluations: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.order not in (1, 2, 3):
            raise InputError(f"UniPC has the orders 1 to 3, got {self.order}")

    def revise(
        self, path: Path, x: Float[Tensor, "*shape"], newest: Evaluation, history: History
    ) -> Float[Tensor, "*shape"]:
        """Replace what the step before assumed for the mean of x_0 by a better mean (UniC)."""
        s = newest.t
        assumed = [e.value for e in entries(history, ASSUMED) if e.t == s]
        if not assumed or not self.corrector:
            return x
        past = remembered(s, history)[: self.order]
        stretch = Stretch(path, past[0].t, s, [entry.t for entry in past])
        if len(past) == 1:
            mean = self._line(stretch, past[0].value, newest.value, 1.0)
        else:
            mean = _polynomial(stretch, (newest, *past))
        return x + stretch.gain * (mean - assumed[0])

    def guess(self, stretch: Stretch, past: History) -> Float[Tensor, "*shape"]:
        """Extrapolate (UniP)."""
        if len(past) == 2:
            position = stretch.position(past[1].t)
            return self._line(stretch, past[0].value, past[1].value, position)
        return _polynomial(stretch, past)

    def _line(self, stretch: Stretch, start: Tensor, other: Tensor, position: float) -> Tensor:
        """Mean of the line through two values, in the paper's approximation ``B(h) / 2``."""
        slope = 0.5
        if self.kind == "bh1" and stretch.h is not None:
            slope *= stretch.h * stretch.path.a(stretch.t) / stretch.gain
        return start + slope / position * (other - start)


def _polynomial(stretch: Stretch, past: History) -> Tensor:
    weights = stretch.weights([stretch.position(entry.t) for entry in past])
    return weigh_all(weights, [entry.value for entry in past])
