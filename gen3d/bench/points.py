"""``gen3d bench points``: searches among points against plain loops and SciPy, in one run."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.bench.kernel import fastest
from gen3d.bench.report import Report, machine_name
from gen3d.bench.rows import Row, table_of
from gen3d.errors import MissingDependencyError
from gen3d.ops import points as ops
from gen3d.ops.backend import native, uses_native, why_not
from gen3d.runtime.progress import NullProgress, ProgressSink

_NEIGHBOURS = 8
_SAMPLING_SHARE = 4
# Of the samples, for the plain loop: it takes as long for each.
_PLAIN_SHARE = 20
_MATCHED = 1024
_CLOUDS = 16


def bench_points(
    *, samples: int = 100_000, seconds: float = 1.0, progress: ProgressSink | None = None
) -> Report:
    """Measure farthest point sampling, neighbours, Chamfer, matching and thinning on the CPU.

    Points lie on a noisy torus. Of several calls the fastest counts. Farthest point sampling is
    measured in processor seconds; the plain loop takes the first samples only, as many as a
    twentieth, and its time is scaled up.

    Args:
        samples: Points to sample out of four times as many, and to find neighbours among.
        seconds: About how long each measurement runs.
        progress: Where to report.

    Raises:
        MissingDependencyError: There are no native kernels to measure.
    """
    if not uses_native(torch.device("cpu")):
        raise MissingDependencyError(
            f"nothing to measure: {why_not()}",
            hint="install a C++ compiler and reinstall gen3d, or unset GEN3D_BACKEND",
        )
    sink = progress or NullProgress()
    notes = {
        "machine": machine_name(),
        "threads": str(torch.get_num_threads()),
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }
    rows: dict[str, Row] = {}
    for title, measure in (
        ("farthest point sampling", lambda: _sampling(samples)),
        ("nearest neighbours", lambda: _neighbours(samples, seconds, notes)),
        ("Chamfer", lambda: _chamfer(samples, seconds, notes)),
        ("matching", lambda: _matching(seconds, notes)),
        ("sample elimination", lambda: _elimination(samples, seconds)),
    ):
        sink.stage_started(title, None)
        rows |= measure()
        sink.stage_finished()
    figures = {
        "fps_speedup": rows["farthest point sampling"]["speedup"],
        "fps_equal": rows["farthest point sampling"]["equal"],
    }
    for name, key in (
        ("nearest neighbours", "knn_speedup_vs_ckdtree"),
        ("Chamfer", "chamfer_speedup_vs_ckdtree"),
        ("auction", "auction_speedup_vs_scipy"),
    ):
        if "speedup" in rows[name]:
            figures[key] = rows[name]["speedup"]
    return Report(figures, [table_of("Searches among points", rows)], notes)


def noisy_torus(count: int, *, seed: int = 0) -> Float[Tensor, "n 3"]:
    """Sample a torus of radii 0.7 and 0.25, with a noise of 1e-3."""
    generator = torch.Generator().manual_seed(seed)
    around, across = torch.rand(2, count, generator=generator) * 2 * torch.pi
    ring = 0.7 + 0.25 * across.cos()
    points = torch.stack([ring * around.cos(), ring * around.sin(), 0.25 * across.sin()], dim=1)
    return points + 1e-3 * torch.randn(count, 3, generator=generator)


def _sampling(samples: int) -> dict[str, Row]:
    points, few = noisy_torus(_SAMPLING_SHARE * samples), -(-samples // _PLAIN_SHARE)
    ours_s = min(_processor_s(lambda: ops.farthest_point_sample(points, samples)) for _ in range(3))
    plain = torch.empty(few, dtype=torch.int64)
    plain_s = _processor_s(lambda: native().points_farthest_plain(points, 0, plain))
    equal = torch.equal(ops.farthest_point_sample(points, samples)[:few], plain)
    row = _row(len(points), ours_s, plain_s * samples / few)
    return {"farthest point sampling": row | {"equal": float(equal)}}


def _neighbours(count: int, seconds: float, notes: dict[str, str]) -> dict[str, Row]:
    points = noisy_torus(count, seed=1)
    ours_s = fastest(lambda: ops.knn(points, points, _NEIGHBOURS), seconds)
    theirs_s = None
    if (tree := _scipy("spatial", notes)) is not None:
        array, threads = points.numpy(), torch.get_num_threads()
        theirs_s = fastest(
            lambda: tree.cKDTree(array).query(array, k=_NEIGHBOURS, workers=threads), seconds
        )
    return {"nearest neighbours": _row(count, ours_s, theirs_s)}


def _chamfer(count: int, seconds: float, notes: dict[str, str]) -> dict[str, Row]:
    a, b = noisy_torus(count, seed=2), noisy_torus(count, seed=3)
    ours_s = fastest(lambda: ops.chamfer(a, b), seconds)
    theirs_s = None
    if (tree := _scipy("spatial", notes)) is not None:
        left, right, threads = a.numpy(), b.numpy(), torch.get_num_threads()

        def both_ways() -> None:
            tree.cKDTree(left).query(right, workers=threads)
            tree.cKDTree(right).query(left, workers=threads)

        theirs_s = fastest(both_ways, seconds)
    return {"Chamfer": _row(count, ours_s, theirs_s)}


def _matching(seconds: float, notes: dict[str, str]) -> dict[str, Row]:
    """Patches, as in training: a noisy copy is matched with its source."""
    b = torch.stack([noisy_torus(_MATCHED, seed=10 + i) for i in range(_CLOUDS)])
    a = b.flip(1) + 0.02 * torch.randn(b.shape, generator=torch.Generator().manual_seed(4))
    ours_s = fastest(lambda: ops.auction_assign(a, b, eps=1e-3), seconds)
    row = _row(_CLOUDS * _MATCHED, ours_s, None)
    if (optimize := _scipy("optimize", notes)) is not None:
        costs = torch.cdist(a, b).numpy()
        optima = [cost[optimize.linear_sum_assignment(cost)].sum() for cost in costs]
        theirs_s = fastest(
            lambda: [optimize.linear_sum_assignment(cost) for cost in costs], seconds
        )
        row = _row(_CLOUDS * _MATCHED, ours_s, theirs_s)
        assignment, _ = ops.auction_assign(a, b, eps=1e-3)
        found = torch.cdist(a, b).gather(2, assignment[..., None]).sum().item()
        row["cost over optimum"] = found / float(sum(optima))
    return {"auction": row}


def _elimination(samples: int, seconds: float) -> dict[str, Row]:
    points = noisy_torus(_SAMPLING_SHARE * samples)
    ours_s = fastest(lambda: ops.eliminate_samples(points, samples), seconds)
    return {"sample elimination": _row(len(points), ours_s, None)}


def _row(points: int, ours_s: float, theirs_s: float | None) -> Row:
    row = {"points": float(points), "s": ours_s}
    if theirs_s is not None:
        row |= {"baseline s": theirs_s, "speedup": theirs_s / ours_s}
    return row


def _processor_s(function: Callable[[], object]) -> float:
    """Seconds of all threads, which do not grow when others use the machine too."""
    began = time.process_time()
    function()
    return time.process_time() - began


def _scipy(part: str, notes: dict[str, str]):
    """A part of SciPy, or None with a note."""
    try:
        return importlib.import_module(f"scipy.{part}")
    except ModuleNotFoundError:
        notes["scipy"] = "not installed: rows against it are left out"
        return None
