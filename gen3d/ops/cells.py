"""Sparse grids of field values: bricks of 8^3 corners under sorted Morton keys.

One level of a decode is one :class:`Bricks`: plain tensors, so that both twins (and CUDA) work on
the same state. What is done per corner or per cell is native; walks over whole lists are so on the
CPU only, torch does them on CUDA. Operations change ``flags`` and ``values`` in place and have no
derivative: they only choose where a field is evaluated.

The work of a level: :func:`open_bricks` around the cells, ask for corners
(:func:`ask_corners`, :func:`mark_sure`, :func:`crossed_children`), fetch the indices to evaluate
(:func:`take_wanted`: in Morton order, each corner once in a level's life), :func:`store`, and
:func:`gather_corners`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from gen3d.ops.backend import kernels, native, uses_native
from gen3d.ops.reference import cells as reference
from gen3d.ops.reference.cells import SLOTS, crossed_cells, morton_index, morton_keys

__all__ = [
    "SLOTS",
    "Bricks",
    "ask_corners",
    "children",
    "claim_cells",
    "crossed_cells",
    "crossed_children",
    "crossed_rows",
    "gather_corners",
    "live_children",
    "mark_sure",
    "morton_index",
    "morton_keys",
    "open_bricks",
    "open_neighbours",
    "store",
    "take_wanted",
]


@dataclass(frozen=True)
class Bricks:
    """Corners of one level.

    Attributes:
        keys: Morton keys of the bricks, sorted: corner index divided by 8.
        flags: What is known of each corner; see ``cuda_ext/cells/math.h``.
        values: Field values, NaN where not known. Slots are Morton codes within the brick.
    """

    keys: Int[Tensor, " b"]
    flags: UInt8[Tensor, "b slots"]
    values: Float[Tensor, "b slots"]

    @staticmethod
    def empty(device: torch.device | str = "cpu") -> Bricks:
        """Return a level without bricks."""
        return Bricks(
            torch.empty(0, dtype=torch.int64, device=device),
            torch.empty(0, SLOTS, dtype=torch.uint8, device=device),
            torch.empty(0, SLOTS, device=device),
        )


def open_bricks(
    level: Bricks, cells: Int[Tensor, "c 3"], *, coarser: Bricks | None = None, scale: int = 1
) -> Bricks:
    """Return ``level`` with all bricks that hold corners of cells; new ones copy ``coarser``.

    Args:
        level: What is there.
        cells: Lowest corners of cells, int32, best in Morton order.
        coarser: The level with cells twice as large: every second corner is one of its corners.
        scale: Width of the cells: the corners of cell c are ``scale c`` to ``scale (c + 1)``.
    """
    wanted = _brick_keys(cells, scale)
    new = wanted[~torch.isin(wanted, level.keys, assume_unique=True)] if len(level.keys) else wanted
    if len(new) == 0:
        return level
    added = _fill_bricks(new, coarser or Bricks.empty(cells.device))
    if len(level.keys) == 0:
        return added
    keys, order = torch.cat([level.keys, new]).sort()
    return Bricks(
        keys,
        torch.cat([level.flags, added.flags])[order],
        torch.cat([level.values, added.values])[order],
    )


def ask_corners(level: Bricks, cells: Int[Tensor, "c 3"]) -> None:
    """Ask for those corners of cells that are not known."""
    if uses_native(cells.device):
        module, last = kernels(cells.device)
        module.cells_ask_corners(cells, level.keys, level.flags, last)
    else:
        reference.ask_corners(cells, level.keys, level.flags)


def take_wanted(level: Bricks) -> tuple[Int[Tensor, "n 3"], Int[Tensor, " n"]]:
    """Return corners to evaluate: their indices (int32) in Morton order and their slots.

    The caller must :func:`store` their values.
    """
    device = level.keys.device
    if not uses_native(device):
        return reference.take_wanted(level.keys, level.flags)
    module, last = kernels(device)
    counts = torch.empty(len(level.keys), dtype=torch.int32, device=device)
    module.cells_count_wanted(level.keys, level.flags, counts, last)
    ends = counts.cumsum(0, dtype=torch.int64)
    total = int(ends[-1]) if len(ends) else 0
    index = torch.empty(total, 3, dtype=torch.int32, device=device)
    slots = torch.empty(total, dtype=torch.int64, device=device)
    module.cells_take_wanted(level.keys, level.flags, ends - counts, index, slots, last)
    return index, slots


def store(level: Bricks, slots: Int[Tensor, " n"], values: Float[Tensor, " n"]) -> None:
    """Keep the values of corners from :func:`take_wanted`."""
    level.values.view(-1).scatter_(0, slots, values)


def gather_corners(level: Bricks, cells: Int[Tensor, "c 3"]) -> Float[Tensor, "c 8"]:
    """Return the values at the corners of cells, in the order of marching cubes; NaN if unknown."""
    if not uses_native(cells.device):
        return reference.gather_corners(cells, level.keys, level.values)
    out = torch.empty(len(cells), 8, device=cells.device)
    module, last = kernels(cells.device)
    module.cells_gather_corners(cells, level.keys, level.values, out, last)
    return out


def live_children(
    corner_values: Float[Tensor, "c 8"],
    *,
    reach: float,
    steps: int,
    low: float = float("-inf"),
    high: float = float("inf"),
) -> UInt8[Tensor, " c"]:
    """Tell which of the eight children of cells may hold a sign change at the final resolution.

    A child is dropped if every corner of the final grid in it has the same sign for certain: corner
    x of the cell, with value v, proves the sign of a point at distance d final cells if
    ``|v| > reach d``. Cells whose values all lie at or beyond ``low``, or at or beyond ``high``,
    are dropped too.

    Args:
        corner_values: Values at the corners of the cells.
        reach: Bound on the change of the field over one edge of a final cell.
        steps: Final cells per edge of the cells; a power of two, at least 2. Beyond 8 a lattice of
            8 steps is tested, with a reach that covers what lies between.
        low: Saturated outside.
        high: Saturated inside.

    Returns:
        A bit per child, bit 4x + 2y + z.
    """
    limits = {"reach": float(reach), "low": float(low), "high": float(high), "steps": steps}
    if not uses_native(corner_values.device):
        return reference.live_children(corner_values, **limits)
    live = torch.empty(len(corner_values), dtype=torch.uint8, device=corner_values.device)
    module, last = kernels(corner_values.device)
    module.cells_live_children(
        *(corner_values, limits["reach"], limits["low"], limits["high"], steps, live, last)
    )
    return live


def children(
    cells: Int[Tensor, "c 3"], mask: UInt8[Tensor, " c"], *, limit: int
) -> Int[Tensor, "d 3"]:
    """Return the children of cells that a mask names, below ``limit``, in their parents' order."""
    if not _in_lists(cells):
        return reference.children(cells, mask, limit)
    out = torch.empty(8 * len(cells), 3, dtype=torch.int32)
    return out[: native().cells_take_children(cells, mask, limit, out)]


