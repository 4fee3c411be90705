import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.ops import volume_decode
from gen3d.ops.backend import native, native_available
from gen3d.ops.reference import volume_decode as reference
from gen3d.ops.volume_decode import decode_grid, decode_points, kernel_build
from gen3d.ops.volume_packing import (
    DecoderWeights,
    KeySelection,
    PackedDecoder,
    PackedShape,
    make_grid_tables,
    pack_decoder,
    pack_shape,
)

needs_native = pytest.mark.skipif(not native_available(), reason="native module not built")
BUILDS = native().volume_decode_builds() if native_available() else []


@dataclass(frozen=True)
class Sizes:
    width: int = 48
    heads: int = 2
    inner: int = 48
    hidden: int = 40
    tokens: int = 21
    octaves: int = 3
    gelu: str = "tanh"
    query_norm: str = "none"
    post: bool = True
    q_bias: bool = False
    outputs: int | None = None


CASES = {
    "embedded": Sizes(192, 3, 192, 384, 48, 5),
    "turbo, several key blocks": Sizes(128, 2, 128, 128, 300, 8, "exact", post=False),
    "full": Sizes(128, 2, 128, 512, 131, 8, "exact", "layer"),
    "hidden beyond one block": Sizes(64, 1, 64, 530, 129, 2, "exact", "layer"),
    "odd everything": Sizes(30, 3, 33, 17, 5, 2, q_bias=True),
    "rms norm": Sizes(24, 2, 20, 9, 130, 1, "exact", "rms", q_bias=True),
    "one token": Sizes(tokens=1),
    "no last norm, few keys": Sizes(64, 1, 64, 31, 9, 3, post=False),
    "three values": Sizes(48, 2, 48, 40, 21, 3, outputs=3),
    "four values, no last norm": Sizes(32, 1, 32, 530, 2, 2, post=False, outputs=4),
}


def random(*shape: int, scale: float = 1.0, seed: int = 0) -> Tensor:
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def weights_of(s: Sizes) -> DecoderWeights:
    features, head_dim = 3 * (2 * s.octaves + 1), s.inner // s.heads
    normed = s.query_norm != "none"
    return DecoderWeights(
        frequencies=math.pi / 2 * 2.0 ** torch.arange(s.octaves),
        query_proj=random(s.width, features, scale=features**-0.5, seed=1),
        query_proj_bias=random(s.width, scale=0.1, seed=2),
        query_ln=1 + random(s.width, scale=0.1, seed=3),
        query_ln_bias=random(s.width, scale=0.1, seed=4),
        q=random(s.inner, s.width, scale=2 * s.width**-0.5, seed=5),
        q_bias=random(s.inner, scale=0.1, seed=6) if s.q_bias else None,
        q_norm=1 + random(head_dim, scale=0.1, seed=7) if normed else None,
        q_norm_bias=random(head_dim, scale=0.1, seed=8) if s.query_norm == "layer" else None,
        proj=random(s.width, s.inner, scale=s.inner**-0.5, seed=9),
        proj_bias=random(s.width, scale=0.1, seed=10),
        mlp_ln=1 + random(s.width, scale=0.1, seed=11),
        mlp_ln_bias=random(s.width, scale=0.1, seed=12),
        fc_in=random(s.hidden, s.width, scale=s.width**-0.5, seed=13),
        fc_in_bias=random(s.hidden, scale=0.1, seed=14),
        fc_out=random(s.width, s.hidden, scale=s.hidden**-0.5, seed=15),
        fc_out_bias=random(s.width, scale=0.1, seed=16),
        post_ln=1 + random(s.width, scale=0.1, seed=17) if s.post else None,
        post_ln_bias=random(s.width, scale=0.1, seed=18) if s.post else None,
        output=random(
            *([] if s.outputs is None else [s.outputs]), s.width, scale=s.width**-0.5, seed=19
        ),
        output_bias=random(s.outputs or 1, seed=20),
    )


