"""The fused geometry decoder in plain torch: the oracle of the kernels.

Arithmetic is in float32 (float64 when the decoder was packed so), with weights rounded to the
packed dtype; activations are not rounded.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import gelu

from gen3d.ops.volume_packing import GridTables, KeySelection, PackedDecoder, PackedShape


def decode_points(
    decoder: PackedDecoder,
    shape: PackedShape,
    points: Float[Tensor, "n 3"],
    *,
    selection: KeySelection | None = None,
) -> Float[Tensor, "n ..."]:
    """Decode at arbitrary points; see :func:`gen3d.ops.volume_decode.decode_points`."""
    features = _features(decoder, points)
    e = features @ decoder.embed.T + decoder.embed_bias
    query = features @ decoder.query.T + decoder.query_bias
    return _decode(decoder, shape, e, query, selection)


def queries_at(
    decoder: PackedDecoder, points: Float[Tensor, "n 3"]
) -> Float[Tensor, "n heads head_dim"]:
    """Return the queries that points ask the keys of a shape with."""
    features = _features(decoder, points)
    e = features @ decoder.embed.T + decoder.embed_bias
    return _queries(decoder, e, features @ decoder.query.T + decoder.query_bias)


def decode_grid(
    decoder: PackedDecoder,
    shape: PackedShape,
    tables: GridTables,
    index: Int[Tensor, "n 3"],
    *,
    selection: KeySelection | None = None,
) -> Float[Tensor, "n ..."]:
    """Decode at samples of a grid; see :func:`gen3d.ops.volume_decode.decode_grid`."""
    i, j, k = index.long().unbind(1)
    e = tables.embed[0, i] + tables.embed[1, j] + tables.embed[2, k]
    query = tables.query[0, i] + tables.query[1, j] + tables.query[2, k]
    return _decode(decoder, shape, e, query, selection)


def _decode(
    decoder: PackedDecoder,
    shape: PackedShape,
    e: Float[Tensor, "n width"],
    query: Float[Tensor, "n inner"],
    selection: KeySelection | None,
) -> Float[Tensor, "n ..."]:
    dtype = e.dtype
    query = _queries(decoder, e, query)
    x = e + _attend(query, shape, selection) @ decoder.proj.to(dtype).T + decoder.proj_bias
    hidden = _normalise(x, decoder.norm_eps) @ decoder.fc_in.to(dtype).T + decoder.fc_in_bias
    hidden = gelu(hidden, approximate="tanh" if decoder.gelu == "tanh" else "none")
    x = x + hidden @ decoder.fc_out.to(dtype).T + decoder.fc_out_bias
    if decoder.post_eps is not None:
        x = _normalise(x, decoder.post_eps)
    return x @ (decoder.head if decoder.outputs is None else decoder.head.T) + decoder.head_bias


def _features(decoder: PackedDecoder, points: Float[Tensor, "n 3"]) -> Float[Tensor, "n features"]:
    points = points.to(decoder.embed.dtype)
    angles = (points[:, :, None] * decoder.frequencies).flatten(1)
    return torch.cat([points, angles.sin(), angles.cos()], 1)


def _queries(
    decoder: PackedDecoder, e: Float[Tensor, "n width"], query: Float[Tensor, "n inner"]
) -> Float[Tensor, "n heads head_dim"]:
    centred = e - e.mean(1, keepdim=True)
    deviation = (centred.square().mean(1, keepdim=True) + decoder.norm_eps).sqrt()
    query = (query / deviation + decoder.query_shift).unflatten(1, (decoder.heads, -1))
    if decoder.query_norm == "none":
        return query
    if decoder.query_norm == "layer":
        query = _normalise(query, decoder.query_norm_eps)
    else:
        mean = query.square().mean(-1, keepdim=True)
        query = query * (mean + decoder.query_norm_eps).rsqrt()
    return query * decoder.query_scale + decoder.query_offset


def _normalise(x: Float[Tensor, "*batch c"], eps: float) -> Float[Tensor, "*batch c"]:
    x = x - x.mean(-1, keepdim=True)
    return x * (x.square().mean(-1, keepdim=True) + eps).rsqrt()


def _attend(
    query: Float[Tensor, "n heads head_dim"], shape: PackedShape, selection: KeySelection | None
) -> Float[Tensor, "n inner"]:
    keys, values = shape.keys.to(query.dtype), shape.values.to(query.dtype)
    if selection is None:
        return _softmax_average(query, keys, values)
    parts, offsets = [], selection.offsets.tolist()
    for group, (first, last) in enumerate(pairwise(offsets)):
        chosen = selection.keys[group].long()[..., None].expand(-1, -1, keys.shape[-1])
        parts.append(
            _softmax_average(query[first:last], keys.gather(1, chosen), values.gather(1, chosen))
        )
    return torch.cat(parts) if parts else query.flatten(1)


def _softmax_average(
    query: Float[Tensor, "n heads head_dim"],
    keys: Float[Tensor, "heads m head_dim"],
    values: Float[Tensor, "heads m head_dim"],
) -> Float[Tensor, "n inner"]:
    """Softmax in base 2: the keys carry the factor log2(e) / sqrt(head_dim)."""
    scores = query.transpose(0, 1) @ keys.mT
    weights = torch.exp2(scores - scores.amax(-1, keepdim=True).detach())
    average = (weights @ values) / weights.sum(-1, keepdim=True)
    return average.transpose(0, 1).flatten(1)
