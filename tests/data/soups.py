"""Triangle soups of known shape."""

import numpy as np

from gen3d.geometry.mesh import Mesh

_SQUARES = np.array(
    [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
)


def box(low: tuple[float, ...], high: tuple[float, ...], without: tuple[int, ...] = ()) -> Mesh:
    """A box, without some of its sides: 0, 1 at -x, +x; 2, 3 at -y, +y; 4, 5 at -z, +z."""
    ends = np.array([low, high])
    corners = np.array([[ends[(i >> (2 - a)) & 1, a] for a in range(3)] for i in range(8)])
    squares = _SQUARES[[side for side in range(6) if side not in without]]
    faces = np.concatenate([squares[:, [0, 1, 2]], squares[:, [0, 2, 3]]])
    return Mesh(corners, faces)


def join(*meshes: Mesh) -> Mesh:
    """Several meshes as one."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([m.faces + s for m, s in zip(meshes, starts, strict=False)]),
    )


def turned_inside_out(mesh: Mesh) -> Mesh:
    """The same mesh with all faces the other way round."""
    return Mesh(mesh.vertices, mesh.faces[:, ::-1])
