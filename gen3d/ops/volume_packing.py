"""Geometry decoders made ready for the fused kernels: weights once per model, tokens per shape.

The decoder of a vecset model (3DShape2VecSet, arXiv 2301.11445; Hunyuan3D-2, arXiv 2501.12202) maps
a point p to a number by cross-attention, MLP and a linear head. With PE the Fourier features,
``e = W_p PE(p) + b_p`` is linear in features that depend on one coordinate each, and so is the
query projection of the normed e, up to one factor per point. Folding in float64 gives

    e = embed PE + embed_bias,            s = sqrt(var(e) + eps)
    q = (query PE + query_bias) / s + query_shift

which needs no product of width x width. The affine parts of all norms go into the layer after
them, the softmax scale and log2(e) into the keys, so that kernels use exp2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d.errors import InputError
from gen3d.ops import volume_panels_cuda
from gen3d.ops.backend import cuda_native_available, native, native_available
from gen3d.ops.volume_panels import ShapePlan, decoder_panels, plan_shape, shape_panels
from gen3d.ops.volume_panels_cuda import fits_kernel

Gelu = Literal["exact", "tanh"]
QueryNorm = Literal["none", "layer", "rms"]


@dataclass(frozen=True)
class DecoderWeights:
    """The weights of a decoder as its network holds them; ``(out, in)`` matrices, float.

    Attributes:
        frequencies: Angular frequencies of the Fourier features, radians per unit.
        query_proj: Features ``[x y z | sin(x f).. sin(y f).. sin(z f).. | cos ..]`` to width.
        query_proj_bias: Its bias.
        query_ln: Scale of the norm before the query projection.
        query_ln_bias: Its shift.
        q: Query projection.
        q_bias: Its bias, if any.
        q_norm: Scale of the norm of queries, per head channel, if any.
        q_norm_bias: Its shift, if any.
        proj: Output projection of the attention.
        proj_bias: Its bias.
        mlp_ln: Scale of the norm before the MLP.
        mlp_ln_bias: Its shift.
        fc_in: First layer of the MLP.
        fc_in_bias: Its bias.
        fc_out: Second layer.
        fc_out_bias: Its bias.
        post_ln: Scale of the last norm, if any.
        post_ln_bias: Its shift, if any.
        output: The head's row, or its rows where a query has several values.
        output_bias: Its bias, one number per row.
    """

    frequencies: Float[Tensor, " octaves"]
    query_proj: Float[Tensor, "width features"]
    query_proj_bias: Float[Tensor, " width"]
    query_ln: Float[Tensor, " width"]
    query_ln_bias: Float[Tensor, " width"]
    q: Float[Tensor, "inner width"]
    q_bias: Float[Tensor, " inner"] | None
    q_norm: Float[Tensor, " head_dim"] | None
    q_norm_bias: Float[Tensor, " head_dim"] | None
    proj: Float[Tensor, "width inner"]
    proj_bias: Float[Tensor, " width"]
    mlp_ln: Float[Tensor, " width"]
    mlp_ln_bias: Float[Tensor, " width"]
    fc_in: Float[Tensor, "hidden width"]
    fc_in_bias: Float[Tensor, " hidden"]
    fc_out: Float[Tensor, "width hidden"]
    fc_out_bias: Float[Tensor, " width"]
    post_ln: Float[Tensor, " width"] | None
    post_ln_bias: Float[Tensor, " width"] | None
    output: Float[Tensor, "*outputs width"]
    output_bias: Float[Tensor, " rows"]


@dataclass(frozen=True)
class PackedDecoder:
    """A decoder with everything folded that does not depend on point or shape.

    The large matrices (``proj``, ``fc_in``, ``fc_out``) have the dtype asked for; the rest is
    float32 (all is float64 when that was asked for, for proofs).

    Attributes:
        heads: Attention heads.
        gelu: Which GELU.
        query_norm: Norm of queries per head.
        norm_eps: Epsilon of the norms before attention and MLP.
        query_norm_eps: Epsilon of the norm of queries.
        post_eps: Epsilon of the last norm; None without one.
        frequencies: As in :class:`DecoderWeights`.
        embed: Features to e.
        embed_bias: Its bias.
        query: Features to ``s (q - query_shift)``, norm folded in and centred.
        query_bias: Its bias.
        query_shift: What q has at e of zero variance.
        query_scale: Scale of the norm of queries (ones without).
        query_offset: Its shift (zeros without).
        proj: Attention output to width.
        proj_bias: Its bias.
        fc_in: Normed x (no affine) to hidden.
        fc_in_bias: Its bias.
        fc_out: Hidden to width.
        fc_out_bias: Its bias.
        head: Normed x (no affine), or x where there is no last norm, to the value or values.
        head_bias: Its bias, one number per value.
        panels: The matrices as the CPU kernel reads them (:mod:`gen3d.ops.volume_panels`); empty
            where there is no such kernel.
        pairs: Whether those panels hold pairs of bfloat16.
    """

    heads: int
    gelu: Gelu
    query_norm: QueryNorm
    norm_eps: float
    query_norm_eps: float
    post_eps: float | None
    frequencies: Float[Tensor, " octaves"]
    embed: Float[Tensor, "width features"]
    embed_bias: Float[Tensor, " width"]
    query: Float[Tensor, "inner features"]
    query_bias: Float[Tensor, " inner"]
    query_shift: Float[Tensor, " inner"]
    query_scale: Float[Tensor, " head_dim"]
    query_offset: Float[Tensor, " head_dim"]
    proj: Float[Tensor, "width inner"]
    proj_bias: Float[Tensor, " width"]
    fc_in: Float[Tensor, "hidden width"]
    fc_in_bias: Float[Tensor, " hidden"]
    fc_out: Float[Tensor, "width hidden"]
    fc_out_bias: Float[Tensor, " width"]
    head: Float[Tensor, "*outputs width"]
    head_bias: Float[Tensor, " rows"]
    panels: tuple[Tensor, ...] = ()
    pairs: bool = False

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the large matrices."""
        return self.proj.dtype

    @property
    def outputs(self) -> int | None:
        """Values per query; None: one, without an axis of its own."""
        return None if self.head.ndim == 1 else self.head.shape[0]

    @property
    def width(self) -> int:
        """Channels of x."""
        return self.proj.shape[0]

    @property
    def head_dim(self) -> int:
        """Channels per head."""
        return self.proj.shape[1] // self.heads