def crossed_rows(
    cells: Int[Tensor, "c 3"], corner_values: Float[Tensor, "c 8"], *, side: int
) -> Int[Tensor, " d"]:
    """Return the rows of the crossed cells, in lexicographic order of their indices.

    Args:
        cells: Distinct cells in any order.
        corner_values: Their values.
        side: Above every index.
    """
    if not _in_lists(cells):
        return reference.crossed_rows(cells, corner_values, side)
    rows = torch.empty(len(cells), dtype=torch.int64)
    return rows[: native().cells_crossed_rows(cells, corner_values, side, rows)]


def mark_sure(
    level: Bricks,
    parents: Int[Tensor, "c 3"],
    corner_values: Float[Tensor, "c 8"],
    *,
    reach: float,
) -> None:
    """Note what coarse cells prove about the 27 corners of their children, and doubt the rest.

    Args:
        level: The level of the children.
        parents: Cells of the level before, with their corner values.
        corner_values: Those.
        reach: Bound on the change of the field over one edge of a child.
    """
    if uses_native(parents.device):
        module, last = kernels(parents.device)
        module.cells_mark_sure(
            *(parents, corner_values, level.keys, float(reach), level.flags, last)
        )
    else:
        reference.mark_sure(parents, corner_values, level.keys, level.flags, reach=float(reach))


