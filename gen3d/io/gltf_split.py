"""From corners to the vertices of a graphics card, which carry one of each attribute."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from gen3d.geometry.creases import corner_tangents
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import unit_or_up, vertex_normals


@dataclass(frozen=True, eq=False)
class SplitMesh:
    """Vertices that several corners share only where all their attributes agree.

    Attributes:
        vertices: Positions.
        faces: Vertex indices; the faces of the source, in order.
        normals: Unit normals.
        colors: sRGB in [0, 1], or None.
        uvs: Texture coordinates, (0, 0) at the upper left, or None.
        tangents: With the sign of the bitangent; where there is a normal map.
    """

    vertices: Float[np.ndarray, "v 3"]
    faces: Int[np.ndarray, "f 3"]
    normals: Float[np.ndarray, "v 3"]
    colors: Float[np.ndarray, "v 3"] | None
    uvs: Float[np.ndarray, "v 2"] | None
    tangents: Float[np.ndarray, "v 4"] | None


def split_corners(mesh: Mesh) -> SplitMesh:
    """Repeat vertices along seams and creases; normals are computed where there are none."""
    normals = vertex_normals(mesh) if mesh.normals is None else unit_or_up(mesh.normals)
    if mesh.corner_uvs is None and mesh.corner_normals is None:
        return SplitMesh(mesh.vertices, mesh.faces, normals, mesh.colors, None, None)
    corner_normals = normals[mesh.faces]
    if mesh.corner_normals is not None:
        corner_normals = unit_or_up(mesh.corner_normals.reshape(-1, 3)).reshape(-1, 3, 3)
    columns = [corner_normals]
    if mesh.corner_uvs is not None:
        columns.append(mesh.corner_uvs)
    if mesh.material is not None and mesh.material.normal_map is not None:
        columns.append(corner_tangents(mesh, corner_normals))
    values = np.concatenate([column.reshape(len(mesh.faces) * 3, -1) for column in columns], axis=1)
    # -0.0 and 0.0 are one value but different bytes.
    values = values + np.float32(0)
    keys = np.concatenate([mesh.faces.reshape(-1, 1).astype(np.float64), values], axis=1)
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    # Numbered by first use, so that neighbours stay neighbours in the card's cache.
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    corner = first[order]
    vertex, kept = mesh.faces.ravel()[corner], values[corner]
    textured = mesh.corner_uvs is not None
    return SplitMesh(
        vertices=mesh.vertices[vertex],
        faces=rank[inverse.reshape(-1)].reshape(-1, 3),
        normals=kept[:, :3],
        colors=None if mesh.colors is None else mesh.colors[vertex],
        uvs=kept[:, 3:5] if textured else None,
        tangents=kept[:, 5:9] if kept.shape[1] > 5 else None,
    )
