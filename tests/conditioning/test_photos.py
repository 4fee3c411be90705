"""Users' files, good and bad."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gen3d.conditioning.photos import load_photo, load_photos
from gen3d.errors import FormatError, Gen3dError, InputError

DISC = np.hypot(*np.mgrid[-1:1:40j, -1:1:50j]) < 0.6
COLOUR = np.where(DISC[..., None], np.array([200, 30, 30], np.uint8), np.uint8(240))


def save(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


def agreement(rgba: np.ndarray) -> float:
    found = rgba[..., 3] > 127
    return (found & DISC).sum() / (found | DISC).sum()


@pytest.mark.parametrize(
    ("mode", "name"),
    [("RGB", "a.png"), ("L", "a.png"), ("P", "a.png"), ("CMYK", "a.tif"), ("RGB", "a.webp")],
)
def test_modes_of_images_are_read(tmp_path: Path, mode: str, name: str) -> None:
    image = Image.fromarray(COLOUR).convert(mode)
    photo = load_photo(save(tmp_path / name, image, **({"lossless": True} if "w" in name else {})))
    assert photo.method == "backdrop" and not photo.remarks
    assert agreement(photo.rgba) > 0.93


def test_cmyk_jpeg_keeps_its_colours(tmp_path: Path) -> None:
    image = Image.fromarray(COLOUR).convert("CMYK")
    rgba = load_photo(save(tmp_path / "a.jpg", image, quality=95)).rgba
    assert rgba[20, 25, :3] == pytest.approx([200, 30, 30], abs=12)


def test_rgb_with_sixteen_bits_is_read(tmp_path: Path) -> None:
    deep = COLOUR.astype(">u2") * 257
    rows = b"".join(b"\0" + row.tobytes() for row in deep)
    header = struct.pack(">IIBBBBB", 50, 40, 16, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n"
    for kind, content in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        checked = kind + content
        data += struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))
    (tmp_path / "deep.png").write_bytes(data)
    assert agreement(load_photo(tmp_path / "deep.png").rgba) > 0.93


def test_animation_gives_its_first_picture_and_a_remark(tmp_path: Path) -> None:
    first, second = Image.fromarray(COLOUR), Image.fromarray(np.roll(COLOUR, 15, axis=1))
    path = save(tmp_path / "a.gif", first, save_all=True, append_images=[second])
    photo = load_photo(path)
    assert agreement(photo.rgba) > 0.93
    assert photo.remarks == ("a.gif is animated: the first of its 2 pictures was used",)


def test_photo_is_turned_upright_before_its_object_is_sought(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = Image.fromarray(np.rot90(COLOUR))
    photo = load_photo(save(tmp_path / "a.jpg", turned, exif=exif, quality=95))
    assert photo.rgba.shape == (40, 50, 4)
    assert agreement(photo.rgba) > 0.9


def bad_files(folder: Path) -> dict[str, tuple[Path, str]]:
    whole = save(folder / "whole.png", Image.fromarray(COLOUR)).read_bytes()
    huge = bytearray(whole)
    chunk = huge[12:16] + struct.pack(">II", 20_000, 20_000) + huge[24:29]
    huge[12:33] = chunk + struct.pack(">I", zlib.crc32(chunk))
    contents = {
        "empty": (b"", "is empty"),
        "text": (b"a cat\n" * 20, "no image"),
        "cut off": (whole[:-40], "damaged"),
        "huge": (bytes(huge), "more than 100 million pixels"),
    }
    cases = {}
    for name, (data, message) in contents.items():
        (folder / f"{name}.png").write_bytes(data)
        cases[name] = (folder / f"{name}.png", message)
    clear = Image.new("RGBA", (9, 9), (1, 2, 3, 0))
    cases["transparent"] = save(folder / "clear.png", clear), "all transparent"
    plain = Image.new("RGB", (60, 50), (90, 120, 90))
    cases["background"] = save(folder / "plain.png", plain), "nothing but its background"
    deep = Image.fromarray(np.full((9, 9), 40_000, np.uint16))
    cases["deep"] = save(folder / "deep.png", deep), "8 bits per channel"
    cases["missing"] = folder / "missing.png", "no file"
    cases["folder"] = folder, "is a folder"
    return cases


@pytest.mark.parametrize(
    "case",
    ["empty", "text", "cut off", "huge", "transparent", "background", "deep", "missing", "folder"],
)
def test_bad_files_are_refused_in_one_line(tmp_path: Path, case: str) -> None:
    path, message = bad_files(tmp_path)[case]
    with pytest.raises((InputError, FormatError), match=message) as caught:
        load_photo(path)
    assert isinstance(caught.value, Gen3dError)
    assert "\n" not in str(caught.value)


def test_record_tells_name_hash_and_method_but_no_folder(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.fromarray(COLOUR))
    mask = save(tmp_path / "m.png", Image.fromarray(DISC.astype(np.uint8) * 255))
    front, back = load_photos({"back": path, "front": path}, mask=mask)
    described = front.described()
    assert (described["view"], described["file"], described["object"]) == ("front", "a.png", "mask")
    assert described["mask"]["file"] == "m.png" and len(described["sha256"]) == 64
    assert str(tmp_path) not in str(described)
    assert back.described()["object"] == "backdrop" and "mask" not in back.described()
