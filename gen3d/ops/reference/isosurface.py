"""Sparse marching cubes in plain torch: the oracle of the native kernels, equal to the bit.

It differs from them in how cells find their common edges: here by sorting edge keys.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d.ops.reference.isosurface_table import CORNERS, EDGES, MAX_TRIANGLES, triangle_table

# Crossings keep this distance (in cells) from the corners; see cuda_ext/isosurface/math.h.
CORNER_MARGIN = 1.0 / 4096.0


def edge_vertices(
    cells: Int[Tensor, "v 3"],
    ends: Float[Tensor, "v 2"],
    edges: Int[Tensor, " v"],
    *,
    resolution: int,
    bounds: tuple[float, float],
    level: float,
) -> Float[Tensor, "v 3"]:
    """The vertex on each given cut edge, differentiable in the values at its ends.

    Args:
        cells: Cell indices (i, j, k).
        ends: Field values at the edge's lower and upper corner.
        edges: Edge numbers, 0 to 11.
        resolution: Cells per axis.
        bounds: Coordinates of the grid's first and last sample.
        level: The field value of the surface.

    Returns:
        Vertices in the coordinates of ``bounds``, float32.
    """
    a, b = ends.double().unbind(-1)
    t = (torch.tensor(level, dtype=torch.float32).item() - a) / (b - a)
    t = torch.where((t >= 0) & (t <= 1), t, torch.full_like(t, 0.5))
    t = t.clamp(CORNER_MARGIN, 1.0 - CORNER_MARGIN)
    corners = torch.tensor(CORNERS, device=cells.device)
    lower = torch.tensor([low for low, _ in EDGES], device=cells.device)
    along = torch.nn.functional.one_hot(edges // 4, 3).to(t.dtype)
    index = (cells + corners[lower[edges]]).to(t.dtype) + along * t[:, None]
    lo, hi = bounds
    return (lo + index * ((hi - lo) / resolution)).float()


def marching_cubes(
    cells: Int[Tensor, "c 3"],
    corner_values: Float[Tensor, "c 8"],
    *,
    resolution: int,
    bounds: tuple[float, float] = (-1.0, 1.0),
    level: float = 0.0,
) -> tuple[Float[Tensor, "v 3"], Int[Tensor, "f 3"]]:
    """Extracts the surface; arguments and results as :func:`gen3d.ops.isosurface.marching_cubes`.

    Vertices are numbered by the first cell that touches them, then by edge number.
    """
    vertices, faces, _ = marching_cubes_sources(
        cells, corner_values, resolution=resolution, bounds=bounds, level=level
    )
    return vertices, faces


def marching_cubes_sources(
    cells: Int[Tensor, "c 3"],
    corner_values: Float[Tensor, "c 8"],
    *,
    resolution: int,
    bounds: tuple[float, float],
    level: float,
) -> tuple[Float[Tensor, "v 3"], Int[Tensor, "f 3"], Int[Tensor, " v"]]:
    """As :func:`marching_cubes`, and for each vertex 12 * cell + edge that made it."""
    device = cells.device
    inside = corner_values > level
    case = (inside.long() << torch.arange(8, device=device)).sum(-1)
    ends = torch.tensor(EDGES, device=device)
    cut = inside[:, ends[:, 0]] != inside[:, ends[:, 1]]

    # One key per lattice edge: its lower corner and its axis.
    corners = torch.tensor(CORNERS, device=device)
    lower = cells.long()[:, None] + corners[ends[:, 0]]
    samples = resolution + 1
    key = (lower[..., 0] * samples + lower[..., 1]) * samples + lower[..., 2]
    key = 3 * key + torch.arange(12, device=device) // 4
    owner, edge = cut.nonzero(as_tuple=True)
    unique, of_key = key[owner, edge].unique(return_inverse=True)

    # Renumber from key order to order of first appearance.
    places = torch.arange(len(owner), device=device)
    first = places.new_full((len(unique),), len(owner))
    first = first.scatter_reduce(0, of_key, places, "amin")
    order = first.argsort()
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order), device=device)
    vertex_of = torch.full(cut.shape, -1, device=device)
    vertex_of[owner, edge] = rank[of_key]

    owner, edge = owner[first[order]], edge[first[order]]
    vertices = edge_vertices(
        cells[owner],
        corner_values[owner[:, None], ends[edge]],
        edge,
        resolution=resolution,
        bounds=bounds,
        level=level,
    )
    rows = [
        [e for triangle in row for e in triangle] + [-1] * (3 * (MAX_TRIANGLES - len(row)))
        for row in triangle_table()
    ]
    triangles = torch.tensor(rows, device=device)[case].view(-1, MAX_TRIANGLES, 3)
    cell, slot = (triangles[..., 0] >= 0).nonzero(as_tuple=True)
    faces = vertex_of[cell[:, None], triangles[cell, slot]]
    return vertices, faces, 12 * owner + edge
