import numpy as np
import pytest

from gen3d.errors import InputError
from gen3d.geometry import unwrap as unwrap_module
from gen3d.geometry.bake import bake_colours, fill_borders, texels_of
from gen3d.geometry.creases import corner_tangents, crease_normals
from gen3d.geometry.materials import Material
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normal_map import bake_normal_map, bent_normals
from gen3d.geometry.normals import face_areas, vertex_normals
from gen3d.geometry.texture import texture_colours
from gen3d.geometry.transforms import y_up_to_z_up
from gen3d.geometry.unwrap import unwrap

SIZE = 128


def stripes(points: np.ndarray) -> np.ndarray:
    """Red above the equator and blue below, a little lighter towards +X."""
    above = points[:, 1:2] > 0
    return np.where(above, (0.8, 0.1, 0.1), (0.1, 0.1, 0.8)) + 0.2 * points[:, :1]


def test_charts_do_not_overlap_and_fill_the_square(ball: Mesh) -> None:
    mapped = unwrap(ball, size=SIZE)
    uvs = mapped.corner_uvs
    assert uvs is not None and uvs.min() >= 0 and uvs.max() <= 1
    first, second = uvs[:, 1] - uvs[:, 0], uvs[:, 2] - uvs[:, 0]
    area = np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2
    covered = texels_of(mapped, 1024).covered.mean()
    # Where charts overlapped, fewer texels would be covered than their areas add up to.
    assert covered == pytest.approx(area.sum(), rel=0.02)
    assert covered > 0.3


def test_unwrapping_keeps_a_closed_mesh_as_it_is(ball: Mesh) -> None:
    mapped = unwrap(ball, size=SIZE)
    np.testing.assert_array_equal(mapped.faces, ball.faces)
    np.testing.assert_array_equal(mapped.vertices, ball.vertices)


def test_unwrapping_is_deterministic_and_scale_free(ball: Mesh) -> None:
    once, again = unwrap(ball, size=SIZE), unwrap(ball, size=SIZE)
    np.testing.assert_array_equal(once.corner_uvs, again.corner_uvs)  # type: ignore[arg-type]
    small = unwrap(ball.with_(vertices=ball.vertices / 1024), size=SIZE)
    np.testing.assert_allclose(small.corner_uvs, once.corner_uvs, atol=1e-6)  # type: ignore[arg-type]


def test_too_many_faces_are_refused(ball: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unwrap_module, "MAX_FACES", 100)
    with pytest.raises(InputError, match="1 to 100 faces"):
        unwrap(ball, size=SIZE)


def test_texels_lie_on_the_surface(ball: Mesh) -> None:
    mapped = unwrap(ball, size=SIZE)
    texels = texels_of(mapped, SIZE)
    radius = np.linalg.norm(texels.blend(mapped.corners, texels.covered), axis=1)
    assert radius.max() <= 0.5 + 1e-6 and radius.min() > 0.49
    with pytest.raises(InputError, match="unwrap the mesh first"):
        texels_of(ball, SIZE)


def test_texture_shows_what_the_function_says_everywhere(ball: Mesh) -> None:
    mapped = unwrap(ball, size=SIZE)
    texels = texels_of(mapped, SIZE)
    asked = []

    def colours(points: np.ndarray) -> np.ndarray:
        asked.append(len(points))
        return stripes(points)

    image = bake_colours(mapped, texels, colours)
    expected = stripes(texels.blend(mapped.corners, texels.covered))
    error = np.abs(image[texels.covered] / 255 - expected).max(axis=1)
    # Blended texels may be off by the step at which blocks count as flat.
    assert np.quantile(error, 0.999) <= 3 / 255
    assert sum(asked) < 0.7 * texels.covered.sum()


def test_corners_of_faces_sample_their_own_colour_across_seams(ball: Mesh) -> None:
    mapped = unwrap(ball, size=256)
    image = bake_colours(mapped, texels_of(mapped, 256), stripes)
    assert mapped.corner_uvs is not None
    found = texture_colours(image, mapped.corner_uvs.reshape(-1, 2))
    expected = stripes(mapped.corners.reshape(-1, 3))
    away = np.abs(mapped.corners.reshape(-1, 3)[:, 1]) > 0.02
    assert np.abs(found - expected)[away].max() < 0.03


