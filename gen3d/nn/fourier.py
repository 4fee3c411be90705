"""Fourier features of coordinates."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn


class FourierFeatures(nn.Module):
    """Coordinates with their sines and cosines at octaves (Mildenhall et al. 2020, eq. 4).

    Channel order ``[x, y, z | sin(x f_0..), sin(y f_0..), sin(z f_0..) | cos(same)]`` with
    ``f_k = base * 2^k``, the order of the published vecset models. Computed in float32 whatever the
    input's dtype: at the eighth octave a half-precision angle is wrong by 1/16.

    Args:
        num_freqs: Number of octaves, K.
        base: First angular frequency in radians per unit: 1 (published), pi/2 (ours: the first
            octave turns once over a cube of side 4, so nothing repeats within [-1, 1]), or pi.
        include_input: Put the coordinates themselves first.
        dim: Number of coordinates.
    """

    frequencies: Tensor

    def __init__(
        self,
        num_freqs: int,
        *,
        base: float = math.pi / 2,
        include_input: bool = True,
        dim: int = 3,
    ) -> None:
        super().__init__()
        self.include_input = include_input
        self.out_dim = dim * (2 * num_freqs + int(include_input))
        # On the CPU even where a network is built on the meta device: no file holds this buffer.
        index = torch.arange(num_freqs, dtype=torch.float32, device="cpu")
        octaves = base * 2.0**index
        self.register_buffer("frequencies", octaves, persistent=False)

    def forward(self, points: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch features"]:
        """Return the features of ``points`` in float32."""
        points = points.float()
        angles = (points[..., None] * self.frequencies).flatten(-2)
        parts = [angles.sin(), angles.cos()]
        return torch.cat([points, *parts] if self.include_input else parts, dim=-1)
