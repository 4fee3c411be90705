"""``gen3d bench roofline``: what one decode computes and moves, against what the machine can do.

Roofline model (Williams et al. 2009, doi 10.1145/1498765.1498785): work of ``flop`` operations on
``bytes`` of memory takes at least ``max(flop / peak, bytes / bandwidth)``. Operations are those of
the kernel's products; bytes are what has to come from or go to memory once, so that both, and
hence the time, are lower bounds. Both ceilings are measured here: torch.mm, and a copy.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from gen3d.api.models import load_text_model
from gen3d.bench.decode_speed import TimedField
from gen3d.bench.fields import sphere, truncated
from gen3d.bench.kernel import executed_flop, fastest, gemm_gflops, random_decoder
from gen3d.bench.report import Report, machine_name
from gen3d.bench.rows import Row, table_of
from gen3d.ops.isosurface import marching_cubes_edges
from gen3d.ops.volume_decode import decode_points
from gen3d.ops.volume_packing import PackedDecoder, PackedShape, pack_shape
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.runtime.seeds import make_generator
from gen3d.vecset.config import hunyuan_vae_config
from gen3d.vecset.decode import Grid, PointField, decode_field
from gen3d.vecset.edge_roots import refine_vertices
from gen3d.vecset.extract import shape_field
from gen3d.vecset.field import pack_query_decoder
from gen3d.vecset.vae import ShapeVAE

_COPIED = 1 << 26
_REPEATS = 3
_REFINEMENTS = 2
# Three int32 of an index and one float32 of a value.
_QUERY_BYTES = 16
# An index and eight corner values.
_CELL_BYTES = 12 + 8 * 4
# A position, and two triangles of three int32 each, as many as a closed surface has per vertex.
_VERTEX_BYTES = 12 + 24


@dataclass(frozen=True)
class Ceilings:
    """What a machine reached.

    Attributes:
        gflops: torch.mm at 4096^3 in float32, 1e9 operations per second.
        gflops_bfloat16: The same in bfloat16.
        gbytes: Bytes read and written by a copy of 256 MB, 1e9 per second.
    """

    gflops: float
    gflops_bfloat16: float
    gbytes: float


def measure_ceilings(*, seconds: float = 1.0) -> Ceilings:
    """Measure the CPU's ceilings with torch's threads.

    Args:
        seconds: About how long each measurement runs.
    """
    source, target = torch.ones(_COPIED), torch.empty(_COPIED)
    copied = 2 * source.nbytes / fastest(lambda: target.copy_(source), seconds) / 1e9
    rates = [gemm_gflops(dtype, seconds) for dtype in (torch.float32, torch.bfloat16)]
    return Ceilings(rates[0], rates[1], copied)


def bench_roofline(
    model: str = "mini",
    *,
    resolution: int = 256,
    large_resolution: int = 384,
    prompt: str = "a red mug",
    seconds: float = 1.0,
    progress: ProgressSink | None = None,
) -> Report:
    """Profile one decode of the embedded model, and calculate one of the published turbo decoder.

    Args:
        model: Name or folder.
        resolution: Cells per axis of the profile.
        large_resolution: Those of the calculation, whose queries are counted on a truncated
            sphere.
        prompt: What the profiled shape is of; seed 0.
        seconds: About how long each measurement of ceilings and kernels runs.
        progress: Where to report.
    """
    sink = progress or NullProgress()
    loads = os.getloadavg()
    sink.stage_started("ceilings", None)
    ceilings = measure_ceilings(seconds=seconds)
    sink.stage_finished()
    sink.stage_started("profile", None)
    parts = _profile(model, resolution, prompt, ceilings)
    sink.stage_finished()
    sink.stage_started("calculation", None)
    queries = decode_field(PointField(truncated(sphere)), large_resolution).report.evaluations
    large = _calculation(queries, ceilings, seconds)
    sink.stage_finished()
    figures = {
        "mm_gflops": ceilings.gflops,
        "mm_bfloat16_gflops": ceilings.gflops_bfloat16,
        "copy_gb_per_s": ceilings.gbytes,
        "profile_s": parts["whole decode"]["ms"] / 1e3,
        "turbo_s": large["whole query, float32"]["ms"] / 1e3,
        "turbo_bfloat16_s": large["whole query, bfloat16"]["ms"] / 1e3,
    }
    notes = {
        "machine": machine_name(),
        "threads": str(torch.get_num_threads()),
        "load": " ".join(f"{load:.1f}" for load in loads),
    }
    tables = [
        table_of(f"{model}, R = {resolution}, measured", parts),
        table_of(f"Hunyuan turbo, R = {large_resolution}, {queries} queries", large),
    ]
    return Report(figures, tables, notes)


@dataclass(frozen=True)
class _Run:
    """Seconds of one decode's parts, and what they did."""

    tokens_s: float
    field_s: float
    cells_s: float
    surface_s: float
    refine_s: float
    queries: int
    cells: int
    vertices: int

    @property
    def seconds(self) -> float:
        return self.tokens_s + self.field_s + self.cells_s + self.surface_s + self.refine_s


