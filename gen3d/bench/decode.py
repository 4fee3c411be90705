"""``gen3d bench decode``: hierarchical decoding against dense decoding, the baseline."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor

from gen3d.api.models import load
from gen3d.bench.report import Report
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.topology import report_topology
from gen3d.ops.isosurface import marching_cubes, marching_cubes_dense
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.vecset.decode import (
    FieldFunction,
    count_missed_cells,
    decode_dense,
    decode_hierarchical,
)
from gen3d.vecset.extract import shape_field
from gen3d.vecset.pipeline import VecsetPipeline

RADIUS = 0.8
_PROMPTS = ("a wooden chair", "a red mug", "a blue airplane", "a green cactus")


def sphere(p: Tensor) -> Tensor:
    """Signed distance, positive inside."""
    return RADIUS - p.norm(dim=-1)


def torus(p: Tensor) -> Tensor:
    """Ring of radius 0.6 and tube 0.2 about the Y axis."""
    ring = torch.stack([p[:, [0, 2]].norm(dim=-1) - 0.6, p[:, 1]], -1)
    return 0.2 - ring.norm(dim=-1)


def plate_and_ball(p: Tensor) -> Tensor:
    """A plate thinner than a coarse cell, and a ball apart from it."""
    half = p.new_tensor([0.8, 0.012, 0.8])
    q = (p - p.new_tensor([0.0, -0.4, 0.0])).abs() - half
    plate = q.clamp(min=0).norm(dim=-1) + q.amax(-1).clamp(max=0)
    ball = (p - p.new_tensor([0.0, 0.3, 0.0])).norm(dim=-1) - 0.3
    return -torch.minimum(plate, ball)


def gyroid(p: Tensor) -> Tensor:
    """A gyroid shell within a ball, scaled to a distance bound."""
    s = 2 * math.pi * p
    waves = (s.sin() * s[:, [1, 2, 0]].cos()).sum(-1)
    shell = (0.5 - waves.abs()) / (2 * math.pi * math.sqrt(3))
    return torch.minimum(shell, 0.9 - p.norm(dim=-1))


ANALYTIC: dict[str, Callable[[Tensor], Tensor]] = {
    "sphere": sphere,
    "torus": torus,
    "plate and ball": plate_and_ball,
    "gyroid": gyroid,
}


def bench_decode(
    model: str = "mini",
    *,
    device: str = "auto",
    resolution: int = 128,
    progress: ProgressSink | None = None,
) -> Report:
    """Compare on analytic fields (cells must be equal) and on the model's own fields.

    Figures: ``missed_cells`` (sum over all fields of cells that only dense decoding finds),
    ``sphere_radius_error_cells`` (largest error of a vertex, in cells), ``decode_s`` and
    ``dense_s`` (median per shape of the model), ``speedup``, ``evaluated_fraction``.
    """
    sink = progress or NullProgress()
    sink.stage_started("decoding", len(ANALYTIC) + len(_PROMPTS))
    rows, analytic_missed = [], 0
    for name, field in ANALYTIC.items():
        missed, row = _compare(name, field, resolution, slope=1.0, bounds=(-1.0, 1.0))
        analytic_missed += missed
        rows.append(row)
        sink.advance()
    pipeline = load(model, device=device)
    model_missed, times = _model_rows(pipeline, resolution, rows, sink)
    sink.stage_finished()
    hierarchical = sorted(t[0] for t in times)[len(times) // 2]
    dense = sorted(t[1] for t in times)[len(times) // 2]
    figures = {
        "missed_cells": float(analytic_missed),
        "model_missed_cells": float(model_missed),
        "sphere_radius_error_cells": _sphere_error_cells(resolution),
        "decode_s": hierarchical,
        "dense_s": dense,
        "speedup": dense / hierarchical,
        "evaluated_fraction": sum(t[2] for t in times) / len(times),
    }
    head = ("field", "missed cells", "evaluated", "hierarchical s", "dense s", "ratio")
    notes = {"device": str(pipeline.device), "threads": str(torch.get_num_threads())}
    return Report(figures, [(f"decode at {resolution}", head, rows)], notes)


def _compare(
    name: str,
    field: FieldFunction,
    resolution: int,
    *,
    slope: float,
    bounds: tuple[float, float],
    start: int = 32,
    device: torch.device | str = "cpu",
) -> tuple[int, list[str]]:
    began = time.perf_counter()
    sparse = decode_hierarchical(
        field, resolution, slope=slope, bounds=bounds, start=start, device=device
    )
    marching_cubes(sparse.cells, sparse.corner_values, resolution=resolution, bounds=bounds)
    sparse_s = time.perf_counter() - began
    began = time.perf_counter()
    dense = decode_dense(field, resolution, bounds=bounds, device=device)
    marching_cubes_dense(dense, bounds=bounds)
    dense_s = time.perf_counter() - began
    missed = count_missed_cells(sparse, dense)
    fraction = sparse.report.evaluations / (resolution + 1) ** 3
    row = [name, str(missed), f"{fraction:.3f}", f"{sparse_s:.3f}", f"{dense_s:.3f}"]
    return missed, [*row, f"{dense_s / sparse_s:.1f}x"]


@torch.no_grad()
def _model_rows(
    pipeline: VecsetPipeline, resolution: int, rows: list[list[str]], sink: ProgressSink
) -> tuple[int, list[tuple[float, float, float]]]:
    options = pipeline.resolve()
    seeds = list(range(len(_PROMPTS)))
    latents = pipeline.sample_latents(
        _PROMPTS, seeds, steps=options.steps, guidance=options.guidance
    )
    vae, sampling = pipeline.vae, pipeline.sampling
    bounds = (-vae.config.bounds, vae.config.bounds)
    total, times = 0, []
    for i, prompt in enumerate(_PROMPTS):
        field = shape_field(vae, vae.decode(latents[i : i + 1] / vae.config.scale_factor))
        missed, row = _compare(
            prompt,
            field,
            resolution,
            slope=sampling.decode_slope,
            bounds=bounds,
            start=sampling.decode_start,
            device=pipeline.device,
        )
        total += missed
        times.append((float(row[3]), float(row[4]), float(row[2])))
        rows.append(row)
        sink.advance()
    return total, times


def _sphere_error_cells(resolution: int) -> float:
    decoded = decode_hierarchical(sphere, resolution)
    vertices, faces = marching_cubes(
        decoded.cells, decoded.corner_values, resolution=resolution, bounds=(-1.0, 1.0)
    )
    mesh = Mesh(vertices.numpy(), faces.numpy())
    assert report_topology(mesh).watertight
    error = (vertices.double().norm(dim=1) - RADIUS).abs().max()
    return float(error) / (2 / resolution)
