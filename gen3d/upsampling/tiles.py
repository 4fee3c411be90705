"""Clouds of any size, tile by tile: memory is bounded by the tile, results do not depend on order.

Boxes of about equally many points share the space; each is interpolated together with a halo of
its surroundings as wide as the patches reach, and answers for what lies in the box. Numbers of
new points are shared out beforehand, so tiles need nothing of each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from gen3d.errors import InputError
from gen3d.ops.points import knn
from gen3d.upsampling.densify import EVERYWHERE, Core

_REACH = 2.0
"""Halo over the radius of a patch: its seed may lie outside, and the patch around that."""

_PROBES = 64
_PROBE_QUANTILE = 0.9


@dataclass(frozen=True)
class Tile:
    """One box.

    Attributes:
        core: The box.
        first: Its first point, in the plan's order.
        last: One past its last.
        low: Least coordinates of its points.
        high: Greatest coordinates.
        count: How many points to make in it.
    """

    core: Core
    first: int
    last: int
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    count: int

    def __len__(self) -> int:
        return self.last - self.first


@dataclass(frozen=True)
class TilePlan:
    """Tiles that share a cloud.

    Attributes:
        order: Points tile by tile, ascending within each.
        tiles: The boxes.
    """

    order: Int[np.ndarray, " n"]
    tiles: tuple[Tile, ...]

    @cached_property
    def bounds(self) -> tuple[Float[np.ndarray, "tiles 3"], Float[np.ndarray, "tiles 3"]]:
        """Least and greatest coordinates of the points of every tile."""
        return np.array([t.low for t in self.tiles]), np.array([t.high for t in self.tiles])

    def surroundings(
        self, points: Float[np.ndarray, "n 3"], tile: Tile, halo: float
    ) -> Int[np.ndarray, " k"]:
        """Return the places, in the plan's order, of a tile's points and of those around it.

        Args:
            points: The cloud in the plan's order; may be a memory map.
            tile: One of the plan's.
            halo: How far around its points.
        """
        low, high = np.array(tile.low) - halo, np.array(tile.high) + halo
        lows, highs = self.bounds
        near = np.flatnonzero(((lows <= high) & (highs >= low)).all(axis=1))
        found = []
        for other in (self.tiles[i] for i in near):
            rows = np.arange(other.first, other.last)
            part = points[other.first : other.last]
            found.append(rows[((part >= low) & (part <= high)).all(axis=1)])
        return np.concatenate(found)


def plan_tiles(points: Float[np.ndarray, "n 3"], size: int, count: int) -> TilePlan:
    """Halve a cloud along its longest side until no part has more than ``size`` points.

    Args:
        points: The cloud; equal points stay together, however many.
        size: Points of a tile, at most.
        count: Points to make in all; tiles get shares by their numbers of points.

    Raises:
        InputError: There are no points, or ``size`` is not positive.
    """
    if not len(points) or size < 1:
        raise InputError(f"tiles of {size} of {len(points)} points, both must be positive")
    waiting, leaves = [(np.arange(len(points)), EVERYWHERE)], []
    while waiting:
        rows, core = waiting.pop()
        cut = _cut(points[rows]) if len(rows) > size else None
        if cut is None:
            leaves.append((rows, core))
            continue
        axis, value = cut
        left = points[rows, axis] < value
        below, above = list(core.high), list(core.low)
        below[axis] = above[axis] = value
        # The right part waits below the left one, so that leaves come out in order.
        waiting.append((rows[~left], Core((above[0], above[1], above[2]), core.high)))
        waiting.append((rows[left], Core(core.low, (below[0], below[1], below[2]))))
    sizes = np.array([len(rows) for rows, _ in leaves])
    ends, shares = np.cumsum(sizes), share_out(count, sizes)
    tiles = []
    for (rows, core), end, share in zip(leaves, ends.tolist(), shares, strict=True):
        inside = points[rows]
        low, high = inside.min(axis=0).tolist(), inside.max(axis=0).tolist()
        tiles.append(Tile(core, end - len(rows), end, tuple(low), tuple(high), share))
    return TilePlan(np.concatenate([rows for rows, _ in leaves]), tuple(tiles))


def share_out(count: int, weights: Int[np.ndarray, " n"]) -> list[int]:
    """Split a number in proportion to weights, exactly: the largest remainders get one more."""
    total = int(weights.sum())
    products = [count * int(weight) for weight in weights]
    shares = [product // total for product in products]
    by_remainder = sorted(range(len(shares)), key=lambda i: (-(products[i] % total), i))
    for i in by_remainder[: count - sum(shares)]:
        shares[i] += 1
    return shares


def halo_width(points: Float[np.ndarray, "n 3"], patch_points: int, rate: float) -> float:
    """Return how far around a tile points matter to it: as far as its patches reach.

    Args:
        points: Of the tile.
        patch_points: New points of a patch.
        rate: New points over points.
    """
    inside = torch.from_numpy(np.ascontiguousarray(points, np.float32))
    probes = inside[:: max(1, len(inside) // _PROBES)]
    neighbours = min(len(inside), max(8, math.ceil(patch_points / rate)))
    radii = knn(probes, inside, neighbours).distances_squared[:, -1].sqrt()
    return _REACH * float(radii.quantile(_PROBE_QUANTILE))


def distinct_rows(points: Float[np.ndarray, "n 3"]) -> Bool[np.ndarray, " n"]:
    """Return which rows equal no earlier one."""
    bits = np.ascontiguousarray(points + 0.0, np.float32).view(np.uint32).astype(np.uint64)
    # Rows of equal hashes are compared below.
    keys = (bits * np.array([73856093, 19349663, 83492791], np.uint64)).sum(axis=1)
    _, first, label = np.unique(keys, return_index=True, return_inverse=True)
    earlier = first[label]
    return (earlier == np.arange(len(points))) | (points != points[earlier]).any(axis=1)


def _cut(points: Float[np.ndarray, "n 3"]) -> tuple[int, float] | None:
    """Return an axis and a value with points below it and points not, or None if all are equal."""
    low, high = points.min(axis=0), points.max(axis=0)
    axis = int((high - low).argmax())
    if not high[axis] > low[axis]:
        return None
    along = points[:, axis]
    value = np.partition(along, len(along) // 2)[len(along) // 2]
    if not value > low[axis]:
        value = along[along > value].min()
    return axis, float(value)
