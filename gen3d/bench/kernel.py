"""How fast the fused geometry decoder computes, against one large matrix product."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import MissingDependencyError
from gen3d.ops.backend import uses_native
from gen3d.ops.volume_decode import decode_points
from gen3d.ops.volume_packing import PackedDecoder, PackedShape, pack_shape
from gen3d.vecset.config import VAEConfig, hunyuan_vae_config
from gen3d.vecset.field import pack_query_decoder
from gen3d.vecset.lightning import query_macs
from gen3d.vecset.vae import ShapeVAE

_MATRIX = 4096


@dataclass(frozen=True)
class KernelRow:
    """One measurement.

    Attributes:
        shape: Name of the decoder's sizes.
        dtype: ``float32`` or ``bfloat16``.
        queries: Queries per call.
        mflop_per_query: What the plain decoder computes, two per multiplication and addition.
        executed_mflop_per_query: What the kernel computes, see :func:`executed_flop`.
        gflops: ``mflop_per_query`` over the fastest call's time, 1e9 per second. The kernel skips
            work that folding makes needless, which counts as done.
        gemm_gflops: torch.mm at 4096^3, same dtype and threads.
    """

    shape: str
    dtype: str
    queries: int
    mflop_per_query: float
    executed_mflop_per_query: float
    gflops: float
    gemm_gflops: float

    @property
    def fraction(self) -> float:
        """Of the matrix product's rate."""
        return self.gflops / self.gemm_gflops

    @property
    def executed_fraction(self) -> float:
        """Of the matrix product's rate, counting only what the kernel computes."""
        return self.fraction * self.executed_mflop_per_query / self.mflop_per_query


def executed_flop(decoder: PackedDecoder, shape: PackedShape) -> dict[str, float]:
    """Count the operations of one query in the CPU kernel's products, by part.

    Folding removes the query projection (always), the output projection (few tokens) and the second
    layer of the MLP (no last norm). Norms, softmax, GELU and Fourier features are not counted, as
    in :func:`gen3d.vecset.lightning.query_macs`.

    Args:
        decoder: The packed model.
        shape: The packed shape, with all keys in use.
    """
    assert shape.plan is not None, "only the CPU kernel has a plan"
    heads, tokens, head_dim = shape.keys.shape
    width, features = decoder.embed.shape
    hidden, inner = decoder.fc_in.shape[0], heads * head_dim
    attention = heads * tokens * (features + 2) if shape.plan.shared_query else inner * tokens
    attention += heads * tokens * width if shape.plan.fused_values else tokens * inner
    macs = {
        "embedding": width * (features + 1),
        "queries": 0 if shape.plan.shared_query else inner * (features + 1),
        "attention": attention,
        "output projection": 0 if shape.plan.fused_values else width * inner,
        "MLP and head": hidden * width
        + width
        + hidden * (1 if decoder.post_eps is None else width),
    }
    return {part: 2.0 * count for part, count in macs.items()}


def fused_gemm_fraction(
    *,
    embedded: VAEConfig | None = None,
    dtypes: tuple[torch.dtype, ...] = (torch.float32, torch.bfloat16),
    seconds: float = 1.0,
) -> list[KernelRow]:
    """Measure the fused kernel with random weights at the sizes that matter.

    Args:
        embedded: Sizes of the embedded model; its config's defaults if None.
        dtypes: What to measure.
        seconds: About how long each measurement runs.

    Raises:
        MissingDependencyError: The kernel was not built or is switched off.
    """
    if not uses_native(torch.device("cpu")):
        raise MissingDependencyError(
            "the fused decoder has no kernel here",
            hint="install a C++ compiler and reinstall gen3d, or unset GEN3D_BACKEND",
        )
    cases = {
        "embedded": embedded or VAEConfig(),
        "hunyuan turbo": hunyuan_vae_config(turbo=True),
        "hunyuan full": hunyuan_vae_config(),
    }
    ceilings = {dtype: gemm_gflops(dtype, seconds) for dtype in dtypes}
    rows = []
    for name, config in cases.items():
        for dtype in dtypes:
            decoder, shape, flop = random_decoder(config, dtype)
            queries = max(512, int(2e9 / flop) // 16 * 16)
            points = torch.rand(queries, 3, generator=torch.Generator().manual_seed(1)) * 2 - 1
            best = fastest(lambda: decode_points(decoder, shape, points), seconds)  # noqa: B023
            gflops = queries * flop / best / 1e9
            kind = str(dtype).removeprefix("torch.")
            executed = sum(executed_flop(decoder, shape).values()) / 1e6
            rows.append(
                KernelRow(name, kind, queries, flop / 1e6, executed, gflops, ceilings[dtype])
            )
    return rows


def random_decoder(
    config: VAEConfig, dtype: torch.dtype
) -> tuple[PackedDecoder, PackedShape, float]:
    """Return a packed decoder and shape of random numbers, and the plain operations per query."""
    # One latent layer is enough: only the decoder is measured.
    small = config.model_copy(update={"latent_layers": 0, "encoder": None, "colour": None})
    vae = ShapeVAE(small.model_copy(update={"zero_init": False})).eval()
    generator = torch.Generator().manual_seed(0)
    sizes = (config.geometry.heads, config.num_latents)
    head_dim = config.geometry.width // config.geometry.heads
    keys, values = (torch.randn(*sizes, head_dim, generator=generator) for _ in range(2))
    packed = pack_query_decoder(vae.geometry, dtype=dtype)
    return packed, pack_shape(packed, keys, values), 2 * query_macs(config)


def gemm_gflops(dtype: torch.dtype, seconds: float) -> float:
    """Return the rate of one 4096^3 torch.mm, 1e9 operations per second."""
    generator = torch.Generator().manual_seed(0)
    a: Float[Tensor, "n n"] = torch.randn(_MATRIX, _MATRIX, generator=generator).to(dtype)
    b = torch.randn(_MATRIX, _MATRIX, generator=generator).to(dtype)
    return 2 * _MATRIX**3 / fastest(lambda: torch.mm(a, b), seconds) / 1e9


def fastest(function: Callable[[], object], seconds: float) -> float:
    """Call until the time is over, three times at least; the first call does not count."""
    function()
    times: list[float] = []
    while len(times) < 3 or sum(times) < seconds:
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return min(times)
