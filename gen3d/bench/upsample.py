"""``gen3d bench upsample``: a model against interpolation and against the published inference."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from gen3d.api.upsample import MIDPOINT, load_upsample_pipeline
from gen3d.bench.report import Report, machine_name
from gen3d.bench.rows import Row, Rows, table_of
from gen3d.bench.upsample_quality import (
    METRICS,
    anchor_error,
    anchor_rows,
    averaged,
    headroom,
    surface_rows,
)
from gen3d.bench.upsample_room import room_row
from gen3d.bench.upsample_sets import mesh_files
from gen3d.bench.upsample_speed import command_row, seam_row, wavy_torus
from gen3d.errors import InputError
from gen3d.ops.backend import requested
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.upsampling.checkpoints import DEFAULT_MODEL
from gen3d.upsampling.config import published_rin_config
from gen3d.upsampling.options import UpsampleOptions
from gen3d.upsampling.pipeline import UpsamplePipeline
from gen3d.upsampling.rin import RIN

PARTS = ("anchors", "surfaces", "shapes", "noise", "room", "speed")
CATEGORIES = ("chair", "mug", "airplane", "lamp")
NOISES = (0.005, 0.01, 0.02)
_DEFAULT, _REFERENCE = "default", "reference merge"


@dataclass(frozen=True)
class UpsampleSizes:
    """How much is measured.

    Attributes:
        points: Of the input of surfaces and shapes.
        rates: Points out over points in.
        surfaces: Meshes of the folder; None: all.
        room: Points of the scan of the room.
        big: Points of the largest cloud; 0: none.
        seams: Points of the cloud whose seams are looked at.
        tile: Points of its tiles.
        cold: Whether to time the command from process start.
    """

    points: int = 2048
    rates: tuple[int, ...] = (4, 16)
    surfaces: int | None = None
    room: int = 60_000
    big: int = 1_000_000
    seams: int = 60_000
    tile: int = 8192
    cold: bool = True


@dataclass(frozen=True)
class _Context:
    pipeline: UpsamplePipeline
    baseline: UpsamplePipeline
    model: str
    surfaces: Path | None
    categories: Sequence[str]
    sizes: UpsampleSizes
    rows: Rows
    sink: ProgressSink


def bench_upsample(
    model: str = DEFAULT_MODEL,
    *,
    surfaces: Path | None = None,
    categories: Sequence[str] = CATEGORIES,
    parts: Sequence[str] = (),
    sizes: UpsampleSizes | None = None,
    cache: Path = Path("outputs/bench-upsample"),
    device: str = "auto",
    progress: ProgressSink | None = None,
) -> Report:
    """Measure quality, seconds and memory; finished rows are kept, so a stopped bench resumes.

    Args:
        model: Name or file.
        surfaces: Folder of meshes; without one, parts that need it are left out.
        categories: Of the held-out procedural shapes.
        parts: Some of ``PARTS``; all by default.
        sizes: How much.
        cache: Folder of finished rows, by model, device and threads: delete them after changes of
            the code.
        device: Where to run.
        progress: Where to report.

    Raises:
        InputError: There is no such part, or the folder holds no meshes.
    """
    if unknown := sorted(set(parts) - set(PARTS)):
        raise InputError(f"unknown part {unknown[0]!r}", hint=f"parts: {', '.join(PARTS)}")
    pipeline = load_upsample_pipeline(model, device=device)
    context = _Context(
        pipeline=pipeline,
        baseline=load_upsample_pipeline(MIDPOINT, device=device),
        model=model,
        surfaces=surfaces,
        categories=categories,
        sizes=sizes or UpsampleSizes(),
        rows=Rows(cache / _key(pipeline)),
        sink=progress or NullProgress(),
    )
    runs = {
        "anchors": _anchors,
        "surfaces": _surfaces,
        "shapes": _shapes,
        "noise": _noise,
        "room": _room,
        "speed": _speed,
    }
    figures: dict[str, float] = {}
    tables: list[tuple[str, Sequence[str], Sequence[Sequence[str]]]] = []
    for name in PARTS:
        if parts and name not in parts:
            continue
        found, made = runs[name](context)
        figures.update(found)
        tables += [table_of(title, rows) for title, rows in made.items()]
    notes = {
        "model": pipeline.name,
        "device": str(pipeline.device),
        "machine": machine_name(),
        "threads": str(torch.get_num_threads()),
        "metrics": "half-sums of squared distances: CD x 1e4, HD x 1e3; P2F x 1e3; unit ball",
    }
    return Report(figures, tables, notes)


_Found = tuple[dict[str, float], dict[str, dict[str, Row]]]


def _key(pipeline: UpsamplePipeline) -> str:
    parts = [pipeline.name, pipeline.fingerprint, str(pipeline.device), requested()]
    text = json.dumps([*parts, torch.get_num_threads()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _anchors(context: _Context) -> _Found:
    rows = context.rows.get("anchors", 1, anchor_rows)
    figures = {"midpoint_anchor_error": anchor_error(rows)}
    with torch.device("meta"):
        network = RIN(published_rin_config())
    figures["published_rin_parameters"] = _parameters(network)
    if context.pipeline.upsampler is not None:
        figures["parameters"] = _parameters(context.pipeline.upsampler.network)
    return figures, {"the sphere of known figures": rows}


def _parameters(network: torch.nn.Module) -> float:
    return float(sum(parameter.numel() for parameter in network.parameters()))


def _surfaces(context: _Context) -> _Found:
    if context.surfaces is None:
        return {}, {}
    files = mesh_files(context.surfaces)[: context.sizes.surfaces]
    figures, tables = {}, {}
    for rate in context.sizes.rates:
        rows = _over(context, files, rate, 0.0)
        tables[f"surfaces, {rate}x"] = rows
        figures.update({f"{key}_{rate}x": v for key, v in _ratios(rows).items()})
    figures.update(_worst(figures, context.sizes.rates))
    return figures, tables


def _shapes(context: _Context) -> _Found:
    rate = context.sizes.rates[0]
    rows = _over(context, context.categories, rate, 0.0)
    kept = {f"shapes_{key}": value for key, value in _ratios(rows).items()}
    return kept, {f"held-out procedural shapes, {rate}x": rows}


def _noise(context: _Context) -> _Found:
    if context.surfaces is None:
        return {}, {}
    files, rate = mesh_files(context.surfaces)[: context.sizes.surfaces], context.sizes.rates[0]
    figures, tables = {}, {}
    for noise in NOISES:
        rows = _over(context, files, rate, noise)
        tables[f"surfaces, {rate}x, noise {noise:.1%}"] = rows
        if _DEFAULT in rows:
            ratio = rows[_DEFAULT]["p2f"] / rows["midpoint"]["p2f"]
            figures[f"p2f_noise_ratio_{noise:g}"] = ratio
            if noise == 0.01:
                figures["p2f_noise_ratio"] = ratio
    return figures, tables


def _room(context: _Context) -> _Found:
    found = {}
    for name, pipeline in (("midpoint", context.baseline), ("model", context.pipeline)):
        for label, edge in (("", 2.5), (", all gaps filled", None)):
            options = UpsampleOptions(max_edge=edge)
            found[name + label] = context.rows.get(
                "room",
                [name, context.sizes.room, repr(options)],
                lambda pipeline=pipeline, options=options: room_row(
                    pipeline, context.sizes.room, 4.0, options
                ),
            )
    keys = ("bridge_rate", "error_mm", "input_error_mm")
    return {f"room_{key}": found["model"][key] for key in keys} | {
        "bridge_rate": found["model"]["bridge_rate"]
    }, {"a scanned room, 4x": found}


def _speed(context: _Context) -> _Found:
    sizes, rows, figures, found = context.sizes, context.rows, {}, {}
    seams = rows.get(
        "seams",
        [sizes.seams, sizes.tile],
        lambda: seam_row(context.pipeline, sizes.seams, sizes.tile, 4.0),
    )
    figures["seam_density_jump"] = seams["density_jump"]
    if sizes.cold:
        found["from process start"] = rows.get(
            "cold",
            sizes.points,
            lambda: command_row(context.model, wavy_torus(sizes.points), 4.0),
        )
        figures["cold_upsample_s"] = found["from process start"]["seconds"]
    if sizes.big:
        workers = str(max(1, min(64, torch.get_num_threads())))
        found["large"] = rows.get(
            "big",
            [sizes.big, workers],
            lambda: command_row(context.model, wavy_torus(sizes.big), 4.0, "--workers", workers),
        )
        figures["points_per_s"] = found["large"]["points_per_s"]
        figures["big_memory_bytes"] = found["large"]["memory_bytes"]
    return figures, {"seams": {"torus": seams}, "the command": found}


def _over(
    context: _Context, sources: Sequence[Path | str], rate: int, noise: float
) -> dict[str, Row]:
    context.sink.stage_started(f"{rate}x, noise {noise:g}", len(sources))
    found = [
        surface_rows(
            context.pipeline,
            context.baseline,
            source,
            context.sizes.points,
            rate,
            noise,
            context.rows,
            context.sink,
        )
        for source in sources
    ]
    context.sink.stage_finished()
    return averaged(found)


def _ratios(rows: dict[str, Row]) -> dict[str, float]:
    """Return the figures of one table: the default over interpolation, and over the reference."""
    if _DEFAULT not in rows:
        return {}
    default, midpoint, reference = rows[_DEFAULT], rows["midpoint"], rows[_REFERENCE]
    metrics = [name for name in METRICS if name in default]
    figures = {"cd_headroom": headroom(rows, _DEFAULT)}
    figures |= {f"{m}_ratio": default[m] / midpoint[m] for m in metrics if m != "cd"}
    two, six = rows["2 steps"], rows["6 steps"]
    figures["two_steps_over_six"] = max(two[m] / six[m] for m in metrics)
    figures["speedup_vs_reference_merge"] = reference["seconds"] / six["seconds"]
    figures["worst_over_reference"] = max(six[m] / reference[m] for m in metrics)
    for name, label in (
        ("schedule_cd", "4 steps, uniform times"),
        ("manifold_hd", "4 steps, no constraint"),
    ):
        metric = name.rpartition("_")[2]
        figures[f"{name}_gain"] = 1 - rows["4 steps"][metric] / rows[label][metric]
    return figures


def _worst(figures: dict[str, float], rates: Sequence[int]) -> dict[str, float]:
    """Return the worst of all rates, where higher and where lower is better."""
    names = {key.rpartition("_")[0] for key in figures}
    high = ("cd_headroom", "speedup_vs_reference_merge", "schedule_cd_gain", "manifold_hd_gain")
    return {
        name: (min if name in high else max)(figures[f"{name}_{rate}x"] for rate in rates)
        for name in sorted(names)
    }
