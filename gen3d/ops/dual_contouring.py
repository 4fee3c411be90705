"""Dual contouring over active cells: sharp edges, and always a closed manifold.

Ju, Losasso, Schaefer and Warren 2002, Dual Contouring of Hermite Data: where marching cubes puts
vertices on grid edges and so cuts off every corner of the surface, dual contouring puts them inside
cells, where the tangent planes at the crossings meet, and joins the four cells around each cut edge
by a quad. A cell has one vertex for each patch of the surface in it (Nielson 2004, Dual Marching
Cubes), by tables that leave no edge with more than two quads: see
:mod:`gen3d.ops.dual_contouring_table`. All in torch, on any device: the time goes into the field
that gives the normals.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gen3d.errors import InputError
from gen3d.ops.dual_contouring_table import DualTables, dual_tables
from gen3d.ops.isosurface import CutEdges, cell_keys, check_arguments, check_cells
from gen3d.ops.quadric_error import fit_planes
from gen3d.ops.reference.isosurface import CORNER_MARGIN

REACH = 0.5
"""A vertex may leave its cell by so much, in cells."""
SPLIT_SLACK = 0.05
"""Diagonals whose normals agree with the surface's within this are equal, and the shorter wins."""

# Flat quads on a grid have equal diagonals but for rounding, which should not choose between them.
_TIE = 1e-3
# Places within the same 1/32 of a cell on each axis are too near for two vertices.
_BOXES = 32


def dual_contouring(
    cells: Int[Tensor, "c 3"],
    corner_values: Float[Tensor, "c 8"],
    edges: CutEdges,
    points: Float[Tensor, "e 3"],
    normals: Float[Tensor, "e 3"],
    *,
    resolution: int,
    bounds: tuple[float, float] = (-1.0, 1.0),
    level: float = 0.0,
    reach: float = REACH,
) -> tuple[Float[Tensor, "v 3"], Int[Tensor, "f 3"]]:
    """Extracts the surface with a vertex per cell and patch.

    Every edge of the mesh has two faces, and the faces around a vertex form one fan, for any signs.
    The topology is that of marching cubes, but for holes narrower than a cell between two cells,
    which are closed.

    Each vertex minimises the quadric error of its patch (:mod:`gen3d.ops.quadric_error`). It may
    leave its cell by ``reach``: a corner of the surface often lies beyond the cells that see its
    planes, and vertices held back in their cells both miss it and fold the mesh about it. Where two
    would meet, only one leaves, so that none coincide.

    Each quad is split along the diagonal whose worse triangle agrees better with the normal at the
    crossing, so that triangles do not fold over; along the shorter one where both agree. The order
    of the results is that of cells and edges. Not differentiable.

    Args:
        cells: As :func:`gen3d.ops.isosurface.marching_cubes` takes them. Where a cell beside a cut
            edge is not in the list, or beyond the grid, the mesh stays open.
        corner_values: Likewise.
        edges: From :func:`gen3d.ops.isosurface.marching_cubes_edges` for the same arguments.
        points: Where the surface crosses each of these edges.
        normals: Unit normals of the surface there, pointing outwards. A zero or NaN normal says
            that none is known: that crossing then only draws its vertices near.
        resolution: Cells per axis, R.
        bounds: Coordinates of sample 0 and sample R, the same on each axis.
        level: The field value of the surface.
        reach: How far a vertex may leave its cell, in cells, 0 to 1.

    Returns:
        Vertices (float32) and triangles (int64), counter-clockwise seen from outside; both empty
        when nothing is crossed.

    Raises:
        InputError: Shapes, order or ranges are not as described.
    """
    check_arguments(cells, corner_values, resolution, bounds)
    if not 0 <= reach <= 1:
        raise InputError(f"reach is {reach}, expected 0 to 1 cells")
    _check_crossings(edges, points, normals)
    keys = cell_keys(cells, resolution)
    check_cells(keys, cells, resolution)
    with torch.no_grad():
        tables = dual_tables(cells.device)
        inside = corner_values.float() > level
        case = (inside.long() << torch.arange(8, device=cells.device)).sum(-1)
        row = _rows(tables, case, cells, keys, resolution)
        count = tables.patches[row]
        first = count.cumsum(0) - count
        around, known = _cells_around(tables, edges, keys, resolution)
        numbers = tables.shared_edge[edges.axis]
        step = (bounds[1] - bounds[0]) / resolution
        known_normals = normals.isfinite().all(-1, keepdim=True)
        vertices = _vertices(
            tables,
            row,
            first,
            _edge_table(around, known, numbers, len(cells)),
            cells,
            (points.double() - bounds[0]) / step,
            torch.where(known_normals, normals, torch.zeros_like(normals)).double(),
            reach,
        )
        vertices = (bounds[0] + step * vertices).float()
        patch = tables.patch_of_edge[row[around], numbers]
        whole = (known & (patch >= 0)).all(-1)
        quads = (first[around] + patch)[whole]
        lower_inside = edges.ends[whole, 0] > level
        quads = torch.where(lower_inside[:, None], quads, quads.flip(-1))
        faces = _split(quads, vertices, normals[whole])
        return _drop_unused(vertices, faces)


