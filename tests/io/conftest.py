import numpy as np
import pytest
import trimesh

from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import vertex_normals

RECORD = {"schema": 1, "task": "text_to_3d", "prompt": "a “red” chair, 木", "seed": 7, "scale": 0.1}


@pytest.fixture
def record() -> dict[str, object]:
    return dict(RECORD)


@pytest.fixture
def ball() -> Mesh:
    """A closed ball of 320 faces with normals, colours of all kinds, and a record."""
    sphere = Mesh.from_trimesh(trimesh.creation.icosphere(subdivisions=2, radius=0.5))
    colours = (sphere.vertices + 0.5).clip(0, 1)
    return Mesh(
        sphere.vertices,
        sphere.faces,
        vertex_normals(sphere),
        np.rint(colours * 255) / 255,
        {"gen3d": dict(RECORD)},
    )
