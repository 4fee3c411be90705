from collections.abc import Callable

import numpy as np
import pytest

from gen3d.errors import InputError
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import signed_volume
from gen3d.geometry.simplify import decimate
from gen3d.geometry.topology import is_watertight, report_topology


def test_budget_is_met_and_the_shape_stays(ball: Mesh) -> None:
    report = decimate(ball, 300)
    assert report.asked == 300 and report.actual == len(report.mesh.faces)
    assert 270 <= report.actual <= 300
    assert report.watertight and report_topology(report.mesh).oriented
    assert signed_volume(report.mesh) == pytest.approx(signed_volume(ball), rel=0.05)


def test_mesh_within_the_budget_is_left_alone(ball: Mesh) -> None:
    report = decimate(ball, len(ball.faces))
    assert report.mesh is ball and report.actual == len(ball.faces) and report.watertight


def test_colours_stay_sharp_across_a_border(ball: Mesh) -> None:
    red = ball.vertices[:, 0] > 0
    colours = np.where(red[:, None], [1, 0, 0], [0, 0, 1])
    small = decimate(ball.with_(colors=colours), 300).mesh
    assert small.colors is not None
    pure = (small.colors == [1, 0, 0]).all(axis=1) | (small.colors == [0, 0, 1]).all(axis=1)
    assert pure.all()
    clear = np.abs(small.vertices[:, 0]) > 0.1
    assert ((small.colors[:, 0] == 1) == (small.vertices[:, 0] > 0))[clear].all()


def test_normals_come_anew_when_the_input_has_some(ball: Mesh) -> None:
    small = decimate(ball.with_(normals=ball.vertices), 300).mesh
    assert small.normals is not None
    np.testing.assert_allclose(np.linalg.norm(small.normals, axis=1), 1, atol=1e-5)
    assert decimate(ball, 300).mesh.normals is None


def test_closed_mesh_stays_closed_even_where_the_budget_is_too_small(
    torus: Mesh, join: Callable[..., Mesh], placed: Callable[..., Mesh]
) -> None:
    many = join(*(placed(torus, 0.2, (i, 0, 0)) for i in range(6)))
    report = decimate(many, 20)
    assert report.watertight and is_watertight(report.mesh)
    assert report.asked == 20 and report.actual == len(report.mesh.faces) > 20
    assert report.actual < len(many.faces)
    assert report_topology(report.mesh).components == 6
    assert signed_volume(report.mesh) > 0.3 * signed_volume(many)


def test_result_does_not_depend_on_size_or_run(ball: Mesh, placed: Callable[..., Mesh]) -> None:
    first = decimate(ball, 200).mesh
    np.testing.assert_array_equal(decimate(ball, 200).mesh.vertices, first.vertices)
    large = decimate(placed(ball, 1024.0), 200).mesh
    np.testing.assert_array_equal(large.faces, first.faces)


def test_open_mesh_is_reduced_and_reported_open(ball: Mesh) -> None:
    half = ball.select_faces(ball.corners.mean(axis=1)[:, 1] > 0)
    report = decimate(half, 200)
    assert not report.watertight and report.actual <= 210


def test_budget_under_a_tetrahedron_is_refused(ball: Mesh) -> None:
    with pytest.raises(InputError, match="at least 4"):
        decimate(ball, 3)
