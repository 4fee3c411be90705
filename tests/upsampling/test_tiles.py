from types import ModuleType

import numpy as np
import pytest
import torch

from gen3d.errors import CancelledError, InputError
from gen3d.upsampling.densify import EVERYWHERE
from gen3d.upsampling.motion import Flow
from gen3d.upsampling.options import UpsampleOptions
from gen3d.upsampling.sampler import uniform_times
from gen3d.upsampling.tile_jobs import TileJob, run_tiles, tile_points
from gen3d.upsampling.tiles import (
    distinct_rows,
    halo_width,
    plan_tiles,
    share_out,
)

STAY = Flow(None, uniform_times(1), 64, 4)


def job_of(points: np.ndarray, size: int, rate: float, **options: object) -> TileJob:
    made = UpsampleOptions(**options)  # pyright: ignore[reportArgumentType]
    kept = len(points) if made.keep_input else 0
    plan = plan_tiles(points, size, round(len(points) * rate) - kept)
    return TileJob(plan, rate, STAY, made, 0)


def test_tiles_share_all_points_and_the_count(clouds: ModuleType) -> None:
    points = clouds.random_plane(1000).numpy()
    plan = plan_tiles(points, 150, 3701)
    assert sorted(plan.order.tolist()) == list(range(1000))
    assert sum(tile.count for tile in plan.tiles) == 3701
    assert max(len(tile) for tile in plan.tiles) <= 150
    ordered = torch.from_numpy(points[plan.order])
    for tile in plan.tiles:
        held = tile.core.holds(ordered)
        assert held.nonzero()[:, 0].tolist() == list(range(tile.first, tile.last))


def test_equal_points_stay_in_one_tile() -> None:
    assert len(plan_tiles(np.zeros((50, 3), np.float32), 10, 200).tiles) == 1


def test_surroundings_are_all_points_within_the_halo(clouds: ModuleType) -> None:
    points = clouds.random_plane(600).numpy()
    plan = plan_tiles(points, 100, 2400)
    ordered = points[plan.order]
    tile = plan.tiles[2]
    found = plan.surroundings(ordered, tile, 0.1)
    low, high = np.array(tile.low) - 0.1, np.array(tile.high) + 0.1
    expected = np.flatnonzero(((ordered >= low) & (ordered <= high)).all(axis=1))
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("count", [0, 1, 7, 1000])
def test_shares_add_up(count: int) -> None:
    shares = share_out(count, np.array([5, 1, 1, 30]))
    assert sum(shares) == count
    assert all(abs(s - count * w / 37) < 1 for s, w in zip(shares, (5, 1, 1, 30), strict=True))


def test_only_later_equals_are_dropped() -> None:
    rows = np.array([[1, 2, 3], [0, 0, 0], [1, 2, 3], [-0.0, 0, 0], [3, 2, 1]], np.float32)
    assert distinct_rows(rows).tolist() == [True, True, False, False, True]


def test_halo_covers_a_patch(clouds: ModuleType) -> None:
    # 64 new points at rate 4 are 16 old ones: on a unit square of 1000 a disc of radius 0.07.
    halo = halo_width(clouds.random_plane(1000).numpy(), 64, 4.0)
    assert 2 * 0.07 < halo < 2 * 0.14


@pytest.mark.parametrize("rate", [1.7, 4, 9])
def test_tiles_make_the_exact_count(clouds: ModuleType, rate: float) -> None:
    points = clouds.random_plane(500).numpy()
    parts = list(run_tiles(points, job_of(points, 130, rate)))
    assert len(parts) > 2
    assert sum(len(part.points) for part in parts) == round(500 * rate)


def test_tiles_do_not_depend_on_order(clouds: ModuleType) -> None:
    points = clouds.random_plane(400).numpy()
    job = job_of(points, 130, 4)
    forward = [part.points for part in run_tiles(points, job)]
    ordered = points[job.plan.order]
    backward = [job.run(ordered, i).points for i in reversed(range(len(job.plan.tiles)))]
    assert all(np.array_equal(a, b) for a, b in zip(forward, reversed(backward), strict=True))


def test_density_is_even_across_seams(clouds: ModuleType) -> None:
    points = clouds.random_plane(2000).numpy()
    job = job_of(points, 1000, 4)
    assert len(job.plan.tiles) == 2
    made = np.concatenate([part.points for part in run_tiles(points, job)])
    left, right = job.plan.tiles
    axis = int(np.argmin(np.isinf([c for c in left.core.high])))
    seam = left.core.high[axis]
    assert seam == right.core.low[axis]
    width = 0.08
    near = np.abs(made[:, axis] - seam) < width
    inside = np.abs(points[:, axis] - seam) < width
    assert near.sum() / inside.sum() == pytest.approx(4, rel=0.15)


def test_kept_points_are_left_room(clouds: ModuleType) -> None:
    points = clouds.random_plane(300).numpy()
    parts = list(run_tiles(points, job_of(points, 100, 3, keep_input=True)))
    made = np.concatenate([part.points for part in parts])
    assert len(made) == 600
    apart = np.linalg.norm(made[:, None] - points[None], axis=-1).min(axis=1)
    assert (apart > 1e-6).mean() > 0.99


def test_stop_is_heard_between_tiles(clouds: ModuleType) -> None:
    points = clouds.random_plane(300).numpy()
    moving = job_of(points, 100, 2)
    job = TileJob(moving.plan, 2, Flow(clouds.Nowhere(), (1.0, 0.0), 64, 1), moving.options, 0)
    with pytest.raises(CancelledError, match="cancelled while upsampling"):
        list(run_tiles(points, job, cancelled=lambda: True))


def test_tiles_shrink_at_high_rates() -> None:
    options = UpsampleOptions(tile=4096)
    assert tile_points(options, 4000, 64) == 4000
    assert tile_points(options, 100_000, 4) == 4096
    assert tile_points(options, 100_000, 8) == 2048
    assert tile_points(UpsampleOptions(tile=0), 100_000, 4) == 100_000


def test_everywhere_holds_everything() -> None:
    assert bool(EVERYWHERE.holds(torch.randn(20, 3) * 1e6).all())


def test_no_points_have_no_tiles() -> None:
    with pytest.raises(InputError, match="of 0 points"):
        plan_tiles(np.zeros((0, 3), np.float32), 10, 0)


@pytest.mark.slow
def test_processes_make_the_same_points(clouds: ModuleType) -> None:
    points = clouds.random_plane(500).numpy()
    here = list(run_tiles(points, job_of(points, 200, 2)))
    there = list(run_tiles(points, job_of(points, 200, 2, workers=2)))
    assert all(np.array_equal(a.points, b.points) for a, b in zip(here, there, strict=True))
