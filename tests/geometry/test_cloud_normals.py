import numpy as np
import pytest

from gen3d.errors import InputError
from gen3d.geometry.cloud_normals import estimate_normals


def on_sphere(n: int) -> np.ndarray:
    points = np.random.default_rng(0).normal(size=(n, 3))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def test_normals_of_a_sphere_point_outward():
    points = on_sphere(800)
    normals = estimate_normals(points + np.float32(5.0))
    assert normals.dtype == np.float32
    assert (normals * points).sum(axis=1).min() > 0.95


def test_normals_of_a_plane_are_exact():
    points = np.random.default_rng(1).uniform(-1, 1, (100, 3)).astype(np.float32)
    points[:, 1] = 0.25
    assert np.abs(estimate_normals(points)[:, 1]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("neighbours", [2, 9])
def test_too_few_points_or_neighbours_are_refused(neighbours):
    with pytest.raises(InputError, match="neighbours"):
        estimate_normals(on_sphere(8), neighbours=neighbours)
