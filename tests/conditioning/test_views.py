"""Pictures as the embedded model's image encoder wants them."""

import numpy as np
import pytest

from gen3d.conditioning.views import FILL, prepare_view
from gen3d.errors import InputError


def red_box(height: int, width: int, rows: slice, columns: slice) -> np.ndarray:
    """A red box on nothing, with hidden green around it."""
    rgba = np.zeros((height, width, 4), np.uint8)
    rgba[..., 1] = 255
    rgba[rows, columns] = (255, 0, 0, 255)
    return rgba


def test_object_fills_its_share_in_the_middle_on_grey() -> None:
    view = prepare_view(red_box(90, 200, slice(10, 60), slice(150, 190)), 64)
    assert view.shape == (4, 64, 64)
    rows, columns = (view[3] > 0.5).any(1).nonzero(), (view[3] > 0.5).any(0).nonzero()
    assert len(rows) == pytest.approx(FILL * 64, abs=1)
    assert len(columns) == pytest.approx(FILL * 64 * 40 / 50, abs=1)
    assert rows.float().mean() == pytest.approx(31.5, abs=0.6)
    assert columns.float().mean() == pytest.approx(31.5, abs=0.6)
    assert view[:, 0, 0].tolist() == [0.5, 0.5, 0.5, 0.0]
    assert view[:, 32, 32].tolist() == pytest.approx([1.0, 0.0, 0.0, 1.0], abs=1e-6)


def test_area_is_kept_and_hidden_colours_do_not_show() -> None:
    view = prepare_view(red_box(100, 100, slice(20, 61), slice(30, 97)), 48)
    assert view[3].mean() == pytest.approx(FILL**2 * 41 / 67, abs=1e-6)
    # Between red and grey nothing is greener than grey.
    assert view[1].max() <= 0.5 + 1e-6


def test_object_at_the_border_and_its_copy_inside_look_the_same() -> None:
    inside = prepare_view(red_box(80, 80, slice(30, 60), slice(40, 60)), 32)
    cut = prepare_view(red_box(30, 20, slice(0, 30), slice(0, 20)), 32)
    assert np.allclose(inside, cut, atol=1e-6)


def test_shift_moves_the_object_down_and_right() -> None:
    rgba = red_box(64, 64, slice(20, 44), slice(20, 44))
    plain, moved = (
        prepare_view(rgba, 40, fill=0.5),
        prepare_view(rgba, 40, fill=0.5, shift=(0.1, 0.2)),
    )
    assert np.allclose(moved[:, 4:, 8:], plain[:, :-4, :-8], atol=1e-6)


def test_dust_and_soft_edges_do_not_count_for_the_box() -> None:
    rgba = red_box(64, 64, slice(20, 44), slice(20, 44))
    dusty = rgba.copy()
    dusty[2, 2] = (255, 255, 255, 30)
    assert np.allclose(prepare_view(dusty, 32)[3], prepare_view(rgba, 32)[3], atol=1e-6)


def test_faint_object_is_still_found_and_nothing_is_refused() -> None:
    rgba = red_box(64, 64, slice(20, 44), slice(20, 44))
    rgba[20:44, 20:44, 3] = 20
    assert prepare_view(rgba, 32)[3].max() == pytest.approx(20 / 255, abs=1e-6)
    with pytest.raises(InputError, match="all transparent"):
        prepare_view(np.zeros((8, 8, 4), np.uint8))
