"""The CUDA decoder against plain torch, on decoders of many sizes and kinds."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from gen3d.ops.backend import cuda_native_available, why_not
from gen3d.ops.reference import volume_decode as reference
from gen3d.ops.volume_decode import decode_grid, decode_points
from gen3d.ops.volume_packing import (
    DecoderWeights,
    Gelu,
    GridTables,
    KeySelection,
    PackedDecoder,
    PackedShape,
    QueryNorm,
    make_grid_tables,
    pack_decoder,
    pack_shape,
)
from gen3d.ops.volume_panels_cuda import weight_stream

on_gpu = [
    pytest.mark.cuda,
    pytest.mark.skipif(not cuda_native_available(), reason=why_not("cuda") or "no CUDA module"),
]


@dataclass(frozen=True)
class Kind:
    width: int
    heads: int
    ratio: float
    post: bool
    norm: QueryNorm = "none"
    head_dim: int = 64
    gelu: Gelu = "exact"
    dtype: torch.dtype = torch.float32
    tokens: int = 130


KINDS = {
    "embedded model": Kind(192, 3, 2, True, gelu="tanh", tokens=48),
    "turbo": Kind(512, 8, 1, False, tokens=400),
    "full": Kind(1024, 16, 4, True, "layer"),
    "wide without last norm": Kind(640, 10, 1, False),
    "one key": Kind(64, 1, 2, True, tokens=1),
    "a whole tile of keys": Kind(128, 2, 1, False, tokens=64),
    "narrow heads": Kind(128, 4, 1.5, True, "layer", head_dim=32),
    "rms norm": Kind(64, 3, 1.5, False, "rms", head_dim=32),
    "inner wider than x": Kind(64, 4, 3, True),
    "bfloat16": Kind(128, 2, 2, True, dtype=torch.bfloat16),
}


def make_decoder(kind: Kind, device: str) -> PackedDecoder:
    generator = torch.Generator().manual_seed(0)

    def rand(*shape: int, mean: float = 0.0) -> Tensor:
        scale = shape[-1] ** -0.5 if len(shape) > 1 else 0.1
        return (mean + torch.randn(shape, generator=generator) * scale).to(device)

    width, inner, hidden = kind.width, kind.heads * kind.head_dim, int(kind.width * kind.ratio)
    normed = kind.norm != "none"
    weights = DecoderWeights(
        frequencies=1.5 * 2.0 ** torch.arange(5, device=device),
        query_proj=rand(width, 33),
        query_proj_bias=rand(width),
        query_ln=rand(width, mean=1),
        query_ln_bias=rand(width),
        q=3 * rand(inner, width),
        q_bias=rand(inner) if kind.norm == "rms" else None,
        q_norm=rand(kind.head_dim, mean=1) if normed else None,
        q_norm_bias=rand(kind.head_dim) if kind.norm == "layer" else None,
        proj=rand(width, inner),
        proj_bias=rand(width),
        mlp_ln=rand(width, mean=1),
        mlp_ln_bias=rand(width),
        fc_in=rand(hidden, width),
        fc_in_bias=rand(hidden),
        fc_out=rand(width, hidden),
        fc_out_bias=rand(width),
        post_ln=rand(width, mean=1) if kind.post else None,
        post_ln_bias=rand(width) if kind.post else None,
        output=rand(1, width)[0],
        output_bias=rand(1),
    )
    return pack_decoder(
        weights,
        heads=kind.heads,
        gelu=kind.gelu,
        norm_eps=1e-5,
        query_norm=kind.norm,
        dtype=kind.dtype,
    )


def make_shape(decoder: PackedDecoder, kind: Kind, device: str) -> PackedShape:
    generator = torch.Generator().manual_seed(1)
    size = (kind.heads, kind.tokens, kind.head_dim)
    keys, values = (torch.randn(size, generator=generator).to(device) for _ in range(2))
    return pack_shape(decoder, keys, values)


def grid_queries(decoder: PackedDecoder, count: int, device: str) -> tuple[GridTables, Tensor]:
    generator = torch.Generator().manual_seed(2)
    index = torch.randint(0, 17, (count, 3), generator=generator).int()
    return make_grid_tables(decoder, torch.linspace(-1, 1, 17, device=device)), index.to(device)


def random_selection(sizes: list[int], k: int, kind: Kind, device: str) -> KeySelection:
    generator = torch.Generator().manual_seed(3)
    scores = torch.rand(len(sizes), kind.heads, kind.tokens, generator=generator)
    offsets = torch.tensor([0, *sizes]).cumsum(0)
    return KeySelection(offsets.to(device), scores.argsort(-1)[..., :k].int().to(device))


def assert_close(got: Tensor, want: Tensor, dtype: torch.dtype) -> None:
    tolerance = 1e-3 if dtype == torch.float32 else 1e-2
    assert got.dtype == torch.float32 and got.isfinite().all()
    assert float((got - want).abs().max() / want.abs().max()) < tolerance


class TestOnGpu:
    pytestmark = on_gpu

    @pytest.mark.parametrize("name", KINDS)
    @pytest.mark.parametrize("count", [1, 129, 1000])
    def test_grid_equals_plain_torch(self, name: str, count: int) -> None:
        kind = KINDS[name]
        decoder = make_decoder(kind, "cuda")
        assert decoder.panels, "these sizes are packed for the kernel"
        shape = make_shape(decoder, kind, "cuda")
        tables, index = grid_queries(decoder, count, "cuda")
        want = reference.decode_grid(decoder, shape, tables, index)
        assert_close(decode_grid(decoder, shape, tables, index), want, kind.dtype)

    @pytest.mark.parametrize("name", KINDS)
    def test_points_equal_plain_torch(self, name: str) -> None:
        kind = KINDS[name]
        decoder = make_decoder(kind, "cuda")
        shape = make_shape(decoder, kind, "cuda")
        points = torch.rand(300, 3, device="cuda") * 2 - 1
        want = reference.decode_points(decoder, shape, points)
        assert_close(decode_points(decoder, shape, points), want, kind.dtype)

    @pytest.mark.parametrize("name", ["turbo", "embedded model", "narrow heads", "full"])
    def test_selected_keys_equal_plain_torch(self, name: str) -> None:
        kind = KINDS[name]
        decoder = make_decoder(kind, "cuda")
        shape = make_shape(decoder, kind, "cuda")
        sizes = [5, 0, 300, 128, 1, 0]
        selection = random_selection(sizes, min(70, kind.tokens - 1), kind, "cuda")
        tables, index = grid_queries(decoder, sum(sizes), "cuda")
        want = reference.decode_grid(decoder, shape, tables, index, selection=selection)
        got = decode_grid(decoder, shape, tables, index, selection=selection)
        assert_close(got, want, kind.dtype)

    def test_many_chunks_equal_one_query_at_a_time_to_the_bit(self) -> None:
        kind = replace(KINDS["turbo"], width=128, heads=2, tokens=65)
        decoder = make_decoder(kind, "cuda")
        shape = make_shape(decoder, kind, "cuda")
        processors = torch.cuda.get_device_properties("cuda").multi_processor_count
        tables, index = grid_queries(decoder, 128 * 9 * processors + 77, "cuda")
        whole = decode_grid(decoder, shape, tables, index)
        for start in (0, 1000, len(index) - 5):
            alone = decode_grid(decoder, shape, tables, index[start : start + 5])
            assert torch.equal(alone, whole[start : start + 5])

    def test_sizes_beyond_the_kernel_run_in_plain_torch(self) -> None:
        kind = Kind(96, 2, 2, True, head_dim=48)
        decoder = make_decoder(kind, "cuda")
        shape = make_shape(decoder, kind, "cuda")
        tables, index = grid_queries(decoder, 50, "cuda")
        want = reference.decode_grid(decoder, shape, tables, index)
        assert torch.equal(decode_grid(decoder, shape, tables, index), want)

    def test_no_queries_give_no_values(self) -> None:
        kind = KINDS["embedded model"]
        decoder = make_decoder(kind, "cuda")
        shape = make_shape(decoder, kind, "cuda")
        assert decode_points(decoder, shape, torch.zeros(0, 3, device="cuda")).shape == (0,)

    def test_gradients_equal_plain_torch(self) -> None:
        kind = KINDS["embedded model"]
        decoder = make_decoder(kind, "cuda")
        shape = make_shape(decoder, kind, "cuda")
        grads = []
        for decode in (decode_points, reference.decode_points):
            points = torch.full((7, 3), 0.3, device="cuda", requires_grad=True)
            decode(decoder, shape, points).sum().backward()
            assert points.grad is not None
            grads.append(points.grad)
        assert torch.allclose(*grads, rtol=1e-4, atol=1e-5)


def test_weight_stream_puts_each_lanes_fragments_together() -> None:
    # Entries name themselves: 1000 * row + column, in a matrix of 64 rows.
    def named(rows: int, columns: int, plus: float) -> Tensor:
        return torch.arange(rows)[:, None] * 1000.0 + torch.arange(columns) + plus

    proj, fc_in, fc_out = named(64, 64, 0), named(32, 64, 1e5), named(64, 32, 2e5)
    units = weight_stream(proj, fc_in, fc_out).view(-1, 1024)
    assert len(units) == 4 + 2 + 2
    row, column, lane = 16, 32, 4 * 3 + 2  # g = 3, t = 2
    piece = units[2].view(4, 32, 8)[1, lane]
    wanted = [
        (row + 8 * j + 3) * 1000.0 + column + 8 * h + 4 + e
        for j in (0, 1)
        for h in (0, 1)
        for e in (0, 1)
    ]
    assert piece.tolist() == wanted
    # The second half of fc_in's first unit is the next 16 columns.
    assert units[4].view(2, 2, 32, 8)[1, 0, 0, 0] == 1e5 + 16
    assert units[6].view(4, 32, 8)[3, 0, 0] == 2e5 + 48 * 1000
    assert weight_stream(proj, named(64, 64, 1e5), None).numel() == 2 * 64 * 64
