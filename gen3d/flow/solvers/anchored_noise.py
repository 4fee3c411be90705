"""The sampler of improved rectified flows, which returns to its own noise at every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from gen3d.flow.fields import BoundField
from gen3d.flow.solvers.solver import Evaluation, History, Solver, entries
from gen3d.flow.solvers.stretch import Stretch

_ANCHOR = "eps"


@dataclass(frozen=True)
class AnchoredNoise(Solver):
    """``x_t = a_t x0_hat + b_t z`` with the noise ``z`` that the run began with.

    The "new" sampler of rf++ (Lee et al. 2024, arXiv 2405.20320). It is meant for straightened
    flows, where all of a line's points share one noise; on a curved flow it does *not* converge to
    the ODE's solution, however many steps it takes.
    """

    order: ClassVar[int] = 1
    evaluations: ClassVar[int] = 1

    def step(
        self, field: BoundField, x: Float[Tensor, "*shape"], s: float, t: float, history: History
    ) -> tuple[Float[Tensor, "*shape"], History]:
        """Mix the estimated data with the first step's noise.

        Raises:
            InputError: The run begins at the data, where it has no noise.
        """
        x0 = field.x0(x, s)
        anchor = entries(history, _ANCHOR)
        if not anchor:
            noise = Stretch(field.path, s, t).noise(x, x0)
            anchor = (Evaluation(s, noise, _ANCHOR),)
        return field.path.interpolate(x0, anchor[0].value, t), anchor[:1]
