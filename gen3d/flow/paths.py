"""Paths between data and noise: ``x_t = a(t) x_0 + b(t) eps``, with t = 0 data and t = 1 noise."""

from __future__ import annotations

import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

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
    Both ends are exact: ``a(1) = b(0) = 0``, ``lam(0) = inf``, ``lam(1) = -inf``.
    """

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


LINEAR = LinearPath()
COSINE = CosinePath()
