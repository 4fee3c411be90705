"""What is inside of closed, overlapping, open and flat meshes."""

import numpy as np
import pytest
import torch
import trimesh

from gen3d.data.voxels import cover_faces, flood_outside
from gen3d.data.watertight import SolidField, field_mesh, make_watertight
from gen3d.errors import EmptySurfaceError, InputError
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import signed_volume
from gen3d.geometry.topology import report_topology
from gen3d.geometry.triangle_distance import near_triangles
from tests.data.soups import box, join, turned_inside_out

CUBE = (-0.5, -0.5, -0.5), (0.5, 0.5, 0.5)


def inside(mesh: Mesh, *points: tuple[float, float, float]) -> list[bool]:
    return SolidField(mesh, resolution=48).inside(torch.tensor(points)).tolist()


@pytest.mark.parametrize("turn", [lambda mesh: mesh, turned_inside_out], ids=["as is", "inverted"])
def test_a_cube_is_exact_whichever_way_its_faces_look(turn) -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(4000, 3, generator=generator) * 2 - 1
    found = SolidField(turn(box(*CUBE)), resolution=48).inside(points)
    assert torch.equal(found, (points.abs() < 0.5).all(1))


def test_overlapping_cubes_are_solid_where_either_is() -> None:
    other = turned_inside_out(box((0.2, -0.5, -0.5), (0.9, 0.5, 0.5)))
    both = join(box(*CUBE), other)
    points = (0.3, 0.0, 0.0), (-0.4, 0.0, 0.0), (0.8, 0.1, 0.0), (0.8, 0.6, 0.0)
    assert inside(both, *points) == [True, True, True, False]


def test_a_mixed_up_cube_is_put_right() -> None:
    cube = box(*CUBE)
    faces = cube.faces.copy()
    faces[::3] = faces[::3, ::-1]
    points = (0.0, 0.0, 0.0), (0.49, 0.0, 0.0), (0.51, 0.0, 0.0)
    assert inside(Mesh(cube.vertices, faces), *points) == [True, True, False]


def test_an_open_box_keeps_its_hollow_and_gets_walls() -> None:
    tub = box((-0.9, -0.5, -0.9), (0.9, 0.5, 0.9), without=(3,))
    field = SolidField(tub, resolution=48, thickness=0.1)
    points = [
        (0.0, 0.0, 0.0),
        (0.88, 0.0, 0.0),
        (0.92, 0.0, 0.0),
        (0.8, 0.0, 0.0),
        (0.0, -0.48, 0.0),
    ]
    assert field.inside(torch.tensor(points)).tolist() == [False, True, True, False, True]


def test_a_box_without_a_floor_is_solid() -> None:
    house = box(*CUBE, without=(2,))
    points = (0.0, 0.0, 0.0), (0.4, -0.49, 0.4), (0.0, -0.51, 0.0), (0.6, 0.0, 0.0)
    assert inside(house, *points) == [True, True, False, False]


def test_walls_that_meet_without_sharing_edges_enclose() -> None:
    roof = box((-0.5, 0.505, -0.5), (0.5, 0.505, 0.5), without=(0, 1, 3, 4, 5))
    walls = box(*CUBE, without=(2, 3))
    assert inside(join(walls, roof), (0.0, 0.0, 0.0), (0.45, 0.4, 0.45)) == [True, True]


def test_a_sheet_becomes_a_wall_of_the_stated_thickness() -> None:
    flag = Mesh(np.array([[-0.9, -0.9, 0], [0.9, -0.9, 0], [0.9, 0.9, 0], [-0.9, 0.9, 0.0]]),
                np.array([[0, 1, 2], [0, 2, 3]]))  # fmt: skip
    field = SolidField(flag, thickness=0.06)
    points = [(0.1, 0.2, z) for z in (-0.035, -0.025, 0.0, 0.025, 0.035)]
    assert field.inside(torch.tensor(points)).tolist() == [False, True, True, True, False]
    assert field.border.sheet.all()


def test_a_sheet_with_two_sides_is_one_sheet() -> None:
    one = Mesh(np.array([[-0.9, -0.9, 0], [0.9, -0.9, 0], [0, 0.9, 0.0]]), np.array([[0, 1, 2]]))
    field = SolidField(join(one, turned_inside_out(one)), resolution=48)
    assert field.inside(torch.zeros(1, 3)).tolist() == [True]
    assert len(field.border.corners) == 1


def test_thin_plates_grow_to_the_least_thickness() -> None:
    plate = box((-0.9, -0.005, -0.9), (0.9, 0.005, 0.9))
    field = SolidField(plate, thickness=0.05)
    assert field.inside(torch.tensor([[0, 0.015, 0], [0, 0.04, 0]])).tolist() == [True, False]


def test_marching_cubes_closes_a_sphere_at_its_radius() -> None:
    ball = Mesh.from_trimesh(trimesh.creation.icosphere(subdivisions=3))
    closed = make_watertight(ball, 32)
    topology = report_topology(closed)
    assert topology.oriented and topology.euler == 2
    radius = np.linalg.norm(closed.vertices, axis=1)
    assert np.abs(radius - 0.95).max() < 0.01
    assert signed_volume(closed) == pytest.approx(4 / 3 * np.pi * 0.95**3, rel=0.02)


def test_nothing_inside_is_an_error() -> None:
    thin = box((-0.9, 0.01, -0.9), (0.9, 0.012, 0.9))
    with pytest.raises(EmptySurfaceError, match="encloses nothing"):
        field_mesh(SolidField(thin, resolution=32, thickness=1e-4), resolution=4)
    with pytest.raises(InputError, match="faces of some area"):
        SolidField(Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]])))


def test_no_gap_is_left_on_a_triangle() -> None:
    corners = np.array([[[0.0, 0, 0], [1, 0.1, 0], [0.4, 0.8, 0.3]]])
    points, face = cover_faces(corners, 0.05)
    weights = np.random.default_rng(0).dirichlet((1, 1, 1), 500)
    asked = weights @ corners[0]
    nearest = np.linalg.norm(asked[:, None] - points[None], axis=2).min(axis=1)
    assert nearest.max() < 0.05
    assert set(face) == {0}


def test_floods_stop_at_walls_and_at_the_ground() -> None:
    walls = np.zeros((9, 9, 9), bool)
    walls[2:7, 2:7, 2:7] = True
    walls[3:6, 2:6, 3:6] = False  # a box without a floor, hollow
    assert flood_outside(walls)[4, 4, 4]
    standing = flood_outside(walls, ground=2)
    assert not standing[4, 4, 4] and not standing[4, 2, 4]
    assert standing[0, 0, 0] and standing[4, 1, 4] and standing[8, 8, 8]


def test_distances_to_a_triangle_are_those_to_its_nearest_point() -> None:
    corners = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]])
    points = torch.tensor([[0.2, 0.2, 0.3], [-0.4, 0.5, 0], [2, 0, 0], [1, 1, 0]])
    found = -near_triangles(corners, torch.zeros(1), points)
    assert found.tolist() == pytest.approx([0.3, 0.4, 1, 0.5**0.5], abs=1e-5)
