"""The query decoders of vecset models as one kernel: points in, one number or a few each out.

Fourier features, cross-attention over the tokens of a shape with online softmax, MLP and linear
head run tile by tile, so that nothing but the result leaves the cache. Each query's value depends
on that query alone: not on its neighbours in the call, their number or the thread count.

Gradients reach points, keys and values (backward mode, by recomputation in plain torch); a
decoder's weights are constants.

Example:
    decoder = pack_decoder(weights, heads=8, gelu="exact", norm_eps=1e-6)    # once per model
    shape = pack_shape(decoder, keys, values)                                # once per shape
    logits = decode_points(decoder, shape, points)
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d.errors import InputError
from gen3d.ops.backend import native, native_cuda, uses_native
from gen3d.ops.forward_ad import refuse_forward_ad
from gen3d.ops.reference import volume_decode as reference
from gen3d.ops.registration import kernel_for
from gen3d.ops.volume_packing import GridTables, KeySelection, PackedDecoder, PackedShape
from gen3d.ops.volume_panels import ShapePlan

_TENSORS = tuple(
    field.name for field in fields(PackedDecoder) if str(field.type).startswith(("Float", "Int"))
)
_GELUS = ("exact", "tanh")
_NORMS = ("none", "layer", "rms")


def decode_points(
    decoder: PackedDecoder,
    shape: PackedShape,
    points: Float[Tensor, "n 3"],
    *,
    selection: KeySelection | None = None,
) -> Float[Tensor, "n ..."]:
    """Evaluate the decoder at arbitrary points.

    Args:
        decoder: The model, on the device of ``points``.
        shape: The shape, packed for ``decoder``.
        points: Network frame; used in float32.
        selection: Keys per group of queries, instead of all.

    Returns:
        One float32 per point, or as many as the head has rows (float64 for a decoder packed so, by
        the reference).

    Raises:
        InputError: Shapes, devices or the selection are not as described.
        RuntimeError: Under forward-mode differentiation.
    """
    _check(points, selection, shape)
    if not points.is_floating_point():
        raise InputError(f"points are {points.dtype}, expected floats")
    if not _uses_kernel(decoder, shape, points):
        return reference.decode_points(decoder, shape, points, selection=selection)
    refuse_forward_ad("volume_decode", points, shape.keys, shape.values)
    return _call(decoder, shape, points.to(torch.float32), None, selection)


def decode_grid(
    decoder: PackedDecoder,
    shape: PackedShape,
    tables: GridTables,
    index: Int[Tensor, "n 3"],
    *,
    selection: KeySelection | None = None,
) -> Float[Tensor, "n ..."]:
    """Evaluate the decoder at samples of a grid, through its axis-separable tables.

    Args:
        decoder: The model, on the device of ``index``.
        shape: The shape, packed for ``decoder``.
        tables: From :func:`gen3d.ops.volume_packing.make_grid_tables`.
        index: Samples (i, j, k), each from 0 to side - 1; not checked on GPUs.
        selection: Keys per group of queries, instead of all.

    Returns:
        One float32 per sample, or as many as the head has rows.

    Raises:
        InputError: Shapes, devices, indices or the selection are not as described.
        RuntimeError: Under forward-mode differentiation.
    """
    _check(index, selection, shape)
    if index.is_floating_point():
        raise InputError(f"index is {index.dtype}, expected integers")
    side = len(tables.coordinates)
    if index.device.type == "cpu" and index.numel():
        low, high = (int(x) for x in index.aminmax())
        if low < 0 or high >= side:
            raise InputError(f"index ranges from {low} to {high}, expected 0 to {side - 1}")
    if not _uses_kernel(decoder, shape, index):
        return reference.decode_grid(decoder, shape, tables, index, selection=selection)
    refuse_forward_ad("volume_decode", shape.keys, shape.values)
    return _call(decoder, shape, index.to(torch.int32), tables, selection)


def _check(queries: Tensor, selection: KeySelection | None, shape: PackedShape) -> None:
    if queries.ndim != 2 or queries.shape[1] != 3:
        raise InputError(f"queries have shape {tuple(queries.shape)}, expected (n, 3)")
    if queries.device != shape.keys.device:
        raise InputError(
            f"queries are on {queries.device} and the shape on {shape.keys.device}, "
            "expected one device"
        )
    if selection is None:
        return
    heads, tokens = shape.keys.shape[:2]
    offsets, keys = selection.offsets, selection.keys
    if keys.ndim != 3 or keys.shape[1] != heads or keys.shape[2] == 0:
        raise InputError(f"selected keys are {tuple(keys.shape)}, expected (groups, {heads}, k)")
    if tuple(offsets.shape) != (len(keys) + 1,):
        raise InputError(f"offsets are {tuple(offsets.shape)}, expected ({len(keys) + 1},)")
    if offsets.device.type != "cpu" or keys.device.type != "cpu":
        return  # a check would wait for the GPU
    if len(keys) and not 0 <= int(keys.min()) <= int(keys.max()) < tokens:
        raise InputError(
            f"selected keys range from {int(keys.min())} to {int(keys.max())}, "
            f"expected 0 to {tokens - 1}"
        )
    steps = offsets.diff()
    whole = int(offsets[0]) == 0 and int(offsets[-1]) == len(queries)
    if not whole or (len(steps) and int(steps.min()) < 0):
        raise InputError(f"offsets must rise from 0 to the {len(queries)} queries")


def _uses_kernel(decoder: PackedDecoder, shape: PackedShape, queries: Tensor) -> bool:
    if decoder.dtype == torch.float64 or not uses_native(queries.device):
        return False
    if queries.device.type == "cuda":
        return hasattr(native_cuda(), "volume_decode")
    if not decoder.panels or not shape.panels:
        raise InputError(
            "the decoder or the shape was packed for another device or backend",
            hint="call pack_decoder and pack_shape again with CPU tensors",
        )
    return True


def kernel_build() -> str:
    """Name the build of the CPU kernel in use: the best that runs here.

    The environment variable ``GEN3D_SIMD`` asks for a lesser one: ``portable``, ``avx2``,
    ``avx512`` or ``avx512_bf16`` (which bfloat16 weights packed for pairs need).

    Raises:
        InputError: That build does not run here.
    """
    builds = native().volume_decode_builds()
    asked = os.environ.get("GEN3D_SIMD", "").strip().lower() or builds[-1]
    if asked not in builds:
        raise InputError(f"GEN3D_SIMD is {asked!r}, expected one of {', '.join(builds)}")
    return asked


@dataclass(frozen=True)
class Call:
    """One call of the op with names for its arguments.

    Attributes:
        decoder: The model.
        shape: The shape.
        queries: Points (float32) or indices (int32), contiguous.
        tables: Tables of the grid; None for points.
        selection: Selected keys (offsets int64, keys int32), contiguous, or None.
    """

    decoder: PackedDecoder
    shape: PackedShape
    queries: Tensor
    tables: GridTables | None
    selection: KeySelection | None


def _call(
    decoder: PackedDecoder,
    shape: PackedShape,
    queries: Tensor,
    tables: GridTables | None,
    selection: KeySelection | None,
) -> Tensor:
    plan = shape.plan or ShapePlan(False, False)
    return _run_op(
        queries.contiguous(),
        shape.keys,
        shape.values,
        [getattr(decoder, name) for name in _TENSORS],
        [*decoder.panels, *shape.panels],
        [] if tables is None else [tables.coordinates, tables.embed, tables.query],
        []
        if selection is None
        else [selection.offsets.long().contiguous(), selection.keys.int().contiguous()],
        [
            decoder.heads,
            _GELUS.index(decoder.gelu),
            _NORMS.index(decoder.query_norm),
            int(decoder.post_eps is not None),
            int(decoder.pairs),
            int(plan.shared_query),
            int(plan.fused_values),
        ],
        [decoder.norm_eps, decoder.query_norm_eps, decoder.post_eps or 0.0],
    )


def _run_op(*arguments: Any) -> Tensor:
    return torch.ops.gen3d.volume_decode(*arguments)


def _unflatten(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    tensors: Sequence[Tensor],
    panels: Sequence[Tensor],
    tables: Sequence[Tensor],
    selection: Sequence[Tensor],
    switches: Sequence[int],
    eps: Sequence[float],
) -> Call:
    heads, gelu, norm, post, pairs, shared, fused = switches
    decoder = PackedDecoder(
        heads=heads,
        gelu=_GELUS[gelu],
        query_norm=_NORMS[norm],
        norm_eps=eps[0],
        query_norm_eps=eps[1],
        post_eps=eps[2] if post else None,
        panels=tuple(panels[:-2]),
        pairs=bool(pairs),
        **dict(zip(_TENSORS, tensors, strict=True)),
    )
    shape = PackedShape(keys, values, tuple(panels[-2:]), ShapePlan(bool(shared), bool(fused)))
    return Call(
        decoder,
        shape,
        queries,
        GridTables(*tables) if tables else None,
        KeySelection(*selection) if selection else None,
    )


@kernel_for("gen3d::volume_decode", "cpu", "cuda")
def _volume_decode(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    tensors: Sequence[Tensor],
    panels: Sequence[Tensor],
    tables: Sequence[Tensor],
    selection: Sequence[Tensor],
    switches: Sequence[int],
    eps: Sequence[float],
) -> Tensor:
    call = _unflatten(
        queries.detach(),
        keys.detach(),
        values.detach(),
        tensors,
        panels,
        tables,
        selection,
        switches,
        eps,
    )
    if queries.device.type == "cuda":
        from gen3d.ops.volume_decode_cuda import run

        return run(call)
    return _run(call)


@torch.library.register_fake("gen3d::volume_decode")
def _(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    tensors: Sequence[Tensor],
    panels: Sequence[Tensor],
    tables: Sequence[Tensor],
    selection: Sequence[Tensor],
    switches: Sequence[int],
    eps: Sequence[float],
) -> Tensor:
    return _empty(queries, tensors[_TENSORS.index("head")])


def _empty(queries: Tensor, head: Tensor) -> Tensor:
    """What a decoder with this head answers to these queries, not filled in."""
    return queries.new_empty((queries.shape[0], *head.shape[:-1]), dtype=torch.float32)


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    queries, keys, values, *rest = inputs
    ctx.save_for_backward(queries, keys, values)
    ctx.rest = rest


def _backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    """Recompute in plain torch."""
    saved, needed = ctx.saved_tensors, ctx.needs_input_grad[:3]
    with torch.enable_grad():
        leaves = [x.detach().requires_grad_(need) for x, need in zip(saved, needed, strict=True)]
        call = _unflatten(*leaves, *ctx.rest)
        if call.tables is None:
            result = reference.decode_points(
                call.decoder, call.shape, call.queries, selection=call.selection
            )
        else:
            result = reference.decode_grid(
                call.decoder, call.shape, call.tables, call.queries, selection=call.selection
            )
        wanted = [x for x in leaves if x.requires_grad]
        found = iter(torch.autograd.grad(result, wanted, grad))
    grads = [next(found) if x.requires_grad else None for x in leaves]
    # Lists of tensors want lists of gradients.
    return (*grads, *([None] * len(x) for x in ctx.rest[:4]), None, None)


torch.library.register_autograd("gen3d::volume_decode", _backward, setup_context=_setup_context)


def _run(call: Call) -> Tensor:
    """The CPU kernel."""
    decoder, shape, queries = call.decoder, call.shape, call.queries
    assert shape.plan is not None, "a shape with panels has a plan"
    if queries.shape[0] == 0:
        return _empty(queries, decoder.head)
    out = torch.empty(len(decoder.head_bias), queries.shape[0])
    floats, ints = torch.empty(0), out.new_empty(0, dtype=torch.int32)
    longs = out.new_empty(0, dtype=torch.int64)
    points, index, coordinates = queries.view(-1), ints, floats
    if call.tables is not None:
        points, index, coordinates = floats, points, call.tables.coordinates
    offsets, chosen, rows = longs, ints, (ints, ints)
    if call.selection is not None:
        offsets, chosen = call.selection.offsets, call.selection.keys.view(-1)
        rows = (_as_words(shape.keys), _as_words(shape.values))
    *panels, head_of_hidden = decoder.panels
    names = ("query_shift", "query_scale", "query_offset", "proj_bias", "fc_in_bias")
    vectors = [getattr(decoder, name) for name in (*names, "fc_out_bias")]
    vectors += [decoder.head.view(-1), decoder.head_bias, head_of_hidden.view(-1)]
    native().volume_decode(
        kernel_build(),
        *(points, index, coordinates, decoder.frequencies),
        [panel.view(-1) for panel in (*panels, *shape.panels)],
        vectors,
        *(*rows, offsets, chosen),
        [
            *(decoder.width, decoder.heads, decoder.head_dim, decoder.fc_in.shape[0]),
            shape.keys.shape[1],
            int(decoder.gelu == "tanh"),
            _NORMS.index(decoder.query_norm),
            int(decoder.post_eps is not None),
            int(decoder.pairs),
            int(shape.plan.shared_query),
            int(shape.plan.fused_values),
            int(shape.keys.dtype == torch.bfloat16),
            len(decoder.head_bias),
        ],
        [decoder.norm_eps, decoder.query_norm_eps, decoder.post_eps or 0.0],
        *(out.view(-1), torch.get_num_threads()),
    )
    return out[0] if decoder.outputs is None else out.T.contiguous()


def _as_words(rows: Tensor) -> Tensor:
    """View numbers of 2 or 4 bytes as a flat array of 32-bit words (of which one may be filled)."""
    flat = rows.detach().reshape(-1)
    if rows.element_size() == 2 and len(flat) % 2:
        flat = torch.cat([flat, flat.new_zeros(1)])
    return flat.view(torch.int32)
