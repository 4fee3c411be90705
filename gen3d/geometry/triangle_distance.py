"""Distances from points to triangles, and to the surface that these make."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d.errors import InputError
from gen3d.geometry.mesh import Mesh

_PAIRS = 1 << 16
_TINY = 1e-20
_FACES = 16
# Bounds held at once; 32 MB in float64.
_MAX_BOUNDS = 1 << 22
_MAX_EXACT = 1 << 19


def near_triangles(
    corners: Float[Tensor, "f 3 3"], reach: Float[Tensor, " f"], points: Float[Tensor, "n 3"]
) -> Float[Tensor, " n"]:
    """Return by how much each point lies within the reach of some triangle; negative where not.

    That is the largest ``reach - distance`` over the triangles, with the distance to the closest
    point of each: in its plane where the point projects into it, else on one of its sides. In
    float32 distances near zero are exact to about 1e-3 of the coordinates.
    """
    result = torch.full((len(points),), -torch.inf, dtype=points.dtype)
    if not len(corners):
        return result
    a, b, c = corners.unbind(1)
    normal = torch.linalg.cross(b - a, c - a)
    normal = normal / normal.norm(dim=1, keepdim=True).clamp_min(_TINY)
    sides = [(u, v - u) for u, v in ((a, b), (b, c), (c, a))]
    lengths = [along.square().sum(1).clamp_min(_TINY) for _, along in sides]
    # Inward normals of the sides, in the plane.
    inward = [torch.linalg.cross(normal, along) for _, along in sides]
    step = max(1, _PAIRS // len(corners))
    for start in range(0, len(points), step):
        here = points[start : start + step]
        square = torch.full((len(here), len(corners)), torch.inf, dtype=points.dtype)
        within = torch.ones_like(square, dtype=torch.bool)
        for (origin, along), into, length in zip(sides, inward, lengths, strict=True):
            within &= _along(here, origin, into) >= 0
            dot = _along(here, origin, along)
            t = (dot / length).clamp(0, 1)
            away = torch.cdist(here, origin).square()
            square = torch.minimum(square, away - t * (2 * dot - t * length))
        height = _along(here, a, normal).abs()
        distance = torch.where(within, height, square.clamp_min(0).sqrt())
        result[start : start + step] = (reach - distance).amax(1)
    return result


def surface_distance(points: Float[np.ndarray, "n 3"], mesh: Mesh) -> Float[np.ndarray, " n"]:
    """Return the distance of each point to a mesh's surface.

    Raises:
        InputError: The mesh has no faces.
    """
    return closest_faces(points, mesh)[0]


def closest_faces(
    points: Float[np.ndarray, "n 3"], mesh: Mesh
) -> tuple[Float[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """Return the distance of each point to a mesh's surface, and the face that is the closest.

    Exact: a face is no closer than its bounding sphere, so faces are measured in the order of
    those until the next sphere lies beyond the closest face found.

    Args:
        points: Where from; any finite float.
        mesh: At least one face.

    Raises:
        InputError: The mesh has no faces.
    """
    if not len(mesh.faces):
        raise InputError("the distance to a mesh without faces was asked for")
    corners = mesh.corners.astype(np.float64)
    middles = corners.mean(axis=1)
    radii = np.linalg.norm(corners - middles[:, None], axis=2).max(axis=1)
    queries = np.asarray(points, dtype=np.float64)
    distance = np.empty(len(queries))
    face = np.empty(len(queries), np.int64)
    step = max(1, _MAX_BOUNDS // len(corners))
    for start in range(0, len(queries), step):
        part = slice(start, start + step)
        distance[part], face[part] = _closest(queries[part], corners, middles, radii)
    return distance, face


def triangle_distance(
    points: Float[np.ndarray, "*n 3"], corners: Float[np.ndarray, "*n 3 3"]
) -> Float[np.ndarray, "*n"]:
    """Return the distance of points to triangles, one each; leading dimensions broadcast."""
    ends = np.roll(corners, -1, axis=-2)
    edges, offsets = ends - corners, points[..., None, :] - corners
    lengths = np.maximum((edges**2).sum(-1), 1e-30)
    along = np.clip((offsets * edges).sum(-1) / lengths, 0, 1)
    to_edges = np.linalg.norm(offsets - along[..., None] * edges, axis=-1).min(axis=-1)
    normal = np.cross(edges[..., 0, :], edges[..., 1, :])
    size = np.linalg.norm(normal, axis=-1)
    # Over the triangle: on the inner side of each edge, as seen along the normal.
    sides = (np.cross(edges, offsets) * normal[..., None, :]).sum(-1)
    over = (sides >= 0).all(axis=-1) & (size > 0)
    to_plane = np.abs((offsets[..., 0, :] * normal).sum(-1)) / np.maximum(size, 1e-30)
    return np.where(over, to_plane, to_edges)


def _closest(
    queries: np.ndarray, corners: np.ndarray, middles: np.ndarray, radii: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    gaps = torch.cdist(torch.from_numpy(queries), torch.from_numpy(middles))
    bounds = gaps - torch.from_numpy(radii)
    distance = np.full(len(queries), np.inf)
    face = np.zeros(len(queries), np.int64)
    open_, count = np.arange(len(queries)), min(_FACES, len(corners))
    while len(open_):
        # One bound more than is measured, to know where the search may end.
        lowest = bounds[open_].topk(min(count + 1, len(corners)), dim=1, largest=False)
        near = lowest.indices[:, :count].numpy()
        for rows in np.array_split(np.arange(len(open_)), -(-near.size // _MAX_EXACT)):
            exact = triangle_distance(queries[open_[rows], None], corners[near[rows]])
            best = exact.argmin(axis=1)
            distance[open_[rows]] = exact[np.arange(len(rows)), best]
            face[open_[rows]] = near[rows, best]
        if count == len(corners):
            break
        open_ = open_[lowest.values[:, -1].numpy() < distance[open_]]
        count = min(4 * count, len(corners))
    return distance, face


def _along(points: Tensor, origins: Tensor, directions: Tensor) -> Float[Tensor, "n f"]:
    """``(point - origin) . direction`` of all pairs."""
    shift = (origins * directions).sum(1)
    return torch.addmm(shift, points, directions.T, beta=-1)