def _check_crossings(edges: CutEdges, points: Tensor, normals: Tensor) -> None:
    for name, given in (("points", points), ("normals", normals)):
        if tuple(given.shape) != (len(edges.axis), 3) or not given.is_floating_point():
            raise InputError(
                f"{name} is {given.dtype} {tuple(given.shape)}, "
                f"expected floats ({len(edges.axis)}, 3), one per cut edge"
            )


def _rows(
    tables: DualTables,
    case: Int[Tensor, " c"],
    cells: Int[Tensor, "c 3"],
    keys: Int[Tensor, " c"],
    resolution: int,
) -> Int[Tensor, " c"]:
    """Row of the tables per cell: its case, plus 256 where its pinching face pinches both ways."""
    face = tables.pinching_face[case]
    pinching = (face >= 0).nonzero().squeeze(1)
    axis, side = face[pinching] // 2, face[pinching] % 2
    beyond = cells[pinching].long()
    beyond[torch.arange(len(pinching), device=cells.device), axis] += 2 * side - 1
    other, known = _find(beyond, keys, resolution)
    both = known & (face[other] == face[pinching] + 1 - 2 * side)
    row = case.clone()
    row[pinching[both]] += 256
    return row


def _cells_around(
    tables: DualTables, edges: CutEdges, keys: Int[Tensor, " c"], resolution: int
) -> tuple[Int[Tensor, "e 4"], Bool[Tensor, "e 4"]]:
    """The four cells around each edge, and which of them are in the list."""
    cells = edges.lower.long()[:, None] - tables.sharer[edges.axis]
    found = [_find(ring, keys, resolution) for ring in cells.unbind(1)]
    return torch.stack([at for at, _ in found], 1), torch.stack([known for _, known in found], 1)


def _find(
    cells: Int[Tensor, "n 3"], keys: Int[Tensor, " c"], resolution: int
) -> tuple[Int[Tensor, " n"], Bool[Tensor, " n"]]:
    """Places of cells in the list; 0 and False for those that are not in it."""
    wanted = cell_keys(cells, resolution)
    at = torch.searchsorted(keys, wanted).clamp(max=max(len(keys) - 1, 0))
    within = ((cells >= 0) & (cells < resolution)).all(-1)
    known = within & (keys[at] == wanted)
    return torch.where(known, at, torch.zeros_like(at)), known


def _edge_table(
    around: Int[Tensor, "e 4"],
    known: Bool[Tensor, "e 4"],
    numbers: Int[Tensor, "e 4"],
    count: int,
) -> Int[Tensor, "c 12"]:
    """Per cell and edge of it, the place of that edge among the cut ones; 0 where it is not cut."""
    table = numbers.new_zeros(count, 12)
    edge = torch.arange(len(around), device=around.device)[:, None].expand(-1, 4)
    table[around[known], numbers[known]] = edge[known]
    return table


