"""How thick the walls of a solid are, by looking through them."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float

from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import surface_area
from gen3d.geometry.sample import sample_surface

_OPPOSITE = -0.5
"""Cosine between the normals of the two sides of a wall."""

_SAMPLES, _PROBES = 10_000, 1_000


def wall_thickness(mesh: Mesh, *, seed: int = 0) -> Float[np.ndarray, " n"]:
    """Measure the walls at points spread evenly over the surface.

    From each point a line runs straight in; where it meets a side that faces the other way, it has
    crossed the wall (the chord of the shape diameter function, Shapira, Shamir and Cohen-Or 2008).
    Sides are sought among points spread over the surface, as far from the line as these lie apart.

    Args:
        mesh: Closed, faces outward.
        seed: Of the points.

    Returns:
        Thickness at 1,000 points, in the mesh's unit; infinite where nothing was met.
    """
    generator = torch.Generator().manual_seed(seed)
    # Normals of faces: those of vertices lean at edges.
    cloud = sample_surface(mesh.with_(normals=None), _SAMPLES, generator)
    assert cloud.normals is not None
    points, normals = torch.from_numpy(cloud.points), torch.from_numpy(cloud.normals)
    start, inward = points[:_PROBES], -normals[:_PROBES]
    # How far a point lies along each line, and beside it.
    along = inward @ points.T - (inward * start).sum(1, keepdim=True)
    beside = torch.cdist(start, points) ** 2 - along**2
    apart = 1.5 * float(np.sqrt(surface_area(mesh) / _SAMPLES))
    met = (beside < apart**2) & (along > 0) & (inward @ normals.T > -_OPPOSITE)
    return along.masked_fill(~met, torch.inf).min(dim=1).values.numpy()


def share_thinner(thickness: Float[np.ndarray, " n"], limit: float) -> float:
    """Return the share of the surface whose wall is thinner than a limit."""
    return float((thickness < limit).mean()) if len(thickness) else 0.0
