"""A picture as our own image encoder wants it: the object alone, centred, on grey, small.

The same code prepares the renders that the encoder learns from and the photos that users bring.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from gen3d.conditioning.area import resize_area
from gen3d.errors import InputError

VIEW_SIZE = 112
"""Pixels per side."""

FILL = 0.85
"""Share of the square's side that the object's longer side takes."""

GREY = 0.5
"""Brightness behind the object."""

_VISIBLE = 64
"""Opacity from which on a pixel counts for the object's box: soft edges and dust do not."""


def prepare_view(
    rgba: UInt8[np.ndarray, "h w 4"],
    size: int = VIEW_SIZE,
    *,
    fill: float = FILL,
    shift: tuple[float, float] = (0.0, 0.0),
    name: str = "the image",
) -> Float[Tensor, "4 size size"]:
    """Crop a cut-out object to a square, put it on grey, and keep its opacity as a channel.

    Colours are multiplied by the opacity before they are averaged, so that what hides below
    transparent pixels does not show.

    Args:
        rgba: sRGB bytes and opacity.
        size: Pixels per side of the result.
        fill: Share of the square's side that the object's longer side takes.
        shift: How far the object stands from the middle, down and to the right, in shares of the
            square's side: for training.
        name: What to call the image in errors.

    Returns:
        Red, green, blue on grey, and opacity, each in [0, 1].

    Raises:
        InputError: Nothing is visible.
    """
    alpha = rgba[..., 3]
    visible = alpha >= min(_VISIBLE, max(int(alpha.max()), 1))
    rows, columns = (np.flatnonzero(visible.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        raise InputError(f"{name} shows nothing: it is all transparent")
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    side = max(bottom - top, right - left) / fill
    y = (top + bottom) / 2 - side * (0.5 + shift[0])
    x = (left + right) / 2 - side * (0.5 + shift[1])

    # Only what the square shows, as a large photo in float64 takes gigabytes.
    first_row, first_column = max(int(y), 0), max(int(x), 0)
    part = rgba[first_row : int(y + side) + 1, first_column : int(x + side) + 1]
    y, x = y - first_row, x - first_column
    window = (y, y + side, x, x + side)
    opacity = part[..., 3] / 255
    covered = resize_area(opacity, (size, size), window=window)
    channels = [
        resize_area(part[..., channel] / 255 * opacity, (size, size), window=window)
        + GREY * (1 - covered)
        for channel in range(3)
    ]
    return torch.from_numpy(np.stack([*channels, covered])).float().clamp(0, 1)
