"""The fused decoder and sparse marching cubes on a GPU, against its measured ceilings.

Random weights and tokens of the published turbo decoder (width 512, 8 heads, MLP ratio 1, 3072
tokens): the time does not depend on their values. The queries are those grid corners at R = 384
that lie in a shell about a sphere, as many as a sparse decode of it asks for, in Morton order.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d.bench.report import Report
from gen3d.ops.isosurface import CORNER_OFFSETS, marching_cubes
from gen3d.ops.reference.cells import morton_keys
from gen3d.ops.volume_decode import decode_grid
from gen3d.ops.volume_packing import (
    DecoderWeights,
    KeySelection,
    PackedDecoder,
    make_grid_tables,
    pack_decoder,
    pack_shape,
)

_WIDTH, _HEADS, _TOKENS, _SELECTED, _OCTAVES = 512, 8, 3072, 1024, 8
_RESOLUTION, _BOUNDS, _RADIUS = 384, 1.01, 0.8
# Half the thickness of the shell in cells, which gives about 3.0 M corners at R = 384.
_SHELL = 5.2
# Corners of a block of 16^3 share selected keys.
_GROUP_BITS = 12
_SURFACE_RESOLUTION = 1024


def bench_decode_cuda(*, repeats: int = 5) -> Report:
    """Time the kernels on the current GPU.

    Figures: ``h200_exact_ms`` and ``h200_ms`` (all keys, and 1024 selected per group; the names
    say which GPU the targets are for, ``notes`` says which one ran), ``exact_tflops`` and
    ``selected_tflops`` (products that the kernels do), ``matmul_tflops`` (torch.matmul of 8192^3 in
    float16), the fractions of it, and ``surface_gvertices_per_s``.

    Args:
        repeats: Timed calls of each; the median counts.
    """
    device = torch.device("cuda", torch.cuda.current_device())
    decoder = turbo_decoder(device)
    generator = torch.Generator(device).manual_seed(1)
    size = (_HEADS, _TOKENS, _WIDTH // _HEADS)
    keys, values = (torch.randn(size, generator=generator, device=device) for _ in range(2))
    shape = pack_shape(decoder, keys, values)
    axis = torch.linspace(-_BOUNDS, _BOUNDS, _RESOLUTION + 1, device=device)
    tables = make_grid_tables(decoder, axis)
    index = shell_corners(_RESOLUTION, device)
    selection = _random_selection(index, generator)

    exact_ms = _median_ms(lambda: decode_grid(decoder, shape, tables, index), repeats)
    selected_ms = _median_ms(
        lambda: decode_grid(decoder, shape, tables, index, selection=selection), repeats
    )
    ceiling = _matmul_tflops(device, repeats)
    exact = len(index) * _flop_per_query(_TOKENS) / exact_ms / 1e9
    selected = len(index) * _flop_per_query(_SELECTED) / selected_ms / 1e9
    vertices, surface_ms = _time_surface(device, repeats)
    figures = {
        "h200_exact_ms": exact_ms,
        "h200_ms": selected_ms,
        "exact_tflops": exact,
        "selected_tflops": selected,
        "matmul_tflops": ceiling,
        "exact_fraction": exact / ceiling,
        "selected_fraction": selected / ceiling,
        "surface_gvertices_per_s": vertices / surface_ms / 1e6,
    }
    rows = [
        ["all keys", f"{exact_ms:.1f}", f"{exact:.0f}", f"{exact / ceiling:.2f}"],
        ["1024 selected", f"{selected_ms:.1f}", f"{selected:.0f}", f"{selected / ceiling:.2f}"],
        ["marching cubes", f"{surface_ms:.2f}", "", ""],
    ]
    head = ("kernel", "ms", "TFLOP/s", "of matmul")
    parts = [
        [name, f"{ms:.2f}"]
        for name, ms in _kernel_ms(lambda: decode_grid(decoder, shape, tables, index)).items()
    ]
    notes = {
        "device": torch.cuda.get_device_name(device),
        "queries": str(len(index)),
        "groups": str(len(selection.keys)),
        "surface_vertices": str(vertices),
    }
    title = f"turbo decoder, {len(index)} queries, {_TOKENS} tokens"
    tables_out = [(title, head, rows), ("kernels of one exact call", ("kernel", "ms"), parts)]
    return Report(figures, tables_out, notes)


def turbo_decoder(device: torch.device | str) -> PackedDecoder:
    """Return random weights of the published turbo decoder's sizes, packed for ``device``."""
    generator = torch.Generator().manual_seed(0)

    def rand(*shape: int) -> Float[Tensor, "*shape"]:
        scale = shape[-1] ** -0.5 if len(shape) > 1 else 0.1
        return (torch.randn(shape, generator=generator) * scale).to(device)

    width = _WIDTH
    ones = torch.ones(width, device=device)
    weights = DecoderWeights(
        frequencies=2.0 ** torch.arange(_OCTAVES, device=device),
        query_proj=rand(width, 3 * (2 * _OCTAVES + 1)),
        query_proj_bias=rand(width),
        query_ln=ones,
        query_ln_bias=rand(width),
        q=rand(width, width),
        q_bias=None,
        q_norm=None,
        q_norm_bias=None,
        proj=rand(width, width),
        proj_bias=rand(width),
        mlp_ln=ones,
        mlp_ln_bias=rand(width),
        fc_in=rand(width, width),
        fc_in_bias=rand(width),
        fc_out=rand(width, width),
        fc_out_bias=rand(width),
        post_ln=None,
        post_ln_bias=None,
        output=rand(1, width)[0],
        output_bias=rand(1),
    )
    return pack_decoder(weights, heads=_HEADS, gelu="exact", norm_eps=1e-6)


