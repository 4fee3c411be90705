"""Which points lie near which, by sorting them into cells."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int

_SHIFTS = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)


class CellIndex:
    """Points in cubic cells, so that all within one cell's side of a place lie in 27 of them.

    Args:
        points: What to look for; at least one.
        cell: Side of the cells, in the unit of the points.
    """

    def __init__(self, points: Float[np.ndarray, "n 3"], cell: float) -> None:
        self.points, self.cell = points, cell
        self._low = points.min(axis=0).astype(np.float64)
        place = np.floor((points - self._low) / cell).astype(np.int64)
        # A rim of two empty cells, so that what lies beyond meets no other row.
        self._side = place.max(axis=0) + 5
        keys = self._keys(place)
        self._order = np.argsort(keys, kind="stable")
        self._cells, self._start, self._count = np.unique(
            keys[self._order], return_index=True, return_counts=True
        )

    def candidates(
        self, queries: Float[np.ndarray, "q 3"]
    ) -> Iterator[tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"]]]:
        """Yield pairs of queries and points, no query twice in one batch.

        Together the batches hold every point within ``cell`` of a query, and others up to some
        three times as far.
        """
        place = np.floor((queries - self._low) / self.cell).astype(np.int64)
        place = place.clip(-2, self._side - 3)
        for shift in _SHIFTS:
            keys = self._keys((place + shift).clip(-2, self._side - 3))
            index = np.searchsorted(self._cells, keys).clip(max=len(self._cells) - 1)
            there = np.flatnonzero(self._cells[index] == keys)
            index = index[there]
            for k in range(int(self._count[index].max(initial=0))):
                left = self._count[index] > k
                there, index = there[left], index[left]
                yield there, self._order[self._start[index] + k]

    def nearest(
        self, queries: Float[np.ndarray, "q 3"]
    ) -> tuple[Int[np.ndarray, " q"], Float[np.ndarray, " q"]]:
        """Return the nearest point of each query and its distance; -1 and infinity beyond reach."""
        best = np.full(len(queries), np.inf)
        found = np.full(len(queries), -1, np.int64)
        for at, index in self.candidates(queries):
            squared = ((queries[at] - self.points[index]) ** 2).sum(axis=1)
            nearer = squared < best[at]
            best[at[nearer]], found[at[nearer]] = squared[nearer], index[nearer]
        return found, np.sqrt(best)

    def _keys(self, place: Int[np.ndarray, "n 3"]) -> Int[np.ndarray, " n"]:
        _, deep, wide = (self._side + 1).tolist()
        return ((place[:, 0] + 2) * deep + place[:, 1] + 2) * wide + place[:, 2] + 2
