"""Resizing by area: each new pixel is the mean over what it covers of the old ones."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

Window = tuple[float, float, float, float]
"""Top, bottom, left and right in pixels of the source; it may reach beyond the picture."""


def resize_area(
    values: Float[np.ndarray, "h w"], shape: tuple[int, int], *, window: Window | None = None
) -> Float[np.ndarray, "h2 w2"]:
    """Resize so that each new pixel is the mean over the area that it covers.

    Also OpenCV's INTER_AREA, which is exact for any factor, up and down; Pillow's BOX takes or
    leaves whole pixels. The mean over an interval is a difference of the running sum, which is
    linear between pixels.

    Args:
        values: Pixels of one channel.
        shape: New height and width.
        window: The part to show; the whole by default. Outside of the picture all is zero.
    """
    height, width = values.shape
    top, bottom, left, right = window or (0, height, 0, width)
    rows = _resize_rows(values, shape[0], top, bottom)
    return _resize_rows(rows.T, shape[1], left, right).T


def _resize_rows(
    values: Float[np.ndarray, "h w"], count: int, start: float, stop: float
) -> Float[np.ndarray, "count w"]:
    total = np.concatenate([np.zeros_like(values[:1]), values.cumsum(axis=0)])
    edges = np.linspace(start, stop, count + 1).clip(0, len(values))
    below = np.minimum(edges.astype(int), len(values) - 1)
    part = (edges - below)[:, None]
    sums = total[below] * (1 - part) + total[below + 1] * part
    return np.diff(sums, axis=0) * (count / (stop - start))
