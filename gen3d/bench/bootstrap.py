"""How sure a figure is: 95 % intervals by the bootstrap."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

RESAMPLES = 1000
_TAILS = (2.5, 97.5)
_SEED = 20


@dataclass(frozen=True)
class Estimate:
    """A figure with the interval that holds it in 95 of 100 repetitions with other items.

    Attributes:
        value: The figure.
        low: Lower end.
        high: Upper end.
        count: Items that it comes from.
    """

    value: float
    low: float
    high: float
    count: int

    @staticmethod
    def plain(value: float, count: int) -> Estimate:
        """Return a figure for which no interval is known, such as the worst item."""
        return Estimate(value, math.nan, math.nan, count)

    def interval(self) -> str:
        """Write the interval for tables; "" if none is known."""
        return "" if math.isnan(self.low) else f"{self.low:.4g} to {self.high:.4g}"


def mean_of(values: ArrayLike, weights: ArrayLike | None = None) -> Estimate:
    """Return the mean of one value per item, resampled by item.

    Args:
        values: One per item; at least one.
        weights: What each item counts; the same for all if None. With weights this is a ratio of
            sums, e.g. of hits to points, whose items are shapes.
    """
    value = np.asarray(values, np.float64)
    weight = np.ones_like(value) if weights is None else np.asarray(weights, np.float64)
    rows = _resampled(len(value))
    totals = weight[rows].sum(1)
    # A repetition in which nothing counts has no mean.
    rows, totals = rows[totals > 0], totals[totals > 0]
    means = (value * weight)[rows].sum(1) / totals
    mean = float((value * weight).sum() / weight.sum())
    return Estimate(mean, *_ends(means), len(value))


def share_of(flags: Sequence[bool]) -> Estimate:
    """Return the share of items that are true."""
    return mean_of(np.asarray(flags, np.float64))


def ratio_of_medians(above: ArrayLike, below: ArrayLike) -> Estimate:
    """Return the ratio of the medians of two sets of items, each resampled by itself."""
    top, bottom = np.asarray(above, np.float64), np.asarray(below, np.float64)
    many = np.median(top[_resampled(len(top))], 1) / np.median(
        bottom[_resampled(len(bottom), seed=_SEED + 1)], 1
    )
    return Estimate(float(np.median(top) / np.median(bottom)), *_ends(many), len(top))


def spread_of(
    statistic: Callable[[Int[np.ndarray, " n"]], float], count: int, *, resamples: int = 100
) -> Estimate:
    """Return a statistic of all items with a normal interval.

    Its width is the bootstrap's standard deviation; its middle the statistic itself, for figures
    that resampling biases (a distance between distributions grows where items repeat).

    Args:
        statistic: Computes it from the items of these indices.
        count: Number of items.
        resamples: How often it is computed.
    """
    value = statistic(np.arange(count))
    deviation = np.std([statistic(rows) for rows in _resampled(count, resamples)])
    reach = float(1.96 * deviation)
    return Estimate(value, value - reach, value + reach, count)


def _resampled(count: int, resamples: int = RESAMPLES, *, seed: int = _SEED) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, count, (resamples, count))


def _ends(many: Float[np.ndarray, " resamples"]) -> tuple[float, float]:
    low, high = np.percentile(many, _TAILS)
    return float(low), float(high)
