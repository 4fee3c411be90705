"""Intervals, where they are known."""

import math

import numpy as np
import pytest

from gen3d.bench.bootstrap import Estimate, mean_of, ratio_of_medians, share_of, spread_of


def test_share_has_the_width_of_the_binomial() -> None:
    found = share_of([True] * 80 + [False] * 20)
    assert found.value == pytest.approx(0.8)
    assert found.low == pytest.approx(0.8 - 1.96 * 0.04, abs=0.02)
    assert found.high == pytest.approx(0.8 + 1.96 * 0.04, abs=0.02)
    assert found.count == 100


def test_weights_make_a_ratio_of_sums() -> None:
    assert mean_of([1.0, 0.0], [3, 1]).value == 0.75


def test_item_without_weight_changes_nothing() -> None:
    found = mean_of([0.5, 0.5, 9.0], [1, 2, 0])
    assert found.value == 0.5
    assert found.high <= 0.5


def test_ratio_of_medians_of_scaled_items() -> None:
    items = np.linspace(1, 2, 201)
    found = ratio_of_medians(3 * items, items)
    assert found.value == pytest.approx(3)
    assert found.low < 3 < found.high


def test_normal_interval_is_centred_on_a_biased_statistic() -> None:
    values = np.arange(50.0)
    found = spread_of(lambda rows: float(values[rows].max()), len(values))
    assert found.value == 49
    assert found.high - 49 == pytest.approx(49 - found.low)


def test_figure_without_interval_shows_none() -> None:
    plain = Estimate.plain(0.5, 3)
    assert plain.interval() == ""
    assert math.isnan(plain.low)
    assert share_of([True]).interval() == "1 to 1"
