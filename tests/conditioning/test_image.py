"""Photos as the image encoders want them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gen3d.conditioning.image import PreparedImage, prepare_photo, prepare_views, recentre
from gen3d.conditioning.photos import load_photo
from gen3d.errors import FormatError, InputError


def cut_out(height: int, width: int, box: tuple[int, int, int, int]) -> np.ndarray:
    """A red rectangle (rows, then columns) on nothing, with hidden black around it."""
    rgba = np.zeros((height, width, 4), dtype=np.uint8)
    top, bottom, left, right = box
    rgba[top:bottom, left:right] = (255, 0, 0, 255)
    return rgba


def prepare_image(path: Path, mask: Path | None = None) -> PreparedImage:
    return prepare_photo(load_photo(path, mask=mask))


def red_box(pixels: np.ndarray) -> tuple[int, int, int, int]:
    """Rows and columns of what is nearer to red than to white."""
    red = pixels[..., 1] < 128
    rows, columns = np.flatnonzero(red.any(1)), np.flatnonzero(red.any(0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def save(path: Path, array: np.ndarray, **options: object) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


def test_object_fills_the_square_but_for_the_border() -> None:
    pixels = recentre(cut_out(300, 200, (10, 50, 100, 120)))
    assert pixels.shape == (512, 512, 3)
    top, bottom, left, right = red_box(pixels)
    assert bottom - top == pytest.approx(0.85 * 512, abs=2)
    assert right - left == pytest.approx(0.85 * 512 / 2, abs=2)
    assert (top + bottom) / 2 == pytest.approx(256, abs=2)
    assert (left + right) / 2 == pytest.approx(256, abs=2)


def test_border_ratio_is_the_share_that_stays_free() -> None:
    top, bottom, _, _ = red_box(recentre(cut_out(64, 64, (20, 40, 20, 40)), border_ratio=0.5))
    assert bottom - top == pytest.approx(256, abs=2)


def test_background_is_white_and_hidden_colours_do_not_bleed() -> None:
    pixels = recentre(cut_out(100, 100, (30, 61, 30, 61)), size=100).astype(int)
    assert (pixels[:5] == 255).all()
    # Between red and white no pixel is darker in its red than either; black would make it so.
    assert pixels[..., 0].min() >= 250


def test_half_transparent_pixels_are_mixed_with_white() -> None:
    rgba = cut_out(20, 20, (5, 15, 5, 15))
    rgba[5:15, 5:15, 3] = 51
    middle = recentre(rgba, size=20)[10, 10]
    assert middle == pytest.approx([255, 204, 204], abs=1)


def test_tensor_runs_from_minus_one_to_one(tmp_path: Path) -> None:
    image = prepare_image(save(tmp_path / "a.png", cut_out(40, 40, (10, 30, 10, 30))))
    tensor = image.tensor()
    assert tensor.shape == (1, 3, 512, 512)
    assert tensor[0, :, 256, 256].tolist() == [1.0, -1.0, -1.0]
    assert (tensor[0, :, 0, 0] == 1).all()
    assert tensor.dtype == torch.float32


def test_mask_takes_the_place_of_transparency(tmp_path: Path) -> None:
    rgba = cut_out(40, 30, (10, 30, 10, 20))
    photo = rgba[..., :3].copy()
    photo[rgba[..., 3] == 0] = (0, 0, 255)
    cut = prepare_image(save(tmp_path / "cut.png", rgba))
    mask = save(tmp_path / "mask.png", rgba[..., 3])
    masked = prepare_image(save(tmp_path / "photo.png", photo), mask=mask)
    assert np.array_equal(masked.pixels, cut.pixels)
    assert masked.photo.mask is not None and masked.photo.mask.file == "mask.png"
    assert cut.photo.mask is None and len(cut.photo.source.sha256) == 64
    see_through = save(tmp_path / "alpha.png", np.dstack([np.zeros_like(photo), rgba[..., 3]]))
    assert np.array_equal(
        prepare_image(tmp_path / "photo.png", mask=see_through).pixels, cut.pixels
    )


def test_photo_is_turned_upright(tmp_path: Path) -> None:
    rgba = cut_out(40, 40, (0, 20, 0, 40))
    rgba[..., 3] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side: rotate by a quarter turn clockwise
    photo = save(tmp_path / "photo.jpg", rgba[..., :3], exif=exif, quality=95)
    mask = save(tmp_path / "mask.png", np.rot90(rgba[..., 0], -1))
    top, bottom, left, right = red_box(prepare_image(photo, mask=mask).pixels)
    assert bottom - top > 1.5 * (right - left)


def test_views_come_in_the_order_of_the_networks(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", cut_out(20, 20, (5, 15, 5, 15)))
    views = prepare_views({"right": path, "left": path, "front": path})
    assert [view.photo.view for view in views] == ["front", "left", "right"]
    with pytest.raises(InputError, match="front view is missing"):
        prepare_views({"left": path})
    with pytest.raises(InputError, match="unknown view 'top'"):
        prepare_views({"front": path, "top": path})


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((8, 8, 3), 9, np.uint8), "nothing but its background"),
        (np.full((8, 8, 4), 255, np.uint8), "nothing but its background"),
        (np.zeros((8, 8, 4), np.uint8), "all transparent"),
        (cut_out(8, 8, (4, 5, 0, 8)), "too small"),
    ],
)
def test_image_without_an_object_is_refused(
    tmp_path: Path, array: np.ndarray, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        prepare_image(save(tmp_path / "a.png", array))


def test_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    photo = save(tmp_path / "photo.png", np.zeros((8, 9, 3), np.uint8))
    mask = save(tmp_path / "mask.png", np.zeros((9, 8), np.uint8))
    with pytest.raises(InputError, match=r"8 x 9 pixels.*9 x 8"):
        prepare_image(photo, mask=mask)


def test_files_that_are_no_images_are_refused(tmp_path: Path) -> None:
    whole = save(tmp_path / "a.png", cut_out(64, 64, (5, 15, 5, 15))).read_bytes()
    for data in (b"", b"not an image", whole[:40], whole[:-30]):
        (tmp_path / "b.png").write_bytes(data)
        with pytest.raises(FormatError):
            prepare_image(tmp_path / "b.png")
    with pytest.raises(InputError, match="no file"):
        prepare_image(tmp_path / "none.png")
    with pytest.raises(FormatError, match="8 bits"):
        prepare_image(save(tmp_path / "deep.png", np.zeros((8, 8), np.uint16)))
