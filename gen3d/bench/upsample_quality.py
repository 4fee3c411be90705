"""How close upsampled clouds come to dense ones of the same surface."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from gen3d.bench.rows import Row, Rows
from gen3d.bench.upsample_sets import SurfaceSet, fibonacci_sphere, mesh_set, procedural_set
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.triangle_distance import surface_distance
from gen3d.ops.points import chamfer
from gen3d.runtime.progress import ProgressSink
from gen3d.upsampling.midpoint import midpoint_interpolate
from gen3d.upsampling.options import UpsampleOptions
from gen3d.upsampling.pipeline import UpsamplePipeline

ANCHORS = {
    "input": (6.3366, 1.8132, 0.0),
    "midpoint": (2.5408, 0.7305, 0.7768),
    "projected": (2.5334, 0.7297, 0.0),
}
"""CD x 1e4, HD x 1e3 and P2F x 1e3 of 2048 points of the unit sphere and of their interpolation to
8192, computed in float64 without this package."""

METRICS = ("cd", "hd", "p2f")


def measure(
    made: Float[np.ndarray, "n 3"], truth: Float[np.ndarray, "m 3"], mesh: Mesh | None
) -> Row:
    """Compare with a dense cloud and the surface, in PUFM's convention.

    Args:
        made: Upsampled points.
        truth: Points of the surface.
        mesh: The surface, for P2F.

    Returns:
        ``cd``: half the sum of both mean squared distances to the nearest, x 1e4; ``hd``: of both
        maxima, x 1e3; ``p2f``: mean distance to the surface, x 1e3, if there is a mesh.
    """
    found = chamfer(torch.from_numpy(made), torch.from_numpy(truth))
    there, back = found.a_to_b.double(), found.b_to_a.double()
    row = {
        "cd": float(there.mean() + back.mean()) / 2 * 1e4,
        "hd": float(there.max() + back.max()) / 2 * 1e3,
    }
    if mesh is not None:
        row["p2f"] = float(surface_distance(made, mesh).mean() * 1e3)
    return row


def anchor_rows() -> dict[str, Row]:
    """Measure the interpolation of the sphere where its figures are known."""
    sparse = fibonacci_sphere(2048).astype(np.float32)
    truth = fibonacci_sphere(8192).astype(np.float32)
    midpoint = midpoint_interpolate(torch.from_numpy(sparse), 8192).numpy()
    radii = np.linalg.norm(midpoint.astype(np.float64), axis=1, keepdims=True)
    projected = (midpoint / radii).astype(np.float32)
    rows = {}
    for name, cloud in (("input", sparse), ("midpoint", midpoint), ("projected", projected)):
        height = np.abs(np.linalg.norm(cloud.astype(np.float64), axis=1) - 1).mean() * 1e3
        rows[name] = {**measure(cloud, truth, None), "p2f": float(height)}
    return rows


def anchor_error(rows: dict[str, Row]) -> float:
    """Return the greatest relative difference from :data:`ANCHORS`."""
    pairs = [
        (rows[name][metric], value)
        for name, values in ANCHORS.items()
        for metric, value in zip(METRICS, values, strict=True)
        if value
    ]
    return max(abs(found / value - 1) for found, value in pairs)


def variants(pipeline: UpsamplePipeline) -> dict[str, UpsampleOptions]:
    """Return what is compared with interpolation: numbers of steps, modes, ablations."""
    plain, ablated = UpsampleOptions(), UpsampleOptions(steps=4)
    if pipeline.upsampler is None:
        return {}
    return {
        "default": plain,
        **{f"{steps} steps": UpsampleOptions(steps=steps) for steps in (1, 2, 4, 6)},
        "reference merge": UpsampleOptions(steps=6, mode="reference"),
        "4 steps, uniform times": replace(ablated, schedule="uniform"),
        "4 steps, no constraint": replace(ablated, manifold="none"),
        "4 steps, pulled to nearest": replace(ablated, manifold="nearest"),
        "4 steps, onto quadrics": replace(ablated, manifold="surface"),
        "4 steps, curvature": replace(ablated, curvature=1.0),
        "oversampled": replace(plain, oversample=1.5),
    }


def surface_rows(
    pipeline: UpsamplePipeline,
    baseline: UpsamplePipeline,
    source: Path | str,
    points: int,
    rate: int,
    noise: float,
    rows: Rows,
    sink: ProgressSink,
) -> dict[str, Row]:
    """Measure all variants on one surface.

    Args:
        pipeline: The model.
        baseline: Interpolation alone.
        source: A mesh file, or a category of the procedural library.
        points: Of the input.
        rate: Points out over points in.
        noise: Of the input, in units of the radius of the unit ball; 0 for categories.
        rows: Finished rows.
        sink: Where to report.
    """
    name = source.stem if isinstance(source, Path) else source
    wanted = variants(pipeline)
    made: list[SurfaceSet] = []

    def data() -> SurfaceSet:
        # Sampling takes longer than reading finished rows: only when one is missing.
        if not made:
            if isinstance(source, Path):
                made.append(mesh_set(source, points, rate, noise))
            else:
                made.append(procedural_set(source, points, rate))
        return made[0]

    def floor() -> Row:
        return measure(data().again, data().truth, data().mesh)

    def run(model: UpsamplePipeline, options: UpsampleOptions) -> Row:
        began = time.perf_counter()
        dense = model.upsample(PointCloud(data().sparse), rate, seed=0, options=options).cloud
        seconds = time.perf_counter() - began
        return {**measure(dense.points, data().truth, data().mesh), "seconds": seconds}

    settings = [name, points, rate, noise]
    found = {"floor": rows.get("floor", settings, floor)}
    found["midpoint"] = rows.get(
        "midpoint", settings, lambda: run(baseline, UpsampleOptions(max_edge=None))
    )
    for label, options in wanted.items():
        found[label] = rows.get(
            "surface",
            [*settings, label, repr(options)],
            lambda options=options: run(pipeline, options),
        )
    sink.advance(surface=name)
    return found


def averaged(rows: list[dict[str, Row]]) -> dict[str, Row]:
    """Return the means over surfaces, for every variant and figure that all have."""
    labels = rows[0]
    return {
        label: {
            figure: float(np.mean([row[label][figure] for row in rows]))
            for figure in labels[label]
            if all(figure in row[label] for row in rows)
        }
        for label in labels
    }


def headroom(rows: dict[str, Row], label: str) -> float:
    """Return the share of the way from interpolation's CD to that of an independent sample."""
    midpoint, floor = rows["midpoint"]["cd"], rows["floor"]["cd"]
    return (midpoint - rows[label]["cd"]) / (midpoint - floor)
