"""A photo as the published image encoders want it: cut out, centred, on white, square.

This is Hunyuan3D-2's ``ImageProcessorV2`` without OpenCV. It differs from the original in four
ways: the last row and column of the object belong to it; pixels are put on white before they are
averaged, so that the hidden colours of transparent pixels do not bleed into the edge; values are
rounded, not cut off; and the last resize filters before it drops pixels, which OpenCV's does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from gen3d.conditioning.area import resize_area
from gen3d.conditioning.background import Background
from gen3d.conditioning.photos import Photo, load_photos
from gen3d.errors import InputError

SIZE = 512
BORDER_RATIO = 0.15
_WHITE = 255.0


@dataclass(frozen=True, eq=False)
class PreparedImage:
    """One view of an object, ready for an image encoder.

    Attributes:
        photo: Where it came from.
        pixels: The object on white, sRGB bytes.
    """

    photo: Photo
    pixels: UInt8[np.ndarray, "size size 3"]

    def tensor(self) -> Float[Tensor, "1 3 size size"]:
        """Return the pixels with values in [-1, 1]."""
        return torch.from_numpy(self.pixels).permute(2, 0, 1)[None].float() / 127.5 - 1


def prepare_views(
    images: Mapping[str, Path | str],
    *,
    mask: Path | str | None = None,
    background: Background = "auto",
    size: int = SIZE,
    border_ratio: float = BORDER_RATIO,
) -> tuple[PreparedImage, ...]:
    """Read one image per side of an object.

    Args:
        images: File by view; ``front`` is needed.
        mask: See :func:`gen3d.conditioning.photos.load_photo`; for the front.
        background: Likewise, for all.
        size: Pixels per side of the results.
        border_ratio: Share of the square's side that stays free, both margins together.

    Returns:
        The views in the order of ``VIEWS``, which is the one that the networks know.

    Raises:
        InputError: A view is unknown, the front is missing, or an image cannot be used.
        FormatError: A file is no image, or damaged.
    """
    photos = load_photos(images, mask=mask, background=background)
    return tuple(prepare_photo(photo, size=size, border_ratio=border_ratio) for photo in photos)


def prepare_photo(
    photo: Photo, *, size: int = SIZE, border_ratio: float = BORDER_RATIO
) -> PreparedImage:
    """Centre a photo's object on a white square; arguments as in :func:`prepare_views`.

    Raises:
        InputError: Nothing is visible, or no more than a line.
    """
    pixels = recentre(photo.rgba, size=size, border_ratio=border_ratio, name=photo.source.file)
    return PreparedImage(photo, pixels)


def recentre(
    rgba: UInt8[np.ndarray, "h w 4"],
    *,
    size: int = SIZE,
    border_ratio: float = BORDER_RATIO,
    name: str = "the image",
) -> UInt8[np.ndarray, "size size 3"]:
    """Put the visible part of an image in the middle of a white square.

    The square has the side of the image's longer side first; there the object's longer side is
    scaled to ``1 - border_ratio`` of it, and the whole is resized to ``size``.

    Args:
        rgba: sRGB bytes and opacity.
        size: Pixels per side of the result.
        border_ratio: Share of the side that stays free.
        name: What to call the image in errors.

    Raises:
        InputError: Nothing is visible, or no more than a line.
    """
    rows, columns = (np.flatnonzero(rgba[..., 3].any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        raise InputError(f"{name} shows nothing: it is all transparent")
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    height, width = int(bottom - top), int(right - left)
    if min(height, width) < 2:
        raise InputError(f"the object in {name} is {width} x {height} pixels, too small to be one")
    part = rgba[top:bottom, left:right]
    opacity = part[..., 3] / 255

    side = max(rgba.shape[:2])
    scale = int(side * (1 - border_ratio)) / max(height, width)
    scaled = (max(1, int(height * scale)), max(1, int(width * scale)))
    canvas = np.full((side, side, 3), 255, dtype=np.uint8)
    y, x = ((side - extent) // 2 for extent in scaled)
    for channel in range(3):  # one by one, as a large photo in float64 takes a gigabyte
        on_white = part[..., channel] * opacity + _WHITE * (1 - opacity)
        canvas[y : y + scaled[0], x : x + scaled[1], channel] = resize_area(
            on_white, scaled
        ).round()
    return np.array(Image.fromarray(canvas).resize((size, size), Image.Resampling.BICUBIC))
