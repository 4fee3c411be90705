"""Iso-surfacing: sparse marching cubes over active cells, welded and watertight.

Marching cubes (Lorensen and Cline 1987) with a table whose ambiguous faces are resolved alike in
both of their cells (positive corners are separated), so the mesh closes for any field. Vertices are
shared, faces are counter-clockwise seen from outside, and the map from grid to space is the exact
``v = lo + index * (hi - lo) / R``. The result does not depend on the thread count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d.errors import InputError
from gen3d.ops.backend import kernels, uses_native
from gen3d.ops.forward_ad import refuse_forward_ad
from gen3d.ops.reference import isosurface as reference
from gen3d.ops.reference.isosurface_table import CORNERS, EDGES
from gen3d.ops.registration import kernel_for

# Keys of cells and of lattice edges stay within 63 bits.
MAX_RESOLUTION = 1 << 20

CORNER_OFFSETS: tuple[tuple[int, int, int], ...] = CORNERS
"""Offsets (x, y, z) of the eight corners in the order of ``corner_values``: z varies fastest."""


@dataclass(frozen=True)
class CutEdges:
    """The grid edge that each vertex lies on.

    Attributes:
        lower: Index (i, j, k) of the edge's lower corner.
        axis: 0, 1 or 2: the edge goes to the next sample along it.
        ends: Field values at the lower and the upper corner.
    """

    lower: Int[Tensor, "v 3"]
    axis: Int[Tensor, " v"]
    ends: Float[Tensor, "v 2"]


def marching_cubes(
    cells: Int[Tensor, "c 3"],
    corner_values: Float[Tensor, "c 8"],
    *,
    resolution: int,
    bounds: tuple[float, float] = (-1.0, 1.0),
    level: float = 0.0,
) -> tuple[Float[Tensor, "v 3"], Int[Tensor, "f 3"]]:
    """Extracts the surface from a sorted list of grid cells.

    Cells that the surface does not cross cost little and add nothing. The mesh is closed when every
    cell that it crosses is in the list and corners shared by cells have equal values. Inside means
    strictly above ``level``; NaN counts as outside. Differentiable in ``corner_values`` (backward
    mode), through the vertices.

    Args:
        cells: Indices (i, j, k) in [0, resolution), in lexicographic order without repetition.
        corner_values: Field at the corners ``cell + CORNER_OFFSETS``: positive inside.
        resolution: Cells per axis, R.
        bounds: Coordinates of sample 0 and sample R, the same on each axis.
        level: The field value of the surface.

    Returns:
        Vertices (float32) and triangles (int64); both empty when nothing is crossed.

    Raises:
        InputError: Shapes, order or ranges are not as described.
    """
    vertices, faces, _ = _marching_cubes(cells, corner_values, resolution, bounds, level)
    return vertices, faces


def marching_cubes_edges(
    cells: Int[Tensor, "c 3"],
    corner_values: Float[Tensor, "c 8"],
    *,
    resolution: int,
    bounds: tuple[float, float] = (-1.0, 1.0),
    level: float = 0.0,
) -> tuple[Float[Tensor, "v 3"], Int[Tensor, "f 3"], CutEdges]:
    """As :func:`marching_cubes`, and tells the edge of each vertex: to move vertices along it.

    Raises:
        InputError: Shapes, order or ranges are not as described.
    """
    vertices, faces, sources = _marching_cubes(cells, corner_values, resolution, bounds, level)
    owner, edge = sources // 12, sources % 12
    pairs = torch.tensor(EDGES, device=cells.device)[edge]
    corners = torch.tensor(CORNERS, device=cells.device)
    ends = corner_values.to(torch.float32)[owner[:, None], pairs]
    return vertices, faces, CutEdges(cells[owner] + corners[pairs[:, 0]], edge // 4, ends)


def _marching_cubes(
    cells: Tensor,
    corner_values: Tensor,
    resolution: int,
    bounds: tuple[float, float],
    level: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Vertices, faces, and for each vertex 12 * cell + edge that made it."""
    check_arguments(cells, corner_values, resolution, bounds)
    values = corner_values.to(torch.float32)
    if not uses_native(values.device):
        check_cells(cell_keys(cells, resolution), cells, resolution)
        return reference.marching_cubes_sources(
            cells, values, resolution=resolution, bounds=bounds, level=level
        )
    refuse_forward_ad("isosurface", corner_values)
    lo, hi = bounds
    return torch.ops.gen3d.isosurface(cells, values, resolution, float(lo), float(hi), float(level))


