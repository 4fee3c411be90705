"""Which tokens a group of nearby queries needs: adaptive KV selection (FlashVDM, arXiv 2503.16302).

Attention of a geometry decoder is local, so queries that lie together may share a short list of
keys per head. What is left out is an error; :func:`kept_mass` tells how much attention the list
catches.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d.errors import InputError


def select_keys_mean(
    queries: Float[Tensor, "n heads head_dim"],
    keys: Float[Tensor, "heads tokens head_dim"],
    offsets: Int[Tensor, " groups_1"],
    *,
    every: int,
    k: int,
) -> Int[Tensor, "groups heads k"]:
    """Choose the keys of largest mean score, as the published decoder does.

    Args:
        queries: Of all groups, in order.
        keys: Of the shape, scaled or not.
        offsets: Group g holds queries ``offsets[g] : offsets[g + 1]``.
        every: Each how many queries of a group one is looked at, from its first.
        k: Keys per head.

    Raises:
        InputError: ``every`` or ``k`` are out of range.
    """
    sampled, group = _sample(queries, keys, offsets, every, k)
    groups = len(offsets) - 1
    # The mean of scores is the score of the mean query.
    total = queries.new_zeros(groups, *queries.shape[1:]).index_add_(0, group, sampled)
    scores = torch.einsum("ghd,hnd->ghn", total, keys.to(total.dtype))
    return scores.topk(k, dim=-1).indices


def select_keys_mass(
    queries: Float[Tensor, "n heads head_dim"],
    keys: Float[Tensor, "heads tokens head_dim"],
    offsets: Int[Tensor, " groups_1"],
    *,
    every: int,
    k: int,
) -> Int[Tensor, "groups heads k"]:
    """Choose the keys of largest attention mass over the sampled queries.

    Arguments as :func:`select_keys_mean`, but ``keys`` must be those of a packed shape, whose
    scale is that of exp2.

    Raises:
        InputError: ``every`` or ``k`` are out of range.
    """
    return _mass(queries, keys, offsets, every, k).topk(k, dim=-1).indices


def kept_mass(
    queries: Float[Tensor, "n heads head_dim"],
    keys: Float[Tensor, "heads tokens head_dim"],
    offsets: Int[Tensor, " groups_1"],
    chosen: Int[Tensor, "groups heads k"],
    *,
    every: int = 1,
) -> Float[Tensor, "groups heads"]:
    """Return the share of attention that chosen keys get, meaned over a group's sampled queries.

    Arguments as :func:`select_keys_mass`; a group without queries has 0.
    """
    mass = _mass(queries, keys, offsets, every, chosen.shape[-1])
    return mass.gather(-1, chosen.long()).sum(-1)


def _sample(
    queries: Tensor, keys: Tensor, offsets: Tensor, every: int, k: int
) -> tuple[Float[Tensor, "m heads head_dim"], Int[Tensor, " m"]]:
    if every < 1 or not 1 <= k <= keys.shape[1]:
        raise InputError(
            f"every is {every} and k {k}, expected at least 1 and 1 to {keys.shape[1]}"
        )
    sizes = offsets.diff()
    group = torch.repeat_interleave(torch.arange(len(sizes), device=offsets.device), sizes)
    rank = torch.arange(len(queries), device=offsets.device) - offsets[group]
    picked = rank % every == 0
    return queries[picked], group[picked]


def _mass(
    queries: Tensor, keys: Tensor, offsets: Tensor, every: int, k: int
) -> Float[Tensor, "groups heads tokens"]:
    sampled, group = _sample(queries, keys, offsets, every, k)
    total = sampled.new_zeros(len(offsets) - 1, *keys.shape[:2])
    # Few queries at a time: their scores over all keys are large.
    for part, owner in zip(sampled.split(1024), group.split(1024), strict=True):
        scores = torch.einsum("mhd,hnd->mhn", part, keys.to(part.dtype))
        weights = torch.exp2(scores - scores.amax(-1, keepdim=True))
        total.index_add_(0, owner, weights / weights.sum(-1, keepdim=True))
    count = torch.bincount(group, minlength=len(total)).clamp(min=1)
    return total / count[:, None, None]
