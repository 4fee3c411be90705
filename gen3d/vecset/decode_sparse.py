"""Sparse decoding: only where the surface may be, with every choice proven by a slope bound.

Level by level, coarse to fine. A cell's eight values and a bound on the field's slope prove the
sign of the points around them (a corner of value v settles all within ``|v| / slope``). Children
with no corner in doubt are dropped. On the last level the corners in doubt are evaluated first,
then what the crossed cells still lack; on every level the surface is followed across crossed faces.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d.ops import cells as ops
from gen3d.ops.cells import Bricks
from gen3d.vecset.decode_seeds import climbed_cells
from gen3d.vecset.decode_slope import measured_slopes
from gen3d.vecset.grid_field import CrossedCells, FieldSampling, QueryGroups

START = 32
"""The coarsest level has at least this many cells per axis."""
TRUST = 48
"""From this many cells per axis on, a cell whose corners are all saturated counts as empty."""
SAFETY = 1.2
"""The bound over the slope that was measured."""
_QUANTILE = 0.9
_SATURATED = 0.98
# A field this much flatter in the coarse grid than at its surface is no distance.
_FLAT = 1 / 8
# Truncated: this share of the coarse corners has the very largest or smallest value.
_TRUNCATED = 0.05
# What the band of the coarsest level may take of a classifier's typical magnitude.
_BAND = 0.6


@dataclass(frozen=True)
class _Cells:
    """Cells of one level with their corner values: a few runs in Morton order, for locality."""

    at: Int[Tensor, "c 3"]
    values: Float[Tensor, "c 8"]


def find_crossed(
    sampling: FieldSampling, resolution: int, *, start: int, slope: float | None
) -> CrossedCells:
    """Find the crossed cells of a grid; see :func:`gen3d.vecset.decode.decode_field`."""
    halvings = sparse_halvings(resolution, start)
    coarse = -(-resolution // 2**halvings)
    device = sampling.device
    at = _whole_grid(coarse, device)
    bricks = ops.open_bricks(Bricks.empty(device), at)
    ops.ask_corners(bricks, at)
    _evaluate(bricks, sampling, stride=2**halvings, level=0)
    cells = _Cells(at, ops.gather_corners(bricks, at))
    levels, followed = [coarse], 0
    if halvings == 0:
        return _crossed(cells, resolution, (resolution,), 0, 0.0)

    if slope is None:
        slope = _bound(cells, sampling, 2**halvings)
    reach = slope * sampling.grid.size
    low, high = _saturation(cells.values)
    seeds = climbed_cells(at, cells.values, sampling, 2**halvings)
    for level in range(1, halvings + 1):
        steps = 2 ** (halvings - level + 1)
        limit = -(-resolution * 2 // steps)
        trusted = levels[-1] >= TRUST
        live = ops.live_children(
            cells.values,
            reach=reach,
            steps=steps,
            low=low if trusted else -math.inf,
            high=high if trusted else math.inf,
        )
        find = _refine if level < halvings else _refine_last
        bricks, cells = find(bricks, cells, live, sampling, limit, steps // 2, level, reach)
        found = len(cells.at)
        if level == halvings:
            bricks, cells = _join(bricks, cells, seeds, sampling, steps // 2, level)
        bricks, cells = _follow(bricks, cells, sampling, limit, steps // 2, level)
        followed += len(cells.at) - found
        levels.append(limit)
    return _crossed(cells, resolution, tuple(levels), followed, slope)


def sparse_halvings(resolution: int, start: int) -> int:
    """Return how often the coarsest grid is refined, each time by two."""
    return max(0, int(math.log2(resolution / start))) if resolution > start else 0


def _whole_grid(side: int, device: torch.device) -> Int[Tensor, "c 3"]:
    """All cells of a grid in Morton order: children of one cell, again and again."""
    at = torch.zeros(1, 3, dtype=torch.int32, device=device)
    for halvings in range((side - 1).bit_length() - 1, -1, -1):
        every = torch.full((len(at),), 255, dtype=torch.uint8, device=device)
        at = ops.children(at, every, limit=-(-side // 2**halvings))
    return at


def _crossed(
    cells: _Cells, resolution: int, levels: tuple[int, ...], followed: int, slope: float
) -> CrossedCells:
    rows = ops.crossed_rows(cells.at, cells.values, side=resolution)
    return CrossedCells(cells.at[rows], cells.values[rows], levels, followed, slope)


def _refine(
    coarser: Bricks,
    parents: _Cells,
    live: Tensor,
    sampling: FieldSampling,
    limit: int,
    stride: int,
    level: int,
    reach: float,
) -> tuple[Bricks, _Cells]:
    """Evaluate all corners of the live children."""
    at = ops.children(parents.at, live, limit=limit)
    bricks = ops.open_bricks(Bricks.empty(at.device), at, coarser=coarser)
    ops.claim_cells(bricks, at)
    ops.ask_corners(bricks, at)
    _evaluate(bricks, sampling, stride, level)
    return bricks, _Cells(at, ops.gather_corners(bricks, at))


def _refine_last(
    coarser: Bricks,
    parents: _Cells,
    live: Tensor,
    sampling: FieldSampling,
    limit: int,
    stride: int,
    level: int,
    reach: float,
) -> tuple[Bricks, _Cells]:
    """Evaluate the corners in doubt, then those that the crossed children still lack."""
    rows = live.nonzero().squeeze(1)
    at, values, live = parents.at[rows], parents.values[rows], live[rows]
    bricks = ops.open_bricks(Bricks.empty(at.device), at, coarser=coarser, scale=2)
    ops.mark_sure(bricks, at, values, reach=reach)
    _evaluate(bricks, sampling, stride, level)
    crossed = ops.crossed_children(bricks, at, live)
    _evaluate(bricks, sampling, stride, level)
    at = ops.children(at, crossed, limit=limit)
    ops.claim_cells(bricks, at)
    return bricks, _Cells(at, ops.gather_corners(bricks, at))


def _follow(
    bricks: Bricks, cells: _Cells, sampling: FieldSampling, limit: int, stride: int, level: int
) -> tuple[Bricks, _Cells]:
    """Add the neighbours across crossed faces until every crossed cell of the surface is there."""
    parts = [cells]
    while len(parts[-1].at):
        at = ops.open_neighbours(bricks, parts[-1].at, parts[-1].values, limit=limit)
        if len(at) == 0:
            break
        bricks, more = _visit(bricks, at, sampling, stride, level)
        parts.append(more)
    return bricks, _joined(parts)


def _join(
    bricks: Bricks, cells: _Cells, at: Tensor, sampling: FieldSampling, stride: int, level: int
) -> tuple[Bricks, _Cells]:
    """Add those of some distinct cells that are not there yet."""
    bricks, more = _visit(bricks, at, sampling, stride, level)
    return bricks, _joined([cells, more])


def _visit(
    bricks: Bricks, at: Tensor, sampling: FieldSampling, stride: int, level: int
) -> tuple[Bricks, _Cells]:
    """Evaluate the corners of those of some distinct cells that were not visited yet."""
    bricks = ops.open_bricks(bricks, at)
    at = at[ops.claim_cells(bricks, at)]
    ops.ask_corners(bricks, at)
    _evaluate(bricks, sampling, stride, level)
    return bricks, _Cells(at, ops.gather_corners(bricks, at))


def _joined(parts: list[_Cells]) -> _Cells:
    if len(parts) == 1:
        return parts[0]
    at = torch.cat([part.at for part in parts])
    return _Cells(at, torch.cat([part.values for part in parts]))


def _evaluate(bricks: Bricks, sampling: FieldSampling, stride: int, level: int) -> None:
    index, slots = ops.take_wanted(bricks)
    if len(index) == 0:
        return
    groups = None
    if sampling.grouped:
        _, counts = (slots // ops.SLOTS).unique_consecutive(return_counts=True)
        groups = QueryGroups(torch.nn.functional.pad(counts.cumsum(0), (1, 0)), level)
    ops.store(bricks, slots, sampling(index * stride if stride > 1 else index, groups))


def _bound(cells: _Cells, sampling: FieldSampling, steps: int) -> float:
    """Choose the bound on the slope, per unit of length; see ``decode_field``."""
    values, edge = cells.values, steps * sampling.grid.size
    slopes = measured_slopes(cells.at, values, sampling, steps)
    slope = SAFETY * float(slopes.quantile(_QUANTILE))
    spread = (values.amax(1) - values.amin(1)).median() / (math.sqrt(3) * edge)
    low, high = values.min(), values.max()
    margin = 1e-3 * (high - low)
    truncated = ((values <= low + margin) | (values >= high - margin)).float().mean()
    if float(spread) > _FLAT * slope or float(truncated) > _TRUNCATED:
        return slope
    return min(slope, _BAND * float(values.abs().median()) / (0.5 * math.sqrt(3) * edge))


def _saturation(values: Float[Tensor, "c 8"]) -> tuple[float, float]:
    """Values at and beyond which the field is as sure as it gets."""
    low, high = _SATURATED * float(values.min()), _SATURATED * float(values.max())
    return low if low < 0 else -math.inf, high if high > 0 else math.inf
