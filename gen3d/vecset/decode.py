"""From a field to the cells that its surface crosses.

One entry, :func:`decode_field`, with three modes. ``dense`` samples every corner of the grid and is
the oracle. ``sparse`` evaluates only where the surface may be and gives the same cells and values.
``flashvdm`` is the published rule (Lai et al. 2025, arXiv 2503.16302), for comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d.errors import EmptySurfaceError, InputError
from gen3d.ops.cells import crossed_cells
from gen3d.ops.isosurface import CORNER_OFFSETS, MAX_RESOLUTION
from gen3d.vecset import decode_flashvdm, decode_sparse
from gen3d.vecset.grid_field import (
    DEFAULT_CHUNK,
    WALL_VALUE,
    CrossedCells,
    Field,
    FieldFunction,
    FieldSampling,
    Grid,
    GridSampler,
    PointField,
    QueryGroups,
)

__all__ = [
    "DEFAULT_CHUNK",
    "DecodeMode",
    "DecodeReport",
    "DecodedField",
    "Field",
    "FieldFunction",
    "Grid",
    "GridSampler",
    "PointField",
    "QueryGroups",
    "closed_field",
    "count_missed_cells",
    "decode_field",
]

DecodeMode: TypeAlias = Literal["sparse", "dense", "flashvdm"]

_SLAB = 1 << 18


@dataclass(frozen=True)
class DecodeReport:
    """What a decode did.

    Attributes:
        levels: Cells per axis of each level, coarse to fine.
        evaluations: Field evaluations.
        followed: Cells found by following the surface, not by refinement.
        slope: Bound on the field's slope that the sparse mode went by, per unit of length.
        low: Smallest value seen.
        high: Largest value seen.
    """

    levels: tuple[int, ...]
    evaluations: int
    followed: int
    slope: float
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
        return torch.where(wall, values.clamp(max=WALL_VALUE), values)

    return closed


@torch.no_grad()
def decode_field(
    field: Field,
    resolution: int,
    *,
    mode: DecodeMode = "sparse",
    bounds: tuple[float, float] = (-1.0, 1.0),
    start: int = decode_sparse.START,
    slope: float | None = None,
    band: float | None = None,
    grouped: bool = False,
    device: torch.device | str = "cpu",
) -> DecodedField:
    """Find the cells of a grid that a field's surface crosses, with the values at their corners.

    ``sparse`` refines from a coarse grid. With L a bound on the slope, a corner of value v fixes
    the sign of all points within |v| / L; a cell is refined while some corner of the final grid in
    it is fixed by none of its eight. On each level the surface is followed across crossed faces.
    If L bounds the slope everywhere, the result equals that of ``dense``. L is measured: 1.2 times
    the 0.9 quantile of gradients, by differences of the final grid where the coarse grid is
    crossed or its values are smallest. What that bounds depends on the field:

    - A distance: L exceeds the true slope, and nothing is missed.
    - A truncated distance (constant away from the surface) tells nothing where it is constant. Such
      cells are refined until they are at most 1/48 of the cube, and then count as empty: what lies
      between their corners, each further than the truncation width, is missed.
    - Logits of a classifier rise within one cell and are flat elsewhere, so that no bound on their
      slope proves anything in a coarse cell. L is then capped such that the band of the coarsest
      level is 0.6 of the typical magnitude. Specks that leave all corners of a coarse cell surer
      than that are searched for from corners nearer to zero than all around them
      (:mod:`gen3d.vecset.decode_seeds`). Lost are those that no such corner feels: specks and
      wires narrower than a coarse cell that hang on nothing that was found. A larger ``start``
      finds them, at the cost of ``start``^3 evaluations.

    ``flashvdm`` follows the reference step by step: its own resolution (256 becomes 252), the
    sign test between voxels, the band, dilations, no reuse of coarse samples. Cells with a corner
    that was not evaluated are left out.

    Args:
        field: The field. Wrap a plain function in :class:`PointField`.
        resolution: Cells per axis asked for, R.
        mode: How.
        bounds: Coordinates of the first and the last sample on each axis.
        start: ``sparse``: the coarsest level has at least this many cells per axis (or R). Where R
            is no multiple of it, the coarse grid reaches beyond the upper bounds; what lies there
            is dropped.
        slope: ``sparse``: bound on the slope near the surface, per unit of length; measured where
            it is None.
        band: ``flashvdm``: voxels of a smaller magnitude are near the surface. The reference has
            0.95 for values truncated to [-1, 1]; None takes the equivalent for a field of any
            slope, ``0.95 * 0.02 * median slope``.
        grouped: Tell the field which queries lie together, for a selection of keys.
        device: Where the indices are made.

    Raises:
        InputError: Resolution, start, slope, band or bounds are out of range.
        EmptySurfaceError: No cell is crossed; tells the range of values seen.
        Gen3dError: The field gave NaN.
    """
    _check(resolution, bounds, start, slope, band)
    published = decode_flashvdm.flashvdm_levels(resolution)
    if mode == "flashvdm":
        resolution = published[-1]
    side = resolution
    if mode == "sparse":
        halvings = decode_sparse.sparse_halvings(resolution, start)
        side = -(-resolution // 2**halvings) * 2**halvings
    grid = Grid(bounds[0], (bounds[1] - bounds[0]) / resolution, side + 1)
    sampling = FieldSampling(field, grid, device, grouped=grouped)
    if mode == "dense":
        found = _find_dense(sampling, resolution)
    elif mode == "flashvdm":
        found = decode_flashvdm.find_crossed(sampling, field, published, band=band)
    else:
        found = decode_sparse.find_crossed(sampling, resolution, start=start, slope=slope)
    if len(found.cells) == 0:
        raise EmptySurfaceError(
            f"the field has no surface: its values lie in {sampling.low:.4g}..{sampling.high:.4g}",
            hint="try another seed, more steps or a higher resolution",
        )
    report = DecodeReport(
        found.levels,
        sampling.evaluations,
        found.followed,
        found.slope,
        sampling.low,
        sampling.high,
    )
    return DecodedField(found.cells, found.values, resolution, bounds, report)


def count_missed_cells(decoded: DecodedField, oracle: DecodedField) -> int:
    """Count the cells that ``oracle`` (a dense decode of the same grid) has and ``decoded`` lacks.

    Raises:
        InputError: The grids differ.
    """
    if (decoded.resolution, decoded.bounds) != (oracle.resolution, oracle.bounds):
        raise InputError(
            f"cannot compare a grid of {decoded.resolution} cells in {decoded.bounds} "
            f"with one of {oracle.resolution} in {oracle.bounds}"
        )
    known = _keys(decoded.cells, decoded.resolution)
    return int((~torch.isin(_keys(oracle.cells, oracle.resolution), known)).sum())


def _find_dense(sampling: FieldSampling, resolution: int) -> CrossedCells:
    """Sample slab after slab of the whole grid, and keep the crossed cells only."""
    side = resolution + 1
    depth = max(1, _SLAB // side**2)
    axis = torch.arange(side, dtype=torch.int32, device=sampling.device)
    last = torch.empty(0, side, side, device=sampling.device)
    cells, values = [], []
    for begin in range(0, side, depth):
        index = torch.cartesian_prod(axis[begin : begin + depth], axis, axis)
        slab = torch.cat([last, sampling(index).view(-1, side, side)])
        last = slab[-1:]
        if len(slab) < 2:
            continue
        inside = slab > 0
        n = resolution
        views = [(slice(x, len(slab) - 1 + x), slice(y, n + y), slice(z, n + z))
                 for x, y, z in CORNER_OFFSETS]  # fmt: skip
        some, every = inside[views[0]].clone(), inside[views[0]].clone()
        for view in views[1:]:
            some |= inside[view]
            every &= inside[view]
        at = (some & ~every).nonzero()
        corners = at[:, None] + torch.tensor(CORNER_OFFSETS, device=at.device)
        x, y, z = corners.unbind(-1)
        values.append(slab[x, y, z])
        cells.append((at + at.new_tensor([max(begin - 1, 0), 0, 0])).int())
    found = torch.cat(values)
    assert bool(crossed_cells(found).all())
    return CrossedCells(torch.cat(cells), found, (resolution,), 0, 0.0)


def _keys(index: Int[Tensor, "n 3"], side: int) -> Int[Tensor, " n"]:
    x, y, z = index.long().unbind(-1)
    return (x * side + y) * side + z


def _check(
    resolution: int,
    bounds: tuple[float, float],
    start: int,
    slope: float | None,
    band: float | None,
) -> None:
    # The coarse grid may reach up to twice as far; keys of its corners must fit in 63 bits.
    if not 1 <= resolution <= MAX_RESOLUTION // 2:
        raise InputError(f"resolution is {resolution}, expected 1 to {MAX_RESOLUTION // 2}")
    if not bounds[0] < bounds[1]:
        raise InputError(f"bounds are {bounds}, expected the lower one first")
    if start < 1:
        raise InputError(f"start is {start}, expected at least 1")
    for name, value in (("slope", slope), ("band", band)):
        if value is not None and not value >= 0:
            raise InputError(f"{name} is {value}, expected a number from 0 up")
