from collections.abc import Callable

import numpy as np
import pytest
import trimesh

from gen3d.geometry.mesh import Mesh


@pytest.fixture
def ball() -> Mesh:
    """A closed ball of radius 1/2 with 1280 faces."""
    return Mesh.from_trimesh(trimesh.creation.icosphere(subdivisions=3, radius=0.5))


@pytest.fixture
def cube() -> Mesh:
    """A closed cube of side 1 around the origin."""
    return Mesh.from_trimesh(trimesh.creation.box((1, 1, 1)))


@pytest.fixture
def torus() -> Mesh:
    """A closed ring around the z axis."""
    return Mesh.from_trimesh(trimesh.creation.torus(0.4, 0.1, major_sections=16, minor_sections=8))


@pytest.fixture
def join() -> Callable[..., Mesh]:
    """Put meshes side by side into one, unwelded."""

    def joined(*parts: Mesh) -> Mesh:
        starts = np.cumsum([0, *(len(part.vertices) for part in parts[:-1])])
        faces = [part.faces + start for part, start in zip(parts, starts, strict=True)]
        return Mesh(np.concatenate([part.vertices for part in parts]), np.concatenate(faces))

    return joined


@pytest.fixture
def placed() -> Callable[..., Mesh]:
    """Scale a mesh and move it."""

    def moved(mesh: Mesh, scale: object = 1.0, shift: object = 0.0) -> Mesh:
        vertices = mesh.vertices * np.asarray(scale) + np.asarray(shift)
        return mesh.with_(vertices=vertices, normals=None)

    return moved
