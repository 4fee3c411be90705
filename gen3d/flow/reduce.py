"""Reductions per sample, for every kind of latent that the suite has.

A mean "over all dimensions but the first" is wrong for sparse latents, whose first dimension runs
over the tokens of all samples. Whatever needs one number per sample (losses, guidance rules,
log-probabilities, thresholds) therefore asks a reducer, and is written once.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d.errors import InputError
from gen3d.runtime.seeds import item_seed, make_generator, randn


def item_generators(seed: int, count: int, *, first: int = 0) -> list[torch.Generator]:
    """Return a generator for each item of a batch, so that no item depends on its neighbours.

    Args:
        seed: Seed of the run.
        count: Items in this batch.
        first: Number of the batch's first item, where a run is cut into several batches.
    """
    return [make_generator(item_seed(seed, index)) for index in range(first, first + count)]


class Reducer(ABC):
    """Knows which elements of a tensor belong to which sample.

    Results are accumulated in float32 at least.
    """

    @abstractmethod
    def batch_size(self, x: Tensor) -> int:
        """Count the samples in ``x``."""

    @abstractmethod
    def count(self, x: Tensor) -> Float[Tensor, " batch"]:
        """Count the elements of each sample."""

    @abstractmethod
    def sum(self, x: Tensor) -> Float[Tensor, " batch"]:
        """Add up each sample."""

    @abstractmethod
    def broadcast(self, values: Float[Tensor, " batch"], x: Tensor) -> Tensor:
        """Reshape one value per sample so that it broadcasts against ``x``."""

    @abstractmethod
    def quantile(self, x: Tensor, q: float) -> Float[Tensor, " batch"]:
        """Return the value below which the share ``q`` of each sample lies; 0 for an empty one."""

    @abstractmethod
    def randn(
        self,
        shape: Sequence[int],
        generators: Sequence[torch.Generator],
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> Tensor:
        """Draw standard normal noise, each sample from its own CPU generator."""

    def mean(self, x: Tensor) -> Float[Tensor, " batch"]:
        """Average each sample; 0 for one without elements."""
        return self.sum(x) / self.count(x).clamp(min=1)

    def dot(self, x: Tensor, y: Tensor) -> Float[Tensor, " batch"]:
        """Inner product of each sample of ``x`` with that of ``y``."""
        return self.sum(_wide(x) * _wide(y))

    def norm(self, x: Tensor) -> Float[Tensor, " batch"]:
        """Euclidean norm of each sample."""
        return self.dot(x, x).sqrt()

    def std(self, x: Tensor) -> Float[Tensor, " batch"]:
        """Population standard deviation of each sample (divides by n)."""
        centred = _wide(x) - self.broadcast(self.mean(x), x)
        return self.mean(centred.square()).sqrt()


@dataclass(frozen=True)
class DenseReducer(Reducer):
    """For grids ``(batch, channels, ...)`` and sets ``(batch, tokens, channels)``."""

    def batch_size(self, x: Float[Tensor, "batch ..."]) -> int:
        """Return the first dimension."""
        return x.shape[0]

    def count(self, x: Float[Tensor, "batch ..."]) -> Float[Tensor, " batch"]:
        """Count the elements of each sample."""
        return _wide(x).new_full((x.shape[0],), float(x[:1].numel()))

    def sum(self, x: Float[Tensor, "batch ..."]) -> Float[Tensor, " batch"]:
        """Add up each sample."""
        return _row_sums(x)

    def broadcast(
        self, values: Float[Tensor, " batch"], x: Float[Tensor, "batch ..."]
    ) -> Float[Tensor, "batch ..."]:
        """Append dimensions of size one."""
        return values.reshape(-1, *(1,) * (x.ndim - 1))

    def quantile(self, x: Float[Tensor, "batch ..."], q: float) -> Float[Tensor, " batch"]:
        """Return a quantile of each sample, between ranks by straight lines."""
        return _quantile(_wide(x).reshape(x.shape[0], x.shape[1:].numel()), q)

    def randn(
        self,
        shape: Sequence[int],
        generators: Sequence[torch.Generator],
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> Float[Tensor, "batch ..."]:
        """Draw noise of shape ``(batch, ...)``.

        Raises:
            InputError: The number of generators is not the batch size.
        """
        _check_generators(shape[0], generators)
        return torch.stack([randn(shape[1:], g, dtype=dtype) for g in generators]).to(device)


@dataclass(frozen=True)
class SparseReducer(Reducer):
    """For sparse latents: features ``(rows, channels)``, the samples one after the other.

    A tensor with k times as many rows is taken as k stacked copies of the batch, as guidance makes
    them, and has k times as many samples.

    Attributes:
        sizes: Rows of each sample; may be 0.
    """

    sizes: tuple[int, ...]

    @classmethod
    def from_offsets(cls, offsets: Int[Tensor, " batch_plus_1"]) -> SparseReducer:
        """Build from the row at which each sample begins, closed by the number of rows.

        Raises:
            InputError: The offsets do not begin at 0, or fall.
        """
        sizes = tuple(offsets.diff().tolist())
        if len(offsets) < 2 or int(offsets[0]) != 0 or min(sizes) < 0:
            raise InputError(
                f"offsets must rise from 0 and have batch + 1 entries, got {offsets.tolist()}"
            )
        return cls(sizes)

    def batch_size(self, x: Float[Tensor, "rows ..."]) -> int:
        """Count the samples, stacked copies included."""
        return len(self._sizes_in(x))

    def count(self, x: Float[Tensor, "rows ..."]) -> Float[Tensor, " batch"]:
        """Count the elements of each sample."""
        return _wide(x).new_tensor(self._sizes_in(x)) * x.shape[1:].numel()

    def sum(self, x: Float[Tensor, "rows ..."]) -> Float[Tensor, " batch"]:
        """Add up each sample, in a fixed order."""
        lengths = torch.tensor(self._sizes_in(x), device=x.device)
        # segment_reduce, unlike index_add, gives the same bits on every run on a GPU.
        return torch.segment_reduce(_row_sums(x), "sum", lengths=lengths, initial=0)

    def broadcast(
        self, values: Float[Tensor, " batch"], x: Float[Tensor, "rows ..."]
    ) -> Float[Tensor, "rows ..."]:
        """Repeat each value over the rows of its sample."""
        lengths = torch.tensor(self._sizes_in(x), device=values.device)
        rows = values.repeat_interleave(lengths, output_size=x.shape[0])
        return rows.reshape(-1, *(1,) * (x.ndim - 1))

    def quantile(self, x: Float[Tensor, "rows ..."], q: float) -> Float[Tensor, " batch"]:
        """Return a quantile of each sample, between ranks by straight lines."""
        samples = _wide(x).split(self._sizes_in(x))
        return torch.cat([_quantile(rows.reshape(1, rows.numel()), q) for rows in samples])

    def randn(
        self,
        shape: Sequence[int],
        generators: Sequence[torch.Generator],
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> Float[Tensor, "rows ..."]:
        """Draw noise of shape ``(rows, ...)``.

        Raises:
            InputError: The number of generators is not the batch size, or that of rows not ours.
        """
        _check_generators(len(self.sizes), generators)
        if shape[0] != sum(self.sizes):
            raise InputError(f"expected {sum(self.sizes)} rows of noise, asked for {shape[0]}")
        noise = [
            randn((size, *shape[1:]), generator, dtype=dtype)
            for size, generator in zip(self.sizes, generators, strict=True)
        ]
        return torch.cat(noise).to(device)

    def _sizes_in(self, x: Tensor) -> tuple[int, ...]:
        rows = sum(self.sizes)
        copies = x.shape[0] // rows if rows else 1
        if copies * rows != x.shape[0]:
            raise InputError(f"expected a multiple of {rows} rows of features, got {x.shape[0]}")
        return self.sizes * copies


DENSE = DenseReducer()


def _wide(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _row_sums(x: Tensor) -> Tensor:
    return _wide(x).reshape(x.shape[0], x.shape[1:].numel()).sum(dim=1)


def _quantile(rows: Float[Tensor, "batch n"], q: float) -> Float[Tensor, " batch"]:
    # Not torch.quantile, which refuses more than 2^24 elements: a volume of 256^3 has them.
    count = rows.shape[1]
    if count == 0:
        return rows.new_zeros(rows.shape[0])
    below = math.floor(q * (count - 1))
    low, high = (rows.kthvalue(min(rank, count)).values for rank in (below + 1, below + 2))
    return torch.lerp(low, high, q * (count - 1) - below)


def _check_generators(batch: int, generators: Sequence[torch.Generator]) -> None:
    if len(generators) != batch:
        raise InputError(f"expected one generator per sample ({batch}), got {len(generators)}")
