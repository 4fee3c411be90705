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


UNIFORM_TIMES = UniformTimes()
