from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gen3d.geometry.mesh import Mesh
from gen3d.geometry.topology import (
    component_count,
    component_labels,
    euler_characteristic,
    is_watertight,
    merge_vertices,
    open_edges,
    report_topology,
)


def test_ball_torus_and_cube_are_watertight(ball: Mesh, torus: Mesh, cube: Mesh) -> None:
    for mesh, euler in ((ball, 2), (torus, 0), (cube, 2)):
        report = report_topology(mesh)
        assert report.watertight and report.oriented
        assert (report.euler, report.components, report.holes) == (euler, 1, 0)
        assert euler_characteristic(mesh) == euler


def test_missing_faces_are_holes(ball: Mesh) -> None:
    keep = np.ones(len(ball.faces), bool)
    keep[0] = False
    far = int(np.argmin(ball.corners.mean(axis=1) @ ball.corners.mean(axis=1)[0]))
    keep[far] = False
    report = report_topology(ball.select_faces(keep))
    assert (report.open_edges, report.holes, report.watertight) == (6, 2, False)
    assert len(open_edges(ball.select_faces(keep))) == 6


def test_flipped_face_is_closed_and_not_oriented(cube: Mesh) -> None:
    faces = cube.faces.copy()
    faces[0] = faces[0, ::-1]
    report = report_topology(cube.with_(faces=faces))
    assert report.watertight and not report.oriented
    assert report.flipped_edges == 3


def test_fin_makes_a_nonmanifold_edge(cube: Mesh) -> None:
    vertices = np.concatenate([cube.vertices, [[2, 2, 2]]])
    fin = [[*cube.faces[0, :2], 8]]
    report = report_topology(Mesh(vertices, np.concatenate([cube.faces, fin])))
    assert (report.nonmanifold_edges, report.open_edges, report.watertight) == (1, 2, False)


def test_components_are_numbered_by_appearance(
    cube: Mesh, ball: Mesh, join: Callable[..., Mesh]
) -> None:
    labels = component_labels(join(cube, ball, cube))
    sizes = [len(cube.faces), len(ball.faces), len(cube.faces)]
    assert labels.tolist() == np.repeat([0, 1, 2], sizes).tolist()


def test_empty_mesh_has_no_components_and_is_not_watertight() -> None:
    empty = Mesh(np.zeros((0, 3)), np.zeros((0, 3), int))
    assert component_count(empty) == 0
    assert not is_watertight(empty) and not report_topology(empty).watertight


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(*[st.integers(0, 30)] * 3), min_size=1, max_size=25))
def test_components_match_a_plain_search(rows: list[tuple[int, int, int]]) -> None:
    mesh = Mesh(np.zeros((31, 3)), np.array(rows))
    groups: list[set[int]] = []
    for row in rows:
        touching = [group for group in groups if group & set(row)]
        groups = [group for group in groups if not group & set(row)]
        groups.append(set(row).union(*touching))
    assert component_count(mesh) == len(groups)
    labels = component_labels(mesh)
    for one, row in zip(labels, rows, strict=True):
        for other, next_row in zip(labels, rows, strict=True):
            together = any(set(row) | set(next_row) <= group for group in groups)
            assert (one == other) == together


def test_long_chain_is_one_component() -> None:
    # Shuffled, so that hooking cannot profit from the order.
    names = np.random.default_rng(0).permutation(20_001)
    chain = np.stack([names[:-2], names[1:-1], names[2:]], axis=1)
    assert component_count(Mesh(np.zeros((20_001, 3)), chain)) == 1


def test_welding_closes_a_soup_of_triangles(ball: Mesh) -> None:
    soup = Mesh(ball.corners.reshape(-1, 3), np.arange(3 * len(ball.faces)).reshape(-1, 3))
    assert not is_watertight(soup)
    welded = merge_vertices(soup)
    assert len(welded.vertices) == len(ball.vertices) and is_watertight(welded)
    np.testing.assert_array_equal(welded.corners, ball.corners)


def test_welding_knows_negative_zero_and_drops_flat_faces() -> None:
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [-0.0, 0, 0]])
    mesh = merge_vertices(Mesh(vertices, np.array([[0, 1, 2], [0, 3, 1], [3, 1, 2]])))
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 1, 2]]
    assert mesh.bounds.tolist() == [[0, 0, 0], [1, 1, 0]]
