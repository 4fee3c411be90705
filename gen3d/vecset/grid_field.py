"""What the decoders ask of a field, and how a grid's corners are numbered.

A field gives one value per point, positive inside. Decoders sample it at corners of a grid only,
by integer index, since a field that knows the grid can answer faster than one that sees
coordinates (a query's Fourier features depend on one axis each).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d.errors import Gen3dError

FieldFunction: TypeAlias = Callable[[Float[Tensor, "n 3"]], Float[Tensor, " n"]]
"""A field at any points: one value per point, positive inside, float32."""

DEFAULT_CHUNK = 16_384
WALL_VALUE = -1e-3
"""What a field closed at the walls of its cube has there, where it would be more."""


@dataclass(frozen=True)
class Grid:
    """Corners of a cubic grid: index (i, j, k) is at ``lo + size * (i, j, k)``.

    Attributes:
        lo: Coordinate of index 0 on every axis.
        size: Edge of one cell.
        side: Corners per axis. May reach beyond the bounds that a user gave, where the resolution
            is no multiple of the coarse cells; indices are below ``side`` always.
    """

    lo: float
    size: float
    side: int

    def points(self, index: Int[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
        """Return the coordinates of corners, rounded once, so equal on every level and path."""
        return (self.lo + self.size * index.double()).float()


@dataclass(frozen=True)
class QueryGroups:
    """Which consecutive queries of one call belong together in space, for a selection of keys.

    Attributes:
        offsets: Query ``offsets[g]`` up to ``offsets[g + 1]`` form group g; the first is 0 and the
            last the number of queries.
        level: 0 for the coarsest level of a decode, then 1, 2...
    """

    offsets: Int[Tensor, " groups_1"]
    level: int


class GridSampler(Protocol):
    """Samples one grid's corners. A value depends on its index alone, and on its group if given."""

    def __call__(
        self, index: Int[Tensor, "n 3"], groups: QueryGroups | None = None, /
    ) -> Float[Tensor, " n"]:
        """Return float32 values of corners (int32 or int64 indices, any number of them).

        Fields without a selection of keys ignore ``groups``.
        """
        ...


class Field(Protocol):
    """What :func:`gen3d.vecset.decode.decode_field` decodes."""

    def __call__(self, points: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
        """Return float32 values at any points."""
        ...

    def on_grid(self, grid: Grid) -> GridSampler:
        """Prepare to sample corners of one grid."""
        ...


class PointField:
    """A plain function of points as a field.

    Args:
        function: The function, called with at most ``chunk`` points.
        chunk: Points per call.
    """

    def __init__(self, function: FieldFunction, *, chunk: int = DEFAULT_CHUNK) -> None:
        self.function, self.chunk = function, chunk

    def __call__(self, points: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
        """Return float32 values at any points."""
        if len(points) <= self.chunk:
            return self.function(points).float()
        return torch.cat([self.function(part).float() for part in points.split(self.chunk)])

    def on_grid(self, grid: Grid) -> GridSampler:
        """Sample corners at their coordinates."""

        def sample(
            index: Int[Tensor, "n 3"], groups: QueryGroups | None = None, /
        ) -> Float[Tensor, " n"]:
            return self(grid.points(index))

        return sample


class FieldSampling:
    """Samples a field on one grid, checks the values and keeps count.

    Args:
        field: The field.
        grid: Where.
        device: Where indices are made.
        grouped: Tell the field which queries belong together.
    """

    def __init__(
        self, field: Field, grid: Grid, device: torch.device | str, *, grouped: bool = False
    ) -> None:
        self.grid, self.device, self.grouped = grid, torch.device(device), grouped
        self.evaluations, self.low, self.high = 0, float("inf"), float("-inf")
        self._sample = field.on_grid(grid)

    def __call__(
        self, index: Int[Tensor, "n 3"], groups: QueryGroups | None = None
    ) -> Float[Tensor, " n"]:
        """Return the values at corners.

        Raises:
            Gen3dError: The field gave NaN.
        """
        values = self._sample(index, groups)
        self.evaluations += len(index)
        low, high = (float(x) for x in torch.aminmax(values))
        # NaN spreads to both.
        if low != low:
            count = int(values.isnan().sum())
            raise Gen3dError(f"the field is not a number at {count} of {len(values)} points")
        self.low, self.high = min(self.low, low), max(self.high, high)
        return values


@dataclass(frozen=True)
class CrossedCells:
    """What a decoder found.

    Attributes:
        cells: The cells that the surface crosses, in lexicographic order.
        values: Field at their corners.
        levels: Cells per axis of each level, coarse to fine.
        followed: Cells found by following the surface.
        slope: Bound on the field's slope that was used, per unit of length; 0 where none was.
    """

    cells: Int[Tensor, "c 3"]
    values: Float[Tensor, "c 8"]
    levels: tuple[int, ...]
    followed: int
    slope: float
