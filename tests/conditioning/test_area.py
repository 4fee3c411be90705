"""Means over covered areas."""

import numpy as np
import pytest

from gen3d.conditioning.area import resize_area


def test_area_resize_is_the_mean_over_covered_area() -> None:
    values = np.random.default_rng(0).random((12, 18))
    halved = resize_area(values, (6, 9))
    assert halved == pytest.approx(values.reshape(6, 2, 9, 2).mean((1, 3)))
    assert resize_area(values, (24, 36)) == pytest.approx(values.repeat(2, 0).repeat(2, 1))
    third = resize_area(np.array([[0.0], [3.0]]), (3, 1))
    assert third[:, 0] == pytest.approx([0.0, 1.5, 3.0])
    assert resize_area(values, (7, 5)).mean() == pytest.approx(values.mean())


def test_window_beyond_the_picture_shows_zeros_there() -> None:
    values = np.ones((4, 4))
    shown = resize_area(values, (8, 4), window=(-2.0, 6.0, 0.0, 4.0))
    assert shown[:2] == pytest.approx(0.0) and shown[6:] == pytest.approx(0.0)
    assert shown[2:6] == pytest.approx(1.0)
    half = resize_area(values, (2, 2), window=(-2.0, 2.0, 1.0, 3.0))
    assert half == pytest.approx(np.array([[0.0, 0.0], [1.0, 1.0]]))
