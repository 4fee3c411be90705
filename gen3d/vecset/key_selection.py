"""Which tokens a group of nearby queries needs: adaptive KV selection (FlashVDM, arXiv 2503.16302).

Attention of a geometry decoder is local, so queries that lie together may share a short list of
keys. A selector looks at some queries of each group, scores the keys and keeps the best; what it
leaves out is an error, of which :func:`kept_mass` tells the size. Two selectors are the published
ones, for parity; :class:`MassSelector` ranks keys by what the softmax makes of them.

Example:
    field = GeometryField(vae.geometry, shape.geometry, bounds=1.01, selector=MeanSelector())
    decoded = decode_field(field, 256, mode="flashvdm", grouped=True)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d.errors import InputError
from gen3d.ops.reference.volume_decode import queries_at
from gen3d.ops.volume_packing import KeySelection, PackedDecoder, PackedShape
from gen3d.vecset.grid_field import QueryGroups

# Scores held at once, 64 MB in float32.
_MAX_SCORES = 1 << 24
_PUBLISHED_KEYS = {3072: 1024, 512: 256}


def published_keys(tokens: int) -> int:
    """Return how many of a shape's tokens the published selection keeps."""
    return _PUBLISHED_KEYS.get(tokens, max(tokens // 3, 1))


def every_nth(
    offsets: Int[Tensor, " groups_1"], n: int
) -> tuple[Int[Tensor, " m"], Int[Tensor, " groups_1"]]:
    """Pick each n-th query of each group, from its first.

    Args:
        offsets: Group g holds queries ``offsets[g] : offsets[g + 1]``.
        n: At least 1.

    Returns:
        The picked queries' positions, and the offsets of the groups among them.

    Raises:
        InputError: ``n`` is out of range.
    """
    if n < 1:
        raise InputError(f"every {n}-th query cannot be picked, expected at least 1")
    group = _owners(offsets)
    rank = torch.arange(len(group), device=offsets.device) - offsets[group]
    counts = (offsets.diff() + n - 1) // n
    return (rank % n == 0).nonzero().squeeze(1), torch.nn.functional.pad(counts.cumsum(0), (1, 0))


def select_keys_mean(
    queries: Float[Tensor, "n heads head_dim"],
    keys: Float[Tensor, "heads tokens head_dim"],
    offsets: Int[Tensor, " groups_1"],
    *,
    k: int,
) -> Int[Tensor, "groups heads k"]:
    """Choose per head the keys of largest mean score.

    Args:
        queries: Of all groups, in order.
        keys: Of the shape, scaled or not.
        offsets: Group g holds queries ``offsets[g] : offsets[g + 1]``.
        k: Keys per head.

    Raises:
        InputError: ``k`` is out of range.
    """
    _check_count(k, keys)
    groups = len(offsets) - 1
    # The mean of scores is the score of the mean query.
    total = queries.new_zeros(groups, *queries.shape[1:]).index_add_(0, _owners(offsets), queries)
    parts = [
        torch.einsum("ghd,hnd->ghn", part, keys.to(part.dtype)).topk(k, dim=-1).indices.int()
        for part in _split(total, keys)
    ]
    return torch.cat(parts)


def select_keys_merge(
    queries: Float[Tensor, "n heads head_dim"],
    keys: Float[Tensor, "heads tokens head_dim"],
    offsets: Int[Tensor, " groups_1"],
    *,
    threshold: float = 1e-6,
) -> list[Int[Tensor, " chosen"]]:
    """Choose per group, for all heads alike, the tokens that some query gives any weight.

    The weight is the softmax of unscaled scores, averaged over heads, as in the published decoder;
    without the scale it is sharper than that of the attention.

    Args:
        queries: Of all groups, in order.
        keys: Of a packed shape, whose scale is ``log2(e) / sqrt(head_dim)``.
        offsets: Group g holds queries ``offsets[g] : offsets[g + 1]``.
        threshold: Least weight, below 1 / tokens.

    Returns:
        Per group the tokens in ascending order; none for a group without queries.
    """
    kept = torch.zeros(len(offsets) - 1, keys.shape[1], dtype=torch.bool, device=keys.device)
    unscaled = keys * math.sqrt(keys.shape[-1])
    owners = _owners(offsets)
    for part, owner in zip(_split(queries, keys), _split(owners, keys), strict=True):
        wanted = _weights(part, unscaled).mean(1) > threshold
        kept |= torch.zeros_like(kept, dtype=torch.int).index_add_(0, owner, wanted.int()) > 0
    return [row.nonzero().squeeze(1).int() for row in kept]


def select_keys_mass(
    queries: Float[Tensor, "n heads head_dim"],
    keys: Float[Tensor, "heads tokens head_dim"],
    offsets: Int[Tensor, " groups_1"],
    *,
    k: int,
) -> Int[Tensor, "groups heads k"]:
    """Choose per head the keys of largest attention mass over the queries.

    Arguments as :func:`select_keys_mean`, but ``keys`` must be those of a packed shape.

    Raises:
        InputError: ``k`` is out of range.
    """
    _check_count(k, keys)
    return _mass(queries, keys, offsets).topk(k, dim=-1).indices.int()


def kept_mass(
    queries: Float[Tensor, "n heads head_dim"],
    keys: Float[Tensor, "heads tokens head_dim"],
    offsets: Int[Tensor, " groups_1"],
    chosen: Int[Tensor, "groups heads k"],
) -> Float[Tensor, "groups heads"]:
    """Return the share of attention that chosen keys get, averaged over a group's queries.

    Arguments as :func:`select_keys_mass`; a group without queries has 0.
    """
    return _mass(queries, keys, offsets).gather(-1, chosen.long()).sum(-1)


@dataclass(frozen=True)
class MeanSelector:
    """The published selection: mean scores of each 100th query, on finer levels each 50th.

    Attributes:
        k: Keys per head; None: :func:`published_keys`.
    """

    k: int | None = None

    def __call__(
        self,
        decoder: PackedDecoder,
        shape: PackedShape,
        points: Float[Tensor, "n 3"],
        groups: QueryGroups,
    ) -> Sequence[KeySelection]:
        """Choose keys for groups of points."""
        queries, offsets = _sampled(decoder, points, groups, 100 if groups.level == 0 else 50)
        k = self.k or published_keys(shape.keys.shape[1])
        return [KeySelection(groups.offsets, select_keys_mean(queries, shape.keys, offsets, k=k))]


@dataclass(frozen=True)
class MergeSelector:
    """The published selection for small shapes: on finer levels a union over each 30th query.

    Attributes:
        k: Keys per head on the coarsest level, which is that of :class:`MeanSelector`.
    """

    k: int | None = None

    def __call__(
        self,
        decoder: PackedDecoder,
        shape: PackedShape,
        points: Float[Tensor, "n 3"],
        groups: QueryGroups,
    ) -> Sequence[KeySelection]:
        """Choose keys for groups of points; groups on finer levels have one part each."""
        if groups.level == 0:
            return MeanSelector(self.k)(decoder, shape, points, groups)
        queries, offsets = _sampled(decoder, points, groups, 30)
        chosen = select_keys_merge(queries, shape.keys, offsets)
        return [
            KeySelection(offsets.new_tensor([0, size]), tokens.expand(1, decoder.heads, -1))
            for tokens, size in zip(chosen, groups.offsets.diff().tolist(), strict=True)
            if size
        ]


@dataclass(frozen=True)
class MassSelector:
    """Keys of largest attention mass over some queries of a group.

    Attributes:
        k: Keys per head; all, where a shape has fewer.
        every: Each how many queries of a group one is looked at.
    """

    k: int
    every: int = 8

    def __call__(
        self,
        decoder: PackedDecoder,
        shape: PackedShape,
        points: Float[Tensor, "n 3"],
        groups: QueryGroups,
    ) -> Sequence[KeySelection]:
        """Choose keys for groups of points."""
        queries, offsets = _sampled(decoder, points, groups, self.every)
        k = min(self.k, shape.keys.shape[1])
        return [KeySelection(groups.offsets, select_keys_mass(queries, shape.keys, offsets, k=k))]


def _sampled(
    decoder: PackedDecoder, points: Float[Tensor, "n 3"], groups: QueryGroups, every: int
) -> tuple[Float[Tensor, "m heads head_dim"], Int[Tensor, " groups_1"]]:
    """The queries of those points only that are looked at."""
    rows, offsets = every_nth(groups.offsets, every)
    return queries_at(decoder, points[rows]), offsets


def _owners(offsets: Int[Tensor, " groups_1"]) -> Int[Tensor, " n"]:
    sizes = offsets.diff()
    return torch.repeat_interleave(torch.arange(len(sizes), device=offsets.device), sizes)


def _check_count(k: int, keys: Tensor) -> None:
    if not 1 <= k <= keys.shape[1]:
        raise InputError(f"k is {k}, expected 1 to {keys.shape[1]}")


def _split(rows: Tensor, keys: Tensor) -> tuple[Tensor, ...]:
    """So few rows at a time that their scores over all keys fit."""
    return rows.split(max(_MAX_SCORES // (keys.shape[0] * keys.shape[1]), 1))


def _weights(
    queries: Float[Tensor, "n heads head_dim"], keys: Float[Tensor, "heads tokens head_dim"]
) -> Float[Tensor, "n heads tokens"]:
    """Softmax in base 2."""
    scores = torch.einsum("mhd,hnd->mhn", queries, keys.to(queries.dtype))
    weights = torch.exp2(scores - scores.amax(-1, keepdim=True))
    return weights / weights.sum(-1, keepdim=True)


def _mass(queries: Tensor, keys: Tensor, offsets: Tensor) -> Float[Tensor, "groups heads tokens"]:
    total = queries.new_zeros(len(offsets) - 1, *keys.shape[:2])
    owners = _owners(offsets)
    for part, owner in zip(_split(queries, keys), _split(owners, keys), strict=True):
        total.index_add_(0, owner, _weights(part, keys))
    return total / offsets.diff().clamp(min=1)[:, None, None]
