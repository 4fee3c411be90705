"""Arrays whose rows lie in different places, seen as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from gen3d.errors import InputError


class JoinedRows(Sequence[np.ndarray]):
    """Rows of several arrays, one after the other."""

    def __init__(self, arrays: Sequence[np.ndarray | StackedRows]) -> None:
        self._arrays = list(arrays)
        self._starts = np.cumsum([0, *(len(array) for array in arrays)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[np.ndarray]: ...
    def __getitem__(self, index: int | slice) -> np.ndarray | Sequence[np.ndarray]:
        """Return one row, or a list of them."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = index + len(self) if index < 0 else index
        if not 0 <= index < len(self):
            raise IndexError(index)
        which = int(np.searchsorted(self._starts, index, side="right")) - 1
        return self._arrays[which][index - int(self._starts[which])]


class StackedRows:
    """Looks like an array of all rows to those who index it; copies what they ask for.

    The first index may be a number, a slice, an array of numbers, or an array (k, 1) of them that
    is broadcast against an array (1, m) for the second axis.

    Args:
        rows: Arrays of one shape and dtype.

    Raises:
        InputError: There are none, or shapes differ.
    """

    def __init__(self, rows: Sequence[np.ndarray]) -> None:
        if not len(rows):
            raise InputError("there is no shape in the set")
        self._rows = rows
        self.shape: tuple[int, ...] = (len(rows), *rows[0].shape)
        self.dtype = rows[0].dtype

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __getitem__(self, key: Any) -> np.ndarray:
        """Read rows, or parts of them."""
        first, *rest = key if isinstance(key, tuple) else (key,)
        if first is Ellipsis:
            # As many full slices as it takes the place of.
            first, rest = slice(None), [slice(None)] * (self.ndim - 1 - len(rest)) + rest
        if isinstance(first, int | np.integer):
            return np.asarray(self._rows[int(first)][tuple(rest)])
        if isinstance(first, slice):
            return self._stack(np.arange(len(self))[first], tuple(rest))
        first = np.asarray(first)
        if first.dtype == bool:
            return self._stack(np.flatnonzero(first), tuple(rest))
        if first.ndim == 2 and first.shape[1] == 1 and rest and getattr(rest[0], "ndim", 0) == 2:
            return self._stack(first[:, 0], (np.asarray(rest[0])[0], *rest[1:]))
        return self._stack(first, tuple(rest))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self._stack(np.arange(len(self)), ()).astype(dtype or self.dtype)

    def _stack(self, index: np.ndarray, rest: tuple[Any, ...]) -> np.ndarray:
        if not len(index):
            return np.empty(self.shape, self.dtype)[np.empty(0, np.int64)][(slice(None), *rest)]
        return np.stack([np.asarray(self._rows[int(i)][rest]) for i in index])
