"""``gen3d bench decode``: sparse decoding against dense decoding and the published rule."""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.api.models import load
from gen3d.bench.fields import PUBLISHED, RADIUS, THIN, sphere, truncated
from gen3d.bench.quality import make_prompts
from gen3d.bench.report import Report
from gen3d.errors import EmptySurfaceError
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.topology import report_topology
from gen3d.ops.isosurface import marching_cubes
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.vecset.decode import (
    DecodedField,
    DecodeMode,
    Field,
    PointField,
    closed_field,
    count_missed_cells,
    decode_field,
)
from gen3d.vecset.extract import shape_field
from gen3d.vecset.pipeline import VecsetPipeline
from gen3d.vecset.vae import DecodedShape

MISSED_AT = (128, 256)
RATIO_AT = (256, 384, 512)
TIMED_AT = 256
MINI_AT = 128
_CHUNK = 1 << 18
Row = dict[str, float]


def bench_decode(
    model: str = "mini",
    *,
    shapes: int = 50,
    timed: int = 3,
    missed_at: tuple[int, ...] = MISSED_AT,
    ratio_at: tuple[int, ...] = RATIO_AT,
    timed_at: int = TIMED_AT,
    mini_at: int = MINI_AT,
    cache: Path = Path("outputs/bench-decode"),
    device: str = "auto",
    progress: ProgressSink | None = None,
) -> Report:
    """Compare on analytic fields (cells must be equal) and on the model's own fields.

    Args:
        model: Name or folder.
        shapes: Shapes of the model to compare with dense decoding.
        timed: Of these, how many to time; the first also with dense decoding.
        missed_at: Resolutions of the analytic comparison.
        ratio_at: Resolutions at which queries are counted.
        timed_at: Resolution of the timings.
        mini_at: Resolution of the comparison on the model's shapes.
        cache: Folder of finished rows; a stopped bench resumes.
        device: Where to run.
        progress: Where to report.
    """
    sink = progress or NullProgress()
    pipeline = load(model, device=device)
    rows = _Rows(cache / _key(pipeline))
    missed = _missed_rows(rows, missed_at, sink)
    ratios = _ratio_rows(rows, ratio_at, sink)
    latents = _latents(pipeline, shapes, rows, sink)
    mini = _mini_rows(pipeline, latents, mini_at, rows, sink)
    speed = _speed_rows(pipeline, latents[:timed], timed_at, rows, sink)
    sizes = {"model": model, "device": device, "resolution": timed_at}
    memory = rows.get("memory", sizes, lambda: _measure_memory(model, latents[0], timed_at))
    worst = {r: max(row[str(r)] for row in ratios.values()) for r in ratio_at}
    cells = sum(row["cells"] for row in mini)
    figures = {
        "missed_cells": sum(row["missed"] for row in missed.values()),
        "missed_cell_fraction_mini": sum(row["missed"] for row in mini) / max(cells, 1),
        "query_ratio_vs_flashvdm": max(worst.values()),
        **{f"query_ratio_vs_flashvdm_{r}": worst[r] for r in ratio_at},
        "sphere_radius_error_cells": _sphere_error_cells(missed_at[0]),
        "speedup_vs_dense": speed[0]["dense_torch_s"] / speed[0]["sparse_s"],
        "speedup_vs_dense_same_kernel": speed[0]["dense_s"] / speed[0]["sparse_s"],
        "speedup_vs_flashvdm": _median([row["flashvdm_s"] / row["sparse_s"] for row in speed]),
        "decode_s": _median([row["sparse_s"] for row in speed]),
        "bookkeeping_s": _median([row["bookkeeping_s"] for row in speed]),
        "evaluated_fraction": _median([r["evaluations"] / (timed_at + 1) ** 3 for r in speed]),
        **memory,
    }
    notes = {
        "model": pipeline.name,
        "device": str(pipeline.device),
        "threads": str(torch.get_num_threads()),
        "missed_cells": "distances and truncated distances, each field at "
        + ", ".join(map(str, missed_at)),
        "shapes": str(len(mini)),
    }
    tables = [
        _table("cells missed on analytic fields", missed),
        _table("queries over those of the published rule", ratios),
        _table(f"the model's shapes at {mini_at}", {str(i): row for i, row in enumerate(mini)}),
        _table(f"times at {timed_at}", {str(i): row for i, row in enumerate(speed)}),
    ]
    return Report(figures, tables, notes)