def marching_cubes_dense(
    field: Float[Tensor, "x y z"],
    *,
    bounds: tuple[float, float] = (-1.0, 1.0),
    level: float = 0.0,
) -> tuple[Float[Tensor, "v 3"], Int[Tensor, "f 3"]]:
    """Extracts the surface of a field sampled on the whole grid.

    Args:
        field: R + 1 samples per axis, ``ij`` order, positive inside.
        bounds: Coordinates of sample 0 and sample R, the same on each axis.
        level: The field value of the surface.

    Returns:
        Vertices and triangles as :func:`marching_cubes`.

    Raises:
        InputError: The grid is not a cube of at least two samples per axis.
    """
    if field.ndim != 3 or len(set(field.shape)) != 1 or field.shape[0] < 2:
        raise InputError(f"field has shape {tuple(field.shape)}, expected (R + 1,) * 3, R >= 1")
    n = field.shape[0] - 1
    inside = field > level
    corners = [inside[x : x + n, y : y + n, z : z + n] for x, y, z in CORNER_OFFSETS]
    some, every = corners[0].clone(), corners[0].clone()
    for corner in corners[1:]:
        some |= corner
        every &= corner
    cells = (some & ~every).nonzero()
    index = cells[:, None] + torch.tensor(CORNER_OFFSETS, device=cells.device)
    values = field[index[..., 0], index[..., 1], index[..., 2]]
    return marching_cubes(cells, values, resolution=n, bounds=bounds, level=level)


def check_arguments(
    cells: Tensor, values: Tensor, resolution: int, bounds: tuple[float, float]
) -> None:
    """Refuse shapes, types and ranges that are not as :func:`marching_cubes` wants them.

    Raises:
        InputError: Says which.
    """
    if cells.ndim != 2 or cells.shape[1] != 3 or cells.is_floating_point():
        raise InputError(f"cells is {cells.dtype} {tuple(cells.shape)}, expected integers (c, 3)")
    if tuple(values.shape) != (cells.shape[0], 8) or not values.is_floating_point():
        raise InputError(
            f"corner_values is {values.dtype} {tuple(values.shape)}, "
            f"expected floats ({cells.shape[0]}, 8)"
        )
    if not 1 <= resolution <= MAX_RESOLUTION:
        raise InputError(f"resolution is {resolution}, expected 1 to {MAX_RESOLUTION}")
    if not bounds[0] < bounds[1]:
        raise InputError(f"bounds are {bounds}, expected the lower one first")


def cell_keys(cells: Int[Tensor, "c 3"], resolution: int) -> Int[Tensor, " c"]:
    """Number the cells of a grid, in lexicographic order."""
    i, j, k = cells.long().unbind(-1)
    return (i * resolution + j) * resolution + k


def check_cells(keys: Tensor, cells: Tensor, resolution: int) -> None:
    """Refuse cells that lie outside the grid, repeat, or are not in the order of their keys.

    Raises:
        InputError: Says which.
    """
    if cells.numel() == 0:
        return
    if int(cells.min()) < 0 or int(cells.max()) >= resolution:
        raise InputError(
            f"cells range from {int(cells.min())} to {int(cells.max())}, "
            f"expected 0 to {resolution - 1}"
        )
    if not bool((keys[1:] > keys[:-1]).all()):
        raise InputError(
            "cells are not in lexicographic order or repeat", hint="use torch.unique(cells, dim=0)"
        )


