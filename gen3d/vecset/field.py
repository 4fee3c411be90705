"""The fields of one decoded shape, occupancy and colour, evaluated by the fused decoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gen3d.errors import InputError
from gen3d.nn.attention import KeysValues
from gen3d.nn.norms import RMSNorm
from gen3d.ops.backend import uses_native
from gen3d.ops.volume_decode import decode_grid, decode_points
from gen3d.ops.volume_packing import (
    DecoderWeights,
    KeySelection,
    PackedDecoder,
    PackedShape,
    make_grid_tables,
    pack_decoder,
    pack_shape,
)
from gen3d.vecset.grid_field import WALL_VALUE, Grid, GridSampler, QueryGroups
from gen3d.vecset.query_decoder import QueryDecoder

KeySelector: TypeAlias = Callable[
    [PackedDecoder, PackedShape, Float[Tensor, "n 3"], QueryGroups], Sequence[KeySelection]
]
"""Chooses keys for groups of points, see :mod:`gen3d.vecset.key_selection`. Several selections are
for consecutive parts of the points, where groups differ in their number of keys."""

# Scores held at once by the plain torch path, 256 MB in float32.
_MAX_SCORES = 1 << 26


class GeometryField:
    """Occupancy logits of one shape, positive inside, closed at the walls of its cube.

    Runs the fused kernel where :mod:`gen3d.ops.backend` has one for the device, and the network
    itself, in pieces, elsewhere. Differentiable in points and shape either way.

    Args:
        decoder: The geometry decoder.
        shape: Its keys and values for one shape (a batch of one).
        bounds: Half side of the cube; at its walls and beyond, values are at most -1e-3.
        dtype: Of the kernel's large matrices: float32 or bfloat16; by default the network's own
            (float32 for a float16 network). The plain path always has the network's own.
        selector: Chooses which keys a group of grid queries looks at; None: all. Needs the packed
            form, so that the plain path is then the kernel's reference.
        packed: ``decoder`` already packed, to share between shapes; ``dtype`` is then its own.
        chunk: The plain path answers at most so many queries at a time; None: as many as 256 MB of
            attention scores allow. The kernel holds none and takes them all.

    Raises:
        InputError: The shape is a batch of several.

    Example:
        field = GeometryField(vae.geometry, vae.decode(latents).geometry, bounds=1.0)
        inside = field(points) > 0
    """

    def __init__(
        self,
        decoder: QueryDecoder,
        shape: KeysValues,
        *,
        bounds: float,
        dtype: torch.dtype | None = None,
        selector: KeySelector | None = None,
        packed: PackedDecoder | None = None,
        chunk: int | None = None,
    ) -> None:
        if shape.keys.shape[0] != 1:
            raise InputError(
                f"the field of {shape.keys.shape[0]} shapes was asked for, expected one",
                hint="use DecodedShape.item(i)",
            )
        self.bounds, self.selector = bounds, selector
        self._network, self._keys_values = decoder, shape
        self._chunk = plain_chunk(shape) if chunk is None else chunk
        self._packed: tuple[PackedDecoder, PackedShape] | None = None
        if selector is not None or uses_native(shape.keys.device):
            model = packed or pack_query_decoder(decoder, dtype=dtype)
            self._packed = (model, pack_shape(model, shape.keys[0], shape.values[0]))

    def __call__(self, points: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
        """Return float32 values at any points."""
        return _close(self._at(points), self._beyond(points).any(-1))

    def on_grid(self, grid: Grid) -> GridSampler:
        """Prepare to sample corners of one grid; tables are made once."""
        device = self._keys_values.keys.device
        axis = torch.arange(grid.side, device=device)
        coordinates = grid.points(axis[:, None].expand(-1, 3))[:, 0].contiguous()
        beyond = self._beyond(coordinates)
        packed = None
        if self._packed is not None:
            model, shape = self._packed
            packed = (model, shape, make_grid_tables(model, coordinates))

        def sample(
            index: Int[Tensor, "n 3"], groups: QueryGroups | None = None, /
        ) -> Float[Tensor, " n"]:
            if packed is None:
                values = self._at(grid.points(index))
            else:
                model, shape, tables = packed
                if self.selector is not None and groups is not None and len(index):
                    chosen = self.selector(model, shape, grid.points(index), groups)
                    parts = index.split([int(one.offsets[-1]) for one in chosen])
                    found = [
                        decode_grid(model, shape, tables, part, selection=one)
                        for part, one in zip(parts, chosen, strict=True)
                    ]
                    values = torch.cat(found)
                else:
                    values = self._in_pieces(
                        index, lambda part: decode_grid(model, shape, tables, part)
                    )
            return _close(values, beyond[index.long()].any(-1))

        return sample

    def _at(self, points: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
        if self._packed is None:
            return self._in_pieces(
                points,
                lambda part: self._network(part[None], self._keys_values)[0, :, 0].float(),
            )
        model, shape = self._packed
        return self._in_pieces(points, lambda part: decode_points(model, shape, part))

    def _in_pieces(
        self, queries: Tensor, function: Callable[[Tensor], Tensor]
    ) -> Float[Tensor, " n"]:
        """Bound the memory of scores where torch holds them all; the kernel holds few."""
        keys = self._keys_values.keys
        plain = not uses_native(keys.device)
        needs_grad = torch.is_grad_enabled() and (queries.requires_grad or keys.requires_grad)
        if not (plain or needs_grad) or len(queries) <= self._chunk:
            return function(queries)
        return torch.cat([function(part) for part in queries.split(self._chunk)])

    def _beyond(self, coordinates: Float[Tensor, "*shape"]) -> Bool[Tensor, "*shape"]:
        limit = self.bounds - 2e-6 * self.bounds
        return coordinates.abs() >= limit


class ColourField:
    """SRGB colours of one shape at any points, in [0, 1].

    Runs the fused kernel on CPUs where it is built, and the network itself, in pieces, elsewhere.

    Args:
        decoder: The colour decoder.
        shape: Its keys and values for one shape (a batch of one).

    Raises:
        InputError: The shape is a batch of several.

    Example:
        colours = ColourField(vae.colour, vae.decode(latents).colour)(points)
    """

    def __init__(self, decoder: QueryDecoder, shape: KeysValues) -> None:
        if shape.keys.shape[0] != 1:
            raise InputError(f"colours of {shape.keys.shape[0]} shapes were asked for, not of one")
        self._network, self._keys_values = decoder, shape
        self._packed: tuple[PackedDecoder, PackedShape] | None = None
        if shape.keys.device.type == "cpu" and uses_native(shape.keys.device):
            model = pack_query_decoder(decoder)
            self._packed = (model, pack_shape(model, shape.keys[0], shape.values[0]))

    @torch.no_grad()
    def __call__(self, points: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
        """Return float32 colours."""
        if self._packed is not None:
            return decode_points(*self._packed, points).sigmoid()
        parts = points.split(plain_chunk(self._keys_values))
        found = [self._network(part[None], self._keys_values)[0].float() for part in parts]
        return torch.cat(found).sigmoid()


def plain_chunk(shape: KeysValues) -> int:
    """Return how many queries at a time keep torch's attention scores within 256 MB."""
    return max(_MAX_SCORES // (shape.keys.shape[1] * shape.keys.shape[2]), 1)


def pack_query_decoder(decoder: QueryDecoder, *, dtype: torch.dtype | None = None) -> PackedDecoder:
    """Pack a query decoder for the fused kernel.

    Args:
        decoder: The network.
        dtype: float32 or bfloat16; by default bfloat16 for a network in it, float32 for others.

    Raises:
        InputError: The dtype is not supported.
    """
    if dtype is None:
        narrow = decoder.output_proj.weight.dtype == torch.bfloat16
        dtype = torch.bfloat16 if narrow else torch.float32
    cross, attention, mlp = decoder.cross, decoder.cross.attention, decoder.cross.mlp
    norm, post = attention.query_norm, decoder.ln_post
    layer_norm, output = isinstance(norm, nn.LayerNorm), decoder.output_proj.weight
    weights = DecoderWeights(
        frequencies=decoder.fourier.frequencies,
        query_proj=decoder.query_proj.weight,
        query_proj_bias=decoder.query_proj.bias,
        query_ln=cross.query_norm.weight,
        query_ln_bias=cross.query_norm.bias,
        q=attention.q.weight,
        q_bias=attention.q.bias,
        q_norm=_scale_of(norm),
        q_norm_bias=norm.bias if isinstance(norm, nn.LayerNorm) else None,
        proj=attention.proj.weight,
        proj_bias=attention.proj.bias,
        mlp_ln=cross.mlp_norm.weight,
        mlp_ln_bias=cross.mlp_norm.bias,
        fc_in=mlp.fc_in.weight,
        fc_in_bias=mlp.fc_in.bias,
        fc_out=mlp.fc_out.weight,
        fc_out_bias=mlp.fc_out.bias,
        post_ln=post.weight if isinstance(post, nn.LayerNorm) else None,
        post_ln_bias=post.bias if isinstance(post, nn.LayerNorm) else None,
        output=output[0] if len(output) == 1 else output,
        output_bias=decoder.output_proj.bias,
    )
    return pack_decoder(
        weights,
        heads=attention.heads,
        gelu="tanh" if mlp.act.approximate == "tanh" else "exact",
        norm_eps=cross.query_norm.eps,
        query_norm="layer" if layer_norm else "rms" if isinstance(norm, RMSNorm) else "none",
        query_norm_eps=norm.eps if isinstance(norm, nn.LayerNorm | RMSNorm) else 0.0,
        post_eps=post.eps if isinstance(post, nn.LayerNorm) else 0.0,
        dtype=dtype,
    )


def _scale_of(norm: nn.Module) -> Tensor | None:
    if isinstance(norm, nn.LayerNorm):
        return norm.weight
    return norm.scale if isinstance(norm, RMSNorm) else None


def _close(values: Float[Tensor, " n"], wall: Bool[Tensor, " n"]) -> Float[Tensor, " n"]:
    return torch.where(wall, values.clamp(max=WALL_VALUE), values)
