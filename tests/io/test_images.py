from pathlib import Path

import numpy as np
import pytest

from gen3d import io
from gen3d.errors import FormatError, InputError, OutputError
from gen3d.io.images import load_image, read_png_text, save_png

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 4), dtype=np.uint8)


@pytest.mark.parametrize("channels", (3, 4))
def test_pixels_round_trip(tmp_path: Path, channels: int) -> None:
    save_png(PIXELS[..., :channels], tmp_path / "a.png")
    np.testing.assert_array_equal(load_image(tmp_path / "a.png"), PIXELS[..., :channels])


def test_grey_opens_as_rgb(tmp_path: Path) -> None:
    save_png(PIXELS[..., :1], tmp_path / "a.png")
    np.testing.assert_array_equal(load_image(tmp_path / "a.png")[..., 2], PIXELS[..., 0])


def test_text_and_record_travel_inside(tmp_path: Path, record: dict) -> None:
    save_png(PIXELS, tmp_path / "a.png", text={"Title": "Stühle"}, record=record)
    assert read_png_text(tmp_path / "a.png")["Title"] == "Stühle"
    assert io.read_record(tmp_path / "a.png") == record


def test_equal_pixels_give_equal_bytes(tmp_path: Path) -> None:
    save_png(PIXELS, tmp_path / "a.png", text={"a": "1", "b": "2"})
    save_png(PIXELS, tmp_path / "b.png", text={"b": "2", "a": "1"})
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_wrong_arrays_and_text_are_refused(tmp_path: Path) -> None:
    for array in (PIXELS.astype(np.float32), PIXELS[0], PIXELS[..., :2], PIXELS[:0]):
        with pytest.raises(InputError, match="uint8"):
            save_png(array, tmp_path / "a.png")
    with pytest.raises(InputError, match="Latin-1"):
        save_png(PIXELS, tmp_path / "a.png", text={"Title": "椅子"})
    with pytest.raises(OutputError):
        save_png(PIXELS, tmp_path / "none" / "a.png")


def test_damaged_images_are_format_errors(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    save_png(PIXELS, path)
    whole = path.read_bytes()
    for size in (0, 3, 30, len(whole) // 2):
        path.write_bytes(whole[:size])
        with pytest.raises(FormatError):
            load_image(path)
    with pytest.raises(InputError, match="no file"):
        load_image(tmp_path / "none.png")