def shell_corners(resolution: int, device: torch.device | str) -> Int[Tensor, "n 3"]:
    """Return the corners within a few cells of a sphere, in Morton order, int32."""
    size = 2 * _BOUNDS / resolution
    axis = torch.arange(resolution + 1, device=device)
    place = axis * size - _BOUNDS
    parts = []
    for slab in axis.split(16):
        x, y, z = torch.meshgrid(place[slab], place, place, indexing="ij")
        distance = (x.square() + y.square() + z.square()).sqrt() - _RADIUS
        found = (distance.abs() < _SHELL * size).nonzero()
        found[:, 0] += slab[0]
        parts.append(found)
    index = torch.cat(parts)
    return index[morton_keys(index).argsort()].int()


def _random_selection(index: Int[Tensor, "n 3"], generator: torch.Generator) -> KeySelection:
    _, sizes = (morton_keys(index) >> _GROUP_BITS).unique_consecutive(return_counts=True)
    offsets = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])
    scores = torch.rand(
        len(sizes), _HEADS, _TOKENS, generator=generator, device=index.device, dtype=torch.float16
    )
    return KeySelection(offsets, scores.topk(_SELECTED, dim=-1).indices.int())


def _flop_per_query(keys: int) -> int:
    """Attention, output projection, first layer of the MLP (the second one is in the head)."""
    return 2 * (2 * keys * _WIDTH + 2 * _WIDTH * _WIDTH)


def _median_ms(function: Callable[[], object], repeats: int) -> float:
    for _ in range(2):
        function()
    times = []
    for _ in range(repeats):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        function()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end))
    return statistics.median(times)


def _matmul_tflops(device: torch.device, repeats: int) -> float:
    n = 8192
    a, b = (torch.randn(n, n, device=device, dtype=torch.float16) for _ in range(2))
    return 2 * n**3 / _median_ms(lambda: a @ b, repeats) / 1e9


def _time_surface(device: torch.device, repeats: int) -> tuple[int, float]:
    """Vertices of a sphere in a grid of 1024 cells per axis, and the milliseconds for them."""
    resolution = _SURFACE_RESOLUTION
    offsets = torch.tensor(CORNER_OFFSETS, device=device)
    size = 2.0 / resolution
    axis = torch.arange(resolution, device=device)
    cells, values = [], []
    for slab in axis.split(16):
        x, y, z = torch.meshgrid(*(a * size - 1 for a in (slab, axis, axis)), indexing="ij")
        distance = (x.square() + y.square() + z.square()).sqrt() - _RADIUS
        found = (distance.abs() < 2 * size).nonzero()
        found[:, 0] += slab[0]
        corners = _RADIUS - ((found[:, None] + offsets) * size - 1).norm(dim=-1)
        cut = (corners > 0).any(1) & (corners <= 0).any(1)
        cells.append(found[cut].int())
        values.append(corners[cut])
    at, corner_values = torch.cat(cells), torch.cat(values)
    vertices, _ = marching_cubes(at, corner_values, resolution=resolution)
    ms = _median_ms(lambda: marching_cubes(at, corner_values, resolution=resolution), repeats)
    return len(vertices), ms


def _kernel_ms(function: Callable[[], object]) -> dict[str, float]:
    """Milliseconds by kernel of one call, longest first."""
    activities = [torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as profile:
        function()
        torch.cuda.synchronize()
    times = {event.key: event.device_time_total / 1e3 for event in profile.key_averages()}
    return dict(sorted(times.items(), key=lambda item: -item[1])[:6])
