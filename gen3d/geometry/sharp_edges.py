"""Points on the sharp edges of a mesh."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float

from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import face_areas, face_normals, unit_or_up, vertex_normals

SHARP_COSINE = 0.985
"""A vertex is sharp if a face around it turns away from its normal by more than ten degrees."""


def sharp_vertices(mesh: Mesh, *, cosine: float = SHARP_COSINE) -> Bool[np.ndarray, " v"]:
    """Tell which vertices have a face whose normal is far from theirs.

    Faces without area have no normal and do not count.

    Args:
        mesh: Vertices that several faces share must be shared, or nothing is sharp.
        cosine: Of the angle from which on a vertex is sharp.
    """
    normals, faces = vertex_normals(mesh), mesh.faces[face_areas(mesh) > 0]
    across = face_normals(mesh)[face_areas(mesh) > 0]
    least = np.ones(len(mesh.vertices))
    for corner in range(3):
        at = faces[:, corner]
        np.minimum.at(least, at, (normals[at] * across).sum(axis=1))
    return least < cosine


def sample_sharp_edges(
    mesh: Mesh, n: int, generator: torch.Generator, *, cosine: float = SHARP_COSINE
) -> PointCloud | None:
    """Draw points uniformly by length on edges between sharp vertices, with blended normals.

    As the published vecset encoders want them (Dora, Chen et al. 2024, arXiv 2412.17808).

    Args:
        mesh: Where to draw.
        n: Number of points.
        generator: CPU source of randomness.
        cosine: See :func:`sharp_vertices`.

    Returns:
        The points, or None for a mesh without sharp edges.
    """
    sharp = sharp_vertices(mesh, cosine=cosine)
    edges = np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]])
    edges = np.unique(np.sort(edges[sharp[edges].all(axis=1)], axis=1), axis=0)
    ends = mesh.vertices[edges].astype(np.float64)
    length: Float[np.ndarray, " e"] = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    total = np.cumsum(length)
    if not len(total) or not total[-1] > 0:
        return None
    draws = torch.rand((2, n), generator=generator, dtype=torch.float64).numpy()
    edge = np.searchsorted(total, draws[0] * total[-1], side="right")
    edge = np.minimum(edge, int(np.searchsorted(total, total[-1])))
    along = draws[1][:, None]

    def blend(values: np.ndarray) -> np.ndarray:
        first, second = values[edges[edge, 0]], values[edges[edge, 1]]
        return (1 - along) * first.astype(np.float64) + along * second

    return PointCloud(blend(mesh.vertices), unit_or_up(blend(vertex_normals(mesh))))