def packed(s: Sizes, dtype: torch.dtype = torch.float32) -> tuple[PackedDecoder, PackedShape]:
    decoder = pack_decoder(
        weights_of(s),
        heads=s.heads,
        gelu=s.gelu,  # type: ignore[arg-type]
        norm_eps=1e-6,
        query_norm=s.query_norm,  # type: ignore[arg-type]
        dtype=dtype,
    )
    keys, values = (random(s.heads, s.tokens, s.inner // s.heads, seed=i) for i in (30, 31))
    return decoder, pack_shape(decoder, keys, values)


def points_of(count: int) -> Tensor:
    return torch.rand(count, 3, generator=torch.Generator().manual_seed(5)) * 2 - 1


def selection_of(s: Sizes, sizes: list[int], k: int) -> KeySelection:
    order = torch.rand(len(sizes), s.heads, s.tokens, generator=torch.Generator().manual_seed(6))
    offsets = torch.tensor([0, *sizes]).cumsum(0)
    return KeySelection(offsets, order.argsort(-1)[..., :k])


@needs_native
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("build", [b for b in BUILDS if b != "avx512_bf16"])
def test_kernel_agrees_with_reference(case, build, monkeypatch):
    monkeypatch.setenv("GEN3D_SIMD", build)
    decoder, shape = packed(CASES[case])
    points = points_of(101)
    expected = reference.decode_points(decoder, shape, points)
    torch.testing.assert_close(decode_points(decoder, shape, points), expected, atol=2e-5, rtol=0)


@needs_native
@pytest.mark.parametrize("case", CASES)
def test_bfloat16_is_near_the_reference_with_rounded_weights(case):
    decoder, shape = packed(CASES[case], torch.bfloat16)
    points = points_of(101)
    expected = reference.decode_points(decoder, shape, points)
    error = (decode_points(decoder, shape, points) - expected).abs().max()
    assert error < 0.03 * max(1.0, float(expected.std()))


@needs_native
@pytest.mark.parametrize("case", ["turbo, several key blocks", "full", "odd everything"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_selected_keys_agree_with_reference(case, dtype):
    sizes = CASES[case]
    decoder, shape = packed(sizes, dtype)
    chosen = selection_of(sizes, [60, 0, 1, 40], min(sizes.tokens, 9))
    points = points_of(101)
    expected = reference.decode_points(decoder, shape, points, selection=chosen)
    found = decode_points(decoder, shape, points, selection=chosen)
    tolerance = 2e-5 if dtype == torch.float32 else 0.04
    torch.testing.assert_close(found, expected, atol=tolerance, rtol=0)


@needs_native
def test_selecting_all_keys_is_no_selection():
    sizes = CASES["full"]
    decoder, shape = packed(sizes)
    everything = selection_of(sizes, [33, 17], sizes.tokens)
    points = points_of(50)
    full = decode_points(decoder, shape, points)
    found = decode_points(decoder, shape, points, selection=everything)
    torch.testing.assert_close(found, full, atol=1e-5, rtol=0)


@needs_native
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("case", ["embedded", "full", "three values"])
def test_value_depends_on_its_query_alone(case, dtype):
    decoder, shape = packed(CASES[case], dtype)
    points = points_of(150)
    whole = decode_points(decoder, shape, points)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert torch.equal(decode_points(decoder, shape, points.flip(0)).flip(0), whole)
    finally:
        torch.set_num_threads(threads)
    pieces = torch.cat([decode_points(decoder, shape, part) for part in points.split(7)])
    assert torch.equal(pieces, whole)


@pytest.mark.parametrize("backend", [pytest.param("native", marks=needs_native), "reference"])
def test_grid_agrees_with_points(backend, monkeypatch):
    monkeypatch.setenv("GEN3D_BACKEND", backend)
    decoder, shape = packed(CASES["embedded"])
    coordinates = torch.linspace(-1, 1, 12)
    tables = make_grid_tables(decoder, coordinates)
    index = torch.randint(0, 12, (70, 3), generator=torch.Generator().manual_seed(0))
    expected = decode_points(decoder, shape, coordinates[index])
    found = decode_grid(decoder, shape, tables, index)
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=0)


@pytest.mark.parametrize("case", ["embedded", "full", "rms norm"])
def test_axis_tables_are_exact_in_float64(case):
    decoder, shape = packed(CASES[case], torch.float64)
    coordinates = torch.linspace(-1, 1, 9, dtype=torch.float64)
    tables = make_grid_tables(decoder, coordinates)
    index = torch.cartesian_prod(*[torch.arange(9)] * 3)[::17]
    direct = decode_points(decoder, shape, coordinates[index])
    found = decode_grid(decoder, shape, tables, index)
    assert float((found - direct).abs().max()) <= 1e-12


@pytest.mark.parametrize("backend", [pytest.param("native", marks=needs_native), "reference"])
def test_one_query_none_and_strided_ones(backend, monkeypatch):
    monkeypatch.setenv("GEN3D_BACKEND", backend)
    decoder, shape = packed(Sizes())
    points = points_of(10)
    whole = decode_points(decoder, shape, points)
    assert decode_points(decoder, shape, points[:0]).shape == (0,)
    assert decode_points(decoder, shape, points[3:4]) == pytest.approx(float(whole[3]), abs=1e-5)
    wide = torch.stack([points, points], 1).flatten(0, 1)[::2].T.contiguous().T
    torch.testing.assert_close(decode_points(decoder, shape, wide), whole, atol=1e-5, rtol=0)


@needs_native
@pytest.mark.parametrize("case", ["odd everything", "full", "three values"])
def test_gradients_agree_with_float64(case):
    sizes = CASES[case]
    found, expected = [], []
    for dtype, into in ((torch.float32, found), (torch.float64, expected)):
        decoder, _ = packed(sizes, dtype)
        keys, values = (
            random(sizes.heads, sizes.tokens, sizes.inner // sizes.heads, seed=i).to(dtype)
            for i in (30, 31)
        )
        leaves = [x.requires_grad_() for x in (points_of(20).to(dtype), keys, values)]
        result = decode_points(decoder, pack_shape(decoder, leaves[1], leaves[2]), leaves[0])
        into += torch.autograd.grad(result.square().sum(), leaves)
    for x, y in zip(found, expected, strict=True):
        assert float((x - y).abs().max()) < 1e-4 * float(y.abs().max())


@needs_native
def test_op_passes_torch_checks(monkeypatch):
    decoder, shape = packed(Sizes(tokens=3))
    calls = []
    monkeypatch.setattr(volume_decode, "_run_op", lambda *a: calls.append(a) or torch.empty(0))
    decode_points(decoder, shape, points_of(5).requires_grad_())
    torch.library.opcheck(
        torch.ops.gen3d.volume_decode,
        calls[0],
        test_utils=("test_schema", "test_autograd_registration", "test_faketensor"),
    )


@needs_native
def test_forward_mode_is_refused():
    decoder, shape = packed(Sizes())
    points = points_of(4)
    with pytest.raises(RuntimeError, match="forward-mode"):
        torch.func.jvp(
            lambda p: decode_points(decoder, shape, p), (points,), (torch.ones_like(points),)
        )


@needs_native
def test_not_a_number_shows():
    decoder, _ = packed(Sizes())
    keys, values = (random(2, 21, 24, seed=i) for i in (30, 31))
    keys[1, 3, 5] = math.nan
    found = decode_points(decoder, pack_shape(decoder, keys, values), points_of(5))
    assert bool(found.isnan().all())


@needs_native
def test_unknown_build_is_named(monkeypatch):
    monkeypatch.setenv("GEN3D_SIMD", "mmx")
    with pytest.raises(InputError, match="mmx"):
        kernel_build()


def test_arguments_are_checked():
    decoder, shape = packed(Sizes())
    points = points_of(4)
    with pytest.raises(InputError, match="expected \\(n, 3\\)"):
        decode_points(decoder, shape, points[:, :2])
    with pytest.raises(InputError, match="floats"):
        decode_points(decoder, shape, points.long())
    tables = make_grid_tables(decoder, torch.linspace(-1, 1, 3))
    with pytest.raises(InputError, match="0 to 2"):
        decode_grid(decoder, shape, tables, torch.tensor([[0, 1, 3]]))
    with pytest.raises(InputError, match="offsets"):
        decode_points(decoder, shape, points, selection=selection_of(Sizes(), [3], 2))
    with pytest.raises(InputError, match="at least one token"):
        pack_shape(decoder, torch.zeros(2, 0, 24), torch.zeros(2, 0, 24))
    with pytest.raises(InputError, match="float16"):
        pack_decoder(weights_of(Sizes()), heads=2, gelu="tanh", norm_eps=1e-6, dtype=torch.float16)
