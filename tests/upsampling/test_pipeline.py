from dataclasses import asdict
from types import ModuleType

import numpy as np
import pytest

from gen3d.errors import CancelledError, InputError
from gen3d.geometry.cloud import PointCloud
from gen3d.upsampling.frame import UnitFrame
from gen3d.upsampling.options import UpsampleOptions
from gen3d.upsampling.pipeline import UpsamplePipeline

MIDPOINT = UpsamplePipeline(None, name="midpoint")


def sphere(clouds: ModuleType, n: int = 300) -> PointCloud:
    return PointCloud(clouds.fibonacci_sphere(n).numpy())


@pytest.mark.parametrize("rate", [1.3, 4, 7.77])
def test_makes_the_exact_count_in_the_frame_of_the_input(clouds: ModuleType, rate: float) -> None:
    cloud = sphere(clouds)
    moved = cloud.with_(points=cloud.points * 50 + np.float32(700))
    made = MIDPOINT.upsample(moved, rate, seed=0)
    assert len(made.cloud) == len(made.origin) == len(made.confidence) == round(300 * rate)
    radii = np.linalg.norm(made.cloud.points - 700, axis=1)
    assert 46 < radii.min() <= radii.max() < 50.01
    assert bool(made.origin.all())


def test_equal_seeds_give_equal_bytes(clouds: ModuleType) -> None:
    cloud = sphere(clouds)
    first, again = (MIDPOINT.upsample(cloud, 3, seed=5) for _ in range(2))
    assert first.cloud.points.tobytes() == again.cloud.points.tobytes()
    assert first.record == again.record
    assert first.seed == 5


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_tiny_clouds_give_the_exact_count_and_a_remark(clouds: ModuleType, n: int) -> None:
    points = clouds.random_plane(n).numpy()
    made = MIDPOINT.upsample(PointCloud(points), 4, seed=0)
    assert len(made.cloud) == 4 * n
    assert "different points" in made.warnings[-1]


@pytest.mark.parametrize("points", [np.ones((9, 3)), np.eye(3)[[0, 0, 1, 1, 1]], np.zeros((1, 3))])
def test_repeated_points_count_and_are_used_once(points: np.ndarray) -> None:
    made = MIDPOINT.upsample(PointCloud(points), 2, seed=0)
    assert len(made.cloud) == 2 * len(points)
    assert made.report.duplicates == len(points) - len(np.unique(points, axis=0))


def test_far_from_the_origin_nothing_is_lost(clouds: ModuleType) -> None:
    positions = clouds.fibonacci_sphere(200).numpy()
    here = MIDPOINT.upsample(PointCloud.from_positions(positions), 2, seed=0)
    shift = np.array([4.5e6, -1.2e6, 300.0])
    there = MIDPOINT.upsample(PointCloud.from_positions(positions + shift), 2, seed=0)
    radii = np.linalg.norm(there.cloud.positions - shift, axis=1)
    assert radii.max() < 1 + 1e-5
    assert radii.min() > 0.9
    assert len(there.cloud) == len(here.cloud)


@pytest.mark.parametrize("tile", [0, 1024])
def test_kept_input_comes_first_bit_for_bit(clouds: ModuleType, tile: int) -> None:
    cloud = sphere(clouds, 1500)
    options = UpsampleOptions(keep_input=True, tile=tile)
    made = MIDPOINT.upsample(cloud, 1.6, seed=0, options=options)
    assert len(made.cloud) == 2400
    assert np.array_equal(made.cloud.points[:1500], cloud.points)
    assert not made.origin[:1500].any() and made.origin[1500:].all()
    assert (made.confidence[:1500] == 1).all()
    assert made.report.tiles == (1 if tile == 0 else 2)


def test_outliers_are_left_out_and_do_not_count(clouds: ModuleType) -> None:
    points = np.concatenate([clouds.fibonacci_sphere(400).numpy(), [[9.0, 9, 9]]])
    options = UpsampleOptions(outliers=3.0)
    made = MIDPOINT.upsample(PointCloud(points), 2, seed=0, options=options)
    assert made.report.outliers == 1
    assert len(made.cloud) == 800
    assert np.abs(made.cloud.points).max() < 1.1
    assert "1 outliers were left out" in made.warnings


def test_origin_and_confidence_travel_with_the_cloud(clouds: ModuleType) -> None:
    made = MIDPOINT.upsample(sphere(clouds), 2, seed=0)
    assert made.cloud.attributes["origin"].tolist() == made.origin.tolist()
    assert np.array_equal(made.cloud.attributes["confidence"], made.confidence)


def test_record_tells_all_that_decides_the_points(clouds: ModuleType) -> None:
    options = UpsampleOptions(batch=3)
    record = MIDPOINT.upsample(sphere(clouds), 2, seed=0, options=options).record
    assert record["task"] == "upsample"
    assert record["rate"] == 2
    assert set(asdict(options)) - set(record) == {"batch", "workers"}


def test_nothing_cannot_be_upsampled() -> None:
    with pytest.raises(InputError, match="an empty cloud cannot be upsampled"):
        MIDPOINT.upsample(PointCloud(np.zeros((0, 3))), 4)


def test_user_can_stop(clouds: ModuleType) -> None:
    cloud = sphere(clouds, 3000)
    options = UpsampleOptions(tile=1024, denoise=False)
    with pytest.raises(CancelledError):
        MIDPOINT.upsample(cloud, 2, options=options, cancelled=lambda: True)


def test_unit_frame_goes_there_and_back(clouds: ModuleType) -> None:
    points = clouds.fibonacci_sphere(50).float().numpy() * 3 + 5
    frame = UnitFrame.of(points)
    inside = frame.enter(points)
    assert np.linalg.norm(inside, axis=1).max() == pytest.approx(1, abs=1e-6)
    assert np.allclose(frame.leave(inside), points, atol=1e-5)
    assert UnitFrame.of(np.ones((3, 3))).radius == 1
