"""What autograd keeps for backward passes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


class _Held:
    """A saved tensor that tells its counter when it is let go."""

    def __init__(self, counter: _Counter, tensor: Tensor) -> None:
        self.counter, self.tensor = counter, tensor
        self.bytes = tensor.numel() * tensor.element_size()
        counter.add(self.bytes)

    def __del__(self) -> None:
        self.counter.add(-self.bytes)


class _Counter:
    def __init__(self) -> None:
        self.live = self.peak = 0

    def add(self, count: int) -> None:
        self.live += count
        self.peak = max(self.peak, self.live)


def peak_saved_bytes(work: Callable[[], object]) -> int:
    """Run something and return the most bytes that autograd held for backward passes at once.

    Tensors that several operations save are counted for each, parameters included: what does not
    depend on how the allocator or the system account for memory.
    """
    counter = _Counter()

    def pack(tensor: Tensor) -> _Held:
        return _Held(counter, tensor)

    def unpack(held: _Held) -> Tensor:
        return held.tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        work()
    return counter.peak
