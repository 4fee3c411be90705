"""Adaptive layer-norm: shifts, scales and gates computed from a condition vector."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import silu

from gen3d.nn.attention import zero_

ModulationMode = Literal["per_block", "shared"]

# With gates at zero a narrow network learns slowly; .3 was measured to start well.
INITIAL_GATE = 0.3


def modulate(
    x: Float[Tensor, "batch n width"],
    shift: Float[Tensor, "batch 1 width"],
    scale: Float[Tensor, "batch 1 width"],
) -> Float[Tensor, "batch n width"]:
    """Return ``(1 + scale) * x + shift``."""
    return x * (1 + scale) + shift


class Modulation(nn.Module):
    """The (shift, scale, gate) triples of one block (DiT, Peebles and Xie 2022, section 3.2).

    ``per_block``: a projection of its own, as in the published networks. ``shared``: the network
    has one projection for all its blocks, and each block adds learned offsets to it (PixArt-alpha,
    Chen et al. 2023, section 2.3), which saves a quarter of the parameters.

    Args:
        width: Channels.
        triples: 1 (single-stream block) or 2 (attention and MLP apart).
        mode: See above.
    """

    def __init__(self, width: int, triples: int, *, mode: ModulationMode) -> None:
        super().__init__()
        self.triples = triples
        self.lin: nn.Linear | None = None
        self.offsets: nn.Parameter | None = None
        if mode == "per_block":
            self.lin = nn.Linear(width, 3 * triples * width)
        else:
            offsets = torch.zeros(3 * triples, width)
            offsets[2::3] = INITIAL_GATE
            self.offsets = nn.Parameter(offsets)

    def forward(
        self,
        condition: Float[Tensor, "batch width"],
        shared: Float[Tensor, "batch parts width"] | None,
    ) -> tuple[Float[Tensor, "batch 1 width"], ...]:
        """Return shift, scale, gate (twice for two triples).

        Args:
            condition: The condition vector.
            shared: The network's shared projection (``shared`` mode), at least as many parts as
                this block needs.
        """
        if self.lin is not None:
            return self.lin(silu(condition))[:, None].chunk(3 * self.triples, dim=-1)
        assert self.offsets is not None and shared is not None
        parts = shared[:, : 3 * self.triples] + self.offsets
        return parts[:, :, None].unbind(1)


class SharedModulation(nn.Module):
    """One projection of the condition for all blocks of a network; starts at zero.

    Args:
        width: Channels.
        triples: The most triples that a block needs.
    """

    def __init__(self, width: int, triples: int) -> None:
        super().__init__()
        self.parts = 3 * triples
        self.lin = nn.Linear(width, self.parts * width)
        zero_(self.lin)

    def forward(
        self, condition: Float[Tensor, "batch width"]
    ) -> Float[Tensor, "batch parts width"]:
        """Project once per forward pass."""
        return self.lin(silu(condition)).unflatten(-1, (self.parts, -1))
