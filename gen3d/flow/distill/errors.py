"""Errors per sample that students are trained by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.reduce import DENSE, Reducer


class ErrorNorm(ABC):
    """Turns a difference into one number per sample."""

    @abstractmethod
    def __call__(
        self, difference: Float[Tensor, "*shape"], reducer: Reducer = DENSE
    ) -> Float[Tensor, " batch"]:
        """Return the error of each sample, the same for any number of its elements."""


@dataclass(frozen=True)
class Squared(ErrorNorm):
    """The mean square."""

    def __call__(
        self, difference: Float[Tensor, "*shape"], reducer: Reducer = DENSE
    ) -> Float[Tensor, " batch"]:
        """Average the squares."""
        return reducer.mean(difference.square())


@dataclass(frozen=True)
class PseudoHuber(ErrorNorm):
    """``sqrt(m + c^2) - c`` of the mean square m: a square near 0, the RMS far from it.

    With ``m = sum e^2 / d`` this is, up to the factor ``sqrt(d)``, the norm of 2-rectified flows
    (Lee et al. 2024, arXiv 2405.20320), which writes ``c sqrt(d)`` for our c, 0.00054 d there.

    Args:
        c: Where the square ends; positive.
        elementwise: Take the norm of each element and average, as in rectified diffusion (Wang et
            al. 2024, arXiv 2410.07303, c = 1e-3).

    Raises:
        InputError: ``c`` is not positive.
    """

    c: float = 0.03
    elementwise: bool = False

    def __post_init__(self) -> None:
        if not self.c > 0:
            raise InputError(f"the Huber constant must be positive, got {self.c}")

    def __call__(
        self, difference: Float[Tensor, "*shape"], reducer: Reducer = DENSE
    ) -> Float[Tensor, " batch"]:
        """Return the norm of each sample."""
        square = difference.square()
        if self.elementwise:
            return reducer.mean((square + self.c**2).sqrt() - self.c)
        return (reducer.mean(square) + self.c**2).sqrt() - self.c


@dataclass(frozen=True)
class Adaptive(ErrorNorm):
    """``sg(w) m`` with ``w = (m + c)^-p`` of the mean square m.

    Loss weighting of MeanFlow (Geng et al. 2025, arXiv 2505.13447, section 4.3); p = 1 makes every
    sample's gradient about equally long.

    Args:
        power: p; 0 is the plain square.
        c: Keeps the weight finite.
    """

    power: float = 1.0
    c: float = 1e-3

    def __call__(
        self, difference: Float[Tensor, "*shape"], reducer: Reducer = DENSE
    ) -> Float[Tensor, " batch"]:
        """Weigh the mean squares."""
        mean = reducer.mean(difference.square())
        return mean * (mean.detach() + self.c) ** -self.power


SQUARED = Squared()
HUBER = PseudoHuber()
ADAPTIVE = Adaptive()
