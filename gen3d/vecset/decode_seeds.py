"""Small parts between coarse samples: climb from the samples that feel them.

A speck smaller than a coarse cell changes no sign of the coarse grid and may leave all of its
corners surer than the band. But it raises the field around it, so that some coarse corner is
nearer to zero than all its neighbours. From such corners a pattern search (Hooke & Jeeves 1961)
goes on to finer and finer steps of the final grid, always towards zero; where it comes upon the
other sign, the edge between yields a crossed cell from which the speck's surface is followed.
"""

from __future__ import annotations

import itertools

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d.ops.isosurface import CORNER_OFFSETS
from gen3d.vecset.grid_field import FieldSampling

# A top stands out from some neighbour by this share of the field's range; a plateau has none.
_PROMINENCE = 1e-3
# Across faces and corners: with the edges too, the cost doubles and nothing more was found.
_AROUND = [way for way in itertools.product((-1, 0, 1), repeat=3) if sum(map(abs, way)) in (1, 3)]


def climbed_cells(
    at: Int[Tensor, "c 3"], values: Float[Tensor, "c 8"], sampling: FieldSampling, steps: int
) -> Int[Tensor, "s 3"]:
    """Find crossed cells of the final grid near coarse corners that are nearest to zero.

    Costs 14 evaluations per such corner and halving, and at most ``3 steps + 3`` per find.

    Args:
        at: All cells of the coarse level, int32.
        values: Their corner values.
        sampling: Samples the final grid.
        steps: Final cells per edge of a coarse cell; a power of two, at least 2.

    Returns:
        Distinct crossed cells, at most one per corner that was climbed from.
    """
    tops = _tops(at, values)
    start = (tops * steps).clamp(max=sampling.grid.side - 1)
    if len(start) == 0:
        return at[:0]
    values_there = sampling(start)
    sign = torch.where(values_there > 0, -1.0, 1.0)
    best, here = values_there * sign, start
    ways = torch.tensor(_AROUND, device=at.device, dtype=at.dtype)
    step = steps // 2
    while step:
        around = (here[:, None] + step * ways).clamp(0, sampling.grid.side - 1)
        found, way = (sampling(around.reshape(-1, 3)).view(len(here), -1) * sign[:, None]).max(1)
        rows = torch.arange(len(here), device=at.device)
        here = torch.where((found > best)[:, None], around[rows, way], here)
        best = found.maximum(best)
        step //= 2
    crossed = (best * sign > 0) != (values_there > 0)
    return _between(start[crossed], here[crossed], sampling, steps)


def _tops(at: Int[Tensor, "c 3"], values: Float[Tensor, "c 8"]) -> Int[Tensor, "t 3"]:
    """Return the corners nearer to zero than their 26 neighbours, all of the same sign."""
    side = int(at.max()) + 2
    grid = values.new_zeros(side, side, side)
    offsets = torch.tensor(CORNER_OFFSETS, device=at.device)
    x, y, z = (at[:, None].long() + offsets).unbind(-1)
    grid[x, y, z] = values
    highest, lowest = _highest(grid), -_highest(-grid)
    margin = _PROMINENCE * (grid.max() - grid.min())
    outside = (grid <= 0) & (grid >= highest) & (grid > lowest + margin)
    inside = (grid > 0) & (grid <= lowest) & (grid < highest - margin)
    return (outside | inside).nonzero().to(at.dtype)


def _highest(grid: Float[Tensor, "x y z"]) -> Float[Tensor, "x y z"]:
    return torch.nn.functional.max_pool3d(grid[None], 3, stride=1, padding=1)[0]


def _between(
    start: Int[Tensor, "s 3"], end: Int[Tensor, "s 3"], sampling: FieldSampling, length: int
) -> Int[Tensor, "d 3"]:
    """Return a crossed cell on the way along the axes from each start to its end."""
    if len(start) == 0:
        return start
    along = torch.arange(length + 1, device=start.device, dtype=start.dtype)[:, None]
    corner, legs = start[:, None], []
    for axis in range(3):
        way = torch.zeros_like(start)
        way[:, axis] = end[:, axis] - start[:, axis]
        legs.append(corner + way.sign()[:, None] * along.minimum(way.abs()[:, None]))
        corner = corner + way[:, None]
    path = torch.cat(legs, 1)
    inside = sampling(path.reshape(-1, 3)).view(len(start), -1) > 0
    first = (inside[:, 1:] != inside[:, :-1]).int().argmax(1)
    rows = torch.arange(len(start), device=start.device)
    edge = torch.stack([path[rows, first], path[rows, first + 1]])
    return edge.amin(0).clamp(max=sampling.grid.side - 2).unique(dim=0)
