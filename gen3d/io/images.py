"""PNG pictures, with text fields."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, PngImagePlugin, UnidentifiedImageError

from gen3d.errors import FormatError, InputError
from gen3d.io.files import read_bytes
from gen3d.io.record import KEY, decode_record, encode_record
from gen3d.runtime.atomic import atomic_write

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
MAX_PIXELS = 100_000_000
"""A picture with more is refused unread: a few kilobytes can claim to be gigabytes."""


def save_png(
    array: UInt8[np.ndarray, "h w c"],
    path: Path | str,
    *,
    text: Mapping[str, str] | None = None,
    record: Mapping[str, Any] | None = None,
) -> None:
    """Write an image, whole or not at all; equal pixels give equal bytes.

    Args:
        array: (height, width, 3) RGB, or with 4 channels RGBA, or 1 grey, sRGB bytes.
        path: File to write.
        text: Latin-1 text fields (tEXt).
        record: Embedded as the field ``gen3d``.

    Raises:
        InputError: The array is no image of bytes, or a text field cannot be stored.
        OutputError: The file cannot be written.
    """
    data = encode_png(array, text=text, record=record)
    with atomic_write(path) as file:
        file.write(data)


def encode_png(
    array: UInt8[np.ndarray, "h w c"],
    *,
    text: Mapping[str, str] | None = None,
    record: Mapping[str, Any] | None = None,
) -> bytes:
    """Return an image as PNG; arguments as in :func:`save_png`.

    Raises:
        InputError: The array is no image of bytes, or a text field cannot be stored.
    """
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] not in _MODES or not array.size:
        raise InputError(
            f"an image must be uint8 of shape (height, width, 1, 3 or 4), "
            f"got {array.dtype} {array.shape}"
        )
    fields = dict(text or {})
    if record is not None:
        fields[KEY] = encode_record(record)
    info = PngImagePlugin.PngInfo()
    try:
        for key in sorted(fields):
            info.add_text(key.encode("latin-1"), fields[key].encode("latin-1"))
    except UnicodeEncodeError as error:
        raise InputError(f"PNG text must be Latin-1: {error}") from error
    buffer = io.BytesIO()
    pixels = array[..., 0] if array.shape[2] == 1 else array
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def load_image(path: Path | str) -> UInt8[np.ndarray, "h w c"]:
    """Read an image; see :func:`decode_image`.

    Raises:
        InputError: The file cannot be read, or has more than ``MAX_PIXELS``.
        FormatError: It is no image that Pillow knows, or it is damaged.
    """
    return decode_image(read_bytes(path), path)


def decode_image(data: bytes, name: Path | str) -> UInt8[np.ndarray, "h w c"]:
    """Return an image as (height, width, 3) RGB bytes, or 4 channels where it has transparency.

    A photo comes upright: the orientation that the camera wrote into EXIF is applied.

    Args:
        data: The file's content.
        name: What to call it in errors.

    Raises:
        InputError: It has more than ``MAX_PIXELS``.
        FormatError: It is no image that Pillow knows, it is damaged, or has 16 bits per channel.
    """
    with warnings.catch_warnings(), _open(data, name) as image:
        # Of what Pillow finds odd but reads, users need not know.
        warnings.simplefilter("ignore")
        transparent = "A" in image.getbands() or "transparency" in image.info
        if image.mode[0] in "IF":
            raise FormatError(
                f"{name} has more than 8 bits per channel", hint="save it with 8 bits per channel"
            )
        try:
            upright = ImageOps.exif_transpose(image)
            return np.array(upright.convert("RGBA" if transparent else "RGB"))
        except (OSError, ValueError, SyntaxError) as error:
            raise FormatError(f"{name} is a damaged image: {error}") from error


def count_frames(data: bytes, name: Path | str) -> int:
    """Return how many pictures an image holds: more than 1 for animations.

    Raises:
        InputError: It has more than ``MAX_PIXELS``.
        FormatError: It is no image that Pillow knows, or damaged.
    """
    with warnings.catch_warnings(), _open(data, name) as image:
        warnings.simplefilter("ignore")
        try:
            return int(getattr(image, "n_frames", 1))
        except (OSError, ValueError, SyntaxError) as error:
            raise FormatError(f"{name} is a damaged image: {error}") from error


def read_png_text(path: Path | str) -> dict[str, str]:
    """Return the text fields of a PNG file.

    Raises:
        InputError: The file cannot be read.
        FormatError: It is no image.
    """
    with _open(read_bytes(path), path) as image:
        fields = getattr(image, "text", {})
        return {str(key): str(value) for key, value in fields.items()}


def read_png_record(path: Path | str) -> dict[str, Any] | None:
    """Return the record in a PNG file, or None."""
    text = read_png_text(path).get(KEY)
    return None if text is None else decode_record(text)


def _open(data: bytes, name: Path | str) -> Image.Image:
    if not data:
        raise FormatError(f"{name} is empty", hint="it has no bytes: copy or download it again")
    try:
        with warnings.catch_warnings():
            # Our own bound on pixels, below, is the stricter one.
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise FormatError(f"{name} is no image that can be read") from error
    except Image.DecompressionBombError as error:
        raise _too_large(name) from error
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(name)
    return image


def _too_large(name: Path | str) -> InputError:
    return InputError(
        f"{name} has more than {MAX_PIXELS // 10**6} million pixels", hint="scale it down first"
    )
