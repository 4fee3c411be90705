"""Normalisation of queries and keys, per head."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

QKNorm = Literal["none", "layer", "rms"]


def widen(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return ``x`` in float32, or as it is where it is wider."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


class RMSNorm(nn.Module):
    """Divide by the root mean square over channels, in float32 at least, and scale.

    ``torch.nn.RMSNorm`` refuses to mix bf16 inputs with float32 weights without a warning, and the
    published checkpoints call the weight ``scale``.

    Args:
        dim: Channels.
        eps: Added to the mean square.
    """

    def __init__(self, dim: int, *, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.scale = nn.Parameter(torch.ones(dim))

    def forward(self, x: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        """Normalise the last axis; the dtype stays."""
        wide = widen(x)
        inverse = torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return (wide * inverse).to(x.dtype) * self.scale.to(x.dtype)


def make_qk_norm(kind: QKNorm, head_dim: int, *, eps: float = 1e-6) -> nn.Module:
    """Return the norm that queries or keys go through, head by head."""
    if kind == "layer":
        return nn.LayerNorm(head_dim, eps=eps)
    if kind == "rms":
        return RMSNorm(head_dim, eps=eps)
    return nn.Identity()