class _Rows:
    """Finished measurements on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, name: str, settings: object, measure: Callable[[], Row]) -> Row:
        text = json.dumps([name, settings], sort_keys=True)
        path = self.folder / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"
        if not path.exists():
            path.write_text(json.dumps(measure()))
        return json.loads(path.read_text())


def _key(pipeline: VecsetPipeline) -> str:
    text = json.dumps([pipeline.fingerprint, str(pipeline.device), torch.get_num_threads()])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _missed_rows(rows: _Rows, resolutions: tuple[int, ...], sink: ProgressSink) -> dict[str, Row]:
    fields = {
        f"{name}, {kind}": PointField(make(function), chunk=_CHUNK)
        for name, function in {**PUBLISHED, **THIN}.items()
        for kind, make in (("distance", lambda f: f), ("truncated", truncated))
    }
    sink.stage_started("analytic fields", len(fields) * len(resolutions))
    found = {}
    for name, field in fields.items():
        for resolution in resolutions:
            label = f"{name}, {resolution}"
            found[label] = rows.get(
                "missed", label, lambda f=field, r=resolution: _missed(f, r, (-1.0, 1.0), "cpu")
            )
            sink.advance()
    sink.stage_finished()
    return found


def _missed(
    field: Field, resolution: int, bounds: tuple[float, float], device: torch.device | str
) -> Row:
    try:
        dense = decode_field(field, resolution, mode="dense", bounds=bounds, device=device)
    except EmptySurfaceError:
        return {"cells": 0, "missed": 0, "evaluations": 0}
    sparse = decode_field(field, resolution, bounds=bounds, device=device)
    return {
        "cells": len(dense.cells),
        "missed": count_missed_cells(sparse, dense),
        "evaluations": sparse.report.evaluations,
    }


def _ratio_rows(rows: _Rows, resolutions: tuple[int, ...], sink: ProgressSink) -> dict[str, Row]:
    sink.stage_started("counting queries", len(PUBLISHED))
    found = {}
    for name, function in PUBLISHED.items():
        field = PointField(truncated(function), chunk=_CHUNK)

        def measure(field: Field = field) -> Row:
            row = {}
            for r in resolutions:
                ours = decode_field(field, r).report.evaluations
                theirs = decode_field(field, r, mode="flashvdm", band=0.95).report.evaluations
                row |= {str(r): ours / theirs, f"sparse {r}": ours, f"flashvdm {r}": theirs}
            return row

        found[name] = rows.get("ratio", [name, resolutions], measure)
        sink.advance()
    sink.stage_finished()
    return found


@torch.no_grad()
def _latents(
    pipeline: VecsetPipeline, count: int, rows: _Rows, sink: ProgressSink
) -> Float[Tensor, "shapes latents channels"]:
    path = rows.folder / f"latents-{count}.npy"
    if not path.exists():
        prompts = make_prompts(-(-count // 10))[:count]
        options = pipeline.resolve()
        sink.stage_started("sampling shapes", None)
        latents = pipeline.sample_latents(
            [p.text for p in prompts],
            [p.seed for p in prompts],
            steps=options.steps,
            guidance=options.guidance,
        )
        sink.stage_finished()
        np.save(path, latents.cpu().numpy())
    return torch.from_numpy(np.load(path)).to(pipeline.device)


@torch.no_grad()
def _decoded(pipeline: VecsetPipeline, latent: Float[Tensor, "latents channels"]) -> DecodedShape:
    return pipeline.vae.decode(latent[None] / pipeline.vae.config.scale_factor)


def _mini_rows(
    pipeline: VecsetPipeline, latents: Tensor, resolution: int, rows: _Rows, sink: ProgressSink
) -> list[Row]:
    sink.stage_started("the model's shapes", len(latents))
    found = []
    for i, latent in enumerate(latents):

        def measure(latent: Tensor = latent) -> Row:
            field = shape_field(pipeline.vae, _decoded(pipeline, latent))
            return _missed(field, resolution, _bounds(pipeline), pipeline.device)

        found.append(rows.get("mini", [i, len(latents), resolution], measure))
        sink.advance()
    sink.stage_finished()
    return found


def _speed_rows(
    pipeline: VecsetPipeline, latents: Tensor, resolution: int, rows: _Rows, sink: ProgressSink
) -> list[Row]:
    sink.stage_started("timing", len(latents))
    found = []
    for i, latent in enumerate(latents):

        def measure(i: int = i, latent: Tensor = latent) -> Row:
            return _speed(pipeline, _decoded(pipeline, latent), resolution, with_dense=i == 0)

        found.append(rows.get("speed", [i, len(latents), resolution], measure))
        sink.advance()
    sink.stage_finished()
    return found


def _speed(
    pipeline: VecsetPipeline, shape: DecodedShape, resolution: int, *, with_dense: bool
) -> Row:
    field, (lo, hi) = _TimedField(shape_field(pipeline.vae, shape)), _bounds(pipeline)

    def torch_field(points: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
        return pipeline.vae.occupancy(points[None], shape)[0]

    def run(field: Field, mode: DecodeMode) -> tuple[float, DecodedField]:
        began = time.perf_counter()
        found = decode_field(field, resolution, mode=mode, bounds=(lo, hi), device=pipeline.device)
        marching_cubes(
            found.cells, found.corner_values, resolution=found.resolution, bounds=(lo, hi)
        )
        if pipeline.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - began, found

    with torch.no_grad():
        decode_field(field, 64, bounds=(lo, hi), device=pipeline.device)
        field.seconds = 0.0
        sparse_s, found = run(field, "sparse")
        row = {
            "sparse_s": sparse_s,
            "bookkeeping_s": sparse_s - field.seconds,
            "evaluations": found.report.evaluations,
            "flashvdm_s": run(field, "flashvdm")[0],
        }
        if with_dense:
            row["dense_s"] = run(field, "dense")[0]
            plain = PointField(closed_field(torch_field, (lo, hi)))
            row["dense_torch_s"] = run(plain, "dense")[0]
    return row


class _TimedField:
    """A field that adds up the time spent in it."""

    def __init__(self, field: Field) -> None:
        self.field, self.seconds = field, 0.0

    def __call__(self, points: Tensor) -> Tensor:
        return self.field(points)

    def on_grid(self, grid):
        began = time.perf_counter()
        sample = self.field.on_grid(grid)
        self.seconds += time.perf_counter() - began

        def timed(index, groups=None, /):
            began = time.perf_counter()
            values = sample(index, groups)
            self.seconds += time.perf_counter() - began
            return values

        return timed


def _measure_memory(model: str, latent: Tensor, resolution: int) -> Row:
    """Peak memory of a process that does nothing but load the model and decode one shape."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        peak = pool.submit(_peak_gb, model, latent.cpu().numpy(), resolution).result()
    return {"peak_gb": peak}


