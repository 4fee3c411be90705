"""Points drawn from surfaces."""

from __future__ import annotations

import numpy as np
import torch

from gen3d.errors import InputError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import face_areas, face_normals, unit_or_up


def sample_surface(mesh: Mesh, n: int, generator: torch.Generator) -> PointCloud:
    """Draw points uniformly by area, with normals and (where the mesh has them) colours.

    Normals are interpolated where the mesh carries vertex normals, else those of the faces.
    Within a triangle, p = (1 - sqrt(u)) a + sqrt(u) (1 - v) b + sqrt(u) v c (Osada et al. 2002,
    "Shape distributions", eq. 1).

    Args:
        mesh: Where to draw.
        n: Number of points.
        generator: CPU source of randomness.

    Raises:
        InputError: ``n`` is negative, or the mesh has no area.
    """
    if n < 0:
        raise InputError(f"the number of points must not be negative, got {n}")
    edges = np.cumsum(face_areas(mesh))
    if not len(edges) or not edges[-1] > 0:
        raise InputError("points can only be drawn from a mesh with some area")
    # (3, n): face, then the two coordinates inside it.
    draws = torch.rand((3, n), generator=generator, dtype=torch.float64).numpy()
    face = np.searchsorted(edges, draws[0] * edges[-1], side="right")
    face = np.minimum(face, int(np.searchsorted(edges, edges[-1])))
    root = np.sqrt(draws[1])
    weights = np.stack([1 - root, root * (1 - draws[2]), root * draws[2]], axis=1)

    corner = mesh.faces[face]

    def blend(values: np.ndarray) -> np.ndarray:
        return np.einsum("nk,nkc->nc", weights, values[corner].astype(np.float64))

    normals = face_normals(mesh)[face] if mesh.normals is None else unit_or_up(blend(mesh.normals))
    colours = None if mesh.colors is None else blend(mesh.colors)
    return PointCloud(blend(mesh.vertices), normals, colours)
