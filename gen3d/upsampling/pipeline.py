"""From a cloud to a dense one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float

from gen3d.errors import InputError
from gen3d.geometry.cloud import PointCloud
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.runtime.record import make_record
from gen3d.runtime.seeds import check_seed, draw_seed
from gen3d.upsampling.attributes import carry_over, mark_points
from gen3d.upsampling.checkpoints import Upsampler
from gen3d.upsampling.config import PATCH_POINTS
from gen3d.upsampling.denoise import inliers
from gen3d.upsampling.frame import UnitFrame
from gen3d.upsampling.motion import LEAST_POINTS, Flow, patch_batch
from gen3d.upsampling.options import UpsampleOptions, check_rate, target_count
from gen3d.upsampling.result import UpsampleReport, UpsampleResult
from gen3d.upsampling.sampler import uniform_times
from gen3d.upsampling.tile_jobs import TileJob, run_tiles, tile_points
from gen3d.upsampling.tiles import distinct_rows, plan_tiles

DEFAULT_STEPS = 4


class UpsamplePipeline:
    """Makes clouds dense.

    Args:
        upsampler: A network with its schedule; None interpolates only.
        device: Where it lives.
        name: The model's name, for records.
        fingerprint: Hashes of its files, for records.

    Example:
        UpsamplePipeline(load_upsampler("pufm-mini")).upsample(cloud, 4.0, seed=1).save("dense.ply")
    """

    def __init__(
        self,
        upsampler: Upsampler | None,
        *,
        device: torch.device | None = None,
        name: str = "custom",
        fingerprint: dict[str, str] | None = None,
    ) -> None:
        self.upsampler, self.device = upsampler, device or torch.device("cpu")
        self.name, self.fingerprint = name, fingerprint or {}

    def flow(self, options: UpsampleOptions) -> Flow:
        """Return the network with the times of the steps and a batch that fits."""
        batch = options.batch or patch_batch(self.device, PATCH_POINTS)
        if self.upsampler is None:
            return Flow(None, uniform_times(1), PATCH_POINTS, batch, self.device)
        steps = options.steps or DEFAULT_STEPS
        adaptive = options.schedule == "adaptive"
        times = self.upsampler.times(steps) if adaptive else uniform_times(steps)
        return Flow(self.upsampler.network, times, PATCH_POINTS, batch, self.device)

    def upsample(
        self,
        cloud: PointCloud,
        rate: float,
        *,
        seed: int | None = None,
        options: UpsampleOptions | None = None,
        progress: ProgressSink | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> UpsampleResult:
        """Return round(rate * n) points on the surface that a cloud of n points samples.

        Exactly so many; outliers that are left out do not count among the n.

        Args:
            cloud: One point or more.
            rate: New points over points, more than 1 and at most 64.
            seed: Random seed, 0 to 2^31 - 1; drawn if None. Without noise in the options nothing
                is drawn.
            options: How.
            progress: Where to report.
            cancelled: Asked now and then; True stops the work.

        Raises:
            InputError: The cloud is empty, or something is out of its range.
            CancelledError: ``cancelled`` said so.
        """
        options = options or UpsampleOptions()
        options.check()
        check_rate(rate)
        if not len(cloud):
            raise InputError("an empty cloud cannot be upsampled")
        seed = draw_seed() if seed is None else check_seed(seed)
        sink, clock = progress or NullProgress(), _Clock()
        frame = UnitFrame.of(cloud.points)
        points = frame.enter(cloud.points)
        keep, outliers = _inliers(points, options.outliers)
        different = keep.copy()
        different[keep] = distinct_rows(points[keep])
        total = target_count(int(keep.sum()), rate)
        clock.lap("prepare")
        flow, used = self.flow(options), points[different]
        held = cloud.select(keep) if options.keep_input else None
        new = total - (0 if held is None else len(held))
        plan = plan_tiles(used, tile_points(options, len(used), rate), new)
        job = TileJob(plan, rate, flow, options, seed)
        made, confidence = _collect(used, job, frame, new, sink, cancelled)
        clock.lap("upsample")
        dense, origin, confidence = _assembled(cloud, held, made, confidence)
        clock.lap("attributes")
        report = UpsampleReport(
            points_in=len(cloud),
            duplicates=int(keep.sum() - different.sum()),
            outliers=outliers,
            points_out=len(dense),
            tiles=len(plan.tiles),
            steps=0 if flow.network is None else len(flow.times) - 1,
        )
        record = self._record(rate, seed, options, flow)
        return UpsampleResult(
            cloud=dense.with_(metadata={**cloud.metadata, "gen3d": record}),
            origin=origin,
            confidence=confidence,
            report=report,
            record=record,
            seed=seed,
            warnings=_remarks(report, len(used), flow),
            timings_s=clock.laps,
        )

    def _record(
        self, rate: float, seed: int, options: UpsampleOptions, flow: Flow
    ) -> dict[str, Any]:
        """Write down what decides the points: neither batches nor processes do."""
        how = asdict(options)
        del how["batch"], how["workers"]
        how["steps"] = len(flow.times) - 1
        return make_record(
            "upsample",
            rate=rate,
            seed=seed,
            model=self.name,
            files=self.fingerprint,
            device=self.device.type,
            times=list(flow.times),
            **how,
        )


class _Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name], self._last = now - self._last, now


def _inliers(
    points: Float[np.ndarray, "n 3"], deviations: float | None
) -> tuple[Bool[np.ndarray, " n"], int]:
    if deviations is None:
        return np.ones(len(points), bool), 0
    keep = inliers(torch.from_numpy(points), deviations=deviations).numpy()
    return keep, int((~keep).sum())


def _collect(
    points: Float[np.ndarray, "n 3"],
    job: TileJob,
    frame: UnitFrame,
    count: int,
    sink: ProgressSink,
    cancelled: Callable[[], bool],
) -> tuple[Float[np.ndarray, "m 3"], Float[np.ndarray, " m"]]:
    """Gather what the tiles make, in the frame of the input."""
    made, confidence = np.empty((count, 3), np.float32), np.empty(count, np.float32)
    sink.stage_started("upsampling", len(job.plan.tiles))
    filled = 0
    for part in run_tiles(points, job, cancelled=cancelled):
        end = filled + len(part.points)
        made[filled:end], confidence[filled:end] = frame.leave(part.points), part.confidence
        filled = end
        sink.advance(points=filled)
    sink.stage_finished()
    assert filled == count, "tiles make what they were told to"
    return made, confidence


def _assembled(
    cloud: PointCloud,
    held: PointCloud | None,
    made: Float[np.ndarray, "m 3"],
    confidence: Float[np.ndarray, " m"],
) -> tuple[PointCloud, Bool[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Join kept and new points, and give them what belongs to them."""
    kept = 0 if held is None else len(held)
    points = made if held is None else np.concatenate([held.points, made])
    origin = np.arange(len(points)) >= kept
    confidence = np.concatenate([np.ones(kept, np.float32), confidence])
    bare = cloud.normals is None and cloud.colors is None and not cloud.attributes
    dense = cloud.with_(points=points) if bare else carry_over(cloud, points)
    return mark_points(dense, origin, confidence), origin, confidence


def _remarks(report: UpsampleReport, used: int, flow: Flow) -> tuple[str, ...]:
    remarks = []
    if report.duplicates:
        remarks.append(f"{report.duplicates} points repeat others and were used once")
    if report.outliers:
        remarks.append(f"{report.outliers} outliers were left out")
    if flow.network is not None and used < LEAST_POINTS:
        remarks.append(f"{used} different points are too few for the network: interpolated only")
    elif used < 256:
        remarks.append(f"{used} different points say little about a surface: expect less")
    return tuple(remarks)
