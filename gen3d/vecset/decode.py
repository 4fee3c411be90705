"""From a field to the cells that its surface crosses: all of them, or only where it matters.

``decode_dense`` samples every corner of the grid and is the oracle. ``decode_hierarchical`` starts
from a coarse grid, refines the cells that the surface crosses or nearly touches, and at each level
follows the surface from cell to cell, so that the crossed cells it returns form closed surfaces.
Both give exactly the resolution that was asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gen3d.errors import EmptySurfaceError, Gen3dError, InputError
from gen3d.ops.isosurface import CORNER_OFFSETS, MAX_RESOLUTION

FieldFunction: TypeAlias = Callable[[Float[Tensor, "n 3"]], Float[Tensor, " n"]]
"""A field: one value per point, positive inside. Called with at most ``chunk`` points."""

DEFAULT_START = 32
DEFAULT_CHUNK = 16_384
# Corners of each of a cell's six faces, as positions in CORNER_OFFSETS, with the way out.
_FACES: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = tuple(
    (
        tuple((1 if side else -1) if a == axis else 0 for a in range(3)),
        tuple(i for i, corner in enumerate(CORNER_OFFSETS) if corner[axis] == side),
    )
    for axis in range(3)
    for side in (0, 1)
)


@dataclass(frozen=True)
class DecodeReport:
    """What a decode did.

    Attributes:
        levels: Cells per axis of each level, coarse to fine.
        evaluations: Field evaluations.
        followed: Cells found by following the surface, not by refinement.
        low: Smallest value seen.
        high: Largest value seen.
    """

    levels: tuple[int, ...]
    evaluations: int
    followed: int
    low: float
    high: float


@dataclass(frozen=True)
class DecodedField:
    """The crossed cells of a grid, as :func:`gen3d.ops.isosurface.marching_cubes` takes them.

    Attributes:
        cells: Indices in lexicographic order.
        corner_values: Field at the corners ``cell + CORNER_OFFSETS``.
        resolution: Cells per axis.
        bounds: Coordinates of the first and the last sample on each axis.
        report: What it took.
    """

    cells: Int[Tensor, "c 3"]
    corner_values: Float[Tensor, "c 8"]
    resolution: int
    bounds: tuple[float, float]
    report: DecodeReport


def closed_field(field: FieldFunction, bounds: tuple[float, float]) -> FieldFunction:
    """Make a field negative on and beyond the walls of a cube, so that its surface closes there."""
    lo, hi = bounds
    margin = 1e-6 * (hi - lo)

    def closed(points: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
        values = field(points)
        wall = ((points <= lo + margin) | (points >= hi - margin)).any(-1)
        return torch.where(wall, values.clamp(max=-1e-3), values)

    return closed


def decode_dense(
    field: FieldFunction,
    resolution: int,
    *,
    bounds: tuple[float, float] = (-1.0, 1.0),
    chunk: int = DEFAULT_CHUNK,
    device: torch.device | str = "cpu",
) -> Float[Tensor, "x y z"]:
    """Sample a field at every corner of a grid, in ``ij`` order.

    Args:
        field: The field.
        resolution: Cells per axis, R; there are R + 1 samples.
        bounds: Coordinates of the first and the last sample on each axis.
        chunk: Points per call of ``field``.
        device: Where the points are made.

    Raises:
        InputError: Resolution or bounds are out of range.
        Gen3dError: The field gave NaN.
    """
    _check(resolution, bounds)
    side = resolution + 1
    keys = torch.arange(side**3, device=device)
    grid = _Grid(bounds[0], (bounds[1] - bounds[0]) / resolution, side)
    return _evaluate(field, grid, keys, chunk).view(side, side, side)


def decode_hierarchical(
    field: FieldFunction,
    resolution: int,
    *,
    start: int = DEFAULT_START,
    slope: float = 1.0,
    bounds: tuple[float, float] = (-1.0, 1.0),
    chunk: int = DEFAULT_CHUNK,
    device: torch.device | str = "cpu",
) -> DecodedField:
    """Find the cells that a field's surface crosses without visiting all of them.

    A cell is refined if its corners differ in sign, or if some corner's magnitude is at most
    ``slope * sqrt(3) / 2 * cell size``: the surface may then pass within the cell unseen (every
    point of a cell is that close to a corner, so for a field of that Lipschitz constant nothing is
    lost). At each level the neighbour across every crossed face is visited too, until none is
    missing; thin parts are thus found from the thick parts they hang on.

    Where ``resolution`` is no multiple of the coarse cells, the coarse grid reaches beyond the
    upper bounds; what lies there is dropped.

    Args:
        field: The field.
        resolution: Cells per axis of the result, R.
        start: The coarsest level has at least this many cells per axis (or R).
        slope: Bound on the field's gradient near its surface, per unit of length: 1 for distances.
            A bound too small loses parts thinner than a coarse cell that touch nothing else.
        bounds: Coordinates of the first and the last sample on each axis.
        chunk: Points per call of ``field``.
        device: Where the points are made.

    Raises:
        InputError: Resolution, start, slope or bounds are out of range.
        EmptySurfaceError: No cell is crossed; tells the range of values seen.
        Gen3dError: The field gave NaN.
    """
    _check(resolution, bounds)
    if start < 1 or slope < 0:
        raise InputError(f"start is {start} and slope {slope}, expected at least 1 and 0")
    halvings = max(0, int(math.log2(resolution / start))) if resolution > start else 0
    coarse = -(-resolution // 2**halvings)
    size = (bounds[1] - bounds[0]) / resolution
    grid = _Grid(bounds[0], size, coarse * 2**halvings + 1)
    state = _Corners(field, grid, chunk, torch.device(device))
    levels, followed = [], 0

    cells = torch.cartesian_prod(*[torch.arange(coarse, device=device)] * 3).view(-1, 3)
    for level in range(halvings, -1, -1):
        stride = 2**level
        limit = -(-resolution // stride)
        levels.append(limit)
        cells, values, found = _follow(state, cells, stride, limit)
        followed += found
        crossed = _crossed(values)
        if level:
            near = values.abs().amin(1) <= slope * 0.5 * math.sqrt(3) * size * stride
            cells = _children(cells[crossed | near])
        else:
            cells, values = cells[crossed], values[crossed]
    if len(cells) == 0:
        raise EmptySurfaceError(
            f"the field has no surface: its values lie in {state.low:.4g}..{state.high:.4g}",
            hint="try another seed, more steps or a higher resolution",
        )
    order = _keys(cells, grid.side).argsort()
    report = DecodeReport(tuple(levels), state.evaluations, followed, state.low, state.high)
    return DecodedField(cells[order], values[order], resolution, bounds, report)


def count_missed_cells(decoded: DecodedField, dense: Float[Tensor, "x y z"]) -> int:
    """Count the cells that a dense decode finds crossed and ``decoded`` lacks."""
    n = decoded.resolution
    corners = torch.stack(
        [dense[x : x + n, y : y + n, z : z + n].reshape(-1) for x, y, z in CORNER_OFFSETS], dim=1
    )
    truth = _crossed(corners)
    truth[_keys(decoded.cells, n)] = False
    return int(truth.sum())


@dataclass(frozen=True)
class _Grid:
    """Corners of the finest level: key ``(x * side + y) * side + z`` is at index (x, y, z)."""

    lo: float
    size: float
    side: int

    def points(self, keys: Int[Tensor, " n"]) -> Float[Tensor, "n 3"]:
        x, rest = keys // self.side**2, keys % self.side**2
        index = torch.stack([x, rest // self.side, rest % self.side], dim=-1)
        # In float64 both decoders give bit-equal coordinates at every level.
        return (self.lo + self.size * index.double()).float()


class _Corners:
    """Values of all corners that were ever asked for, by sorted key."""

    def __init__(self, field: FieldFunction, grid: _Grid, chunk: int, device: torch.device) -> None:
        self.field, self.grid, self.chunk = field, grid, chunk
        self.keys = torch.empty(0, dtype=torch.long, device=device)
        self.values = torch.empty(0, device=device)
        self.evaluations = 0

    @property
    def low(self) -> float:
        return float(self.values.min())

    @property
    def high(self) -> float:
        return float(self.values.max())

    def of(self, cells: Int[Tensor, "c 3"], stride: int) -> Float[Tensor, "c 8"]:
        """Look up the corners of cells of one level; evaluate those not yet known."""
        offsets = torch.tensor(CORNER_OFFSETS, device=cells.device)
        keys = _keys((cells[:, None] + offsets) * stride, self.grid.side)
        unique, inverse = keys.unique(return_inverse=True)
        missing = unique[~_contains(self.keys, unique)]
        if len(missing):
            values = _evaluate(self.field, self.grid, missing, self.chunk)
            self.evaluations += len(missing)
            self.keys, order = torch.cat([self.keys, missing]).sort()
            self.values = torch.cat([self.values, values])[order]
        return self.values[torch.searchsorted(self.keys, unique)][inverse]


def _follow(
    corners: _Corners, cells: Int[Tensor, "c 3"], stride: int, limit: int
) -> tuple[Int[Tensor, "d 3"], Float[Tensor, "d 8"], int]:
    """Add the neighbours across crossed faces until every crossed cell of the surface is there."""
    cells = cells[(cells < limit).all(1)]
    given = len(cells)
    known = _keys(cells, limit).sort().values
    all_cells, all_values = [cells], [corners.of(cells, stride)]
    while len(all_cells[-1]):
        steps = []
        for way, face in _FACES:
            leaves = _crossed(all_values[-1][:, list(face)])
            steps.append(all_cells[-1][leaves] + torch.tensor(way, device=cells.device))
        reached = torch.cat(steps)
        reached = reached[((reached >= 0) & (reached < limit)).all(1)]
        keys = _keys(reached, limit).unique()
        keys = keys[~_contains(known, keys)]
        known = torch.cat([known, keys]).sort().values
        new = torch.stack([keys // limit**2, keys // limit % limit, keys % limit], dim=-1)
        all_cells.append(new)
        all_values.append(corners.of(new, stride))
    return torch.cat(all_cells), torch.cat(all_values), sum(map(len, all_cells)) - given


def _children(cells: Int[Tensor, "c 3"]) -> Int[Tensor, "d 3"]:
    """Split each cell in eight."""
    offsets = torch.tensor(CORNER_OFFSETS, device=cells.device)
    return (2 * cells[:, None] + offsets).view(-1, 3)


def _crossed(values: Float[Tensor, "c corners"]) -> Bool[Tensor, " c"]:
    """Tell whether values differ in sign; zero counts as outside, as in marching cubes."""
    inside = values > 0
    return inside.any(1) & ~inside.all(1)


def _keys(index: Int[Tensor, "*batch 3"], side: int) -> Int[Tensor, "*batch"]:
    x, y, z = index.unbind(-1)
    return (x * side + y) * side + z


def _contains(sorted_keys: Int[Tensor, " n"], keys: Int[Tensor, " m"]) -> Bool[Tensor, " m"]:
    if len(sorted_keys) == 0:
        return torch.zeros_like(keys, dtype=torch.bool)
    at = torch.searchsorted(sorted_keys, keys).clamp(max=len(sorted_keys) - 1)
    return sorted_keys[at] == keys


def _evaluate(
    field: FieldFunction, grid: _Grid, keys: Int[Tensor, " n"], chunk: int
) -> Float[Tensor, " n"]:
    values = torch.cat([field(grid.points(part)).float() for part in keys.split(chunk)])
    if bool(values.isnan().any()):
        count = int(values.isnan().sum())
        raise Gen3dError(f"the field is not a number at {count} of {len(values)} points")
    return values


def _check(resolution: int, bounds: tuple[float, float]) -> None:
    # The coarse grid may reach up to twice as far; keys of its corners must fit in 63 bits.
    if not 1 <= resolution <= MAX_RESOLUTION // 2:
        raise InputError(f"resolution is {resolution}, expected 1 to {MAX_RESOLUTION // 2}")
    if not bounds[0] < bounds[1]:
        raise InputError(f"bounds are {bounds}, expected the lower one first")
