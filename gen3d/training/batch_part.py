"""One process's part of a batch that several compute together.

A step's batch is a function of the run's seed and the step alone, however many processes share it:
each draws all random numbers of the whole batch, which is cheap, and then reads and computes only
its own items, which is not. So two processes take the very step that one would have taken, and a
run may be resumed by another number of processes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch
from jaxtyping import Shaped
from torch import Tensor

from gen3d.errors import InputError
from gen3d.runtime.seeds import MAX_SEED


@dataclass(frozen=True)
class BatchPart:
    """Every ``count``-th item of a batch, from item ``index`` on.

    Attributes:
        index: Number of the part.
        count: Number of parts.
    """

    index: int = 0
    count: int = 1

    def size(self, batch: int) -> int:
        """Return the number of items in each part of a batch.

        Raises:
            InputError: The batch does not divide into equal parts, so that the mean of their
                means would not be the batch's.
        """
        if batch % self.count:
            raise InputError(
                f"a batch of {batch} does not divide into {self.count} equal parts",
                hint="choose batch_size as a multiple of processes times trainer.accumulate",
            )
        return batch // self.count

    def take(self, items: Shaped[Tensor, "batch ..."]) -> Shaped[Tensor, "part ..."]:
        """Return this part's items of something drawn for the whole batch."""
        return items[self.index :: self.count]

    def after(self, first: int) -> BatchPart:
        """Return what this part has of a stretch of the batch that begins at item ``first``."""
        return BatchPart((self.index - first) % self.count, self.count)

    def own_generator(self, generator: torch.Generator) -> torch.Generator:
        """Return a generator for draws that are too dear to make for the whole batch.

        The only part goes on with the generator itself. Others get one of their own, so that such
        draws do not follow those of a single process; the common generator is left alone.
        """
        if self.count == 1:
            return generator
        state = generator.get_state().numpy().tobytes() + self.index.to_bytes(8, "little")
        seed = int.from_bytes(hashlib.sha256(state).digest()[:4], "little") & MAX_SEED
        return torch.Generator().manual_seed(seed)


WHOLE = BatchPart()
"""All of a batch."""

_CURRENT: ContextVar[BatchPart] = ContextVar("current batch part", default=WHOLE)


def current_part() -> BatchPart:
    """Return the part that the trainer asks for; all, outside a step."""
    return _CURRENT.get()


@contextmanager
def batch_part(part: BatchPart) -> Iterator[None]:
    """Ask objectives for a part of the batch."""
    token = _CURRENT.set(part)
    try:
        yield
    finally:
        _CURRENT.reset(token)
