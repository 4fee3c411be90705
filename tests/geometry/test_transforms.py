import math

import numpy as np
import pytest

from gen3d.errors import InputError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import signed_volume
from gen3d.geometry.transforms import (
    Camera,
    apply_linear,
    look_at,
    normalise_unit,
    orbit,
    y_up_to_z_up,
    z_up_to_y_up,
)


def test_axes_are_those_of_opencv() -> None:
    # From +Z: world +X is right, +Y is up (smaller rows), nearer means less depth.
    camera = look_at((0, 0, 3), width=200, height=100)
    column, row, depth = camera.project(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])).T
    assert (column[0], row[0], depth[0]) == (100, 50, 3)
    assert column[1] > 100 and row[1] == pytest.approx(50)
    assert row[2] < 50 and column[2] == pytest.approx(100)
    assert depth[3] == pytest.approx(2)


def test_field_of_view_spans_the_shorter_side() -> None:
    camera = look_at((0, 0, 2), fov_deg=90, width=300, height=100)
    edge = camera.project(np.array([[0, 2, 0], [0, -2, 0]]))
    np.testing.assert_allclose(edge[:, 1], [0, 100], atol=1e-9)


@pytest.mark.parametrize(
    ("azimuth", "elevation", "direction"),
    (
        (0, 0, (0, 0, 1)),
        (90, 0, (1, 0, 0)),
        (180, 0, (0, 0, -1)),
        (0, 90, (0, 1, 0)),
        (0, -90, (0, -1, 0)),
    ),
)
def test_orbit_stands_where_its_angles_say(
    azimuth: float, elevation: float, direction: tuple[float, float, float]
) -> None:
    camera = orbit(azimuth, elevation, distance=2, target=(1, 2, 3))
    expected = np.add((1, 2, 3), np.multiply(2, direction))
    np.testing.assert_allclose(camera.position, expected, atol=1e-9)
    np.testing.assert_allclose(camera.project(np.array([[1, 2, 3]])), [[256, 256, 2]])


def test_default_distance_fits_the_unit_cube() -> None:
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
    for azimuth in range(0, 360, 45):
        seen = orbit(azimuth, 35.3, width=100, height=80).project(corners)
        assert (seen[:, :2] >= 0).all() and (seen[:, 0] <= 100).all() and (seen[:, 1] <= 80).all()


def test_orbit_turns_smoothly_over_the_poles() -> None:
    for pole in (90.0, -90.0):
        views = [orbit(30, pole + step).world_to_camera for step in (-0.1, 0.0, 0.1)]
        assert np.abs(np.diff(views, axis=0)).max() < 0.02


def test_looking_along_up_still_gives_a_camera() -> None:
    for eye in ((0, 5, 0), (0, -5, 0)):
        rotation = look_at(eye).world_to_camera[:3, :3]
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    look_at((0, 0, 5), up=(0, 0, 1))


def test_resized_view_shows_the_same() -> None:
    camera = orbit(20, 10, width=200, height=100)
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (5, 3))
    half = camera.resized(100, 50)
    np.testing.assert_allclose(half.project(points)[:, :2] * 2, camera.project(points)[:, :2])
    assert half.intrinsics[0, 2] == 50


def test_broken_cameras_are_refused() -> None:
    with pytest.raises(InputError, match="another point"):
        look_at((1, 1, 1), (1, 1, 1))
    with pytest.raises(InputError, match="fov_deg"):
        look_at((1, 1, 1), fov_deg=180)
    with pytest.raises(InputError, match="positive"):
        Camera(0, 1, 1, 1, 0, 0, np.eye(4))
    for matrix in (np.diag([1, 1, -1, 1]), np.diag([2, 1, 1, 1])):
        with pytest.raises(InputError, match="rotation"):
            Camera(1, 1, 1, 1, 0, 0, matrix)
    with pytest.raises(InputError, match=r"\(4, 4\)"):
        Camera(1, 1, 1, 1, 0, 0, np.eye(3))


def test_up_conversions_are_inverse_and_keep_the_volume(ball: Mesh) -> None:
    cloud = PointCloud(np.array([[1, 2, 3]]), np.array([[0, 0, 1]]))
    assert z_up_to_y_up(cloud).points.tolist() == [[1, 3, -2]]
    assert y_up_to_z_up(cloud).points.tolist() == [[1, -3, 2]]
    turned = z_up_to_y_up(cloud)
    assert turned.normals is not None and turned.normals.tolist() == [[0, 1, 0]]
    np.testing.assert_array_equal(y_up_to_z_up(z_up_to_y_up(ball)).vertices, ball.vertices)
    assert signed_volume(z_up_to_y_up(ball)) == pytest.approx(signed_volume(ball))


def test_stretching_and_mirroring_keep_normals_outward(ball: Mesh) -> None:
    mesh = apply_linear(ball.with_(normals=ball.vertices * 2), np.diag([-1.0, 2, 1]))
    assert signed_volume(mesh) == pytest.approx(2 * signed_volume(ball))
    # The normal of x^2 + y^2 / 4 + z^2 is (x, y / 4, z).
    expected = mesh.vertices * [1, 0.25, 1]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(mesh.normals, expected, atol=1e-5)
    with pytest.raises(InputError, match="invertible"):
        apply_linear(ball, np.zeros((3, 3)))


def test_unit_frame_is_centred_with_longest_side_one(cube: Mesh) -> None:
    mesh = normalise_unit(cube.with_(vertices=cube.vertices * [2, 8, 4] + [5, 6, 7]))
    np.testing.assert_allclose(mesh.bounds, [[-0.125, -0.5, -0.25], [0.125, 0.5, 0.25]], atol=1e-6)
    cloud = normalise_unit(PointCloud(np.array([[0, 0, 0], [3, 4, 0]])), longest=2)
    np.testing.assert_allclose(cloud.points, [[-0.75, -1, 0], [0.75, 1, 0]])
    with pytest.raises(InputError, match="extent"):
        normalise_unit(PointCloud(np.zeros((2, 3))))
    assert math.isclose(float(np.ptp(mesh.vertices)), 1, rel_tol=1e-6)
