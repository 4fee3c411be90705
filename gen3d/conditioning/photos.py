"""Users' photos: read, checked, and the object cut out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from gen3d.conditioning.background import Background, cut_out
from gen3d.errors import InputError
from gen3d.io.files import read_bytes
from gen3d.io.images import count_frames, decode_image

VIEWS = ("front", "left", "back", "right")
"""Sides from which an object may be shown: each a quarter turn clockwise from the one before."""


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
class Photo:
    """One view of an object, cut out.

    Attributes:
        view: Which side it shows, one of ``VIEWS``.
        rgba: sRGB bytes and opacity.
        source: The file that it came from.
        mask: Likewise its mask, if there was one.
        method: How the object was found, see :class:`gen3d.conditioning.background.CutOut`.
        background: What was asked to be done with the background.
        remarks: What users should know of it, in sentences.
    """

    view: str
    rgba: UInt8[np.ndarray, "h w 4"]
    source: Source
    mask: Source | None
    method: str
    background: Background
    remarks: tuple[str, ...]

    def described(self) -> dict[str, Any]:
        """Return what a record tells of it."""
        entry: dict[str, Any] = {"view": self.view, **asdict(self.source)}
        entry |= {"object": self.method, "background": self.background}
        if self.mask is not None:
            entry["mask"] = asdict(self.mask)
        return entry


def load_photos(
    images: Mapping[str, Path | str],
    *,
    mask: Path | str | None = None,
    background: Background = "auto",
) -> tuple[Photo, ...]:
    """Read one image per side of an object.

    Args:
        images: File by view; ``front`` is needed.
        mask: See :func:`load_photo`; for the front.
        background: Likewise, for all.

    Returns:
        The views in the order of ``VIEWS``.

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
        load_photo(
            images[view],
            mask=mask if view == "front" else None,
            background=background,
            view=view,
        )
        for view in VIEWS
        if view in images
    )


def load_photo(
    path: Path | str,
    *,
    mask: Path | str | None = None,
    background: Background = "auto",
    view: str = "front",
) -> Photo:
    """Read an image and cut the object out.

    Args:
        path: An image.
        mask: Picture of the same size, white (or opaque) where the object is; it takes the place
            of the image's own transparency.
        background: What to do with what is not the object, see
            :data:`gen3d.conditioning.background.Background`.
        view: Which side the image shows.

    Raises:
        InputError: The file is not there, too large, or shows no object that can be told from its
            background; or the mask has another size.
        FormatError: A file is no image, or damaged.
    """
    data = read_bytes(path)
    image, source, remarks = decode_image(data, path), Source.of(path, data), []
    frames = count_frames(data, path)
    if frames > 1:
        remarks.append(f"{source.file} is animated: the first of its {frames} pictures was used")
    opacity, masked = None, None
    if mask is not None:
        data = read_bytes(mask)
        opacity, masked = _mask_of(decode_image(data, mask)), Source.of(mask, data)
        if opacity.shape != image.shape[:2]:
            raise InputError(
                f"the mask {mask} has {opacity.shape[1]} x {opacity.shape[0]} pixels, "
                f"the image {path} {image.shape[1]} x {image.shape[0]}",
                hint="a mask must have the size of its image",
            )
    found = cut_out(image, mask=opacity, background=background, name=str(path))
    if found.doubtful:
        remarks.append(f"{source.file}: {found.remark}; pass --mask FILE if it is wrong")
    return Photo(view, found.rgba, source, masked, found.method, background, tuple(remarks))


def _mask_of(image: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h w"]:
    """Return the transparency of a mask that has some, else its brightness."""
    if image.shape[2] == 4 and image[..., 3].min() < 255:
        return image[..., 3]
    return np.array(Image.fromarray(np.ascontiguousarray(image[..., :3])).convert("L"))
