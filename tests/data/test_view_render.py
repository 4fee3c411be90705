import numpy as np
import pytest

from gen3d.data.mesh_sampling import PaintedMesh, paint
from gen3d.data.view_render import (
    Light,
    Subject,
    View,
    ViewStyle,
    camera_of,
    draw_views,
    random_light,
    random_view,
)
from gen3d.geometry.mesh import Mesh

STYLE = ViewStyle(size=40)
EVEN = Light(np.ones(3), np.ones(3), np.zeros((1, 3)), np.zeros((1, 3)), 0.0, 0.0, 8.0)


def slab(colours: tuple[tuple[float, float, float], tuple[float, float, float]]) -> PaintedMesh:
    """A closed upright slab, its front (+Z) and its back of one colour each."""
    front = [[-0.5, -0.25, 0.05], [0.5, -0.25, 0.05], [0.5, 0.25, 0.05], [-0.5, 0.25, 0.05]]
    back = [[x, y, -z] for x, y, z in front]
    faces = [[0, 1, 2], [0, 2, 3], [4, 6, 5], [4, 7, 6]]
    colors = np.repeat(np.array(colours), 4, axis=0)
    return paint(Mesh(np.array(front + back), np.array(faces), colors=colors))


def view(azimuth: float, elevation: float = 0.0, fov: float = 30.0, roll: float = 0.0) -> View:
    return View(azimuth, elevation, fov, roll)


RED, BLUE = (0.8, 0.1, 0.1), (0.1, 0.1, 0.8)


@pytest.mark.parametrize(("azimuth", "colour"), [(0, RED), (180, BLUE), (30, RED)])
def test_azimuth_zero_sees_the_front_in_its_own_colour(azimuth, colour):
    subject = Subject(slab((RED, BLUE)))
    image = subject.draw(camera_of(view(azimuth), subject.vertices, STYLE), EVEN)
    middle = image[20, 20]
    assert middle[3] == 255
    assert np.allclose(middle[:3] / 255, colour, atol=0.01)


@pytest.mark.parametrize("fov", [2.0, 20.0, 60.0])
@pytest.mark.parametrize("roll", [0.0, 10.0])
def test_object_fills_the_picture_as_asked(fov, roll):
    subject = Subject(slab((RED, BLUE)))
    camera = camera_of(view(20, 30, fov, roll), subject.vertices, STYLE)
    seen = subject.draw(camera, EVEN)[..., 3] > 127
    rows, columns = np.nonzero(seen.any(1))[0], np.nonzero(seen.any(0))[0]
    extent = max(np.ptp(rows), np.ptp(columns)) + 1
    assert abs(extent - 0.85 * 40) <= 2
    assert abs((columns[0] + columns[-1]) / 2 - 19.5) <= 1


def test_positive_roll_turns_the_picture_clockwise():
    subject = Subject(slab((RED, BLUE)))
    seen = subject.draw(camera_of(view(0, roll=10), subject.vertices, STYLE), EVEN)[..., 3] > 127
    left, right = (np.nonzero(seen[:, column])[0].mean() for column in (8, 31))
    assert right > left + 1


def test_colours_under_transparency_do_not_darken_edges():
    subject = Subject(slab((RED, BLUE)))
    image = subject.draw(camera_of(view(0, roll=5), subject.vertices, STYLE), EVEN)
    edge = image[(image[..., 3] > 0) & (image[..., 3] < 255)]
    assert len(edge)
    assert np.allclose(edge[:, :3] / 255, RED, atol=0.01)


def test_lamp_brightens_the_side_that_faces_it():
    subject = Subject(slab((RED, RED)))
    camera = camera_of(view(0), subject.vertices, STYLE)
    lamp = np.array([[0.0, 0.0, 1.0]])
    dim = Light(0.2 * np.ones(3), 0.2 * np.ones(3), lamp, 0.5 * np.ones((1, 3)), 0.0, 0.0, 8.0)
    behind = Light(dim.sky, dim.ground, -lamp, dim.colours, 0.0, 0.0, 8.0)
    bright, dark = (subject.draw(camera, light)[20, 20, 0] for light in (dim, behind))
    assert bright > dark + 50


def test_equal_seeds_give_equal_pictures_and_views_differ():
    images, views = draw_views(slab((RED, BLUE)), STYLE, 3, (0, 7))
    again, _ = draw_views(slab((RED, BLUE)), STYLE, 3, (0, 7))
    assert np.array_equal(images, again)
    assert len({v.azimuth_deg for v in views}) == 3
    other, _ = draw_views(slab((RED, BLUE)), STYLE, 3, (0, 8))
    assert not np.array_equal(images, other)


def test_random_views_lean_to_the_front_within_the_ranges():
    rng = np.random.default_rng(0)
    views = [random_view(rng, STYLE) for _ in range(500)]
    assert 0.7 < np.mean([abs(v.azimuth_deg) < 90 for v in views]) < 0.9
    assert all(-15 <= v.elevation_deg <= 60 and abs(v.roll_deg) <= 10 for v in views)
    assert 0.1 < np.mean([v.fov_deg < 20 for v in views]) < 0.3


def test_random_lamps_are_directions_above_the_ground():
    rng = np.random.default_rng(0)
    lights = [random_light(rng, 45.0) for _ in range(50)]
    assert {len(light.directions) for light in lights} == {1, 2, 3}
    for light in lights:
        assert np.allclose(np.linalg.norm(light.directions, axis=1), 1)
        assert (light.directions[:, 1] > 0).all()
