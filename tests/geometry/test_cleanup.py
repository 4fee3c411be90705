from collections.abc import Callable

import numpy as np
import pytest

from gen3d.errors import InputError
from gen3d.geometry.cleanup import remove_floaters
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.topology import component_count

Make = Callable[..., Mesh]


def test_specks_go_and_the_body_stays(ball: Mesh, join: Make, placed: Make) -> None:
    specks = [placed(ball, 0.05, (0.8, 0.1 * i, 0)) for i in range(3)]
    mesh = join(specks[0], ball, *specks[1:])
    report = remove_floaters(mesh)
    assert (report.removed, report.kept) == (3, 1)
    np.testing.assert_array_equal(report.mesh.corners, ball.corners)
    assert remove_floaters(report.mesh).removed == 0


def test_every_real_part_stays(ball: Mesh, cube: Mesh, join: Make, placed: Make) -> None:
    aerial = placed(cube, (0.004, 0.3, 0.004), (0, 0.8, 0))  # tiny area, long
    wheels = [placed(ball, 0.15, (x, -0.7, 0)) for x in (-0.3, 0.3)]
    badge = placed(ball, 0.1, (0, 0, 0.7))
    report = remove_floaters(join(ball, aerial, *wheels, badge))
    assert (report.removed, report.kept) == (0, 5)


def test_small_cavity_is_filled_and_not_counted_as_stray(
    ball: Mesh, join: Make, placed: Make
) -> None:
    bubble = placed(ball, 0.05, 0.2)
    hole = bubble.with_(faces=bubble.faces[:, ::-1].copy())
    report = remove_floaters(join(ball, hole, placed(ball, 0.05, 2)))
    assert (report.removed, report.filled, report.kept) == (1, 1, 1)
    np.testing.assert_array_equal(report.mesh.corners, ball.corners)


def test_large_cavity_stays(ball: Mesh, join: Make, placed: Make) -> None:
    inner = placed(ball, 0.5)
    hole = inner.with_(faces=inner.faces[:, ::-1].copy())
    assert remove_floaters(join(ball, hole)).kept == 2


def test_scale_does_not_matter(ball: Mesh, join: Make, placed: Make) -> None:
    mesh = join(ball, placed(ball, 0.05, 1), placed(ball, 0.2, -1))
    for scale in (1e-3, 1.0, 1e3):
        assert remove_floaters(placed(mesh, scale)).removed == 1


def test_single_piece_and_empty_mesh_pass(ball: Mesh) -> None:
    assert remove_floaters(ball).mesh is ball
    empty = Mesh(np.zeros((0, 3)), np.zeros((0, 3), int))
    assert (remove_floaters(empty).kept, remove_floaters(empty).removed) == (0, 0)


def test_removal_keeps_colours_aligned(ball: Mesh, join: Make, placed: Make) -> None:
    mesh = join(placed(ball, 0.02, 1), ball)
    colours = np.zeros((len(mesh.vertices), 3))
    colours[len(ball.vertices) :, 0] = 1
    cleaned = remove_floaters(mesh.with_(colors=colours)).mesh
    assert cleaned.colors is not None and (cleaned.colors == [1, 0, 0]).all()
    assert component_count(cleaned) == 1


def test_fraction_outside_its_range_is_refused(ball: Mesh) -> None:
    for value in (-0.1, 1.5, float("nan")):
        with pytest.raises(InputError, match="min_fraction"):
            remove_floaters(ball, min_fraction=value)
