"""Matrices in the order in which the CPU kernel of the geometry decoder reads them.

The kernel keeps one query per vector lane and walks a matrix in panels of eight rows: for every
column the eight entries lie together and are broadcast one by one. A panel is stored as 32-bit
words: a float, or two neighbouring columns in bfloat16.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad

ROWS = 8
# The scores of all heads and keys stay in the kernel's scratch at once up to this many.
MAX_FUSED_KEYS = 512


@dataclass(frozen=True)
class ShapePlan:
    """How the CPU kernel attends.

    Attributes:
        shared_query: Keys went through the query projection, so that one vector of features serves
            all heads: fewer multiplications than projecting where features are fewer than
            ``head_dim``, and exact where queries have no norm.
        fused_values: Values went through the output projection, which then needs no product of its
            own: for few tokens.
    """

    shared_query: bool
    fused_values: bool


def plan_shape(
    *,
    heads: int,
    tokens: int,
    width: int,
    head_dim: int,
    features: int,
    normed: bool,
    pairs: bool,
) -> ShapePlan:
    """Choose what needs the fewest multiplications.

    Args:
        heads: Attention heads.
        tokens: Keys per head.
        width: Channels of x.
        head_dim: Channels per head.
        features: Fourier features of a point.
        normed: Queries have a norm.
        pairs: Bfloat16 pairs are multiplied; features are too coarse in that format, so they meet
            many keys by way of the queries.
    """
    keys, inner = heads * tokens, heads * head_dim
    few = keys <= MAX_FUSED_KEYS and keys * width <= inner * (tokens + width)
    shared = not normed and features < head_dim and (few or not pairs)
    return ShapePlan(shared, shared and few)


def pack_panels(
    matrix: Float[Tensor, "*batch rows columns"], *, pairs: bool = False
) -> Int[Tensor, "*batch panels words eight"]:
    """Reorder a matrix into panels of eight rows; zeros fill the last panel and word.

    Args:
        matrix: Any float dtype.
        pairs: Store two columns per word in bfloat16 instead of one in float32.
    """
    rows, columns = matrix.shape[-2:]
    matrix = pad(matrix, (0, columns % 2 if pairs else 0, 0, -rows % ROWS))
    panels = matrix.unflatten(-2, (-1, ROWS)).mT
    if not pairs:
        return panels.float().contiguous().view(torch.int32)
    panels = panels.bfloat16().unflatten(-2, (-1, 2)).movedim(-2, -1).contiguous()
    return panels.view(torch.int32).squeeze(-1)


def decoder_panels(tensors: Mapping[str, Tensor], *, heads: int, pairs: bool) -> tuple[Tensor, ...]:
    """Return the panels of embed, query (per head), proj, fc_in and fc_out, and head times fc_out.

    Biases of embed and query are a last column: the kernel's features end with a one.

    Args:
        tensors: The fields of a packed decoder by name.
        heads: Attention heads.
        pairs: Store the large matrices as bfloat16 pairs.
    """
    embed = torch.cat([tensors["embed"], tensors["embed_bias"][:, None]], 1)
    query = torch.cat([tensors["query"], tensors["query_bias"][:, None]], 1)
    head = tensors["head"].double() @ tensors["fc_out"].double()
    return (
        pack_panels(embed),
        pack_panels(query.unflatten(0, (heads, -1))),
        *(pack_panels(tensors[name], pairs=pairs) for name in ("proj", "fc_in", "fc_out")),
        head.float(),
    )


def shape_panels(
    tensors: Mapping[str, Tensor],
    keys: Float[Tensor, "heads tokens head_dim"],
    values: Float[Tensor, "heads tokens head_dim"],
    plan: ShapePlan,
    *,
    pairs: bool,
) -> tuple[Tensor, Tensor]:
    """Return the panels of keys and values of one shape.

    Args:
        tensors: The fields of a packed decoder by name.
        keys: Scaled.
        values: As projected.
        plan: What to multiply into them.
        pairs: Store bfloat16 pairs; keys that meet features stay in float32.
    """
    heads = keys.shape[0]
    if plan.shared_query:
        names = ("query", "query_bias", "query_shift")
        maps = [tensors[name].double().view(len(keys[0, 0]) * heads, -1) for name in names]
        keys = keys.double() @ torch.cat(maps, 1).unflatten(0, (heads, -1))
    columns = values.mT
    if plan.fused_values:
        keys = keys.flatten(0, 1)
        proj = tensors["proj"].double().unflatten(1, (heads, -1)).transpose(0, 1)
        columns = (proj @ columns.double()).transpose(0, 1).flatten(1)
    return pack_panels(keys, pairs=pairs and not plan.shared_query), pack_panels(
        columns, pairs=pairs
    )
