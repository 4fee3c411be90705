"""Normals and tangents per face corner: smooth where the surface is, sharp at creases."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from gen3d.errors import InputError
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import face_cross, face_normals, unit_or_up

CREASE_DEG = 45.0
"""Faces that meet more sharply than this keep their own normals along the edge."""


def crease_normals(mesh: Mesh, *, crease_deg: float = CREASE_DEG) -> Float[np.ndarray, "f 3 3"]:
    """Return a unit normal per face corner, averaged over like-minded faces around the vertex.

    Of the faces around a vertex, those count whose normal lies within ``crease_deg`` of the
    corner's own face, weighted by area, so a cube keeps its edges and a ball is round.

    Args:
        mesh: Vertices that neighbours share must be shared.
        crease_deg: 0 (flat faces) to 180 (all smooth), in degrees.

    Raises:
        InputError: The angle is out of its range.
    """
    if not 0 <= crease_deg <= 180:
        raise InputError(f"crease_deg must lie in 0..180, got {crease_deg}")
    face, cross = face_normals(mesh).astype(np.float64), face_cross(mesh)
    corner = np.argsort(mesh.faces.ravel(), kind="stable")
    uses = np.bincount(mesh.faces.ravel(), minlength=len(mesh.vertices))
    start = np.cumsum(uses) - uses
    vertex = mesh.faces.ravel()
    total = np.zeros((len(vertex), 3))
    least = np.cos(np.radians(crease_deg)) - 1e-9
    own = np.arange(len(vertex)) // 3
    # The k-th neighbour of every corner at once: as many rounds as the busiest vertex has faces.
    for k in range(int(uses.max(initial=0))):
        at = np.flatnonzero(uses[vertex] > k)
        other = corner[start[vertex[at]] + k] // 3
        like = ((face[own[at]] * face[other]).sum(axis=1) >= least) | (own[at] == other)
        total[at[like]] += cross[other[like]]
    return unit_or_up(total).reshape(-1, 3, 3)


def corner_tangents(mesh: Mesh, normals: Float[np.ndarray, "f 3 3"]) -> Float[np.ndarray, "f 3 4"]:
    """Return tangents along increasing u, and the sign of the bitangent as glTF has it.

    The bitangent ``sign * cross(normal, tangent)`` points towards the top of the texture, where v
    is 0. Corners that share vertex, normal and texture coordinates share their tangent, weighted
    by area, which is the grouping of MikkTSpace (Mikkelsen 2008).

    Args:
        mesh: With texture coordinates.
        normals: Unit normals of the corners.

    Raises:
        InputError: The mesh has no texture coordinates.
    """
    if mesh.corner_uvs is None:
        raise InputError("tangents need texture coordinates: unwrap the mesh first")
    corners, uvs = mesh.corners.astype(np.float64), mesh.corner_uvs.astype(np.float64)
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    (u1, v1), (u2, v2) = (uvs[:, 1] - uvs[:, 0]).T, (uvs[:, 2] - uvs[:, 0]).T
    area = u1 * v2 - u2 * v1
    along_u = (first * v2[:, None] - second * v1[:, None]) * np.sign(area)[:, None]
    sign = np.where(area > 0, -1.0, 1.0)
    keys = np.concatenate(
        [
            mesh.faces.reshape(-1, 1).astype(np.float64),
            uvs.reshape(-1, 2),
            normals.reshape(-1, 3),
            np.repeat(sign, 3)[:, None],
        ],
        axis=1,
    )
    _, group = np.unique(keys, axis=0, return_inverse=True)
    group = group.reshape(-1)
    shared = np.stack([np.bincount(group, x) for x in np.repeat(along_u, 3, axis=0).T], axis=1)
    tangent = shared[group].reshape(-1, 3, 3)
    tangent -= normals * (tangent * normals).sum(axis=-1, keepdims=True)
    length = np.linalg.norm(tangent, axis=-1, keepdims=True)
    tangent = np.where(length > 1e-12, tangent / np.maximum(length, 1e-12), _across(normals))
    signs = np.broadcast_to(sign[:, None, None], (len(sign), 3, 1))
    return np.concatenate([tangent, signs], axis=-1).astype(np.float32)


def _across(normals: np.ndarray) -> np.ndarray:
    """Return some unit vector across each normal."""
    least = np.eye(3)[np.abs(normals).argmin(axis=-1)]
    crossed = np.cross(normals, least)
    return crossed / np.linalg.norm(crossed, axis=-1, keepdims=True)
