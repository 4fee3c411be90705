"""Steps of the reverse-time SDEs that share the marginals of a flow.

For any ``g(t) >= 0`` the process ``dx = (v - g^2/2 score) dt + g dw``, run backwards in time, has
the marginals of the flow ``dx = v dt`` (Song et al. 2021, arXiv 2011.13456, section 4.3; Ma et al.
2024, arXiv 2401.08740, eq. 5). One Euler-Maruyama step of length ``d = s - t`` is

    x_t = x - d v + (d g^2 / 2) score + g sqrt(d) z,    score = -eps / b.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.paths import Path
from gen3d.flow.solvers import History
from gen3d.flow.stochastic.step import Mixing, StochasticStep
from gen3d.flow.stochastic.transition import Transition


class DiffusionStep(StochasticStep):
    """An Euler-Maruyama step with some coefficient g, on any path."""

    @abstractmethod
    def coefficient(self, path: Path, s: float, t: float) -> float:
        """Return g for the step from ``s`` to ``t``."""

    def propose(
        self,
        path: Path,
        x0: Float[Tensor, "*shape"],
        x: Float[Tensor, "*shape"],
        s: float,
        t: float,
        history: History,
    ) -> tuple[Transition, History]:
        """Add the score's drift to the flow's."""
        return self.mixing(path, s, t).apply(x, x0), history

    def mixing(self, path: Path, s: float, t: float) -> Mixing:
        """Return the weights of the step.

        With ``eps = (x - a x_0) / b`` the step is a weighted sum of the state and the data.
        """
        a, b, length = path.a(s), path.b(s), s - t
        g = self.coefficient(path, s, t)
        of_eps = -length * (path.db(s) + g * g / (2 * b))
        of_data = -length * path.da(s)
        return Mixing(1 + of_eps / b, of_data - of_eps * a / b, g * math.sqrt(length))


@dataclass(frozen=True)
class FlowSDE(DiffusionStep):
    """``g = eta sqrt(t / (1 - t))``: Flow-GRPO (Liu et al. 2025, arXiv 2505.05470, eq. 9), pi_RL.

    At t = 1, where that is infinite, the released code puts the next time of the grid into the
    denominator, and so does this. For paths whose time runs from 0 to 1.

    Args:
        eta: Strength of the noise; 0.7 in Flow-GRPO and MixGRPO, 0.5 in pi_RL; 0 is the flow.

    Raises:
        InputError: ``eta`` is negative.
    """

    eta: float = 0.7

    def __post_init__(self) -> None:
        _check("eta", self.eta)

    def coefficient(self, path: Path, s: float, t: float) -> float:
        """``eta sqrt(s / (1 - s))``, with t in place of s = 1 in the denominator."""
        return self.eta * math.sqrt(s / (1 - (t if s == 1 else s)))


@dataclass(frozen=True)
class ConstantSDE(DiffusionStep):
    """``g = eta`` at all times: DanceGRPO (Xue et al. 2025, arXiv 2505.07818).

    Args:
        eta: Strength of the noise; 0.3 is usual; 0 is the flow.

    Raises:
        InputError: ``eta`` is negative.
    """

    eta: float = 0.3

    def __post_init__(self) -> None:
        _check("eta", self.eta)

    def coefficient(self, path: Path, s: float, t: float) -> float:
        """``eta``."""
        return self.eta


@dataclass(frozen=True)
class PowerSDE(DiffusionStep):
    """``g = scale t^power``: Rollover Budget Forcing (Kim et al. 2025, arXiv 2503.19385).

    Its best is ``3 t^2`` on the variance-preserving path.

    Args:
        scale: Strength of the noise.
        power: 2 is the paper's "square", 1 its "linear", 0 its "constant".

    Raises:
        InputError: A number is negative.
    """

    scale: float = 3.0
    power: float = 2.0

    def __post_init__(self) -> None:
        _check("scale", self.scale)
        _check("power", self.power)

    def coefficient(self, path: Path, s: float, t: float) -> float:
        """``scale s^power``."""
        return self.scale * s**self.power


@dataclass(frozen=True)
class ShapedSDE(DiffusionStep):
    """The other coefficients that Kim et al. 2025 (arXiv 2503.19385) tried.

    ``sigma``: b(t); ``sin``: sin(pi t / 2); ``clipping``: max(0, 2 t - 1); ``exp``:
    ``exp(-((1 - t) / width)^2)``; ``tan``: ``tan(pi/2 min(t, 0.95))``; all times ``scale``.

    Args:
        shape: Which one.
        scale: Strength of the noise.
        width: Of ``exp``.

    Raises:
        InputError: ``scale`` is negative, ``width`` is not positive, or the shape is unknown.
    """

    shape: Literal["sigma", "sin", "clipping", "exp", "tan"]
    scale: float = 1.0
    width: float = 0.5

    def __post_init__(self) -> None:
        _check("scale", self.scale)
        if not self.width > 0:
            raise InputError(f"the width must be positive, got {self.width}")
        if self.shape not in ("sigma", "sin", "clipping", "exp", "tan"):
            raise InputError(
                f"unknown shape {self.shape!r}", hint="shapes: sigma, sin, clipping, exp, tan"
            )

    def coefficient(self, path: Path, s: float, t: float) -> float:
        """The chosen shape at ``s``."""
        if self.shape == "sigma":
            value = path.b(s)
        elif self.shape == "sin":
            value = math.sin(math.pi / 2 * s)
        elif self.shape == "clipping":
            value = max(0.0, 2 * s - 1)
        elif self.shape == "exp":
            value = math.exp(-(((1 - s) / self.width) ** 2))
        else:
            value = math.tan(math.pi / 2 * min(s, 0.95))
        return self.scale * value


def _check(name: str, value: float) -> None:
    if not value >= 0:
        raise InputError(f"{name} must not be negative, got {value}")
