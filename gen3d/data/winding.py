"""Generalised winding numbers of triangle soups.

The winding number of a surface at a point is the solid angle that the surface covers as seen from
there, signed by which side is seen, over 4 pi: 1 inside a closed surface, 0 outside, and something
between where the surface has holes (Jacobson, Kavan and Sorkine-Hornung 2013, "Robust
inside-outside segmentation using generalized winding numbers").
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

# Triangles times points that are worked on at once: the temporaries then stay in a core's cache.
_PAIRS = 1 << 17


def winding_numbers(
    vertices: Float[Tensor, "v 3"], faces: Int[Tensor, "f 3"], points: Float[Tensor, "n 3"]
) -> Float[Tensor, " n"]:
    """Return the winding number of a soup at points; faces count as counter-clockwise from outside.

    The solid angle of a triangle with corners a, b, c as seen from the point is exact (van Oosterom
    and Strackee 1983, "The solid angle of a plane triangle", eq. 8):
    ``tan(angle / 2) = det(a, b, c) / (|a||b||c| + (a.b)|c| + (b.c)|a| + (c.a)|b|)``.
    On a face the number is halfway between its two sides, up to rounding.

    Args:
        vertices: Corner positions, of a size near 1 for float32 to do.
        faces: Vertex indices.
        points: Where to ask.
    """
    total = torch.zeros(len(points), dtype=points.dtype, device=points.device)
    if not len(faces) or not len(points):
        return total
    used, faces = faces.unique(return_inverse=True)
    vertices = vertices[used].to(points.dtype)
    corners = vertices[faces]
    a, b, c = corners.unbind(1)
    cross = torch.linalg.cross(b - a, c - a)
    # det(a - p, b - p, c - p) is linear in p.
    volume = (cross * a).sum(1, keepdim=True)
    squares = [(u - v).square().sum(1, keepdim=True) for u, v in ((a, b), (b, c), (c, a))]
    step = max(1, _PAIRS // len(faces))
    for start in range(0, len(points), step):
        here = points[start : start + step]
        away = torch.cdist(vertices, here, compute_mode="donot_use_mm_for_euclid_dist")
        la, lb, lc = (away[faces[:, k]] for k in range(3))
        determinant = torch.addmm(volume, cross, here.T, alpha=-1)
        sa, sb, sc = la.square(), lb.square(), lc.square()
        below = la * lb * lc
        # a.b = (|a|^2 + |b|^2 - |a - b|^2) / 2, and so on.
        below += (sa + sb - squares[0]) * lc / 2
        below += (sb + sc - squares[1]) * la / 2
        below += (sc + sa - squares[2]) * lb / 2
        total[start : start + step] = torch.atan2(determinant, below).sum(0)
    return total / (2 * math.pi)
