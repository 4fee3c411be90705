"""The hierarchical decoding of FlashVDM (Lai et al. 2025, arXiv 2503.16302), for comparison.

Voxels, not cells: a sample is near the surface if its sign differs from a neighbour's or its
magnitude is within a band; what is near is dilated and sampled anew on the next grid. One byte per
corner of the level says what is known of it: this mode is here for parity, not for memory.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int, Int8
from torch import Tensor

from gen3d.ops.isosurface import CORNER_OFFSETS
from gen3d.vecset.decode_slope import measured_slopes
from gen3d.vecset.grid_field import CrossedCells, Field, FieldSampling, QueryGroups

MIN_RESOLUTION = 63
CUBES = 4
BOXES = 6
_UNKNOWN = 2


def flashvdm_levels(resolution: int) -> tuple[int, ...]:
    """Return the reference's cells per axis, coarse to fine; 256 gives 63, 126, 252."""
    levels = [resolution]
    while levels[-1] // 2 >= MIN_RESOLUTION:
        levels.append(levels[-1] // 2)
    # Python's round goes to even, as the reference's does. Below 4 the reference has no grid.
    coarsest = max(round(levels[-1] / CUBES), 1) * CUBES - 1
    return tuple(coarsest * 2**i for i in range(len(levels)))


def find_crossed(
    sampling: FieldSampling, field: Field, levels: tuple[int, ...], *, band: float | None
) -> CrossedCells:
    """Find crossed cells by the reference's rule; see :func:`gen3d.vecset.decode.decode_field`.

    Args:
        sampling: Samples the finest grid.
        field: The same field.
        levels: From :func:`flashvdm_levels`.
        band: Magnitude below which a voxel is near the surface; None: an equivalent of 0.95.
    """
    side, device = levels[0] + 1, sampling.device
    axis = torch.arange(side, device=device)
    index = torch.cartesian_prod(axis, axis, axis)
    stride = 2 ** (len(levels) - 1)
    x, y, z = (index // (side // CUBES)).unbind(-1)
    values = _sample(sampling, index, stride, 0, (x * CUBES + y) * CUBES + z)
    if band is None:
        band = _equivalent_band(field, sampling, index, values, side, stride)
    for level, cells in enumerate(levels[1:], 1):
        near = near_surface(index, values, side, band)
        side, stride = cells + 1, stride // 2
        index = fine_mask(near, last=stride == 1).nonzero()
        values = _sample(sampling, index, stride, level, bounding_boxes(index))
    found, corners = _complete_cells(index, values, side)
    return CrossedCells(found, corners, levels, 0, 0.0)


def near_surface(
    index: Int[Tensor, "n 3"], values: Float[Tensor, " n"], side: int, band: float
) -> Bool[Tensor, "side side side"]:
    """Mark known voxels that differ in sign from one of six neighbours, or lie within the band."""
    x, y, z = index.unbind(-1)
    signs = torch.full((side,) * 3, _UNKNOWN, dtype=torch.int8, device=index.device)
    signs[x, y, z] = values.sign().to(torch.int8)
    near = torch.zeros_like(signs, dtype=torch.bool)
    for axis in range(3):
        a, b = signs.narrow(axis, 0, side - 1), signs.narrow(axis, 1, side - 1)
        differ = (a != b) & (a != _UNKNOWN) & (b != _UNKNOWN)
        near.narrow(axis, 0, side - 1).logical_or_(differ)
        near.narrow(axis, 1, side - 1).logical_or_(differ)
    near[x, y, z] |= values.abs() < band
    return near


def fine_mask(near: Bool[Tensor, "s s s"], *, last: bool) -> Bool[Tensor, "t t t"]:
    """Return the samples of the next grid: dilated once before and once after, or twice after."""
    side = 2 * (near.shape[0] - 1) + 1
    fine = torch.zeros((side,) * 3, dtype=torch.bool, device=near.device)
    fine[::2, ::2, ::2] = near if last else _dilate(near)
    fine = _dilate(fine)
    return _dilate(fine) if last else fine


def bounding_boxes(index: Int[Tensor, "n 3"]) -> Int[Tensor, " n"]:
    """Return for each sample its box among 6^3 that divide the samples' bounding box."""
    if len(index) == 0:
        return index.new_empty(0)
    low, high = index.amin(0), index.amax(0)
    # An axis along which all samples agree is one box; the reference divides by zero there.
    place = (index - low).float() / (high - low).clamp(min=1).float()
    x, y, z = (place * (BOXES - 0.001)).floor().long().unbind(-1)
    return (x * BOXES + y) * BOXES + z


def _dilate(mask: Bool[Tensor, "s s s"]) -> Bool[Tensor, "s s s"]:
    """Grow by one voxel, diagonals included."""
    side = mask.shape[0]
    for axis in range(3):
        grown = mask.clone()
        grown.narrow(axis, 0, side - 1).logical_or_(mask.narrow(axis, 1, side - 1))
        grown.narrow(axis, 1, side - 1).logical_or_(mask.narrow(axis, 0, side - 1))
        mask = grown
    return mask


def _sample(
    sampling: FieldSampling,
    index: Int[Tensor, "n 3"],
    stride: int,
    level: int,
    group_of: Int[Tensor, " n"],
) -> Float[Tensor, " n"]:
    if len(index) == 0:
        return torch.empty(0, device=index.device)
    if not sampling.grouped:
        return sampling(index * stride)
    group_of, order = group_of.sort(stable=True)
    _, counts = group_of.unique_consecutive(return_counts=True)
    groups = QueryGroups(torch.nn.functional.pad(counts.cumsum(0), (1, 0)), level)
    values = torch.empty(len(index), device=index.device)
    values[order] = sampling(index[order] * stride, groups)
    return values


def _equivalent_band(
    field: Field,
    sampling: FieldSampling,
    index: Int[Tensor, "n 3"],
    values: Float[Tensor, " n"],
    side: int,
    stride: int,
) -> float:
    """0.95 of what a field of this slope reaches at the published truncation width, 0.02."""
    grid = values.view(side, side, side)
    low = index[(index < side - 1).all(1)].int()
    x, y, z = (low[:, None] + torch.tensor(CORNER_OFFSETS, device=low.device)).unbind(-1)
    # Apart from the count: the reference knows its field.
    probes = FieldSampling(field, sampling.grid, sampling.device)
    slopes = measured_slopes(low, grid[x, y, z], probes, stride)
    return 0.95 * 0.02 * float(slopes.median())


def _complete_cells(
    index: Int[Tensor, "n 3"], values: Float[Tensor, " n"], side: int
) -> tuple[Int[Tensor, "c 3"], Float[Tensor, "c 8"]]:
    """Return the crossed cells whose eight corners are known."""
    grid = torch.full((side**3,), float("nan"), device=index.device)
    flat = (index[:, 0] * side + index[:, 1]) * side + index[:, 2]
    grid[flat] = values
    index = index[(index < side - 1).all(1)]
    flat = (index[:, 0] * side + index[:, 1]) * side + index[:, 2]
    inside, known = _corner_tests(grid, flat, side)
    rows = (known & (inside > 0) & (inside < 8)).nonzero().squeeze(1)
    offsets = torch.tensor([(x * side + y) * side + z for x, y, z in CORNER_OFFSETS]).to(flat)
    return index[rows].int(), grid[flat[rows, None] + offsets]


def _corner_tests(
    grid: Float[Tensor, " n"], flat: Int[Tensor, " c"], side: int
) -> tuple[Int8[Tensor, " c"], Bool[Tensor, " c"]]:
    inside = torch.zeros(len(flat), dtype=torch.int8, device=flat.device)
    known = torch.ones(len(flat), dtype=torch.bool, device=flat.device)
    for x, y, z in CORNER_OFFSETS:
        corner = grid[flat + (x * side + y) * side + z]
        inside += corner > 0
        known &= ~corner.isnan()
    return inside, known
