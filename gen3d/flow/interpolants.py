"""Sampling along another path than the one that a network was trained on."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.conditions import Condition
from gen3d.flow.fields import Field
from gen3d.flow.paths import Path
from gen3d.flow.predictions import Prediction


@dataclass(frozen=True)
class OnPath:
    """A field as it looks on another path.

    Points of equal signal-to-noise ratio correspond: ``x`` at time s of the new path is ``x / c``
    at time ``t_s = P.t(Q.lam(s))`` of the old path P, with ``c = Q.b(s) / P.b(t_s)``. The estimates
    of data and noise are the same at both, so the velocity follows from them. Kim et al. 2025
    (arXiv 2503.19385) write the same with the derivatives of ``t_s`` and ``c``.

    Args:
        field: The field on its own path.
        path: The path to see it on.
    """

    field: Field
    path: Path

    def __call__(self, x: Tensor, t: float, cond: Condition = None) -> Prediction:
        """Ask at the corresponding point.

        Raises:
            InputError: The field's path does not reach the noise level of ``t``.
        """
        own = self.field.path
        own_t = own.t_of_lam(self.path.lam(t))
        if own_t > own.last + 1e-9 or own_t < -1e-9:
            raise InputError(
                f"time {t} is noisier or cleaner than any time of the field's own path",
                hint="start or end the schedule where that path still has the half-log-SNR",
            )
        own_t = min(max(own_t, 0.0), own.last)
        # Both b vanish at the data and both a at the noise; their lengths never do.
        scale = math.hypot(own.a(own_t), own.b(own_t)) / math.hypot(self.path.a(t), self.path.b(t))
        own_x = scale * x
        prediction = self.field(own_x, own_t, cond)
        if prediction.kind in ("x0", "eps"):
            return prediction
        if prediction.kind == "score":
            return prediction.to("eps", own, own_x, own_t)
        x0, eps = (prediction.to(kind, own, own_x, own_t).value for kind in ("x0", "eps"))
        return Prediction("velocity", self.path.velocity(x0, eps, t))
