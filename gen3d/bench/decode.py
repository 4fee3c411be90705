"""``gen3d bench decode``: sparse decoding against dense decoding and the published rule."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from statistics import median_high

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.api.models import load_text_model
from gen3d.bench.decode_exact import analytic_rows, ratio_rows, shape_rows, sphere_error_cells
from gen3d.bench.decode_keys import lightning_row, selection_rows
from gen3d.bench.decode_lightning import RESOLUTIONS, equal_time_gain, grid_rows
from gen3d.bench.decode_speed import memory_row, speed_row
from gen3d.bench.kernel import fused_gemm_fraction
from gen3d.bench.quality_prompts import make_prompts
from gen3d.bench.report import Report, machine_name
from gen3d.bench.rows import Row, Rows, table_of
from gen3d.data.procedural.dataset import ProceduralDataConfig, build_shape_set
from gen3d.ops.backend import cuda_native_available, native_available, requested
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.vecset.checkpoints import load_vae
from gen3d.vecset.pipeline import VecsetPipeline

MISSED_AT = (128, 256)
RATIO_AT = (256, 384, 512)
TIMED_AT = 256
MINI_AT = 128
FINE_AT = 256
_FLOP_NOTE = (
    "operations by the published formula over the time, against torch.mm; the kernel folds some of "
    "them away exactly: gemm_fraction_executed counts what is left"
)
_PER_CATEGORY = 10
_KEPT = ("iou_lost", "flop_saved")


def bench_decode(
    model: str = "mini",
    *,
    shapes: int = 50,
    fine_shapes: int = 5,
    timed: int = 3,
    selected: int = 5,
    missed_at: tuple[int, ...] = MISSED_AT,
    ratio_at: tuple[int, ...] = RATIO_AT,
    timed_at: int = TIMED_AT,
    mini_at: int = MINI_AT,
    fine_at: int = FINE_AT,
    kernel_seconds: float = 1.0,
    lightning: Path | None = None,
    grids_at: tuple[int, ...] = RESOLUTIONS,
    grid_shapes: int = 1,
    cache: Path = Path("outputs/bench-decode"),
    device: str = "auto",
    progress: ProgressSink | None = None,
) -> Report:
    """Compare on analytic fields (cells must be equal) and on the model's own fields.

    Args:
        model: Name or folder.
        shapes: Shapes of the model to compare with dense decoding at ``mini_at``.
        fine_shapes: Of these, how many to compare at ``fine_at`` too.
        timed: Of these, how many to time; the first also with dense decoding.
        selected: Of these, how many to decode with selections of keys and with ``lightning``.
        missed_at: Resolutions of the analytic comparison.
        ratio_at: Resolutions at which queries are counted.
        timed_at: Resolution of the timings.
        mini_at: Resolution of the comparison on the model's shapes.
        fine_at: Resolution of the finer one.
        kernel_seconds: About how long each measurement of the kernel alone runs; 0: none.
        lightning: Weights of the model's autoencoder with another geometry decoder.
        grids_at: Resolutions at which both decoders are compared with true shapes.
        grid_shapes: True shapes of each category for that.
        cache: Folder of finished rows; a stopped bench resumes. Rows are kept by model, device and
            threads: delete them after changes of the code.
        device: Where to run.
        progress: Where to report.

    Raises:
        EmptySurfaceError: A field to compare on has no surface.
    """
    sink = progress or NullProgress()
    pipeline = load_text_model(model, device=device)
    rows, vae = Rows(cache / _key(pipeline)), pipeline.vae
    clock = _Clock()
    analytic = analytic_rows(rows, missed_at, sink)
    clock.lap("analytic fields")
    ratios = ratio_rows(rows, ratio_at, sink)
    clock.lap("query counts")
    latents = _latents(pipeline, shapes, rows, sink) / vae.config.scale_factor
    clock.lap("sampling")
    mini = shape_rows(vae, latents, mini_at, rows, sink)
    fine = shape_rows(vae, latents[:fine_shapes], fine_at, rows, sink)
    clock.lap("the model's shapes")
    speed = _speed_rows(pipeline, latents[:timed], timed_at, rows, sink)
    memory = rows.get("memory", [model, timed_at], lambda: memory_row(model, latents[0], timed_at))
    clock.lap("time and memory")
    keys = selection_rows(vae, latents[:selected], mini_at, rows, sink)
    grids: dict[str, dict[str, Row]] = {}
    if lightning is not None:
        content = hashlib.sha256(lightning.read_bytes()).hexdigest()
        other = load_vae(lightning, device=pipeline.device)
        keys["lightning"] = rows.get(
            "lightning",
            [content, selected, timed_at],
            lambda: lightning_row(vae, other, latents[:selected], timed_at),
        )
        settings = {"categories": pipeline.categories, "per_category": grid_shapes}
        data = ProceduralDataConfig.model_validate({"split": "test", **settings})
        true = build_shape_set(data, cache / f"shapes-{grid_shapes}", sink)
        for name, one in (("full", vae), ("lightning", other)):
            settings = [name, content, grid_shapes, grids_at]
            grids[name] = rows.get(
                "grids", settings, lambda one=one: grid_rows(one, true, grids_at)
            )
    clock.lap("selections of keys")
    kernel = _kernel_rows(pipeline, kernel_seconds, rows, sink)
    clock.lap("kernel")
    figures = {
        **_exact_figures(analytic, mini, fine),
        **_ratio_figures(ratios, ratio_at),
        "sphere_radius_error_cells": sphere_error_cells(missed_at[0]),
        **_speed_figures(speed, timed_at),
        **memory,
        **{f"{what}_{n}": row[what] for n, row in keys.items() for what in _KEPT},
        **_kernel_figures(kernel),
    }
    if grids:
        figures["lightning_equal_time_gain"] = equal_time_gain(grids["full"], grids["lightning"])
    tables = [
        table_of("cells missed on analytic fields", analytic),
        table_of("queries over those of the published rule", ratios),
        table_of(f"the model's shapes at {mini_at}", mini),
        table_of(f"the model's shapes at {fine_at}", fine),
        table_of(f"times at {timed_at}", speed),
        table_of(f"selections of keys at {mini_at}, other decoders at {timed_at}", keys),
        table_of("the kernel alone", kernel),
        *(table_of(f"true shapes on grids: {name}", found) for name, found in grids.items()),
    ]
    notes = {
        "model": pipeline.name,
        "device": str(pipeline.device),
        "machine": machine_name(),
        "threads": str(torch.get_num_threads()),
        "missed_cells": "distances and truncated distances, each field at "
        + ", ".join(map(str, missed_at)),
        "missed_cell_fraction_mini": f"{len(mini)} shapes at {mini_at} and {len(fine)} at "
        f"{fine_at}, float32, dense by the same sampler",
        "speedups": "decode and marching cubes, keys and values given, without refined vertices "
        "(refine_s); the plain torch network for speedup_vs_dense",
        "gemm_fraction": _FLOP_NOTE,
        "seconds": clock.text(),
    }
    report = Report(figures, tables, notes)
    return _with_cuda(report) if cuda_native_available() else report


def _key(pipeline: VecsetPipeline) -> str:
    parts = [pipeline.fingerprint, str(pipeline.device), torch.get_num_threads(), requested()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


@torch.no_grad()
def _latents(
    pipeline: VecsetPipeline, count: int, rows: Rows, sink: ProgressSink
) -> Float[Tensor, "shapes latents channels"]:
    """Shapes of the first prompts of all categories in turn."""
    path = rows.folder / f"latents-{count}.npy"
    if not path.exists():
        prompts = make_prompts(_PER_CATEGORY)
        prompts = [p for i in range(_PER_CATEGORY) for p in prompts[i::_PER_CATEGORY]][:count]
        sampling = pipeline.sampling
        sink.stage_started("sampling shapes", None)
        latents = pipeline.sample_latents(
            [p.text for p in prompts],
            [p.seed for p in prompts],
            steps=sampling.steps,
            guidance=sampling.guidance,
        )
        sink.stage_finished()
        np.save(path, latents.cpu().numpy())
    return torch.from_numpy(np.load(path)).to(pipeline.device)


def _speed_rows(
    pipeline: VecsetPipeline, latents: Tensor, resolution: int, rows: Rows, sink: ProgressSink
) -> dict[str, Row]:
    sink.stage_started("timing", len(latents))
    found = {}
    for i, latent in enumerate(latents):

        def measure(i: int = i, latent: Tensor = latent) -> Row:
            with torch.no_grad():
                shape = pipeline.vae.decode(latent[None])
            return speed_row(pipeline.vae, shape, resolution, dense=i == 0)

        found[str(i)] = rows.get("speed", [i, resolution], measure)
        sink.advance()
    sink.stage_finished()
    return found


def _kernel_rows(
    pipeline: VecsetPipeline, seconds: float, rows: Rows, sink: ProgressSink
) -> dict[str, Row]:
    if seconds <= 0 or not native_available() or requested() == "reference":
        return {}

    def measure() -> dict[str, Row]:
        return {
            f"{row.shape}, {row.dtype}": {
                "gflops": row.gflops,
                "gemm_gflops": row.gemm_gflops,
                "fraction": row.fraction,
                "executed_fraction": row.executed_fraction,
                "mflop": row.mflop_per_query,
                "executed_mflop": row.executed_mflop_per_query,
            }
            for row in fused_gemm_fraction(embedded=pipeline.vae.config, seconds=seconds)
        }

    sink.stage_started("the kernel alone", None)
    found = rows.get("kernel", [seconds], measure)
    sink.stage_finished()
    return found


def _exact_figures(
    analytic: dict[str, Row], mini: dict[str, Row], fine: dict[str, Row]
) -> dict[str, float]:
    shapes = [*mini.values(), *fine.values()]
    every = [*analytic.values(), *shapes]
    return {
        "missed_cells": sum(row["missed"] for row in analytic.values()),
        "missed_cell_fraction_mini": sum(row["missed"] for row in shapes)
        / sum(row["cells"] for row in shapes),
        "mesh_vertex_difference": max(row["vertex_difference"] for row in every),
    }


def _ratio_figures(ratios: dict[str, Row], resolutions: tuple[int, ...]) -> dict[str, float]:
    worst = {r: max(row[str(r)] for row in ratios.values()) for r in resolutions}
    return {
        "query_ratio_vs_flashvdm": max(worst.values()),
        **{f"query_ratio_vs_flashvdm_{r}": ratio for r, ratio in worst.items()},
    }


def _speed_figures(speed: dict[str, Row], resolution: int) -> dict[str, float]:
    shapes = list(speed.values())
    names = ("sparse_s", "flashvdm_s", "refine_s", "sparse_bookkeeping_s")
    sparse, flashvdm, refine, bookkeeping = (median_high([s[n] for s in shapes]) for n in names)
    # Dense decoding asks the same number of queries of every shape.
    dense = shapes[0]
    return {
        "speedup_vs_dense": dense["dense_torch_s"] / sparse,
        "speedup_vs_dense_same_kernel": dense["dense_s"] / sparse,
        "speedup_vs_flashvdm": median_high([s["flashvdm_s"] / s["sparse_s"] for s in shapes]),
        "decode_s": sparse,
        "flashvdm_decode_s": flashvdm,
        "dense_torch_s": dense["dense_torch_s"],
        "bookkeeping_s": bookkeeping,
        "refine_s": refine,
        "evaluated_fraction": median_high([s["sparse_evaluations"] for s in shapes])
        / (resolution + 1) ** 3,
    }


def _kernel_figures(kernel: dict[str, Row]) -> dict[str, float]:
    """The least fraction in float32 of the sizes that a CPU has to do with."""
    names = [f"{shape}, float32" for shape in ("embedded", "hunyuan turbo")]
    found = [kernel[name] for name in names if name in kernel]
    if not found:
        return {}
    return {
        "gemm_fraction": min(row["fraction"] for row in found),
        "gemm_fraction_executed": min(row["executed_fraction"] for row in found),
    }


def _with_cuda(report: Report) -> Report:
    from gen3d.bench.decode_cuda import bench_decode_cuda

    found = bench_decode_cuda()
    return Report(
        report.figures | found.figures,
        [*report.tables, *found.tables],
        report.notes | {f"cuda_{name}": text for name, text in found.notes.items()},
    )


class _Clock:
    """Seconds of each part of this run; next to none for what was on disk."""

    def __init__(self) -> None:
        self._laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self._laps[name], self._last = now - self._last, now

    def text(self) -> str:
        return ", ".join(f"{name} {seconds:.0f}" for name, seconds in self._laps.items())
