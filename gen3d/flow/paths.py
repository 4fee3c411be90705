"""Paths between data and noise: ``x_t = a(t) x_0 + b(t) eps``, with t = 0 data and t = 1 noise."""

from __future__ import annotations

import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError

Scalar: TypeAlias = float | Tensor
Time = TypeVar("Time", float, Tensor, Scalar)
AnyPath = TypeVar("AnyPath", bound="Path")


def _on_floats_too(
    formula: Callable[[AnyPath, Tensor], Tensor],
) -> Callable[[AnyPath, Time], Time]:
    """Let a formula on tensors also take a Python float, which it then answers in float64."""

    @functools.wraps(formula)
    def evaluate(path: AnyPath, t: Any) -> Any:
        if isinstance(t, Tensor):
            return formula(path, t)
        return formula(path, torch.tensor(t, dtype=torch.float64)).item()

    return evaluate


def weigh(weight: Scalar, x: Tensor) -> Tensor:
    """Return ``weight * x`` in the dtype of ``x``: weights are float64, states need not be."""
    return (weight.to(x) if isinstance(weight, Tensor) else weight) * x


class Path(ABC):
    """Schedule of an interpolant, with its derivatives and its half-log-SNR ``lam = ln(a / b)``.

    Every method takes a float and returns a float (float64 arithmetic: the host scalars of the
    solvers), or takes a tensor and works element by element (the times of a training batch).
    Where a path reaches pure data or pure noise, it does so exactly: on the linear and the cosine
    path ``a(1) = b(0) = 0``, ``lam(0) = inf``, ``lam(1) = -inf``.

    Attributes:
        last: The greatest time that the path knows.
    """

    last: ClassVar[float] = 1.0

    @abstractmethod
    def a(self, t: Time) -> Time:
        """Weight of the data."""

    @abstractmethod
    def b(self, t: Time) -> Time:
        """Weight of the noise."""

    @abstractmethod
    def da(self, t: Time) -> Time:
        """Derivative of ``a``."""

    @abstractmethod
    def db(self, t: Time) -> Time:
        """Derivative of ``b``."""

    @abstractmethod
    def lam(self, t: Time) -> Time:
        """Half-log-SNR ``ln(a / b)``, falling from inf to -inf."""

    @abstractmethod
    def t_of_lam(self, lam: Time) -> Time:
        """Inverse of ``lam``."""

    def interpolate(
        self, x0: Float[Tensor, "*shape"], eps: Float[Tensor, "*shape"], t: Scalar
    ) -> Float[Tensor, "*shape"]:
        """Return ``x_t = a x_0 + b eps``; a tensor ``t`` must broadcast against ``x0``."""
        return weigh(self.a(t), x0) + weigh(self.b(t), eps)

    def velocity(
        self, x0: Float[Tensor, "*shape"], eps: Float[Tensor, "*shape"], t: Scalar
    ) -> Float[Tensor, "*shape"]:
        """Return ``dx_t/dt = a' x_0 + b' eps``; a tensor ``t`` must broadcast against ``x0``."""
        return weigh(self.da(t), x0) + weigh(self.db(t), eps)


@dataclass(frozen=True)
class LinearPath(Path):
    """``a = 1 - t, b = t``: rectified flow, straight lines (Liu et al. 2022, arXiv 2209.03003)."""

    @_on_floats_too
    def a(self, t: Tensor) -> Tensor:
        """``1 - t``."""
        return 1 - t

    @_on_floats_too
    def b(self, t: Tensor) -> Tensor:
        """``t``."""
        return t

    @_on_floats_too
    def da(self, t: Tensor) -> Tensor:
        """``-1``."""
        return torch.full_like(t, -1.0)

    @_on_floats_too
    def db(self, t: Tensor) -> Tensor:
        """``1``."""
        return torch.ones_like(t)

    @_on_floats_too
    def lam(self, t: Tensor) -> Tensor:
        """``ln(1 - t) - ln t``."""
        return torch.log1p(-t) - torch.log(t)

    @_on_floats_too
    def t_of_lam(self, lam: Tensor) -> Tensor:
        """``1 / (1 + e^lam)``."""
        return torch.sigmoid(-lam)


