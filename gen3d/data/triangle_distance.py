"""Distances from points to triangles."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

_PAIRS = 1 << 16
_TINY = 1e-20


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


def _along(points: Tensor, origins: Tensor, directions: Tensor) -> Float[Tensor, "n f"]:
    """``(point - origin) . direction`` of all pairs."""
    shift = (origins * directions).sum(1)
    return torch.addmm(shift, points, directions.T, beta=-1)
