"""Rewards for shapes that a printer can build and that stand where they are put."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import (
    face_areas,
    face_normals,
    face_volumes,
    signed_volume,
    surface_area,
)

OVERHANG_DEG = 45.0
"""Steepest overhang, from the vertical, that filament printers build without support."""

_BASE = 0.02
"""Height of the base zone, as a share of the mesh's height."""


def printable(mesh: Mesh) -> float:
    """Return the mean of `support_free` and `stable`: easy to print, and standing upright.

    Range 0 to 1, no unit.
    """
    return (support_free(mesh) + stable(mesh)) / 2


def support_free(mesh: Mesh) -> float:
    """Return the share of the surface that needs no support when printed upright (Y up).

    Faces need support that look downward more steeply than 45 degrees, unless they lie on the
    print bed: the lowest 2 % of the height. Range 0 to 1, no unit; 0 for an empty mesh.
    """
    areas = face_areas(mesh)
    if not areas.sum() > 0:
        return 0.0
    hanging = face_normals(mesh)[:, 1] < -math.cos(math.radians(OVERHANG_DEG)) - 1e-6
    raised = mesh.corners[:, :, 1].max(axis=1) > _base_height(mesh)
    return 1 - float(areas[hanging & raised].sum() / areas.sum())


def stable(mesh: Mesh) -> float:
    """Return how far the solid can be tilted before it falls, as a share of 45 degrees.

    The base is the convex hull of the vertices in the lowest 2 % of the height, seen from above;
    the angle is ``atan(margin / height)`` with the distance of the centre of mass to the hull's
    nearest edge and its height over the base. 1 from 45 degrees up, 0 for a solid that falls by
    itself, or has no volume. Range 0 to 1; uniform density.
    """
    volumes = face_volumes(mesh)
    if not volumes.sum() > 0:
        return 0.0
    # Tetrahedra share the middle of the vertices as their tip.
    corners = mesh.corners.astype(np.float64)
    tips = corners.reshape(-1, 3).mean(axis=0)
    centre = (volumes[:, None] * (corners.sum(axis=1) + tips)).sum(axis=0) / 4 / volumes.sum()
    low = corners[..., 1].min()
    used = corners.reshape(-1, 3)
    base = used[used[:, 1] <= _base_height(mesh)][:, [0, 2]]
    margin = _margin(base, centre[[0, 2]])
    if not margin > 0:
        return 0.0
    return min(1.0, math.atan2(margin, centre[1] - low) / math.radians(45.0))


def compact(mesh: Mesh) -> float:
    """Return the isoperimetric quotient ``36 pi V^2 / A^3``: 1 for a ball, 0.52 for a cube.

    Range 0 to 1, no unit; 0 for a mesh without volume.
    """
    volume, area = signed_volume(mesh), surface_area(mesh)
    return min(1.0, 36 * math.pi * volume**2 / area**3) if volume > 0 and area > 0 else 0.0


def _base_height(mesh: Mesh) -> float:
    low, high = mesh.bounds[:, 1].astype(np.float64)
    return float(low + _BASE * (high - low))


def _margin(points: Float[np.ndarray, "n 2"], centre: Float[np.ndarray, " 2"]) -> float:
    """Return the distance from a point to the edge of a convex hull; not positive outside."""
    hull = convex_hull(points)
    if len(hull) < 3:
        return 0.0
    edges = np.roll(hull, -1, axis=0) - hull
    offset = centre - hull
    across = edges[:, 0] * offset[:, 1] - edges[:, 1] * offset[:, 0]
    return float((across / np.linalg.norm(edges, axis=1)).min())


def convex_hull(points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "h 2"]:
    """Return the corners of the convex hull, counter-clockwise (Andrew's monotone chain, 1979)."""
    ordered = np.unique(points, axis=0).tolist()

    def chain(sequence: list[list[float]]) -> list[list[float]]:
        corners: list[list[float]] = []
        for x, y in sequence:
            while len(corners) > 1:
                (ax, ay), (bx, by) = corners[-2:]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                corners.pop()
            corners.append([x, y])
        return corners[:-1]

    return np.array(chain(ordered) + chain(ordered[::-1])).reshape(-1, 2)