def _vertices(
    tables: DualTables,
    row: Int[Tensor, " c"],
    first: Int[Tensor, " c"],
    edge_of_cell: Int[Tensor, "c 12"],
    cells: Int[Tensor, "c 3"],
    points: Float[Tensor, "e 3"],
    normals: Float[Tensor, "e 3"],
    reach: float,
) -> Float[Tensor, "v 3"]:
    """One vertex per patch, in units of cells."""
    owner = torch.repeat_interleave(
        torch.arange(len(cells), device=cells.device), tables.patches[row]
    )
    patch = torch.arange(len(owner), device=cells.device) - first[owner]
    numbers = tables.edges_of_patch[row[owner], patch]
    edge = edge_of_cell[owner[:, None], numbers.clamp(min=0)]
    corner = cells[owner].double()

    def fit(some: Tensor | slice, reach: float) -> Tensor:
        planes = edge[some], numbers[some] >= 0
        from_corner = points[planes[0]] - corner[some, None]
        return fit_planes(from_corner, normals[planes[0]], planes[1], reach=reach)

    within = fit(slice(None), reach - CORNER_MARGIN)
    away = (within != within.clamp(CORNER_MARGIN, 1 - CORNER_MARGIN)).any(-1)
    # Vertices in their own cells never meet, so this comes to an end.
    while len(back := _meeting(corner + within, away)):
        within[back] = fit(back, -CORNER_MARGIN)
        away[back] = False
    return corner + within


def _meeting(places: Float[Tensor, "v 3"], away: Bool[Tensor, " v"]) -> Int[Tensor, " n"]:
    """Vertices away from their cells whose place is taken, by one at home or by an earlier one."""
    # A shift, since places at simple fractions of a cell are common, and should not lie between
    # two boxes.
    box = (places * _BOXES + 0.3717).floor().long()
    # Beyond 2^21 boxes per axis, numbers repeat; then strangers meet, which does little harm.
    key = (box[:, 0] << 42) + (box[:, 1] << 21) + box[:, 2]
    _, group = key.unique(return_inverse=True)
    rank = torch.arange(len(places), device=places.device) + len(places) * away
    best = rank.new_full((len(places),), 2 * len(places))
    best = best.scatter_reduce(0, group, rank, "amin")
    return (away & (best[group] != rank)).nonzero().squeeze(1)


def _split(
    quads: Int[Tensor, "q 4"], vertices: Float[Tensor, "v 3"], normals: Float[Tensor, "q 3"]
) -> Int[Tensor, "f 3"]:
    """Two triangles per quad; see :func:`dual_contouring` for the choice of the diagonal."""
    a, b, c, d = vertices.double()[quads].unbind(1)
    direction = torch.nn.functional.normalize(normals.double(), dim=-1)

    def agreement(p: Tensor, q: Tensor, r: Tensor) -> Tensor:
        normal = torch.linalg.cross(q - p, r - p)
        return (torch.nn.functional.normalize(normal, dim=-1, eps=1e-30) * direction).sum(-1)

    along_ac = torch.minimum(agreement(a, b, c), agreement(a, c, d))
    along_bd = torch.minimum(agreement(a, b, d), agreement(b, c, d))
    gain = along_bd - along_ac
    shorter = (d - b).square().sum(-1) < (1 - _TIE) * (c - a).square().sum(-1)
    # Without a normal there is nothing to agree with: a NaN gain leaves it to the lengths.
    turn = (gain > SPLIT_SLACK) | (shorter & ~(gain < -SPLIT_SLACK))
    quads = torch.where(turn[:, None], quads.roll(-1, 1), quads)
    return quads[:, [0, 1, 2, 0, 2, 3]].view(-1, 3)


def _drop_unused(vertices: Tensor, faces: Tensor) -> tuple[Tensor, Tensor]:
    """Leave out vertices of cells whose every quad is missing, at the rim of an open mesh."""
    used = torch.zeros(len(vertices), dtype=torch.bool, device=vertices.device)
    used[faces.view(-1)] = True
    place = used.cumsum(0) - 1
    return vertices[used], place[faces]