@dataclass(frozen=True)
class CosinePath(Path):
    """``a = cos(pi t/2), b = sin(pi t/2)``: constant variance (GVP; SiT, arXiv 2401.08740).

    ``cos(pi t/2)`` is computed as ``sin(pi (1 - t)/2)``, which is exactly zero at t = 1.
    """

    @_on_floats_too
    def a(self, t: Tensor) -> Tensor:
        """``cos(pi t/2)``."""
        return _quarter_sine(1 - t)

    @_on_floats_too
    def b(self, t: Tensor) -> Tensor:
        """``sin(pi t/2)``."""
        return _quarter_sine(t)

    @_on_floats_too
    def da(self, t: Tensor) -> Tensor:
        """``-pi/2 sin(pi t/2)``."""
        return -math.pi / 2 * _quarter_sine(t)

    @_on_floats_too
    def db(self, t: Tensor) -> Tensor:
        """``pi/2 cos(pi t/2)``."""
        return math.pi / 2 * _quarter_sine(1 - t)

    @_on_floats_too
    def lam(self, t: Tensor) -> Tensor:
        """``ln cos(pi t/2) - ln sin(pi t/2)``."""
        return torch.log(_quarter_sine(1 - t)) - torch.log(_quarter_sine(t))

    @_on_floats_too
    def t_of_lam(self, lam: Tensor) -> Tensor:
        """``2/pi atan(e^-lam)``."""
        return 2 / math.pi * torch.atan(torch.exp(-lam))


def _quarter_sine(t: Tensor) -> Tensor:
    return torch.sin(math.pi / 2 * t)


@dataclass(frozen=True)
class OffsetLinearPath(Path):
    """``a = 1 - t, b = sigma_min + (1 - sigma_min) t``: a little noise remains at t = 0.

    Lipman et al. 2023 (arXiv 2210.02747, sec. 4.1), and TRELLIS (arXiv 2412.01506).

    Args:
        sigma_min: The weight of the noise at t = 0.

    Raises:
        InputError: Not ``0 < sigma_min < 1``.
    """

    sigma_min: float = 1e-5

    def __post_init__(self) -> None:
        if not 0 < self.sigma_min < 1:
            raise InputError(f"sigma_min must lie between 0 and 1, got {self.sigma_min}")

    @_on_floats_too
    def a(self, t: Tensor) -> Tensor:
        """``1 - t``."""
        return 1 - t

    @_on_floats_too
    def b(self, t: Tensor) -> Tensor:
        """``sigma_min + (1 - sigma_min) t``."""
        return self.sigma_min * (1 - t) + t

    @_on_floats_too
    def da(self, t: Tensor) -> Tensor:
        """``-1``."""
        return torch.full_like(t, -1.0)

    @_on_floats_too
    def db(self, t: Tensor) -> Tensor:
        """``1 - sigma_min``."""
        return torch.full_like(t, 1 - self.sigma_min)

    @_on_floats_too
    def lam(self, t: Tensor) -> Tensor:
        """``ln(1 - t) - ln b``; at t = 0 it is ``-ln sigma_min``."""
        return torch.log1p(-t) - torch.log(self.sigma_min * (1 - t) + t)

    @_on_floats_too
    def t_of_lam(self, lam: Tensor) -> Tensor:
        """``(1 - sigma_min e^lam) / (1 + (1 - sigma_min) e^lam)``, both over ``1 + e^lam``."""
        rest = self.sigma_min * torch.sigmoid(lam)
        return (torch.sigmoid(-lam) - rest) / (1 - rest)