def test_gaps_take_the_colours_around_them_at_every_scale() -> None:
    image = np.zeros((33, 65, 3), np.float32)
    covered = np.zeros((33, 65), bool)
    covered[2:6, 3:9], covered[20:30, 40:60] = True, True
    image[2:6, 3:9], image[20:30, 40:60] = (1, 0, 0), (0, 1, 0)
    filled = fill_borders(image, covered)
    np.testing.assert_allclose(filled.sum(axis=2), 1, atol=1e-5)
    np.testing.assert_array_equal(filled[covered], image[covered])
    assert filled[1, 2, 0] == 1 and filled[19, 40, 1] == 1


def test_creases_split_a_cube_and_not_a_ball(ball: Mesh, cube: Mesh) -> None:
    flat = crease_normals(cube)
    assert (np.abs(flat).max(axis=2) > 0.999).all()
    smooth = crease_normals(ball)
    outward = ball.corners / np.linalg.norm(ball.corners, axis=2, keepdims=True)
    assert (smooth * outward).sum(axis=2).min() > 0.999
    one = crease_normals(cube, crease_deg=180)
    assert np.ptp(one[cube.faces == 0], axis=0).max() < 1e-6


def test_tangents_follow_u_and_bitangents_the_top_of_the_texture() -> None:
    # A square in the XY plane, seen from +Z; v counts downward.
    square = Mesh(
        np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]),
        np.array([[0, 1, 2], [0, 2, 3]]),
        corner_uvs=np.array([[[0, 1], [1, 1], [1, 0]], [[0, 1], [1, 0], [0, 0]]]),
    )
    normals = np.broadcast_to([0.0, 0.0, 1.0], (2, 3, 3))
    frames = corner_tangents(square, normals)
    np.testing.assert_allclose(frames[..., :3], np.broadcast_to([1.0, 0, 0], (2, 3, 3)), atol=1e-6)
    bitangent = frames[..., 3:] * np.cross(normals, frames[..., :3])
    np.testing.assert_allclose(bitangent, np.broadcast_to([0.0, 1, 0], (2, 3, 3)), atol=1e-6)
    mirrored = square.with_(corner_uvs=(1, 0) + square.corner_uvs * (-1, 1))  # type: ignore[operator]
    frames = corner_tangents(mirrored, normals)
    bitangent = frames[..., 3:] * np.cross(normals, frames[..., :3])
    np.testing.assert_allclose(frames[..., 0], -1, atol=1e-6)
    np.testing.assert_allclose(bitangent[..., 1], 1, atol=1e-6)


def test_normal_map_restores_the_normals_of_the_detailed_mesh(ball: Mesh) -> None:
    # A ball shown with the flat normals of its faces: the map has to round it.
    flat = unwrap(ball, size=SIZE)
    flat = flat.with_(corner_normals=crease_normals(flat, crease_deg=0))
    texels = texels_of(flat, SIZE)
    image = bake_normal_map(flat, texels, ball.with_(normals=vertex_normals(ball)))
    at, normals = texels.covered, flat.corner_normals
    assert normals is not None
    frames = corner_tangents(flat, normals)
    world = bent_normals(
        image[at] / 127.5 - 1,
        texels.blend(normals, at),
        texels.blend(frames[..., :3], at),
        frames[texels.face[at], 0, 3],
    )
    places = texels.blend(flat.corners, at)
    outward = places / np.linalg.norm(places, axis=1, keepdims=True)
    shown = texels.blend(normals, at)
    lost, kept = (1 - (x * outward).sum(axis=1).mean() for x in (shown, world))
    assert kept < lost / 5


def test_turning_a_mesh_keeps_its_texture_in_place(ball: Mesh) -> None:
    mapped = unwrap(ball, size=SIZE)
    textured = mapped.with_(
        corner_normals=crease_normals(mapped), material=Material(np.zeros((4, 4, 3), np.uint8))
    )
    turned = y_up_to_z_up(textured)
    np.testing.assert_array_equal(turned.corner_uvs, textured.corner_uvs)  # type: ignore[arg-type]
    again = crease_normals(turned)
    np.testing.assert_allclose(turned.corner_normals, again, atol=1e-5)  # type: ignore[arg-type]
    kept = textured.select_faces(face_areas(textured) > 0)
    assert kept.corner_uvs is not None and len(kept.corner_uvs) == len(kept.faces)


def test_texture_without_coordinates_is_refused(ball: Mesh) -> None:
    with pytest.raises(InputError, match="needs corner_uvs"):
        ball.with_(material=Material(np.zeros((4, 4, 3), np.uint8)))
    with pytest.raises(InputError, match="corner_uvs must have shape"):
        ball.with_(corner_uvs=np.zeros((3, 3, 2)))
