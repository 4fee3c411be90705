"""Work on tiles: here, or in several processes, each on a device of its own."""

from __future__ import annotations

import copy
import math
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from gen3d.errors import CancelledError, Gen3dError
from gen3d.runtime.seeds import item_seed, make_generator
from gen3d.upsampling.densify import EVERYWHERE, densify
from gen3d.upsampling.midpoint import stage_rates
from gen3d.upsampling.motion import Flow
from gen3d.upsampling.options import UpsampleOptions
from gen3d.upsampling.tiles import TilePlan, halo_width


@dataclass(frozen=True)
class TileJob:
    """What all tiles of a cloud have in common.

    Attributes:
        plan: The tiles.
        rate: New points over points.
        flow: The network.
        options: How.
        seed: Tile i uses item i of it.
    """

    plan: TilePlan
    rate: float
    flow: Flow
    options: UpsampleOptions
    seed: int

    def run(
        self,
        points: Float[np.ndarray, "n 3"],
        number: int,
        between: Callable[[int], None] = lambda patches: None,
    ) -> TileResult:
        """Make the new points of one tile.

        Args:
            points: The cloud in the plan's order.
            number: Which tile.
            between: Called after each batch of patches with their number.
        """
        tile, whole = self.plan.tiles[number], len(self.plan.tiles) == 1
        places = np.arange(tile.first, tile.last)
        if not whole:
            last_rate = stage_rates(self.rate)[-1]
            inside = points[tile.first : tile.last]
            halo = halo_width(inside, self.flow.patch_points, last_rate)
            places = self.plan.surroundings(points, tile, halo)
        # In the order of the input, which decides ties.
        places = places[np.argsort(self.plan.order[places], kind="stable")]
        region = torch.from_numpy(np.ascontiguousarray(points[places])).to(self.flow.device)
        own = torch.from_numpy((places >= tile.first) & (places < tile.last)).to(region.device)
        made = densify(
            region,
            self.rate,
            tile.count,
            self.flow,
            self.options,
            generator=make_generator(item_seed(self.seed, number)),
            core=EVERYWHERE if whole else tile.core,
            kept=region[own] if self.options.keep_input else None,
            between=between,
        )
        return TileResult(made.points.cpu().numpy(), made.confidence.cpu().numpy())


@dataclass(frozen=True)
class TileResult:
    """New points of one tile.

    Attributes:
        points: In the frame of the cloud.
        confidence: Of each, 0 to 1.
    """

    points: Float[np.ndarray, "m 3"]
    confidence: Float[np.ndarray, " m"]


def run_tiles(
    points: Float[np.ndarray, "n 3"],
    job: TileJob,
    *,
    finished: Callable[[int], None] = lambda tile: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[TileResult]:
    """Yield the new points of all tiles in order, however many processes work on them.

    Args:
        points: The cloud, not yet in the plan's order.
        job: What to do; its options say in how many processes.
        finished: Called with the number of each tile that is done.
        cancelled: Asked between batches of patches (in one process) and tiles.

    Raises:
        CancelledError: ``cancelled`` said so.
        Gen3dError: A process died.
    """

    def check(_: int = 0) -> None:
        if cancelled():
            raise CancelledError("cancelled while upsampling")

    workers = min(job.options.workers, len(job.plan.tiles))
    if workers == 1:
        ordered = points[job.plan.order]
        for number in range(len(job.plan.tiles)):
            check()
            yield job.run(ordered, number, check)
            finished(number)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "points.npy"
        np.save(path, points[job.plan.order])
        yield from _run_in_processes(path, job, workers, finished, check)


def _run_in_processes(
    path: Path,
    job: TileJob,
    workers: int,
    finished: Callable[[int], None],
    check: Callable[[], None],
) -> Iterator[TileResult]:
    context = get_context("spawn")
    devices: Queue = context.Queue()
    for number in range(workers):
        devices.put(_device_of(job.flow.device, number))
    threads = max(1, torch.get_num_threads() // workers)
    start = (path, _portable(job), devices, threads)
    pool = ProcessPoolExecutor(workers, context, _start_worker, start)
    waiting: deque[Future[TileResult]] = deque()
    try:
        left = iter(range(len(job.plan.tiles)))
        done = 0
        while True:
            # Few more than there are workers: results wait in memory until their turn.
            while len(waiting) < 2 * workers and (number := next(left, None)) is not None:
                waiting.append(pool.submit(_run_one, number))
            if not waiting:
                return
            yield waiting.popleft().result()
            finished(done)
            done += 1
            check()
    except BrokenProcessPool as error:
        raise Gen3dError(
            "a process that worked on tiles died", hint="use fewer --workers or a smaller --tile"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_mine: tuple[Float[np.ndarray, "n 3"], TileJob] | None = None


def _start_worker(path: Path, job: TileJob, devices: Queue, threads: int) -> None:
    global _mine
    torch.set_num_threads(threads)
    device = torch.device(devices.get())
    network = job.flow.network
    if isinstance(network, torch.nn.Module):
        network = network.to(device)
    flow = replace(job.flow, network=network, device=device)
    _mine = np.load(path, mmap_mode="r"), replace(job, flow=flow)


def _run_one(number: int) -> TileResult:
    assert _mine is not None, "the pool starts every worker so"
    points, job = _mine
    return job.run(points, number)


def _portable(job: TileJob) -> TileJob:
    """Return the job with its network in main memory, whence it can go to other processes."""
    network = job.flow.network
    if isinstance(network, torch.nn.Module) and job.flow.device.type != "cpu":
        network = copy.deepcopy(network).cpu()
    return replace(job, flow=replace(job.flow, network=network))


def _device_of(device: torch.device, worker: int) -> str:
    """Return where a worker computes: GPUs take turns unless one was asked for."""
    if device.type != "cuda" or device.index is not None:
        return str(device)
    return f"cuda:{worker % torch.cuda.device_count()}"


def tile_points(options: UpsampleOptions, points: int, rate: float) -> int:
    """Return how many input points a tile may have; all, where the cloud is not cut.

    What bounds memory is what a tile makes, so tiles are smaller at high rates.
    """
    if options.tile == 0 or points <= options.tile:
        return points
    return max(1024, min(options.tile, math.ceil(options.tile * 4 / rate)))


def default_workers() -> int:
    """Return how many processes keep this machine busy."""
    return max(1, min(os.cpu_count() or 1, torch.get_num_threads()))
