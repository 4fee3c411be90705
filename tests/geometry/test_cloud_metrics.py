import math

import numpy as np
import pytest
import torch
import trimesh

from gen3d.errors import InputError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.cloud_metrics import (
    FACTORS,
    compare_clouds,
    earth_movers_distance,
    nearest_squares,
    unit_sphere,
)
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.occupancy_divergence import occupancy_divergence
from gen3d.geometry.triangle_distance import closest_faces
from gen3d.geometry.uniformity import disk_uniformity


def fibonacci(n: int, radius: float = 1.0) -> np.ndarray:
    i = np.arange(n)
    z, angle = 1 - (2 * i + 1) / n, i * math.pi * (3 - math.sqrt(5))
    flat = np.sqrt(1 - z**2)
    return radius * np.stack([flat * np.cos(angle), flat * np.sin(angle), z], axis=1)


BALL = Mesh.from_trimesh(trimesh.creation.icosphere(subdivisions=4))


def test_fibonacci_sphere_has_the_published_distances() -> None:
    to_true, to_made = nearest_squares(fibonacci(2048), fibonacci(8192))
    assert (to_true.mean() + to_made.mean()) / 2 * 1e4 == pytest.approx(6.3366, rel=1e-3)
    assert (to_true.max() + to_made.max()) / 2 * 1e3 == pytest.approx(1.8132, rel=1e-3)


def test_conventions_of_two_points_and_one() -> None:
    made = PointCloud(np.array([[0.0, 0, 0], [2, 0, 0]]))
    true = PointCloud(np.array([[0.0, 1, 0], [2, 3, 0]]))
    found = compare_clouds(made, true).scores
    # a = 1, 5; b = 1, 9.
    assert (found["pufm"].cd, found["pufm"].hd) == (4, 7)
    lengths = ((1 + math.sqrt(5)) / 2 + (1 + 3) / 2) / 2
    assert found["true"].cd == pytest.approx(lengths)
    assert found["true"].hd == 3
    # Each in its own unit sphere: one pair at 0 degrees, the other at 45.
    square = 2 - math.sqrt(2)
    assert found["pugan"].cd == pytest.approx(2 * square, rel=1e-6)
    assert found["pugan"].hd == pytest.approx(2 * square, rel=1e-6)
    assert found["true"].p2f is None
    assert FACTORS["pufm"] == (1e4, 1e3, 1e3)


def test_distance_to_the_mesh_is_that_of_the_radii() -> None:
    directions = fibonacci(300)
    made = PointCloud(directions * 1.05, directions)
    true = PointCloud(directions, directions)
    found = compare_clouds(made, true, BALL)
    assert found.scores["pufm"].p2f == found.scores["pugan"].p2f
    assert found.scores["pufm"].p2f == pytest.approx(0.0515, abs=2e-3)
    assert found.normal_consistency is not None and found.normal_consistency > 0.995
    assert found.emd == pytest.approx(0.05, abs=2e-3)
    assert found.jsd_floor is not None and 0 < found.jsd_floor < 1
    shifted = np.array([1e6, 0, 0])
    far = compare_clouds(
        made.with_(offset=shifted), true.with_(offset=shifted + 1, points=true.points - 1), None
    )
    assert far.scores["pufm"].cd == pytest.approx(found.scores["pufm"].cd, rel=1e-3)


def test_closest_face_is_exact_on_faces_of_uneven_size() -> None:
    rng = np.random.default_rng(3)
    corners = rng.normal(size=(60, 1, 3)) + rng.normal(size=(60, 3, 3)) * rng.choice(
        [0.02, 3], (60, 1, 1)
    )
    mesh = Mesh(corners.reshape(-1, 3), np.arange(180).reshape(-1, 3))
    points = rng.normal(size=(40, 3)) * 2
    weights = rng.dirichlet((1, 1, 1), 4000)
    dense = np.einsum("wk,fkc->fwc", weights, mesh.corners.astype(np.float64))
    gaps = np.linalg.norm(dense[:, :, None] - points, axis=3).min(axis=1)
    distance, face = closest_faces(points, mesh)
    assert (distance <= gaps.min(axis=0) + 1e-6).all()
    np.testing.assert_allclose(distance, gaps.min(axis=0), atol=0.1)
    np.testing.assert_allclose(gaps[face, np.arange(40)], distance, atol=0.1)
    with pytest.raises(InputError, match="without faces"):
        closest_faces(points, Mesh(points, np.zeros((0, 3), int)))


def test_moving_cost_is_the_shift_and_ignores_order() -> None:
    generator = torch.Generator().manual_seed(0)
    cloud = np.random.default_rng(1).random((64, 3))
    moved = cloud[::-1] + np.array([0.01, 0, 0])
    assert earth_movers_distance(cloud, moved, generator) == pytest.approx(0.01, abs=1e-3)


def test_divergence_of_independent_samplings_is_as_measured() -> None:
    rng = np.random.default_rng(0)
    first, second = (0.5 * unit_rows(rng.normal(size=(8192, 3))) for _ in range(2))
    assert occupancy_divergence(first, second) == pytest.approx(0.09, abs=0.012)
    assert occupancy_divergence(first, first) == 0
    assert occupancy_divergence(first * 0.1, first) == pytest.approx(1)


def test_even_cover_has_lower_uniformity_than_random() -> None:
    rng = np.random.default_rng(0)
    even, uneven = fibonacci(2048), unit_rows(rng.normal(size=(2048, 3)))
    shares = (0.008, 0.012)
    found = [
        disk_uniformity(points, points, BALL, torch.Generator().manual_seed(0), shares=shares)
        for points in (even, uneven)
    ]
    for share in shares:
        better, worse = found[0][share], found[1][share]
        assert better is not None and worse is not None and better < worse / 10
    few = disk_uniformity(
        even[:9], even[:9], BALL, torch.Generator().manual_seed(0), shares=(0.004,)
    )
    assert few == {0.004: None}


def test_bad_clouds_are_refused() -> None:
    cloud = PointCloud(fibonacci(8))
    with pytest.raises(InputError, match="need points"):
        compare_clouds(PointCloud(np.zeros((0, 3))), cloud)
    with pytest.raises(InputError, match="single place"):
        compare_clouds(PointCloud(np.ones((4, 3))), cloud)
    with pytest.raises(InputError, match="single place"):
        unit_sphere(np.ones((2, 3)))


def unit_rows(values: np.ndarray) -> np.ndarray:
    return values / np.linalg.norm(values, axis=1, keepdims=True)