@torch.no_grad()
def _profile(model: str, resolution: int, prompt: str, ceilings: Ceilings) -> dict[str, Row]:
    pipeline = load_text_model(model, device="cpu")
    vae, sampling = pipeline.vae, pipeline.sampling
    latents = pipeline.sample_latents(
        [prompt], [0], steps=sampling.steps, guidance=sampling.guidance
    ).div(vae.config.scale_factor)
    # The first is a warm-up.
    runs = [_decode_once(vae, latents, resolution) for _ in range(_REPEATS + 1)][1:]
    run = sorted(runs, key=lambda one: one.seconds)[len(runs) // 2]
    decoder = pack_query_decoder(vae.geometry)
    shape = vae.decode(latents).geometry
    per_query = sum(
        executed_flop(decoder, pack_shape(decoder, shape.keys[0], shape.values[0])).values()
    )
    weights = sum(p.numel() for p in vae.blocks.parameters())
    refined = _REFINEMENTS * run.vertices
    work: dict[str, tuple[float, float, float]] = {
        # Each weight meets each token; scores and averages of so few tokens are little beside.
        "latent transformer": (run.tokens_s, 2 * latents.shape[1] * weights, 4 * weights),
        "fused decoder": (run.field_s, run.queries * per_query, run.queries * _QUERY_BYTES),
        "cells and corners": (
            run.cells_s,
            0,
            run.queries * _QUERY_BYTES + run.cells * _CELL_BYTES,
        ),
        "marching cubes": (
            run.surface_s,
            0,
            run.cells * _CELL_BYTES + run.vertices * _VERTEX_BYTES,
        ),
        "vertex refinement": (run.refine_s, refined * per_query, refined * _QUERY_BYTES),
    }
    rows = {
        name: _row(seconds, flop, moved, ceilings.gflops, ceilings.gbytes)
        for name, (seconds, flop, moved) in work.items()
    }
    sums = {name: sum(row[name] for row in rows.values()) for name in ("ms", "roof ms")}
    rows["whole decode"] = sums | {"of roof": sums["roof ms"] / sums["ms"]}
    return rows


def _decode_once(vae: ShapeVAE, latents: Tensor, resolution: int) -> _Run:
    lo, hi = -vae.config.bounds, vae.config.bounds
    clock = [time.perf_counter()]
    shape = vae.decode(latents)
    field = TimedField(shape_field(vae, shape))
    clock.append(time.perf_counter())
    found = decode_field(field, resolution, bounds=(lo, hi))
    clock.append(time.perf_counter())
    field_s, queries = field.seconds, field.queries
    vertices, _, edges = marching_cubes_edges(
        found.cells, found.corner_values, resolution=resolution, bounds=(lo, hi)
    )
    clock.append(time.perf_counter())
    grid = Grid(lo, (hi - lo) / resolution, resolution + 1)
    refine_vertices(edges, field, grid, evaluations=_REFINEMENTS)
    clock.append(time.perf_counter())
    tokens_s, decode_s, surface_s, refine_s = (b - a for a, b in pairwise(clock))
    return _Run(
        tokens_s,
        field_s,
        decode_s - field_s,
        surface_s,
        refine_s,
        queries,
        len(found.cells),
        len(vertices),
    )


def _calculation(queries: int, ceilings: Ceilings, seconds: float) -> dict[str, Row]:
    """Roofs by part, and the time of so many queries at the kernel's measured rate."""
    rows: dict[str, Row] = {}
    kinds = ((torch.float32, ceilings.gflops), (torch.bfloat16, ceilings.gflops_bfloat16))
    for dtype, peak in kinds:
        name = str(dtype).removeprefix("torch.")
        decoder, shape, _ = random_decoder(hunyuan_vae_config(turbo=True), dtype)
        parts = executed_flop(decoder, shape)
        moved = _part_bytes(decoder, shape)
        count = max(512, int(2e9 / sum(parts.values())) // 16 * 16)
        points = torch.rand(count, 3, generator=make_generator(1)) * 2 - 1
        each = fastest(lambda: decode_points(decoder, shape, points), seconds) / count  # noqa: B023
        for part, flop in parts.items():
            rows[f"{part}, {name}"] = _row(None, queries * flop, moved[part], peak, ceilings.gbytes)
        rows[f"whole query, {name}"] = _row(
            queries * each,
            queries * sum(parts.values()),
            queries * _QUERY_BYTES + sum(moved.values()),
            peak,
            ceilings.gbytes,
        )
    return rows


def _part_bytes(decoder: PackedDecoder, shape: PackedShape) -> dict[str, float]:
    """Bytes of each part's constants, which every query shares."""
    tensors = {
        "embedding": (decoder.embed,),
        "queries": (decoder.query,),
        "attention": (shape.keys, shape.values),
        "output projection": (decoder.proj,),
        "MLP and head": (decoder.fc_in, decoder.fc_out),
    }
    return {part: float(sum(x.nbytes for x in found)) for part, found in tensors.items()}


def _row(
    seconds: float | None, flop: float, moved: float, peak_gflops: float, gbytes_per_s: float
) -> Row:
    roof = max(flop / peak_gflops, moved / gbytes_per_s) / 1e9
    row = {"GFLOP": flop / 1e9, "MB": moved / 1e6, "FLOP/byte": flop / moved}
    if seconds is not None:
        row |= {"ms": 1e3 * seconds, "GFLOP/s": flop / seconds / 1e9}
        row |= {"GB/s": moved / seconds / 1e9, "of roof": roof / seconds}
    return row | {"roof ms": 1e3 * roof}