@dataclass(frozen=True)
class PackedShape:
    """Keys and values of one shape.

    Attributes:
        keys: After their norm, times ``log2(e) / sqrt(head_dim)``.
        values: As projected.
        panels: Both as the CPU kernel reads them; empty elsewhere.
        plan: What the panels hold, see :class:`ShapePlan`.
    """

    keys: Float[Tensor, "heads tokens head_dim"]
    values: Float[Tensor, "heads tokens head_dim"]
    panels: tuple[Tensor, ...] = ()
    plan: ShapePlan | None = None


@dataclass(frozen=True)
class GridTables:
    """Both linear maps of the features at the coordinates of a grid, axis by axis.

    ``e = embed[0, i] + embed[1, j] + embed[2, k]`` and likewise for the query; biases are in
    the tables of axis 0.

    Attributes:
        coordinates: Of each sample, the same on every axis.
        embed: Parts of e.
        query: Parts of ``s (q - query_shift)``.
    """

    coordinates: Float[Tensor, " side"]
    embed: Float[Tensor, "3 side width"]
    query: Float[Tensor, "3 side inner"]


@dataclass(frozen=True)
class KeySelection:
    """Which keys each group of queries looks at.

    Attributes:
        offsets: Group g holds the queries ``offsets[g] : offsets[g + 1]``; from 0 to n.
        keys: Indices of tokens, per group and head, each at most once.
    """

    offsets: Int[Tensor, " groups_plus_1"]
    keys: Int[Tensor, "groups heads k"]


