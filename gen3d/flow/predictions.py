"""What a network predicts, and the way from any kind of prediction to any other.

At a known point ``(x, t)`` of a path all kinds are affine maps of each other, so a conversion is
one weighted sum ``p x + q value``. The weights go through the pair (x_0, eps) in float64: the
prediction gives both (``_x0_weights``, ``_eps_weights``), and both give the target.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.paths import Path, Scalar, weigh

Kind: TypeAlias = Literal["x0", "eps", "velocity", "score", "v_salimans_ho", "flow"]
Weights: TypeAlias = tuple[Scalar, Scalar]


@dataclass(frozen=True)
class Prediction:
    """A network's answer at ``(x, t)``.

    Attributes:
        kind: ``x0``: the clean data; ``eps``: the noise; ``velocity``: ``dx/dt``; ``score``:
            ``grad log p_t(x) = -eps / b``; ``v_salimans_ho``: ``a eps - b x_0`` (Salimans & Ho
            2022, arXiv 2202.00512); ``flow``: ``eps - x_0`` on any path, which is the velocity on
            the linear one.
        value: In the shape of x.
    """

    kind: Kind
    value: Float[Tensor, "*shape"]

    def to(self, kind: Kind, path: Path, x: Float[Tensor, "*shape"], t: Scalar) -> Prediction:
        """Convert to another kind.

        Args:
            kind: The kind wanted; the prediction's own kind returns it untouched.
            path: The path that the network was trained on.
            x: The point at which the prediction was made.
            t: Its time: a float, or a float64 tensor that broadcasts against ``x``.

        Raises:
            InputError: ``t`` is an end of the path at which the one does not determine the other
                (an eps-prediction of pure noise says nothing of the data). Not checked for
                tensors, which then give inf or nan.
        """
        if kind == self.kind:
            return self
        try:
            p, q = conversion_weights(self.kind, kind, path, t)
        except ZeroDivisionError as error:
            raise _undetermined(self.kind, kind, t) from error
        if not isinstance(p, Tensor) and not isinstance(q, Tensor) and not math.isfinite(p + q):
            raise _undetermined(self.kind, kind, t)
        return Prediction(kind, weigh(p, x) + weigh(q, self.value))


def _undetermined(source: Kind, target: Kind, t: Scalar) -> InputError:
    return InputError(
        f"a prediction of kind {source!r} does not determine {target!r} at t = {t}",
        hint="keep the schedule inside 0 < t < 1, or predict the velocity",
    )


def conversion_weights(source: Kind, target: Kind, path: Path, t: Scalar) -> Weights:
    """Return ``(p, q)`` with ``target = p x + q source``, computed in the precision of ``t``.

    Raises:
        ZeroDivisionError: ``t`` is a float at an end where the conversion does not exist.
    """
    if target == "x0":
        return _x0_weights(source, path, t)
    if target == "eps":
        return _eps_weights(source, path, t)
    if target == "score":
        p, q = _eps_weights(source, path, t)
        return -p / path.b(t), -q / path.b(t)
    of_x0, of_eps = _target_weights(target, path, t)
    p0, q0 = _x0_weights(source, path, t)
    p1, q1 = _eps_weights(source, path, t)
    return of_x0 * p0 + of_eps * p1, of_x0 * q0 + of_eps * q1


def _target_weights(target: Kind, path: Path, t: Scalar) -> Weights:
    if target == "velocity":
        return path.da(t), path.db(t)
    if target == "flow":
        return -1.0, 1.0
    return -path.b(t), path.a(t)


def _x0_weights(source: Kind, path: Path, t: Scalar) -> Weights:
    a, b = path.a(t), path.b(t)
    if source == "x0":
        return 0.0, 1.0
    if source == "eps":
        return 1 / a, -b / a
    if source == "velocity":
        wronskian = _wronskian(path, t)
        return -path.db(t) / wronskian, b / wronskian
    if source == "score":
        return 1 / a, b * b / a
    if source == "flow":
        return 1 / (a + b), -b / (a + b)
    return a / (a * a + b * b), -b / (a * a + b * b)


def _eps_weights(source: Kind, path: Path, t: Scalar) -> Weights:
    a, b = path.a(t), path.b(t)
    if source == "x0":
        return 1 / b, -a / b
    if source == "eps":
        return 0.0, 1.0
    if source == "velocity":
        wronskian = _wronskian(path, t)
        return path.da(t) / wronskian, -a / wronskian
    if source == "score":
        return 0.0, -b
    if source == "flow":
        return 1 / (a + b), a / (a + b)
    return b / (a * a + b * b), a / (a * a + b * b)


def _wronskian(path: Path, t: Scalar) -> Scalar:
    # Never zero, also at the ends: a falls while b rises.
    return path.da(t) * path.b(t) - path.a(t) * path.db(t)
