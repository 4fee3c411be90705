"""Sinusoidal embedding of scalars: time, guidance strength."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn


def sinusoidal_embedding(
    values: Float[Tensor, " batch"],
    dim: int,
    *,
    max_period: float = 10_000.0,
    factor: float = 1000.0,
    cos_first: bool = True,
) -> Float[Tensor, "batch dim"]:
    """Embed scalars as ``cos | sin`` of ``factor * value * max_period^(-i / half)``, in float32.

    The published Hunyuan3D-2 networks were trained with ``max_period`` 1000 and ``factor`` 1000 (a
    positional argument that landed in the wrong place); their configuration asks for both.

    Args:
        values: One scalar per item.
        dim: Channels, even.
        max_period: Ratio of the longest to the shortest period.
        factor: Multiplies the values first.
        cos_first: Order of the halves.
    """
    half = dim // 2
    index = torch.arange(half, dtype=torch.float32, device=values.device)
    frequencies = torch.exp(-math.log(max_period) * index / half)
    angles = factor * values.float()[:, None] * frequencies
    halves = [angles.cos(), angles.sin()]
    return torch.cat(halves if cos_first else halves[::-1], dim=-1)


class ScalarEmbedder(nn.Module):
    """Sinusoidal embedding followed by Linear, SiLU, Linear.

    Args:
        width: Channels out.
        dim: Channels of the sinusoidal embedding.
        max_period: See :func:`sinusoidal_embedding`.
        factor: See :func:`sinusoidal_embedding`.
    """

    def __init__(self, width: int, *, dim: int, max_period: float, factor: float) -> None:
        super().__init__()
        self.dim, self.max_period, self.factor = dim, max_period, factor
        self.in_layer = nn.Linear(dim, width)
        self.out_layer = nn.Linear(width, width)

    def forward(self, values: Float[Tensor, " batch"]) -> Float[Tensor, "batch width"]:
        """Embed one scalar per item."""
        embedding = sinusoidal_embedding(
            values, self.dim, max_period=self.max_period, factor=self.factor
        )
        embedding = embedding.to(self.in_layer.weight.dtype)
        return self.out_layer(nn.functional.silu(self.in_layer(embedding)))