@kernel_for("gen3d::isosurface", "cpu", "cuda")
def _isosurface(
    cells: Tensor, values: Tensor, resolution: int, lo: float, hi: float, level: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Vertices, faces, and for each vertex 12 * cell + edge that made it."""
    keys = cell_keys(cells, resolution)
    if cells.device.type == "cpu":
        check_cells(keys, cells, resolution)
    given, cells = cells, cells.to(torch.int32).contiguous()
    values = values.detach().contiguous()
    count, device = cells.shape[0], cells.device
    module, last = kernels(device)
    cases = torch.empty(count, dtype=torch.uint8, device=device)
    owned = torch.empty(count, dtype=torch.int16, device=device)
    counts = torch.empty(2, count, dtype=torch.int32, device=device)
    module.isosurface_count(cells, keys, values, resolution, level, cases, owned, counts, last)
    ends = counts.cumsum(1, dtype=torch.int64)
    totals = ends[:, -1] if count else ends.new_zeros(2)
    if device.type != "cpu" and count:
        # A GPU is waited for once, and asked then whether the cells were in order too: the count
        # kernel stays within its arrays for any cells.
        ordered = (keys[1:] > keys[:-1]).all() & (given.min() >= 0) & (given.max() < resolution)
        totals = torch.cat([totals, ordered[None].long()])
    n_vertices, n_faces, *fine = totals.tolist()
    if fine == [0]:
        check_cells(keys, given, resolution)
    starts = ends - counts

    vertices = torch.empty(n_vertices, 3, dtype=torch.float32, device=device)
    faces = torch.empty(n_faces, 3, dtype=torch.int64, device=device)
    sources = torch.empty(n_vertices, dtype=torch.int64, device=device)
    module.isosurface_emit(
        *(cells, keys, values, resolution, level, cases, owned, starts[0], starts[1]),
        *(lo, hi, vertices, faces, sources, last),
    )
    return vertices, faces, sources


@torch.library.register_fake("gen3d::isosurface")
def _(
    cells: Tensor, values: Tensor, resolution: int, lo: float, hi: float, level: float
) -> tuple[Tensor, Tensor, Tensor]:
    context = torch.library.get_ctx()
    n_vertices, n_faces = context.new_dynamic_size(), context.new_dynamic_size()
    vertices = values.new_empty((n_vertices, 3), dtype=torch.float32)
    faces = values.new_empty((n_faces, 3), dtype=torch.int64)
    return vertices, faces, values.new_empty((n_vertices,), dtype=torch.int64)


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    _, values, resolution, lo, hi, level = inputs
    ctx.save_for_backward(values, output[2])
    ctx.step, ctx.level = (hi - lo) / resolution, level
    ctx.mark_non_differentiable(output[1], output[2])


def _backward(ctx: Any, grad_vertices: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
    """With v = lo + step * (i + t), t = (level - a) / (b - a), for the two ends a and b."""
    values, sources = ctx.saved_tensors
    owner, edge = sources // 12, sources % 12
    ends = torch.tensor(EDGES, device=values.device)[edge]
    a, b = values[owner, ends[:, 0]].double(), values[owner, ends[:, 1]].double()
    t = (ctx.level - a) / (b - a)
    margin = reference.CORNER_MARGIN
    free = (t >= margin) & (t <= 1 - margin)
    grad_t = grad_vertices.gather(1, (edge // 4)[:, None]).squeeze(1).double() * ctx.step
    scale = torch.where(free, grad_t / (b - a), torch.zeros_like(t))
    grad_ends = torch.stack([scale * (t - 1), -scale * t], dim=-1).to(values.dtype)
    grad = torch.zeros_like(values)
    grad.index_put_((owner[:, None], ends), grad_ends, accumulate=True)
    return None, grad, None, None, None, None


torch.library.register_autograd("gen3d::isosurface", _backward, setup_context=_setup_context)
