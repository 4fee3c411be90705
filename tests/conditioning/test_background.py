"""Objects told from their backgrounds, on pictures whose truth is known."""

import sys

import numpy as np
import pytest

from gen3d.conditioning.background import cut_out, largest_pieces
from gen3d.errors import InputError

H, W = 120, 160
Y, X = np.meshgrid(np.linspace(-1, 1, H), np.linspace(-1.33, 1.33, W), indexing="ij")
DISC = X**2 + Y**2 < 0.3
RING = DISC & (X**2 + Y**2 > 0.06)
RED = np.array([0.75, 0.1, 0.1])


def picture(back: np.ndarray, mask: np.ndarray = DISC, noise: float = 0.01) -> np.ndarray:
    """A red object before a background, with an edge of mixed pixels and noise."""
    padded = np.pad(mask.astype(float), 1, mode="edge")
    alpha = np.mean([padded[i : i + H, j : j + W] for i in range(3) for j in range(3)], axis=0)
    image = alpha[..., None] * RED * (0.8 - 0.2 * Y[..., None]) + (1 - alpha[..., None]) * back
    image = image + noise * np.random.default_rng(0).normal(size=image.shape)
    return (image.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def flat(*colour: float) -> np.ndarray:
    return np.broadcast_to(np.array(colour), (H, W, 3))


def iou(rgba: np.ndarray, truth: np.ndarray) -> float:
    found = rgba[..., 3] > 127
    return (found & truth).sum() / (found | truth).sum()


BACKS = {
    "white": flat(1.0, 1.0, 1.0),
    "beige": flat(0.85, 0.8, 0.7),
    "dark": flat(0.08, 0.1, 0.12),
    "lamp": flat(0.8, 0.8, 0.78) * (1 - 0.2 * X - 0.15 * (X**2 + Y**2))[..., None],
    "wall and table": np.where((Y > 0.2)[..., None], flat(0.45, 0.4, 0.35), flat(0.8, 0.85, 0.9)),
}


@pytest.mark.parametrize("name", BACKS)
def test_object_before_a_plain_background_is_found(name: str) -> None:
    found = cut_out(picture(BACKS[name]))
    assert found.method == "backdrop" and not found.doubtful
    assert iou(found.rgba, DISC) > 0.96


def test_hole_shows_the_background_but_a_highlight_does_not() -> None:
    back = flat(0.9, 0.9, 0.88)
    assert iou(cut_out(picture(back, RING)).rgba, RING) > 0.95
    glossy = picture(back).astype(float)
    glow = np.exp(-((X - 0.1) ** 2 + (Y + 0.1) ** 2) / 0.02)[..., None]
    glossy = (glossy * (1 - glow) + 229 * glow).astype(np.uint8)
    assert iou(cut_out(glossy).rgba, DISC) > 0.96


def test_soft_shadow_below_the_object_is_background() -> None:
    shade = 1 - 0.45 * np.exp(-(X**2 / 0.25 + (Y - 0.6) ** 2 / 0.02))
    found = cut_out(picture(flat(0.85, 0.85, 0.85) * shade[..., None]))
    assert iou(found.rgba, DISC) > 0.92


def test_edges_are_soft_and_free_of_the_background() -> None:
    rgba = cut_out(picture(flat(0.2, 0.9, 0.2), noise=0.0)).rgba
    edge = (rgba[..., 3] > 40) & (rgba[..., 3] < 215)
    assert edge.sum() > 50
    assert rgba[edge][:, 1].astype(float).mean() < 90  # green was 230 behind, 20 in front


def test_tight_crop_is_found_by_its_corners() -> None:
    rows, columns = np.flatnonzero(DISC.any(1)), np.flatnonzero(DISC.any(0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    found = cut_out(picture(BACKS["white"], noise=0.0)[box])
    assert found.method == "backdrop"
    assert iou(found.rgba, DISC[box]) > 0.93


def test_specks_and_what_the_border_cuts_off_are_dropped() -> None:
    mask = DISC.copy()
    mask[5:8, 5:8] = True
    mask[100:, 140:] = True
    assert np.array_equal(largest_pieces(mask), DISC)
    assert not largest_pieces(np.zeros((4, 4), bool)).any()


def textured() -> np.ndarray:
    """Patches of many colours, as a garden or a shelf has them."""
    patches = np.random.default_rng(1).random((H // 8, W // 8, 3)) * [0.3, 0.9, 0.9]
    return patches.repeat(8, 0).repeat(8, 1)


def test_background_that_is_not_plain_is_cut_by_grabcut() -> None:
    pytest.importorskip("cv2", reason="the image extra is not installed")
    found = cut_out(picture(textured()))
    assert found.method == "grabcut" and found.doubtful
    assert "guess" in found.remark
    assert iou(found.rgba, DISC) > 0.75
    assert np.array_equal(found.rgba, cut_out(picture(textured())).rgba)


def test_without_opencv_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(InputError, match=r"garden.jpg is not plain.*gen3d\[image\].*--mask"):
        cut_out(picture(textured()), name="garden.jpg")


def test_mask_goes_first_then_transparency() -> None:
    image = picture(BACKS["white"])
    mask = (DISC * 255).astype(np.uint8)
    assert cut_out(image, mask=mask).method == "mask"
    cut = np.dstack([image, mask])
    assert cut_out(cut).method == "alpha"
    assert np.array_equal(cut_out(cut).rgba, cut)
    assert cut_out(cut, background="remove").method == "backdrop"
    assert cut_out(cut, background="keep").method == "alpha"
    whole = cut_out(image, background="keep")
    assert whole.method == "whole" and (whole.rgba[..., 3] == 255).all()


def test_rounded_corners_are_no_cut_out() -> None:
    alpha = np.full((H, W, 1), 255, np.uint8)
    alpha[:3, :3] = 0
    assert cut_out(np.dstack([picture(BACKS["beige"]), alpha])).method == "backdrop"


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (picture(BACKS["beige"], DISC & False), {}, "nothing but its background.*--mask"),
        (np.zeros((9, 9, 4), np.uint8), {}, "all transparent"),
        (picture(BACKS["beige"]), {"mask": np.zeros((H, W), np.uint8)}, "all black"),
        (picture(BACKS["beige"]), {"background": "blur"}, "auto, keep, remove"),
    ],
    ids=["background", "transparent", "mask", "option"],
)
def test_picture_without_an_object_is_refused(
    image: np.ndarray, options: dict, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        cut_out(image, **options)


def test_large_photo_keeps_its_size_and_inner_pixels() -> None:
    image = picture(BACKS["lamp"]).repeat(6, 0).repeat(6, 1)
    rgba = cut_out(image).rgba
    assert rgba.shape == (6 * H, 6 * W, 4)
    assert iou(rgba, DISC.repeat(6, 0).repeat(6, 1)) > 0.95
    assert np.array_equal(rgba[360, 480, :3], image[360, 480])
