"""A reward for mirror symmetry."""

from __future__ import annotations

from gen3d.geometry.mesh import Mesh
from gen3d.rewards.solid import solid_cells


def symmetric(mesh: Mesh, *, resolution: int = 48) -> float:
    """Return how well the solid agrees with its mirror image in the plane x = 0.

    Intersection over union of the cells inside: 1 for a symmetric solid, 0 for one that lies on
    one side, or has no inside. In the public frame that plane parts left from right. Range 0 to 1,
    no unit.

    Args:
        mesh: A closed mesh in the public frame.
        resolution: Cells per axis.
    """
    cells = solid_cells(mesh, resolution)
    mirrored = cells[::-1]
    union = int((cells | mirrored).sum())
    return int((cells & mirrored).sum()) / union if union else 0.0
