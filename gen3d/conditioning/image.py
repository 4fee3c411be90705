"""A photo as the published image encoders want it: cut out, centred, on white, square.

This is Hunyuan3D-2's ``ImageProcessorV2`` without OpenCV. It differs from the original in four
ways: the last row and column of the object belong to it; pixels are put on white before they are
averaged, so that the hidden colours of transparent pixels do not bleed into the edge; values are
rounded, not cut off; and the last resize filters before it drops pixels, which OpenCV's does not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from gen3d.errors import InputError
from gen3d.io.files import read_bytes
from gen3d.io.images import decode_image

VIEWS = ("front", "left", "back", "right")
"""Sides from which an object may be shown: each a quarter turn clockwise from the one before."""

SIZE = 512
BORDER_RATIO = 0.15
_WHITE = 255.0


@dataclass(frozen=True)
class Source:
    """A file, by what a record may tell of it: not where it lies.

    Attributes:
        file: Its name.
        sha256: Hash of its content.
    """

    file: str
    sha256: str

    @staticmethod
    def of(path: Path | str, data: bytes) -> Source:
        """Describe a file that was read."""
        return Source(Path(path).name, hashlib.sha256(data).hexdigest())


@dataclass(frozen=True, eq=False)
class PreparedImage:
    """One view of an object, ready for an image encoder.

    Attributes:
        view: Which side it shows, one of ``VIEWS``.
        pixels: The object on white, sRGB bytes.
        source: The file that it came from.
        mask: Likewise its mask, if there was one.
    """

    view: str
    pixels: UInt8[np.ndarray, "size size 3"]
    source: Source
    mask: Source | None = None

    def tensor(self) -> Float[Tensor, "1 3 size size"]:
        """Return the pixels with values in [-1, 1]."""
        return torch.from_numpy(self.pixels).permute(2, 0, 1)[None].float() / 127.5 - 1


def prepare_views(
    images: Mapping[str, Path | str],
    *,
    mask: Path | str | None = None,
    size: int = SIZE,
    border_ratio: float = BORDER_RATIO,
) -> tuple[PreparedImage, ...]:
    """Read one image per side of an object.

    Args:
        images: File by view; ``front`` is needed.
        mask: See :func:`prepare_image`; for the front.
        size: Likewise.
        border_ratio: Likewise.

    Returns:
        The views in the order of ``VIEWS``, which is the one that the networks know.

    Raises:
        InputError: A view is unknown, the front is missing, or an image cannot be used.
        FormatError: A file is no image, or damaged.
    """
    unknown = sorted(set(images) - set(VIEWS))
    if unknown:
        raise InputError(f"unknown view {unknown[0]!r}", hint=f"views: {', '.join(VIEWS)}")
    if "front" not in images:
        raise InputError("the front view is missing", hint="it is the one that must be there")
    return tuple(
        prepare_image(
            images[view],
            mask=mask if view == "front" else None,
            view=view,
            size=size,
            border_ratio=border_ratio,
        )
        for view in VIEWS
        if view in images
    )


def prepare_image(
    path: Path | str,
    *,
    mask: Path | str | None = None,
    view: str = "front",
    size: int = SIZE,
    border_ratio: float = BORDER_RATIO,
) -> PreparedImage:
    """Read an image, cut the object out, centre it on a white square.

    Args:
        path: An image with transparency, or any image if there is a mask.
        mask: Picture of the same size, white (or opaque) where the object is; it takes the place
            of the image's own transparency.
        view: Which side the image shows.
        size: Pixels per side of the result.
        border_ratio: Share of the square's side that stays free, both margins together.

    Raises:
        InputError: The file is not there, too large, opaque without a mask, or shows nothing; or
            the mask has another size.
        FormatError: A file is no image, or damaged.
    """
    data = read_bytes(path)
    rgba, source, masked = decode_image(data, path), Source.of(path, data), None
    if mask is not None:
        data = read_bytes(mask)
        alpha, masked = _mask_of(decode_image(data, mask)), Source.of(mask, data)
        if alpha.shape != rgba.shape[:2]:
            raise InputError(
                f"the mask {mask} has {alpha.shape[1]} x {alpha.shape[0]} pixels, "
                f"the image {path} {rgba.shape[1]} x {rgba.shape[0]}",
                hint="a mask must have the size of its image",
            )
        rgba = np.dstack([rgba[..., :3], alpha])
    if rgba.shape[2] == 3 or rgba[..., 3].min() == 255:
        raise InputError(
            f"{mask or path} does not tell the object from its background: it is all opaque",
            hint="background removal comes later; pass an RGBA image or --mask FILE",
        )
    pixels = recentre(rgba, size=size, border_ratio=border_ratio, name=str(path))
    return PreparedImage(view, pixels, source, masked)


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


def resize_area(
    values: Float[np.ndarray, "h w"], shape: tuple[int, int]
) -> Float[np.ndarray, "h2 w2"]:
    """Resize so that each new pixel is the mean over the area that it covers.

    Also OpenCV's INTER_AREA, which is exact for any factor, up and down; Pillow's BOX takes or
    leaves whole pixels. The mean over an interval is a difference of the running sum, which is
    linear between pixels.

    Args:
        values: Pixels of one channel.
        shape: New height and width.
    """
    return _resize_rows(_resize_rows(values, shape[0]).T, shape[1]).T


def _resize_rows(values: Float[np.ndarray, "h w"], count: int) -> Float[np.ndarray, "count w"]:
    total = np.concatenate([np.zeros_like(values[:1]), values.cumsum(axis=0)])
    edges = np.linspace(0, len(values), count + 1)
    below = np.minimum(edges.astype(int), len(values) - 1)
    part = (edges - below)[:, None]
    sums = total[below] * (1 - part) + total[below + 1] * part
    return np.diff(sums, axis=0) * (count / len(values))


def _mask_of(image: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h w"]:
    """Return the transparency of a mask that has some, else its brightness."""
    if image.shape[2] == 4 and image[..., 3].min() < 255:
        return image[..., 3]
    return np.array(Image.fromarray(np.ascontiguousarray(image[..., :3])).convert("L"))