@dataclass(frozen=True)
class VPPath(Path):
    """``a = e^(-T/2), b = sqrt(1 - e^-T)`` with ``T = beta_min t + (beta_max - beta_min) t^2 / 2``.

    The variance-preserving diffusion of Song et al. 2021 (arXiv 2011.13456, app. C). At t = 1 a
    little of the data remains (``lam(1)`` is about -5); at t = 0 ``b`` rises infinitely steeply,
    and a velocity there says nothing.

    Args:
        beta_min: Rate of diffusion at t = 0.
        beta_max: Rate of diffusion at t = 1.

    Raises:
        InputError: Not ``0 < beta_min < beta_max``.
    """

    beta_min: float = 0.1
    beta_max: float = 20.0

    def __post_init__(self) -> None:
        if not 0 < self.beta_min < self.beta_max:
            raise InputError(
                f"the rates must rise from above 0, got {self.beta_min} and {self.beta_max}"
            )

    @_on_floats_too
    def a(self, t: Tensor) -> Tensor:
        """``e^(-T/2)``."""
        return torch.exp(-self._exponent(t) / 2)

    @_on_floats_too
    def b(self, t: Tensor) -> Tensor:
        """``sqrt(1 - e^-T)``."""
        return torch.sqrt(-torch.expm1(-self._exponent(t)))

    @_on_floats_too
    def da(self, t: Tensor) -> Tensor:
        """``-T'/2 a``."""
        return -self._rate(t) / 2 * torch.exp(-self._exponent(t) / 2)

    @_on_floats_too
    def db(self, t: Tensor) -> Tensor:
        """``T'/2 e^-T / b``; infinite at t = 0."""
        exponent = self._exponent(t)
        return self._rate(t) / 2 * torch.exp(-exponent) / torch.sqrt(-torch.expm1(-exponent))

    @_on_floats_too
    def lam(self, t: Tensor) -> Tensor:
        """``-ln(e^T - 1) / 2``, in a form that does not overflow."""
        exponent = self._exponent(t)
        return -(exponent + torch.log(-torch.expm1(-exponent))) / 2

    @_on_floats_too
    def t_of_lam(self, lam: Tensor) -> Tensor:
        """Solve ``T = ln(1 + e^(-2 lam))`` for t."""
        exponent = torch.logaddexp(torch.zeros_like(lam), -2 * lam)
        slope = self.beta_max - self.beta_min
        # The textbook root (-beta_min + root) / slope loses all digits near t = 0.
        root = torch.sqrt(self.beta_min**2 + 2 * slope * exponent)
        return torch.where(exponent.isinf(), exponent, 2 * exponent / (self.beta_min + root))

    def _exponent(self, t: Tensor) -> Tensor:
        return t * (self.beta_min + (self.beta_max - self.beta_min) * t / 2)

    def _rate(self, t: Tensor) -> Tensor:
        return self.beta_min + (self.beta_max - self.beta_min) * t


@dataclass(frozen=True)
class EDMPath(Path):
    """``a = 1, b = t``: the noise grows on top of the data (Karras et al. 2022, arXiv 2206.00364).

    The time is the noise level and may exceed 1; no time is pure noise.
    """

    last: ClassVar[float] = math.inf

    @_on_floats_too
    def a(self, t: Tensor) -> Tensor:
        """``1``."""
        return torch.ones_like(t)

    @_on_floats_too
    def b(self, t: Tensor) -> Tensor:
        """``t``."""
        return t

    @_on_floats_too
    def da(self, t: Tensor) -> Tensor:
        """``0``."""
        return torch.zeros_like(t)

    @_on_floats_too
    def db(self, t: Tensor) -> Tensor:
        """``1``."""
        return torch.ones_like(t)

    @_on_floats_too
    def lam(self, t: Tensor) -> Tensor:
        """``-ln t``."""
        return -torch.log(t)

    @_on_floats_too
    def t_of_lam(self, lam: Tensor) -> Tensor:
        """``e^-lam``."""
        return torch.exp(-lam)


LINEAR = LinearPath()
COSINE = CosinePath()
VP = VPPath()
EDM = EDMPath()
