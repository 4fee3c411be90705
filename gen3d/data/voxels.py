"""Triangles on a voxel grid, and what of it is reached from outside."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int


def cover_faces(
    corners: Float[np.ndarray, "f 3 3"], spacing: float
) -> tuple[Float[np.ndarray, "n 3"], Int[np.ndarray, " n"]]:
    """Return points on triangles that leave no gap wider than ``spacing``, and their triangles.

    Each triangle is covered by rows from its shortest side to the corner opposite.
    """
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2)
    # Side k joins corners k and k + 1: put the corner opposite the shortest one first.
    turn = (sides.argmin(axis=1)[:, None] + np.array([2, 0, 1])) % 3
    apex, b, c = np.take_along_axis(corners, turn[..., None], axis=1).swapaxes(0, 1)
    rows = np.ceil(sides.max(axis=1) / spacing).astype(np.int64) + 1
    columns = np.ceil(sides.min(axis=1) / spacing).astype(np.int64) + 1
    # Rows of all triangles first, then the points of each row.
    face = np.repeat(np.arange(len(corners)), rows)
    s = (_count_up(rows) / (rows[face] - 1)).astype(np.float32)[:, None]
    # Rows shorten towards the apex.
    count = np.ceil((columns[face] - 1) * s[:, 0]).astype(np.int64) + 1
    start = apex[face] + s * (b - apex)[face]
    step = s * (c - b)[face] / np.maximum(count - 1, 1)[:, None]
    row = np.repeat(np.arange(len(face)), count)
    points = step.astype(np.float32)[row]
    points *= _count_up(count).astype(np.float32)[:, None]
    points += start.astype(np.float32)[row]
    return points, face[row]


def _count_up(lengths: Int[np.ndarray, " n"]) -> Int[np.ndarray, " m"]:
    """0, 1, ... ``lengths[i] - 1`` for each i, joined."""
    return np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def cell_of(points: Float[np.ndarray, "n 3"], resolution: int) -> Int[np.ndarray, "n 3"]:
    """Return the cells of points in [-1, 1]^3; points outside get the nearest."""
    # Truncation is rounding down where it matters: what is below 0 is clipped there.
    cells = ((points + 1) * (resolution / 2)).astype(np.int32)
    return cells.clip(0, resolution - 1)


def flood_outside(
    walls: Bool[np.ndarray, "r r r"], *, ground: int = 0
) -> Bool[np.ndarray, "r r r"]:
    """Return the free cells that are reached from the grid's border over faces of cells.

    Args:
        walls: Cells that stop the flood, ``ij`` order with Y as the second axis.
        ground: Nothing passes between this row of cells and those below it, all of which count
            as outside: what stands on the ground needs no floor.
    """
    side = len(walls)
    # One layer around the grid, so that its border needs no special care.
    free = np.zeros((side + 2,) * 3, bool)
    free[1:-1, 1 + ground : -1, 1:-1] = ~walls[:, ground:]
    box = [np.flatnonzero(walls.any(axis=tuple({0, 1, 2} - {a}))) for a in range(3)]
    outside = free.copy()
    low = [int(b[0]) + 1 if len(b) else side + 1 for b in box]
    high = [int(b[-1]) + 2 if len(b) else 1 for b in box]
    # Everything beyond the walls' box is outside; the flood starts there.
    within = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    pending = np.zeros_like(free)
    pending[within] = free[within]
    outside &= ~pending
    front = outside & _next_to(pending)
    reached, open_cells = outside.reshape(-1), pending.reshape(-1)
    steps = np.array([1, side + 2, (side + 2) ** 2])
    frontier = np.flatnonzero(front)
    mark = np.zeros(free.size, np.int64)
    while len(frontier):
        around = np.concatenate([frontier + steps[:, None], frontier - steps[:, None]]).reshape(-1)
        around = around[open_cells[around]]
        mark[around] = np.arange(len(around))
        frontier = around[mark[around] == np.arange(len(around))]
        open_cells[frontier] = False
        reached[frontier] = True
    result = reached.reshape(free.shape)[1:-1, 1:-1, 1:-1].copy()
    result[:, :ground] = True
    return result


def _next_to(cells: Bool[np.ndarray, "r r r"]) -> Bool[np.ndarray, "r r r"]:
    found = np.zeros_like(cells)
    for axis in range(3):
        found |= np.roll(cells, 1, axis) | np.roll(cells, -1, axis)
    return found


def grown(cells: Bool[np.ndarray, "r r r"]) -> Bool[np.ndarray, "r r r"]:
    """Return cells and all that touch them, if only at a corner."""
    for axis in range(3):
        wider = cells.copy()
        before, after = [slice(None)] * 3, [slice(None)] * 3
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        wider[tuple(before)] |= cells[tuple(after)]
        wider[tuple(after)] |= cells[tuple(before)]
        cells = wider
    return cells


def voxel_size(resolution: int) -> float:
    """Side of a cell of the grid over [-1, 1]^3."""
    return 2.0 / resolution


def spacing_for(resolution: int) -> float:
    """Return how far apart surface points may lie so that no flood leaks through between them.

    A step of the flood that crosses the surface does so within half a cell of the middle of two
    cells; a point of the surface nearer than that lies in one of them.
    """
    return 0.6 * voxel_size(resolution)
