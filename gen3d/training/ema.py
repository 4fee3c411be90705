"""Exponential moving average of a network's weights."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Ema:
    """A copy of a network whose weights follow the network's as a moving average.

    After update n the average moves by ``1 - min(decay, (1 + n) / (10 + n))``: the warm-up keeps
    the random start out of the average. Buffers are copied as they are by :meth:`synchronise`.

    Args:
        module: The network that is trained; it stays where it is.
        decay: Weight of the past, in [0, 1).

    Attributes:
        module: The averaged network, in eval mode, without gradients.
        updates: Number of updates so far.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0
        self._source = module
        self._averages = [p.detach() for p in self.module.parameters()]
        self._weights = [p.detach() for p in module.parameters()]

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the current weights."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(self._averages, self._weights, 1.0 - decay)  # pyright: ignore[reportPrivateImportUsage]
        self.updates += 1

    @torch.no_grad()
    def synchronise(self) -> nn.Module:
        """Copy the buffers (they are not averaged) and return the averaged network."""
        for average, buffer in zip(self.module.buffers(), self._source.buffers(), strict=True):
            average.copy_(buffer)
        return self.module