def crossed_children(
    level: Bricks, parents: Int[Tensor, "c 3"], live: UInt8[Tensor, " c"]
) -> UInt8[Tensor, " c"]:
    """Return which live children are crossed, by known and proven signs; ask for their corners."""
    if not uses_native(parents.device):
        return reference.crossed_children(parents, live, level.keys, level.flags, level.values)
    crossed = torch.empty(len(parents), dtype=torch.uint8, device=parents.device)
    module, last = kernels(parents.device)
    module.cells_crossed_children(
        *(parents, live, level.keys, level.values, level.flags, crossed, last)
    )
    return crossed


def claim_cells(level: Bricks, cells: Int[Tensor, "c 3"]) -> Bool[Tensor, " c"]:
    """Note distinct cells as visited; return which were not yet."""
    if not uses_native(cells.device):
        return reference.claim_cells(cells, level.keys, level.flags)
    fresh = torch.empty(len(cells), dtype=torch.uint8, device=cells.device)
    module, last = kernels(cells.device)
    module.cells_claim_cells(cells, level.keys, level.flags, fresh, last)
    return fresh != 0


def open_neighbours(
    level: Bricks, cells: Int[Tensor, "c 3"], corner_values: Float[Tensor, "c 8"], *, limit: int
) -> Int[Tensor, "d 3"]:
    """Return the cells across crossed faces that are not yet visited, in Morton order.

    Args:
        level: The level.
        cells: Visited cells.
        corner_values: Their values.
        limit: Cells per axis.
    """
    if uses_native(cells.device):
        faces = torch.empty(len(cells), dtype=torch.uint8, device=cells.device)
        module, last = kernels(cells.device)
        module.cells_open_faces(
            *(cells, corner_values, limit, level.keys, level.flags, faces, last)
        )
    else:
        faces = reference.open_faces(cells, corner_values, level.keys, level.flags, limit=limit)
    rows = faces.nonzero().squeeze(1)
    if len(rows) == 0:
        return cells[:0]
    found = []
    for face in range(6):
        way = cells.new_zeros(3)
        way[face // 2] = 2 * (face % 2) - 1
        found.append(morton_keys(cells[rows[faces[rows] >> face & 1 != 0]] + way))
    return morton_index(torch.cat(found).unique()).to(cells.dtype)


def _in_lists(tensor: Tensor) -> bool:
    """Whether the native walks over lists apply; on CUDA, torch does their work."""
    return tensor.device.type == "cpu" and uses_native(tensor.device)


def _brick_keys(cells: Int[Tensor, "c 3"], scale: int) -> Int[Tensor, " b"]:
    """Sorted keys of the bricks that hold the corners of cells."""
    if _in_lists(cells):
        keys = torch.empty(8 * len(cells), dtype=torch.int64)
        # A copy, since the room for all is much larger.
        return keys[: native().cells_brick_keys(cells, scale, keys)].clone()
    if not uses_native(cells.device):
        return reference.brick_keys(cells, scale, reference.brick_needs(cells, scale))
    needs = torch.empty(len(cells), dtype=torch.uint8, device=cells.device)
    module, last = kernels(cells.device)
    module.cells_brick_needs(cells, scale, needs, last)
    return reference.brick_keys(cells, scale, needs)


def _fill_bricks(keys: Int[Tensor, " b"], coarser: Bricks) -> Bricks:
    """New bricks with what a coarser level knows: slot 8 m is slot m of an eighth of its brick."""
    if not _in_lists(keys):
        filled = reference.fill_bricks(keys, coarser.keys, coarser.flags, coarser.values)
        return Bricks(keys, *filled)
    module, threads = kernels(keys.device)
    flags = torch.empty(len(keys), SLOTS, dtype=torch.uint8)
    values = torch.empty(len(keys), SLOTS)
    module.cells_fill_bricks(
        *(keys, coarser.keys, coarser.flags, coarser.values, flags, values, threads)
    )
    return Bricks(keys, flags, values)
