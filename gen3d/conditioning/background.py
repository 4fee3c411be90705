"""Telling an object from its background, without anything to download.

In this order: a mask that the user gives; transparency that the picture has; a plain backdrop,
followed from the border; GrabCut, where the ``image`` extra is installed; else an error that says
what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image

from gen3d.conditioning.backdrop import fit_backdrop, flood_background
from gen3d.conditioning.grabcut import grab_cut
from gen3d.conditioning.matte import soften
from gen3d.conditioning.regions import box_mean, label_regions
from gen3d.errors import InputError, MissingDependencyError
from gen3d.geometry.color import srgb_to_lab

Background = Literal["auto", "keep", "remove"]
"""``auto`` removes what there is, ``keep`` takes the picture as it is, ``remove`` does not trust
the picture's own transparency."""

WORKING_SIDE = 512
"""Pixels of the longer side at which the object is looked for."""

_MIN_TRANSPARENT = 0.01  # of the pixels: rounded corners of a screenshot are fewer
_MIN_OBJECT = 0.002  # of the picture
_MAX_OBJECT = 0.985
_MAX_CUT_OFF = 0.4  # of a side of the picture
_MIN_PIECE = 0.08  # of the largest piece
_MIN_PIECE_AT_BORDER = 0.5
_REMEDY = "pass --mask FILE or an image with transparency, or take the whole with --background keep"


@dataclass(frozen=True, eq=False)
class CutOut:
    """An object alone.

    Attributes:
        rgba: sRGB bytes and opacity.
        method: ``mask``, ``alpha``, ``backdrop``, ``grabcut`` or ``whole``.
        remark: How it was found, in a sentence.
        doubtful: Whether users should have a look.
    """

    rgba: UInt8[np.ndarray, "h w 4"]
    method: str
    remark: str
    doubtful: bool = False


def cut_out(
    image: UInt8[np.ndarray, "h w c"],
    *,
    mask: UInt8[np.ndarray, "h w"] | None = None,
    background: Background = "auto",
    name: str = "the image",
) -> CutOut:
    """Tell the object from its background.

    Args:
        image: sRGB bytes, with opacity where there are 4 channels.
        mask: 255 where the object is; goes before all else.
        background: See :data:`Background`.
        name: What to call the image in errors.

    Raises:
        InputError: The picture shows nothing, or nothing but background, or its object cannot be
            told from the background.
    """
    if background not in get_args(Background):
        options = ", ".join(get_args(Background))
        raise InputError(f"background must be one of {options}, got {background!r}")
    rgb = image[..., :3]
    if mask is not None:
        if not mask.any():
            raise InputError(f"the mask of {name} is all black: it shows no object")
        return CutOut(np.dstack([rgb, mask]), "mask", "the object is what the mask shows")
    alpha = image[..., 3] if image.shape[2] == 4 else None
    if alpha is not None and not alpha.any():
        raise InputError(f"{name} shows nothing: it is all transparent")
    if alpha is not None and background != "remove" and has_transparency(alpha):
        return CutOut(image, "alpha", "the object is what the image's transparency leaves")
    if background == "keep":
        whole = np.full(rgb.shape[:2], 255, np.uint8)
        return CutOut(np.dstack([rgb, whole]), "whole", "the whole picture is the object")
    return _remove(rgb, name)


def has_transparency(alpha: UInt8[np.ndarray, "h w"]) -> bool:
    """Tell whether opacities cut an object out, and do not just round a picture's corners."""
    return float((alpha < 128).mean()) >= _MIN_TRANSPARENT


def _remove(rgb: UInt8[np.ndarray, "h w 3"], name: str) -> CutOut:
    small = _reduced(rgb)
    lab = _smoothed(srgb_to_lab(small / 255))
    backdrop = fit_backdrop(lab)
    if backdrop.plain:
        mask, method = ~flood_background(lab, backdrop), "backdrop"
        remark = "the object was found before a plain background"
    else:
        mask, method = _by_grab_cut(small, lab, name), "grabcut"
        remark = "the background is not plain: the object was guessed (GrabCut)"
    mask = largest_pieces(mask)
    share = float(mask.mean())
    if share < _MIN_OBJECT:
        raise InputError(f"{name} shows nothing but its background", hint=_REMEDY)
    if share > _MAX_OBJECT:
        raise InputError(f"{name} shows no background around an object", hint=_REMEDY)
    alpha, colours = soften(small / 255, mask)
    doubtful = not backdrop.plain
    if _cut_off(mask) > _MAX_CUT_OFF:
        doubtful, remark = True, f"{remark}; it reaches over the picture's edge"
    return CutOut(_enlarged(rgb, alpha, colours), method, remark, doubtful)


def _by_grab_cut(
    small: UInt8[np.ndarray, "h w 3"],
    lab: Float[np.ndarray, "h w 3"],
    name: str,
) -> Bool[np.ndarray, "h w"]:
    try:
        return grab_cut(small, lab)
    except MissingDependencyError as error:
        raise InputError(
            f"the background of {name} is not plain, so the object cannot be told from it",
            hint=f'pip install "gen3d[image]" for a better guess, or {_REMEDY}',
        ) from error


def largest_pieces(mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Keep the largest connected piece and what is not far smaller; specks go."""
    labels, count = label_regions(mask)
    if not count:
        return mask
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    least = np.full(count + 1, _MIN_PIECE * sizes.max())
    # What the picture cuts off is rather the background's than the object's.
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        least[edge] = _MIN_PIECE_AT_BORDER * sizes.max()
    return (sizes >= least)[labels] & mask


def _cut_off(mask: Bool[np.ndarray, "h w"]) -> float:
    """Return the share of the longest border side that the object takes."""
    return max(float(edge.mean()) for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))


def _smoothed(lab: Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w 3"]:
    return box_mean(np.pad(lab, ((1, 1), (1, 1), (0, 0)), mode="edge"), 1)[1:-1, 1:-1]


def _reduced(rgb: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h2 w2 3"]:
    factor = WORKING_SIDE / max(rgb.shape[:2])
    if factor >= 1:
        return rgb
    height, width = (max(1, round(side * factor)) for side in rgb.shape[:2])
    return np.array(Image.fromarray(rgb).resize((width, height), Image.Resampling.BOX))


def _enlarged(
    rgb: UInt8[np.ndarray, "h w 3"],
    alpha: Float[np.ndarray, "h2 w2"],
    colours: Float[np.ndarray, "h2 w2 3"],
) -> UInt8[np.ndarray, "h w 4"]:
    """Bring opacities, and the colours of what is half transparent, to the picture's size."""
    cut = (np.dstack([colours, alpha]) * 255 + 0.5).astype(np.uint8)
    if alpha.shape == rgb.shape[:2]:
        return cut
    size = (rgb.shape[1], rgb.shape[0])
    layers = (
        np.array(Image.fromarray(cut[..., i]).resize(size, Image.Resampling.BILINEAR))
        for i in range(4)
    )
    *edge, opacity = layers
    mixed = opacity < 255
    return np.dstack([*(np.where(mixed, edge[i], rgb[..., i]) for i in range(3)), opacity])
