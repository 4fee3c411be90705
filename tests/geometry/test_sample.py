import numpy as np
import pytest
import torch

from gen3d.errors import InputError
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.sample import sample_surface


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_points_lie_on_the_surface_with_its_normals(cube: Mesh) -> None:
    cloud = sample_surface(cube, 2000, generator())
    assert len(cloud) == 2000
    np.testing.assert_allclose(np.abs(cloud.points).max(axis=1), 0.5, atol=1e-6)
    assert cloud.normals is not None
    np.testing.assert_allclose((cloud.points * cloud.normals).sum(axis=1), 0.5, atol=1e-6)


def test_density_follows_area() -> None:
    # Two triangles in the planes z = 0 and z = 1, of areas 1/2 and 9/2.
    small = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    vertices = np.concatenate([small, small * 3 + [0, 0, 1]])
    cloud = sample_surface(Mesh(vertices, np.arange(6).reshape(2, 3)), 20_000, generator())
    upper = cloud.points[:, 2] > 0.5
    assert upper.mean() == pytest.approx(0.9, abs=0.01)
    # Uniform within a triangle: the mean is its centroid.
    np.testing.assert_allclose(cloud.points[upper].mean(axis=0), [1, 1, 1], atol=0.03)


def test_colours_and_normals_are_interpolated(ball: Mesh) -> None:
    colours = ball.vertices + 0.5
    cloud = sample_surface(ball.with_(normals=ball.vertices, colors=colours), 500, generator())
    assert cloud.colors is not None and cloud.normals is not None
    np.testing.assert_allclose(cloud.colors, cloud.points + 0.5, atol=1e-5)
    direction = cloud.points / np.linalg.norm(cloud.points, axis=1, keepdims=True)
    np.testing.assert_allclose(cloud.normals, direction, atol=1e-5)


def test_equal_seeds_draw_equal_points(ball: Mesh) -> None:
    first, again, other = (sample_surface(ball, 50, generator(seed)).points for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_mesh_without_area_is_refused() -> None:
    with pytest.raises(InputError, match="area"):
        sample_surface(Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]])), 10, generator())
    with pytest.raises(InputError, match="negative"):
        sample_surface(Mesh(np.eye(3), np.array([[0, 1, 2]])), -1, generator())
