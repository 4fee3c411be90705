"""Time, memory and seams of upsampling."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from gen3d.bench.rows import Row
from gen3d.errors import Gen3dError
from gen3d.geometry.cloud import PointCloud
from gen3d.io import save
from gen3d.ops.points import knn
from gen3d.runtime.seeds import make_generator
from gen3d.upsampling.options import UpsampleOptions
from gen3d.upsampling.pipeline import UpsamplePipeline
from gen3d.upsampling.tile_jobs import TileJob, TileResult, run_tiles
from gen3d.upsampling.tiles import Tile, plan_tiles

_BAND = 3.0
"""Half the width of the band around a seam, in spacings of the input."""


def wavy_torus(points: int) -> Float[np.ndarray, "n 3"]:
    """Return random points of a torus with ripples, about equally dense everywhere."""
    draws = torch.rand((3, 3 * points + 64), generator=make_generator(0)).double().numpy()
    u, v = 2 * np.pi * draws[:2]
    r = 0.3 + 0.01 * np.sin(7 * u) * np.cos(5 * v)
    ring = 0.7 + r * np.cos(v)
    # The area that a step of both angles covers grows with the distance from the axis.
    keep = np.flatnonzero(draws[2] * 1.02 < ring)[:points]
    found = np.stack([ring * np.cos(u), r * np.sin(v), ring * np.sin(u)], axis=1)
    return found[keep].astype(np.float32)


def command_row(model: str, points: Float[np.ndarray, "n 3"], rate: float, *arguments: str) -> Row:
    """Run ``gen3d upsample`` in a process of its own, on a file.

    Args:
        model: Name or file.
        points: Input.
        rate: Points out over points in.
        *arguments: Others of the command line.

    Returns:
        Seconds from the start of the process to its end, points made per such second, and the
        greatest memory of the process (not of its workers) in bytes.

    Raises:
        Gen3dError: The command failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "in.ply", Path(folder) / "out.ply"
        save(PointCloud(points), source)
        command = [sys.executable, "-m", "gen3d", "upsample", str(source), "-r", str(rate)]
        command += ["-o", str(out), "--model", model, "--seed", "0", "--json", "-", *arguments]
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ))
        seconds = time.perf_counter() - began
        if done.returncode:
            raise Gen3dError(f"gen3d upsample failed: {done.stderr.strip()[-300:]}")
        figures = json.loads(done.stdout)
    return {
        "seconds": seconds,
        "points_out": figures["points_out"],
        "points_per_s": figures["points_out"] / seconds,
        "memory_bytes": float(figures["peak_memory_bytes"] or 0),
    }


def seam_row(pipeline: UpsamplePipeline, points: int, tile: int, rate: float) -> Row:
    """Compare the density next to seams between tiles with that far from them.

    Returns:
        ``density_jump``: new points per input point within three spacings of a seam over that
        elsewhere, minus 1, as a positive number; and how many points were near.
    """
    cloud = wavy_torus(points)
    plan = plan_tiles(cloud, tile, round(points * rate))
    options = UpsampleOptions(tile=tile)
    job = TileJob(plan, rate, pipeline.flow(options), options, 0)
    sample = torch.from_numpy(cloud[:: max(1, points // 1000)])
    spacing = knn(sample, torch.from_numpy(cloud), 5).distances_squared[:, -1].sqrt().median()
    ordered, width = cloud[plan.order], _BAND * float(spacing)
    counts = np.zeros((2, 2))
    for area, part in zip(plan.tiles, run_tiles(cloud, job), strict=True):
        counts += _counts(area, ordered, part, width)
    (near_new, near_old), (far_new, far_old) = counts.tolist()
    ratio = (near_new / near_old) / (far_new / far_old)
    return {"density_jump": abs(ratio - 1), "near": near_new, "tiles": float(len(plan.tiles))}


def _counts(
    tile: Tile, ordered: Float[np.ndarray, "n 3"], part: TileResult, width: float
) -> Float[np.ndarray, "2 2"]:
    """Count new and old points of a tile near its seams, and the others."""
    low, high = np.array(tile.core.low), np.array(tile.core.high)
    rows = []
    for cloud in (part.points, ordered[tile.first : tile.last]):
        near = (np.minimum(cloud - low, high - cloud) < width).any(axis=1).sum()
        rows.append((near, len(cloud) - near))
    return np.array(rows, np.float64).T
