import numpy as np
import pytest

from gen3d.errors import InputError
from gen3d.geometry.bake import bake_colours, texels_of
from gen3d.geometry.lod import lod_chain
from gen3d.geometry.materials import Material
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.neighbours import CellIndex
from gen3d.geometry.texture import texture_colours
from gen3d.geometry.topology import is_watertight
from gen3d.geometry.unwrap import unwrap


def test_nearest_is_that_of_a_full_search() -> None:
    rng = np.random.default_rng(0)
    points, queries = rng.random((300, 3)), rng.random((200, 3)) * 1.4 - 0.2
    found, distance = CellIndex(points, 0.5).nearest(queries)
    full = np.linalg.norm(queries[:, None] - points, axis=2)
    near = full.min(axis=1) < 0.5
    np.testing.assert_array_equal(found[near], full.argmin(axis=1)[near])
    np.testing.assert_allclose(distance[near], full.min(axis=1)[near])


def test_queries_beyond_reach_find_nothing() -> None:
    found, distance = CellIndex(np.zeros((1, 3)), 0.1).nearest(np.full((1, 3), 9.0))
    assert found.tolist() == [-1] and np.isinf(distance).all()


def test_levels_halve_faces_and_texels_and_keep_colours(ball: Mesh) -> None:
    def halves(points: np.ndarray) -> np.ndarray:
        return np.where(points[:, 1:2] > 0, (0.8, 0.1, 0.1), (0.1, 0.1, 0.8))

    mapped = unwrap(ball, size=512)
    image = bake_colours(mapped, texels_of(mapped, 512), halves)
    full = mapped.with_(material=Material(image, roughness=0.3))
    chain = lod_chain(full, 2)
    assert [len(level.faces) for level in chain] == [640, 320]
    for level, size in zip(chain, (256, 128), strict=True):
        assert is_watertight(level)
        assert level.material is not None and level.material.base_color is not None
        assert level.material.roughness == 0.3
        assert level.material.base_color.shape == (size, size, 3)
        assert level.corner_uvs is not None
        middle = level.corner_uvs.mean(axis=1)
        centre = level.corners.mean(axis=1)
        away = np.abs(centre[:, 1]) > 0.1
        found = texture_colours(level.material.base_color, middle)
        np.testing.assert_allclose(found[away], halves(centre[away]), atol=0.03)


def test_meshes_with_vertex_colours_have_levels_too(ball: Mesh) -> None:
    chain = lod_chain(ball.with_(colors=np.full_like(ball.vertices, 0.5)), 1)
    assert len(chain) == 1 and chain[0].corner_uvs is None and chain[0].colors is not None


def test_too_many_levels_are_refused(cube: Mesh) -> None:
    with pytest.raises(InputError, match="cannot be halved"):
        lod_chain(cube, 2)
    with pytest.raises(InputError, match=r"must lie in 1\.\.6"):
        lod_chain(cube, 7)
