"""Distributions of the training time, sampled by stratified inversion."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from gen3d.errors import InputError


class TimeDistribution(ABC):
    """A density on [0, 1], known by its quantile function."""

    @abstractmethod
    def quantile(self, u: Float64[Tensor, " n"]) -> Float64[Tensor, " n"]:
        """Return the time below which the share ``u`` of the mass lies."""

    @abstractmethod
    def density(self, t: Float64[Tensor, " n"]) -> Float64[Tensor, " n"]:
        """Return the density at ``t``, for 0 < t < 1."""

    def sample(
        self, n: int, generator: torch.Generator, *, rank: int = 0, world_size: int = 1
    ) -> Float64[Tensor, " n"]:
        """Draw ``n`` times, one from each of ``n`` equally probable strata, in random order.

        Each time alone has this density; together they cover it evenly, which lowers the variance
        of a loss. Over several processes the strata interleave, so that the global batch is
        stratified too; each process brings its own generator.

        Args:
            n: Times for this process.
            generator: A CPU generator.
            rank: Number of this process.
            world_size: Number of processes.
        """
        stratum = torch.arange(n, dtype=torch.float64) * world_size + rank
        u = (stratum + torch.rand(n, generator=generator, dtype=torch.float64)) / (n * world_size)
        return self.quantile(u[torch.randperm(n, generator=generator)])


@dataclass(frozen=True)
class UniformTimes(TimeDistribution):
    """Every time alike."""

    def quantile(self, u: Float64[Tensor, " n"]) -> Float64[Tensor, " n"]:
        """Return ``u``."""
        return u

    def density(self, t: Float64[Tensor, " n"]) -> Float64[Tensor, " n"]:
        """Return 1."""
        return torch.ones_like(t)


@dataclass(frozen=True)
class LogitNormalTimes(TimeDistribution):
    """``logit t ~ N(mean, std^2)`` (Stable Diffusion 3, arXiv 2403.03206, eq. 19).

    On the linear path ``logit t`` is the logarithm of EDM's sigma, so ``(-1.2, 1.2)`` gives the
    noise levels of Karras et al. 2022 (arXiv 2206.00364, table 1).

    Args:
        mean: Negative leans to the data, positive to the noise.
        std: Positive.

    Raises:
        InputError: ``std`` is not positive.
    """

    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self) -> None:
        if not self.std > 0:
            raise InputError(f"the logit-normal std must be positive, got {self.std}")

    def quantile(self, u: Float64[Tensor, " n"]) -> Float64[Tensor, " n"]:
        """Return ``sigmoid(mean + std Phi^-1(u))``."""
        return torch.sigmoid(self.mean + self.std * torch.special.ndtri(u))

    def density(self, t: Float64[Tensor, " n"]) -> Float64[Tensor, " n"]:
        """Return ``N(logit t; mean, std^2) / (t (1 - t))``."""
        z = (torch.logit(t) - self.mean) / self.std
        return torch.exp(-z * z / 2) / (self.std * math.sqrt(2 * math.pi) * t * (1 - t))


@dataclass(frozen=True)
class ModeTimes(TimeDistribution):
    """``t = q - scale (sin^2(pi q / 2) - q)`` for uniform q: SD3's mode sampling with heavy tails.

    Stable Diffusion 3, arXiv 2403.03206, eq. 20, with ``q = 1 - u``, so that t rises with q.

    Args:
        scale: Positive gathers times around 1/2, negative at both ends, 0 is uniform; the map is
            monotone for -1 to 2 / (pi - 2) = 1.7519. The paper's best is 1.29.

    Raises:
        InputError: ``scale`` is out of that range.
    """

    scale: float = 1.29

    def __post_init__(self) -> None:
        if not -1 <= self.scale <= 2 / (math.pi - 2):
            raise InputError(
                f"the mode scale must lie in -1..{2 / (math.pi - 2):.4f}, got {self.scale}"
            )

    def quantile(self, u: Float64[Tensor, " n"]) -> Float64[Tensor, " n"]:
        """Return the map itself."""
        return u - self.scale * (torch.sin(math.pi / 2 * u) ** 2 - u)

    def density(self, t: Float64[Tensor, " n"]) -> Float64[Tensor, " n"]:
        """Return one over the map's slope, where it reaches ``t`` (found by bisection)."""
        low, high = torch.zeros_like(t), torch.ones_like(t)
        for _ in range(60):
            middle = (low + high) / 2
            below = self.quantile(middle) < t
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        slope = 1 + self.scale - self.scale * math.pi / 2 * torch.sin(math.pi * low)
        return 1 / slope


@dataclass(frozen=True)
class CosMapTimes(TimeDistribution):
    """The times whose signal-to-noise ratios are those of the cosine path.

    Stable Diffusion 3, arXiv 2403.03206, eq. 21.
    """

    def quantile(self, u: Float64[Tensor, " n"]) -> Float64[Tensor, " n"]:
        """Return ``1 - 1 / (tan(pi u / 2) + 1)``."""
        return 1 - 1 / (torch.tan(math.pi / 2 * u) + 1)

    def density(self, t: Float64[Tensor, " n"]) -> Float64[Tensor, " n"]:
        """Return ``2 / (pi (1 - 2 t + 2 t^2))``."""
        return 2 / (math.pi * (1 - 2 * t + 2 * t * t))


@dataclass(frozen=True)
class UShapedTimes(TimeDistribution):
    """Density proportional to ``e^(a t) + e^(a (1 - t))``: most times lie at the two ends.

    Made for straightening a flow that is nearly straight, whose errors sit there (rf++, Lee et al.
    2024, arXiv 2405.20320, sec. 4.1).

    Args:
        sharpness: a; 4 in the paper.

    Raises:
        InputError: ``sharpness`` is not positive.
    """

    sharpness: float = 4.0

    def __post_init__(self) -> None:
        if not self.sharpness > 0:
            raise InputError(f"the sharpness must be positive, got {self.sharpness}")

    def quantile(self, u: Float64[Tensor, " n"]) -> Float64[Tensor, " n"]:
        """Return ``1/2 + asinh((2 u - 1) sinh(a / 2)) / a``."""
        return 0.5 + torch.asinh((2 * u - 1) * math.sinh(self.sharpness / 2)) / self.sharpness

    def density(self, t: Float64[Tensor, " n"]) -> Float64[Tensor, " n"]:
        """Return ``a cosh(a (t - 1/2)) / (2 sinh(a / 2))``."""
        height = self.sharpness / (2 * math.sinh(self.sharpness / 2))
        return height * torch.cosh(self.sharpness * (t - 0.5))


UNIFORM_TIMES = UniformTimes()
