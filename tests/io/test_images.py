import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gen3d import io
from gen3d.errors import FormatError, InputError, OutputError
from gen3d.io.images import decode_image, load_image, read_png_text, save_png

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


def test_picture_that_claims_to_be_huge_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    save_png(PIXELS, path)
    data = bytearray(path.read_bytes())
    for side in (15_000, 60_000):  # under and over Pillow's own bound
        header = data[12:16] + side.to_bytes(4, "big") * 2 + data[24:29]
        data[12:33] = header + zlib.crc32(header).to_bytes(4, "big")
        path.write_bytes(data)
        with pytest.raises(InputError, match="million pixels"):
            load_image(path)


def test_damaged_bytes_never_escape_as_other_errors(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    generator = np.random.default_rng(0)
    for suffix in ("png", "jpg", "webp", "gif", "tiff"):
        buffer = BytesIO()
        Image.fromarray(PIXELS[..., :3]).save(buffer, suffix.replace("jpg", "jpeg"), exif=exif)
        for _ in range(12):
            data = bytearray(buffer.getvalue())
            for position in generator.integers(0, len(data), 3):
                data[position] = generator.integers(256)
            try:
                decode_image(bytes(data), suffix)
            except (FormatError, InputError):
                continue
