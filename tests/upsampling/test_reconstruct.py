import numpy as np
import pytest

from gen3d.errors import InputError
from gen3d.geometry.cloud import PointCloud
from gen3d.upsampling.reconstruct import Method, surface_of


def sphere(n: int) -> np.ndarray:
    i = np.arange(n)
    z, angle = 1 - (2 * i + 1) / n, i * np.pi * (3 - np.sqrt(5))
    flat = np.sqrt(1 - z**2)
    return np.stack([flat * np.cos(angle), flat * np.sin(angle), z], axis=1)


def test_options_and_empty_clouds_are_refused_before_work() -> None:
    with pytest.raises(InputError, match="at least 8"):
        surface_of(PointCloud(np.eye(3)))
    for options in ({"depth": 40}, {"trim": 1.0}):
        with pytest.raises(InputError, match="depth must lie"):
            surface_of(PointCloud(sphere(50)), **options)


@pytest.mark.parametrize("method", ("poisson", "ball-pivoting"))
@pytest.mark.parametrize("oriented", (True, False))
def test_sphere_comes_back_facing_outward(method: Method, oriented: bool) -> None:
    pytest.importorskip("open3d", exc_type=ImportError)
    points = sphere(600)
    cloud = PointCloud(points, points if oriented else None, np.full((600, 3), 0.5))
    mesh = surface_of(cloud, method=method, depth=5, trim=0.0)
    np.testing.assert_allclose(np.linalg.norm(mesh.vertices, axis=1), 1, atol=0.05)
    middles = mesh.corners.mean(axis=1)
    cross = np.cross(
        mesh.corners[:, 1] - mesh.corners[:, 0], mesh.corners[:, 2] - mesh.corners[:, 0]
    )
    assert ((cross * middles).sum(axis=1) >= 0).mean() > 0.99
    np.testing.assert_allclose(mesh.colors, 0.5)