def pack_decoder(
    weights: DecoderWeights,
    *,
    heads: int,
    gelu: Gelu,
    norm_eps: float,
    query_norm: QueryNorm = "none",
    query_norm_eps: float = 1e-6,
    post_eps: float = 1e-5,
    dtype: torch.dtype = torch.float32,
) -> PackedDecoder:
    """Fold a decoder's weights, once per model.

    Args:
        weights: The network's.
        heads: Attention heads.
        gelu: Which GELU.
        norm_eps: Epsilon of the norms before attention and MLP.
        query_norm: Norm of queries per head.
        query_norm_eps: Its epsilon.
        post_eps: Epsilon of the last norm, where the weights have one.
        dtype: Of the large matrices: float32 or bfloat16 (float64 runs on the reference only).
            CPUs that cannot multiply bfloat16 pairs compute in float32 with the rounded weights.

    Raises:
        InputError: Sizes do not fit together or the dtype is not supported.
    """
    if dtype not in (torch.float32, torch.bfloat16, torch.float64):
        raise InputError(f"dtype is {dtype}, expected float32 or bfloat16")
    inner, width = weights.q.shape
    features = 3 * (2 * len(weights.frequencies) + 1)
    if inner % heads or tuple(weights.query_proj.shape) != (width, features):
        raise InputError(
            f"q is {tuple(weights.q.shape)} for {heads} heads and query_proj "
            f"{tuple(weights.query_proj.shape)}, expected a multiple of the heads and "
            f"({width}, {features})"
        )
    if (query_norm == "none") != (weights.q_norm is None):
        raise InputError(f"query_norm is {query_norm!r}, but q_norm says otherwise")
    w = {name: _double(x) for name, x in vars(weights).items()}
    narrow = torch.float64 if dtype == torch.float64 else torch.float32
    scaled = w["q"] * w["query_ln"]
    centred = scaled - scaled.mean(1, keepdim=True)
    shift = w["q"] @ w["query_ln_bias"]
    ones = torch.ones(inner // heads, dtype=torch.float64, device=shift.device)
    head, head_bias = w["output"], w["output_bias"].reshape(-1)
    if weights.post_ln is not None:
        head, head_bias = head * w["post_ln"], head_bias + head @ w["post_ln_bias"]
    small = {
        "frequencies": w["frequencies"],
        "embed": w["query_proj"],
        "embed_bias": w["query_proj_bias"],
        "query": centred @ w["query_proj"],
        "query_bias": centred @ w["query_proj_bias"],
        "query_shift": shift if weights.q_bias is None else shift + w["q_bias"],
        "query_scale": ones if weights.q_norm is None else w["q_norm"],
        "query_offset": 0 * ones if weights.q_norm_bias is None else w["q_norm_bias"],
        "proj_bias": w["proj_bias"],
        "fc_in_bias": w["fc_in_bias"] + w["fc_in"] @ w["mlp_ln_bias"],
        "fc_out_bias": w["fc_out_bias"],
        "head": head,
        "head_bias": head_bias,
    }
    large = {"proj": w["proj"], "fc_in": w["fc_in"] * w["mlp_ln"], "fc_out": w["fc_out"]}
    tensors = {name: x.to(narrow).contiguous() for name, x in small.items()}
    tensors |= {name: x.to(dtype).contiguous() for name, x in large.items()}
    panels: tuple[Tensor, ...] = ()
    pairs = dtype == torch.bfloat16 and bf16_pairs()
    if weights.q.device.type == "cpu" and dtype != torch.float64 and native_available():
        with torch.no_grad():
            panels = decoder_panels(tensors, heads=heads, pairs=pairs)
    packed = PackedDecoder(
        heads=heads,
        gelu=gelu,
        query_norm=query_norm,
        norm_eps=norm_eps,
        query_norm_eps=query_norm_eps,
        post_eps=None if weights.post_ln is None else post_eps,
        panels=panels,
        pairs=pairs,
        **tensors,
    )
    if weights.q.device.type == "cuda" and cuda_native_available() and fits_kernel(packed):
        packed = replace(packed, panels=volume_panels_cuda.decoder_panels(packed))
    return packed


def pack_shape(
    decoder: PackedDecoder,
    keys: Float[Tensor, "heads tokens head_dim"],
    values: Float[Tensor, "heads tokens head_dim"],
) -> PackedShape:
    """Lay out the keys and values of one shape, once; differentiable.

    Args:
        decoder: The packed model.
        keys: After their norm.
        values: As projected.

    Raises:
        InputError: Shapes do not fit the decoder, or there are no tokens.
    """
    heads, tokens = decoder.heads, keys.shape[1] if keys.ndim == 3 else 0
    expected = (heads, tokens, decoder.head_dim)
    if tokens == 0 or tuple(keys.shape) != expected or keys.shape != values.shape:
        raise InputError(
            f"keys are {tuple(keys.shape)} and values {tuple(values.shape)}, expected both "
            f"({heads}, tokens, {decoder.head_dim}) with at least one token"
        )
    scaled = (keys.double() * (math.log2(math.e) / math.sqrt(decoder.head_dim))).to(decoder.dtype)
    values = values.to(decoder.dtype)
    if not decoder.panels:
        return PackedShape(scaled.contiguous(), values.contiguous())
    if keys.device.type == "cuda":
        with torch.no_grad():
            panels = volume_panels_cuda.shape_panels(decoder, scaled, values)
        return PackedShape(scaled.contiguous(), values.contiguous(), panels)
    plan = plan_shape(
        heads=heads,
        tokens=tokens,
        width=decoder.width,
        head_dim=decoder.head_dim,
        features=decoder.embed.shape[1],
        normed=decoder.query_norm != "none",
        pairs=decoder.pairs,
    )
    tensors = {name: x for name, x in vars(decoder).items() if isinstance(x, Tensor)}
    with torch.no_grad():
        panels = shape_panels(tensors, scaled, values, plan, pairs=decoder.pairs)
    return PackedShape(scaled.contiguous(), values.contiguous(), panels, plan)


def make_grid_tables(decoder: PackedDecoder, coordinates: Float[Tensor, " side"]) -> GridTables:
    """Apply both linear maps to the features of each axis, once per grid.

    Args:
        decoder: The packed model.
        coordinates: Of the samples, the same on every axis.
    """
    count = len(decoder.frequencies)
    x = coordinates.to(decoder.embed.dtype)
    angles = x[:, None] * decoder.frequencies
    parts = torch.cat([x[:, None], angles.sin(), angles.cos()], 1)
    tables = []
    for matrix, bias in (
        (decoder.embed, decoder.embed_bias),
        (decoder.query, decoder.query_bias),
    ):
        rows = []
        for axis in range(3):
            sines = slice(3 + axis * count, 3 + (axis + 1) * count)
            cosines = slice(sines.start + 3 * count, sines.stop + 3 * count)
            columns = [matrix[:, axis : axis + 1], matrix[:, sines], matrix[:, cosines]]
            rows.append(parts.double() @ torch.cat(columns, 1).double().T)
        rows[0] = rows[0] + bias.double()
        tables.append(torch.stack(rows).to(x.dtype))
    return GridTables(x, tables[0], tables[1])


def bf16_pairs() -> bool:
    """Whether the CPU kernels multiply pairs of bfloat16 (AVX-512 BF16) rather than widen them."""
    return native_available() and native().volume_decode_builds()[-1] == "avx512_bf16"


def _double(x: Tensor | None) -> Tensor:
    return torch.empty(0) if x is None else x.detach().double()
