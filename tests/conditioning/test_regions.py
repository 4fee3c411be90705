"""Connected, grown and averaged regions of pixels."""

import numpy as np
import pytest

from gen3d.conditioning.regions import (
    box_mean,
    grown,
    label_regions,
    local_mean,
    shrunk,
    touching_border,
)


def flood_labels(mask: np.ndarray) -> np.ndarray:
    """The slow way: one region after the other, pixel by pixel."""
    labels, count = np.zeros(mask.shape, int), 0
    for start in zip(*np.nonzero(mask), strict=True):
        if labels[start]:
            continue
        count += 1
        todo = [start]
        while todo:
            y, x = todo.pop()
            inside = 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1]
            if inside and mask[y, x] and not labels[y, x]:
                labels[y, x] = count
                todo += [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
    return labels


@pytest.mark.parametrize("share", [0.0, 0.3, 0.55, 0.7, 1.0])
def test_labels_are_those_of_a_plain_flood(share: float) -> None:
    mask = np.random.default_rng(0).random((23, 31)) < share
    labels, count = label_regions(mask)
    assert np.array_equal(labels, flood_labels(mask))
    assert count == labels.max()


def test_only_regions_at_the_border_touch_it() -> None:
    mask = np.zeros((6, 6), bool)
    mask[0, 1] = mask[1, 1] = mask[3, 3] = True
    expected = mask.copy()
    expected[3, 3] = False
    assert np.array_equal(touching_border(mask), expected)
    assert not touching_border(np.zeros((3, 3), bool)).any()


def test_growing_and_shrinking_are_each_others_mirror() -> None:
    mask = np.zeros((9, 9), bool)
    mask[3:6, 3:6] = True
    assert grown(mask, 2).sum() == 49 and grown(mask, 2)[1:8, 1:8].all()
    assert shrunk(mask, 1).sum() == 1 and shrunk(mask, 1)[4, 4]
    assert shrunk(np.ones((4, 4), bool), 2).all()


def test_box_mean_is_the_mean_of_the_square() -> None:
    values = np.random.default_rng(0).random((8, 9, 2))
    assert box_mean(values, 2)[4, 5] == pytest.approx(values[2:7, 3:8].mean((0, 1)))
    mean, known = local_mean(values, np.eye(8, 9), 1)
    assert mean[3, 3] == pytest.approx(values[[2, 3, 4], [2, 3, 4]].mean(0))
    assert known[3, 3] and not known[0, 8]
