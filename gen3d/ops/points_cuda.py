"""What the CUDA twins of the point kernels need from torch: scratch memory, and grids of cells."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d.ops.backend import kernels

# A surface crosses about side^2 cells: this many points in each.
_POINTS_PER_CELL = 6
# Bounds the table of cells by the number of points.
_CELLS_PER_POINT = 4
# Larger clouds are shared out among all multiprocessors, one launch per sample.
_ONE_BLOCK = 1 << 15


@dataclass(frozen=True)
class _Grid:
    """Points in the order of the cells of a cube, for each cloud of a batch.

    Attributes:
        low: Lowest corners.
        size: Edge of a cell.
        starts: Where each cell's points begin, for all clouds in a row, and the end.
        points: All clouds' points in that order.
        ids: Their indices within their cloud.
        side: Cells per axis.
    """

    low: Float[Tensor, "b 3"]
    size: Float[Tensor, " b"]
    starts: Int[Tensor, " cells"]
    points: Float[Tensor, "bn 3"]
    ids: Int[Tensor, " bn"]
    side: int

    @classmethod
    def of(cls, points: Float[Tensor, "b n 3"]) -> _Grid:
        """Sort the points of clouds into cells."""
        b, n, _ = points.shape
        by_surface, by_volume = (n / _POINTS_PER_CELL) ** 0.5, (_CELLS_PER_POINT * n) ** (1 / 3)
        side = max(1, int(min(by_surface, by_volume)))
        # In double, so that no extent overflows.
        low = points.amin(1).double()
        extent = (points.amax(1).double() - low).amax(1)
        size = torch.where(extent > 0, extent / side, 1.0)
        at = ((points.double() - low[:, None]) / size[:, None, None]).long().clamp_(0, side - 1)
        cell = (at[..., 0] * side + at[..., 1]) * side + at[..., 2]
        cell += torch.arange(b, device=points.device)[:, None] * side**3
        sorted_cells, order = cell.flatten().sort(stable=True)
        edges = torch.arange(b * side**3 + 1, device=points.device)
        starts = torch.searchsorted(sorted_cells, edges)
        ids = (order % n).int()
        return cls(low, size, starts, points.flatten(0, 1)[order].contiguous(), ids, side)

    def tensors(self) -> tuple[Tensor, ...]:
        """Return the arrays in the kernels' order."""
        return self.low, self.size, self.starts, self.points, self.ids


def farthest(points: Float[Tensor, "b n 3"], first: int, samples: Int[Tensor, "b m"]) -> None:
    """Fill ``samples`` by farthest point sampling."""
    module, stream = kernels(points.device)
    distance = torch.full(points.shape[:2], float("inf"), device=points.device)
    best = torch.zeros(samples.shape, dtype=torch.int64, device=points.device)
    whole = points.shape[1] <= _ONE_BLOCK
    module.points_farthest(points, first, whole, distance, best, samples, stream)


def nearest(
    queries: Float[Tensor, "b m 3"],
    points: Float[Tensor, "b n 3"],
    skip_self: bool,
    distances: Float[Tensor, "b m k"],
    indices: Int[Tensor, "b m k"],
) -> None:
    """Fill in the nearest points of queries."""
    grid = _Grid.of(points)
    module, stream = kernels(points.device)
    module.points_nearest(
        queries, *grid.tensors(), grid.side, skip_self, distances, indices, stream
    )


def ball(
    queries: Float[Tensor, "b m 3"],
    points: Float[Tensor, "b n 3"],
    limit: float,
    indices: Int[Tensor, "b m k"],
) -> None:
    """Fill in the points around queries, in order of index."""
    grid = _Grid.of(points)
    module, stream = kernels(points.device)
    module.points_ball(queries, *grid.tensors(), grid.side, limit, indices, stream)


def auction(
    bidders: Float[Tensor, "b n 3"],
    objects: Float[Tensor, "b n 3"],
    eps: Float[Tensor, " phases"],
    rounds: int,
    assignment: Int[Tensor, "b n"],
    matched: Tensor,
) -> None:
    """Fill in who gets what, and whether for himself."""
    shape, device = bidders.shape[:2], bidders.device
    numbers = torch.zeros(2, *shape, device=device)
    names = torch.empty(3, *shape, dtype=torch.int32, device=device)
    highest = torch.zeros(shape, dtype=torch.int64, device=device)
    module, stream = kernels(device)
    module.points_auction(
        *(bidders, objects, eps.to(device), rounds),
        *(numbers, names, highest, assignment, matched, stream),
    )
