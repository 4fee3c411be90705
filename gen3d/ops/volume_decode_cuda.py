"""The launch of the CUDA twin of the fused geometry decoder.

Products are in 16 bits (see :mod:`gen3d.ops.volume_panels_cuda`) with float32 sums; norms, softmax
and the residual stream are float32. No call waits for the GPU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from gen3d.ops.backend import native_cuda
from gen3d.ops.reference import volume_decode as reference
from gen3d.ops.volume_panels_cuda import (
    HEAD_DIM,
    decoder_panels,
    fits_kernel,
    kernel_dtype,
    pad_heads,
    shape_panels,
)

if TYPE_CHECKING:
    from gen3d.ops.volume_decode import Call

TILE = 128
"""Queries of one tile; the last tile of each group of a selection is filled up with idle rows."""

_NORMS = ("none", "layer", "rms")


def run(call: Call) -> Float[Tensor, " n"]:
    """Launch the kernels for one call; sizes that they do not take go to the plain torch twin.

    Args:
        call: The op's arguments, on one CUDA device.
    """
    decoder, shape, queries = call.decoder, call.shape, call.queries
    with torch.cuda.device_of(queries):
        fits = fits_kernel(decoder) and native_cuda().volume_decode_fits(
            decoder.width, decoder.heads * HEAD_DIM
        )
        if not fits:
            if call.tables is None:
                return reference.decode_points(decoder, shape, queries, selection=call.selection)
            return reference.decode_grid(
                decoder, shape, call.tables, queries, selection=call.selection
            )
        out = torch.empty(queries.shape[0], device=queries.device)
        if len(out):
            _launch(call, out)
        return out


def _launch(call: Call, out: Float[Tensor, " n"]) -> None:
    decoder, shape, device = call.decoder, call.shape, out.device
    panels = decoder.panels or decoder_panels(decoder)
    stream, hidden_bias, hidden_head, head_bias, embed, query, shift, scale, offset = panels
    keys, values = shape.panels or shape_panels(decoder, shape.keys, shape.values)
    floats = torch.empty(0, device=device)
    ints, longs = floats.int(), floats.long()
    index, points, side = ints, call.queries.view(-1), 0
    if call.tables is not None:
        index, points, side = points, floats, len(call.tables.coordinates)
        embed = call.tables.embed.contiguous()
        query = pad_heads(call.tables.query, decoder)
    offsets, first_tile, chosen = longs, longs, ints
    count, per_query = -(-len(out) // TILE), shape.keys.shape[1]
    if call.selection is not None:
        offsets, chosen = call.selection.offsets, call.selection.keys
        tiles = (offsets.diff() + (TILE - 1)) // TILE
        first_tile = pad(tiles.cumsum(0), (1, 0))
        # No more than this; the exact number is known to the GPU only.
        count, per_query = len(out) // TILE + len(chosen), chosen.shape[2]
    inner, rows = decoder.heads * HEAD_DIM, min(count, _chunk_tiles(device)) * TILE
    raw_rows = rows if call.tables is None else 0
    native_cuda().volume_decode(
        *(index, points, offsets, first_tile, chosen.view(-1)),
        [
            *(embed.view(-1), query.view(-1)),
            *(decoder.embed_bias, pad_heads(decoder.query_bias, decoder)),
            *(decoder.frequencies, shift, scale, offset, decoder.proj_bias),
            *(hidden_bias, hidden_head, decoder.fc_out_bias, decoder.head, head_bias),
        ],
        [keys, values, stream],
        [
            *(decoder.width, decoder.heads, int(kernel_dtype(decoder) == torch.bfloat16), side),
            *(_NORMS.index(decoder.query_norm), decoder.head_dim, count),
            *(shape.keys.shape[1], per_query, len(hidden_bias)),
            *(int(decoder.gelu == "tanh"), int(decoder.post_eps is not None), rows // TILE),
        ],
        [decoder.norm_eps, decoder.query_norm_eps, decoder.post_eps or 0.0],
        torch.empty(rows * inner, dtype=torch.int16, device=device),
        torch.empty(rows * decoder.width, device=device),
        torch.empty(raw_rows * inner, device=device),
        *(out, _stream(device)),
    )


def _chunk_tiles(device: torch.device) -> int:
    """Tiles at a time: whole waves of every kernel; 208 MB of buffers on an H200 at width 512."""
    return 4 * torch.cuda.get_device_properties(device).multi_processor_count


def _stream(device: torch.device) -> int:
    return torch.cuda.current_stream(device).cuda_stream
