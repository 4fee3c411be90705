import numpy as np
import pytest

from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import (
    face_areas,
    face_normals,
    signed_volume,
    surface_area,
    vertex_normals,
)


def test_normals_of_a_ball_point_from_its_centre(ball: Mesh) -> None:
    np.testing.assert_allclose(vertex_normals(ball), ball.vertices * 2, atol=5e-3)
    outward = (face_normals(ball) * ball.corners.mean(axis=1)).sum(axis=1)
    assert (outward > 0).all()


def test_corner_normals_of_a_cube_do_not_depend_on_its_diagonals(cube: Mesh) -> None:
    # Each corner has three sides at right angles, cut into one or two triangles.
    np.testing.assert_allclose(vertex_normals(cube), cube.vertices * 2 / np.sqrt(3), atol=1e-6)


def test_areas_and_volume_of_a_cube(cube: Mesh) -> None:
    np.testing.assert_allclose(face_areas(cube), 0.5, rtol=1e-6)
    assert surface_area(cube) == pytest.approx(6)
    assert signed_volume(cube) == pytest.approx(1)
    assert signed_volume(cube.with_(faces=cube.faces[:, ::-1])) == pytest.approx(-1)
    assert signed_volume(cube.with_(vertices=cube.vertices + 100)) == pytest.approx(1, rel=1e-4)


def test_flat_faces_and_lonely_vertices_get_an_upward_normal() -> None:
    mesh = Mesh(np.zeros((4, 3)), np.array([[0, 1, 2]]))
    assert vertex_normals(mesh).tolist() == [[0, 1, 0]] * 4
    assert face_normals(mesh).tolist() == [[0, 0, 0]]
    assert signed_volume(Mesh(np.zeros((4, 3)), np.zeros((0, 3), int))) == 0
