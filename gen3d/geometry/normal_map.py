"""Normal maps: the relief of a detailed mesh, as light on a simple one."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8

from gen3d.errors import InputError
from gen3d.geometry.bake import Texels, fill_borders, to_bytes
from gen3d.geometry.creases import corner_tangents
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.neighbours import CellIndex
from gen3d.geometry.normals import face_areas, unit_or_up, vertex_normals

_REACH = 2.0
"""How far to look for detailed vertices, in mean edge lengths: two rings around any point."""


def bake_normal_map(mesh: Mesh, texels: Texels, detailed: Mesh) -> UInt8[np.ndarray, "size size 3"]:
    """Return a tangent-space normal map, +Y up as OpenGL and glTF have it, borders filled.

    At each texel the normals of the detailed vertices around are averaged by nearness; those that
    look away from the surface, such as the other side of a thin wall, do not count. The result is
    written in the frame that :func:`gen3d.geometry.creases.corner_tangents` gives the corners.

    Args:
        mesh: With texture coordinates and corner normals.
        texels: Of that mesh.
        detailed: The same surface with more faces.

    Raises:
        InputError: The mesh has no corner normals.
    """
    if mesh.corner_normals is None:
        raise InputError("a normal map needs the corner normals that it will be shown with")
    covered = texels.covered
    frames = corner_tangents(mesh, mesh.corner_normals)
    normal = unit_or_up(texels.blend(mesh.corner_normals, covered))
    tangent = unit_or_up(texels.blend(frames[..., :3], covered))
    sign = frames[texels.face[covered], 0, 3]
    bitangent = sign[:, None] * np.cross(normal, tangent)
    relief = _normals_around(texels.blend(mesh.corners, covered), normal, detailed)
    local = np.stack([(relief * axis).sum(axis=1) for axis in (tangent, bitangent, normal)], axis=1)
    # A frame bent by interpolation is not quite square.
    local = unit_or_up(local)
    image = np.full((*covered.shape, 3), (0.5, 0.5, 1.0), np.float32)
    image[covered] = local / 2 + 0.5
    return to_bytes(fill_borders(image, covered))


def bent_normals(
    local: Float[np.ndarray, "n 3"],
    normals: Float[np.ndarray, "n 3"],
    tangents: Float[np.ndarray, "n 3"],
    signs: Float[np.ndarray, " n"],
) -> Float[np.ndarray, "n 3"]:
    """Return world normals from tangent-space ones, as a renderer reads a normal map.

    Args:
        local: From the map, in [-1, 1].
        normals: Interpolated from the corners; any length.
        tangents: Likewise.
        signs: Of the bitangent, 1 or -1.
    """
    normals, tangents = unit_or_up(normals), unit_or_up(tangents)
    bitangents = signs[:, None] * np.cross(normals, tangents)
    return unit_or_up(local[:, :1] * tangents + local[:, 1:2] * bitangents + local[:, 2:] * normals)


def _normals_around(
    points: Float[np.ndarray, "n 3"], normals: Float[np.ndarray, "n 3"], detailed: Mesh
) -> Float[np.ndarray, "n 3"]:
    """Average the normals of vertices within reach, by nearness; ``normals`` where none are."""
    found = vertex_normals(detailed) if detailed.normals is None else detailed.normals
    # The edge of an equilateral triangle of mean area.
    edge = float(np.sqrt(face_areas(detailed).mean() * 4 / np.sqrt(3)))
    index = CellIndex(detailed.vertices, _REACH * edge)
    total = np.zeros((len(points), 3))
    for at, vertex in index.candidates(points):
        distance = np.linalg.norm(points[at] - detailed.vertices[vertex], axis=1)
        weight = np.maximum(1 - distance / index.cell, 0) ** 2
        weight *= (normals[at] * found[vertex]).sum(axis=1) > 0
        total[at] += weight[:, None] * found[vertex]
    lost = (total**2).sum(axis=1) < 1e-12
    total[lost] = normals[lost]
    return unit_or_up(total)
