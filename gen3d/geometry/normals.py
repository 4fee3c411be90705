"""Normals, areas and volumes of triangles."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from gen3d.geometry.mesh import Mesh

_TINY = 1e-30


def face_cross(mesh: Mesh) -> Float[np.ndarray, "f 3"]:
    """Return the outward normal of each face, as long as twice its area, in float64."""
    corners = mesh.corners.astype(np.float64)
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def face_areas(mesh: Mesh) -> Float[np.ndarray, " f"]:
    """Return the area of each face."""
    return np.linalg.norm(face_cross(mesh), axis=1) / 2


def face_normals(mesh: Mesh) -> Float[np.ndarray, "f 3"]:
    """Return the unit outward normal of each face; zero where a face has no area."""
    cross = face_cross(mesh)
    length = np.linalg.norm(cross, axis=1, keepdims=True)
    return (cross / np.maximum(length, _TINY)).astype(np.float32)


def vertex_normals(mesh: Mesh) -> Float[np.ndarray, "v 3"]:
    """Return unit vertex normals: the mean of the faces' normals weighted by their angles.

    Angles do not depend on how a flat polygon was cut into triangles, so the slivers of marching
    cubes do no harm (Thuermer and Wuethrich 1998, "Computing vertex normals from polygonal
    facets"). Vertices without any area around them get (0, 1, 0): files want unit length.
    """
    normals = face_normals(mesh).astype(np.float64)
    corners = mesh.corners.astype(np.float64)
    total = np.zeros((len(mesh.vertices), 3))
    for corner in range(3):
        here = corners[:, corner]
        ahead = _unit(corners[:, (corner + 1) % 3] - here)
        back = _unit(corners[:, (corner + 2) % 3] - here)
        angle = np.arccos(np.clip((ahead * back).sum(axis=1), -1, 1))
        for axis in range(3):
            total[:, axis] += np.bincount(
                mesh.faces[:, corner], angle * normals[:, axis], minlength=len(total)
            )
    return unit_or_up(total)


def unit_or_up(vectors: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """Scale vectors to unit length, in float32; those without a direction become (0, 1, 0)."""
    vectors = np.asarray(vectors, dtype=np.float64)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    known = length > 1e-12
    up = np.array([0.0, 1.0, 0.0])
    return np.where(known, vectors / np.where(known, length, 1), up).astype(np.float32)


def surface_area(mesh: Mesh) -> float:
    """Return the total area."""
    return float(face_areas(mesh).sum())


def signed_volume(mesh: Mesh) -> float:
    """Return the enclosed volume by the divergence theorem; negative for an inside-out mesh.

    Only meaningful for a closed mesh.
    """
    return float(face_volumes(mesh).sum())


def face_volumes(mesh: Mesh) -> Float[np.ndarray, " f"]:
    """Return the signed volume of the tetrahedron of each face and the middle of the vertices."""
    if not len(mesh.faces):
        return np.zeros(0)
    corners = mesh.corners.astype(np.float64)
    corners -= corners.reshape(-1, 3).mean(axis=0)
    return (corners[:, 0] * np.cross(corners[:, 1], corners[:, 2])).sum(axis=1) / 6


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), _TINY)