def _peak_gb(model: str, latent: np.ndarray, resolution: int) -> float:
    pipeline = load(model, device="cpu")
    shape = _decoded(pipeline, torch.from_numpy(latent))
    found = decode_field(shape_field(pipeline.vae, shape), resolution, bounds=_bounds(pipeline))
    marching_cubes(
        found.cells, found.corner_values, resolution=resolution, bounds=_bounds(pipeline)
    )
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def _bounds(pipeline: VecsetPipeline) -> tuple[float, float]:
    bounds = pipeline.vae.config.bounds
    return -bounds, bounds


def _sphere_error_cells(resolution: int) -> float:
    decoded = decode_field(PointField(sphere), resolution)
    vertices, faces = marching_cubes(
        decoded.cells, decoded.corner_values, resolution=resolution, bounds=(-1.0, 1.0)
    )
    mesh = Mesh(vertices.numpy(), faces.numpy())
    assert report_topology(mesh).watertight
    error = (vertices.double().norm(dim=1) - RADIUS).abs().max()
    return float(error) / (2 / resolution)


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _table(title: str, rows: dict[str, Row]) -> tuple[str, tuple[str, ...], list[list[str]]]:
    head = tuple(dict.fromkeys(name for row in rows.values() for name in row))
    body = [
        [label, *(f"{row[name]:.6g}" if name in row else "" for name in head)]
        for label, row in rows.items()
    ]
    return title, ("", *head), body
