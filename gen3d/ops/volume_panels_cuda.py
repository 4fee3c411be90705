"""Matrices, keys and values in the order in which the CUDA geometry decoder reads them.

They go to tensor cores in 16 bits: bfloat16 where the decoder was packed so, else float16, whose
eleven bits keep the values within 1e-3 of float32. Heads are filled up to 64 channels with zeros.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int16
from torch import Tensor
from torch.nn.functional import pad

if TYPE_CHECKING:
    from gen3d.ops.volume_packing import PackedDecoder

HEAD_DIM = 64
MAX_WIDTH = 1024


def fits_kernel(decoder: PackedDecoder) -> bool:
    """Whether the kernel is written for a decoder of these sizes."""
    dim = decoder.head_dim
    return (
        decoder.dtype != torch.float64
        and decoder.outputs is None
        and decoder.width % 64 == 0
        and max(decoder.width, decoder.heads * HEAD_DIM) <= MAX_WIDTH
        and dim <= HEAD_DIM
        and dim % 2 == 0
    )


def kernel_dtype(decoder: PackedDecoder) -> torch.dtype:
    """Return the dtype in which the kernel multiplies."""
    return torch.bfloat16 if decoder.dtype == torch.bfloat16 else torch.float16


def decoder_panels(decoder: PackedDecoder) -> tuple[Tensor, ...]:
    """Prepare a decoder's weights for the kernel, once per model.

    Args:
        decoder: A packed decoder; its heads have at most 64 channels, an even number.

    Returns:
        The weight stream (see :func:`weight_stream`), hidden bias, product of head and fc_out
        (zero where there is a last norm), head bias, transposed matrices of embed and query, shift
        of the query, scale and offset of its norm.
    """
    post = decoder.post_eps is not None
    width, hidden = decoder.width, decoder.fc_in.shape[0]
    more = -hidden % (width // 2 if post else width)
    fc_in, fc_out = pad(decoder.fc_in, (0, 0, 0, more)), pad(decoder.fc_out, (0, more))
    gaps = (0, HEAD_DIM - decoder.head_dim)
    proj = pad(decoder.proj.unflatten(1, (decoder.heads, -1)), gaps).flatten(1)
    stream = weight_stream(proj, fc_in, fc_out if post else None)
    hidden_head = decoder.head.double() @ fc_out.double()
    head_bias = decoder.head_bias.double()
    if not post:
        head_bias = head_bias + decoder.head.double() @ decoder.fc_out_bias.double()
    query = pad(decoder.query.T.unflatten(1, (decoder.heads, -1)), gaps).flatten(1)
    return (
        stream.to(kernel_dtype(decoder)).view(torch.int16),
        pad(decoder.fc_in_bias, (0, more)),
        hidden_head.float(),
        head_bias.float().reshape(1),
        decoder.embed.T.contiguous(),
        query.contiguous(),
        pad_heads(decoder.query_shift, decoder),
        pad(decoder.query_scale, gaps).contiguous(),
        pad(decoder.query_offset, gaps).contiguous(),
    )


def shape_panels(
    decoder: PackedDecoder,
    keys: Float[Tensor, "heads tokens head_dim"],
    values: Float[Tensor, "heads tokens head_dim"],
) -> tuple[Int16[Tensor, " words"], Int16[Tensor, " words"]]:
    """Prepare keys (scaled) and values for the kernel, once per shape: rows of 64 in 16 bits."""
    dtype, gaps = kernel_dtype(decoder), (0, HEAD_DIM - decoder.head_dim)
    first, second = (pad(x.to(dtype), gaps).contiguous().view(-1) for x in (keys, values))
    return first.view(torch.int16), second.view(torch.int16)


def weight_stream(
    proj: Float[Tensor, "width inner"],
    fc_in: Float[Tensor, "hidden width"],
    fc_out: Float[Tensor, "width hidden"] | None,
) -> Float[Tensor, " numbers"]:
    """Put weights in the order in which the kernel's warps read them.

    A warp owns 64 rows of ``proj`` and ``fc_out``. A unit is 16 columns of those, or 32 rows of 32
    columns of ``fc_in`` (64 of 16 without ``fc_out``); within it each lane finds the fragments of
    its matrix instructions. First all of ``proj``, then, by chunks of hidden channels (width / 2,
    or width without ``fc_out``), ``fc_in`` and ``fc_out`` of the chunk.

    Args:
        proj: Output projection of the attention, heads padded to 64 channels.
        fc_in: First layer of the MLP; hidden channels a multiple of the chunk.
        fc_out: Second layer; None where it went into the head.
    """
    width = proj.shape[0]
    warps = width // 64
    parts = [_fragments(proj, warps)]
    if fc_out is None:
        parts += [_fragments(chunk, warps) for chunk in fc_in.split(width)]
    else:
        columns = fc_out.split(width // 2, 1)
        for rows, after in zip(fc_in.split(width // 2), columns, strict=True):
            # (steps, warps, words) -> two steps of 16 columns per unit
            halves = _fragments(rows, warps).unflatten(0, (-1, 2)).transpose(1, 2)
            parts += [halves, _fragments(after, warps)]
    return torch.cat([part.flatten() for part in parts])


def _fragments(
    matrix: Float[Tensor, "rows columns"], warps: int
) -> Float[Tensor, "steps warps words"]:
    """Order a matrix by steps of 16 columns, by warp, and within by lane.

    Lane 4 g + t reads, for each pair of row tiles (16 rows), its 8 numbers: rows g and g + 8,
    columns 2 t, 2 t + 1, 2 t + 8, 2 t + 9 of each.
    """
    rows, columns = matrix.shape
    pairs = rows // (warps * 16)
    split = matrix.reshape(warps, pairs, 2, 8, columns // 16, 2, 4, 2)
    #                      warp   pair   j  g  step           h  t  e
    return split.permute(4, 0, 1, 3, 6, 2, 5, 7).reshape(columns // 16, warps, -1)


def pad_heads(x: Float[Tensor, "*batch inner"], decoder: PackedDecoder) -> Tensor:
    """Fill every head up to 64 channels with zeros."""
    if decoder.head_dim == HEAD_DIM:
        return x.contiguous()
    heads = x.unflatten(-1, (decoder.heads, -1))
    return pad(heads, (0, HEAD_DIM - decoder.head_dim)).flatten(-2).contiguous()
