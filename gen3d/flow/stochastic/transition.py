"""The Gaussian kernel of one stochastic step: sampled from, and scored."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.paths import Scalar
from gen3d.flow.reduce import DENSE, Reducer


@dataclass(frozen=True)
class Transition:
    """``N(mean, std^2)``, independent in every element.

    Attributes:
        mean: In the shape of the state.
        std: Not negative: one for all, or a tensor that broadcasts against the mean. At 0 the
            step is deterministic and has no density.
    """

    mean: Float[Tensor, "*shape"]
    std: Scalar

    def sample(self, noise: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return ``mean + std noise`` for standard normal noise."""
        return self.mean + self.std * noise.to(self.mean)

    def log_prob(
        self, x: Float[Tensor, "*shape"], reducer: Reducer = DENSE
    ) -> Float[Tensor, " batch"]:
        """Return each sample's log-density at ``x``, as a mean over its elements.

        The mean instead of the sum is what Flow-GRPO, DanceGRPO and MixGRPO use: ratios of
        probabilities then do not depend on the size of the latent, ``r = (p_new / p_old)^(1/D)``.

        Raises:
            InputError: The step is deterministic.
        """
        std = self._spread()
        z = (x - self.mean) / std
        return reducer.mean(-z.square() / 2 - std.log() - math.log(2 * math.pi) / 2)

    def kl_divergence(self, other: Transition, reducer: Reducer = DENSE) -> Float[Tensor, " batch"]:
        """Return ``KL(self || other)`` of each sample, as a mean over its elements.

        ``ln(s' / s) + (s^2 + (m - m')^2) / (2 s'^2) - 1/2``; with equal spreads, as two policies
        have them, that is ``(m - m')^2 / (2 s^2)``.

        Raises:
            InputError: One of the two is deterministic.
        """
        mine, theirs = self._spread(), other._spread()
        squares = mine.square() + (self.mean - other.mean).square()
        return reducer.mean(theirs.log() - mine.log() + squares / (2 * theirs.square()) - 0.5)

    def _spread(self) -> Tensor:
        """Return the spread as a tensor in the shape of the mean."""
        std = torch.as_tensor(self.std, dtype=self.mean.dtype, device=self.mean.device)
        if not bool((std > 0).all()):
            raise InputError(
                "a deterministic step has no probability density",
                hint="the last step to t = 0 is deterministic for most rules: leave it out",
            )
        return std.expand_as(self.mean)
