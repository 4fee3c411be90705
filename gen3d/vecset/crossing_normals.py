"""Normals of a field's surface where it cuts grid edges, from the field's own gradient."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.ops.isosurface import CutEdges
from gen3d.vecset.grid_field import DEFAULT_CHUNK, WALL_VALUE, FieldFunction, Grid


def crossing_normals(
    edges: CutEdges,
    points: Float[Tensor, "v 3"],
    field: FieldFunction,
    grid: Grid,
    *,
    chunk: int = DEFAULT_CHUNK,
) -> Float[Tensor, "v 3"]:
    """Return outward unit normals at the crossings of a surface, for dual contouring.

    The field falls outwards, so the normal is minus its gradient, by automatic differentiation:
    finite differences would blur exactly the sharp edges that dual contouring is for. There is no
    other way in: a field that torch cannot differentiate is refused. A field that is closed at the
    walls of its cube jumps there, and its gradient does not know of them; a crossing on an edge to
    a wall where the field was held down has the wall's normal.

    Args:
        edges: From :func:`gen3d.ops.isosurface.marching_cubes_edges`.
        points: Where the surface cuts them, see :func:`gen3d.vecset.edge_roots.refine_vertices`.
        field: The field; its value at a point depends on that point alone.
        grid: The grid; its first and last corners lie on the walls.
        chunk: Points per backward pass.

    Returns:
        Zero where the gradient is zero or not finite.

    Raises:
        InputError: The field's values carry no gradient.
    """
    gradient = torch.cat([_gradient(field, part) for part in points.split(chunk)])
    gradient = torch.where(gradient.isfinite().all(-1, keepdim=True), gradient, 0.0)
    normals = -torch.nn.functional.normalize(gradient, eps=torch.finfo(torch.float32).tiny)
    axes = torch.nn.functional.one_hot(edges.axis.long(), 3)
    lower = (edges.lower * axes).sum(-1)
    first = (lower == 0) & (edges.ends[:, 0] == WALL_VALUE)
    last = (lower == grid.side - 2) & (edges.ends[:, 1] == WALL_VALUE)
    side = last.to(normals.dtype) - first.to(normals.dtype)
    return torch.where((first | last)[:, None], axes * side[:, None], normals)


def _gradient(field: FieldFunction, points: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
    with torch.enable_grad():
        points = points.detach().requires_grad_()
        values = field(points)
        if not values.requires_grad:
            raise InputError(
                "the field cannot be differentiated, and dual contouring needs its gradient",
                hint="compute the field in torch, or make the mesh by marching cubes",
            )
        return torch.autograd.grad(values.sum(), points)[0]
