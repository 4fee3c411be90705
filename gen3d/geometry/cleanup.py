"""Stray pieces and small cavities: finding, counting and removing them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from gen3d.errors import InputError
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import face_areas, face_volumes
from gen3d.geometry.topology import component_labels

MIN_DIAGONAL_FRACTION = 0.08
"""Diagonal below which a piece may be stray; ten cells of a decode at resolution 128."""

MIN_AREA_FRACTION = 0.01
"""Area below which a piece may be stray."""


@dataclass(frozen=True)
class CleanupReport:
    """What clean-up did.

    Attributes:
        mesh: What is left.
        removed: Number of stray pieces taken away.
        filled: Number of small cavities filled.
        kept: Number of components left.
    """

    mesh: Mesh
    removed: int
    filled: int
    kept: int


def remove_floaters(
    mesh: Mesh,
    *,
    min_fraction: float = MIN_DIAGONAL_FRACTION,
    min_area_fraction: float = MIN_AREA_FRACTION,
) -> CleanupReport:
    """Remove stray pieces, fill small cavities, and keep every real part.

    A component is stray when it is small in both senses: its bounding box's diagonal is under
    ``min_fraction`` of the greatest diagonal, and its area is under ``min_area_fraction`` of the
    greatest area. So a long thin aerial stays by its length and a compact wheel by its area,
    however big the body is; only specks go. A closed component whose faces look inwards (negative
    volume) bounds a cavity within a solid; as small a one goes too, which fills it.

    Args:
        mesh: Welded mesh.
        min_fraction: Least diagonal of a real part, as a fraction of the greatest.
        min_area_fraction: Least area of a real part, as a fraction of the greatest.

    Raises:
        InputError: A fraction is not in [0, 1].
    """
    labels = component_labels(mesh)
    small = _small(mesh, labels, min_fraction, min_area_fraction)
    if not small.any():
        return CleanupReport(mesh, 0, 0, len(small))
    cavity = np.bincount(labels, face_volumes(mesh), minlength=len(small)) < 0
    return CleanupReport(
        mesh.select_faces(~small[labels]),
        removed=int((small & ~cavity).sum()),
        filled=int((small & cavity).sum()),
        kept=int((~small).sum()),
    )


def _small(
    mesh: Mesh, labels: np.ndarray, min_fraction: float, min_area_fraction: float
) -> Bool[np.ndarray, " components"]:
    for name, value in (("min_fraction", min_fraction), ("min_area_fraction", min_area_fraction)):
        if not 0 <= value <= 1:
            raise InputError(f"{name} must lie in [0, 1], got {value}")
    count = int(labels.max()) + 1 if len(labels) else 0
    if count < 2:
        return np.zeros(count, bool)
    area = np.bincount(labels, face_areas(mesh), minlength=count)
    low = np.full((count, 3), np.inf)
    high = np.full((count, 3), -np.inf)
    corners = mesh.corners
    np.minimum.at(low, labels, corners.min(axis=1))
    np.maximum.at(high, labels, corners.max(axis=1))
    diagonal = np.linalg.norm(high - low, axis=1)
    return (diagonal < min_fraction * diagonal.max()) & (area < min_area_fraction * area.max())
