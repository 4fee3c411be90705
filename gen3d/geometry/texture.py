"""Reading textures."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8


def texture_colours(
    image: UInt8[np.ndarray, "h w 3"], uvs: Float[np.ndarray, "n 2"]
) -> Float[np.ndarray, "n 3"]:
    """Return sRGB in [0, 1] at texture coordinates, blended from the four nearest texels.

    Coordinates wrap around, as glTF has it by default; (0, 0) is the upper left of the texture,
    and the middle of its first texel is half a texel from there.
    """
    height, width = image.shape[:2]
    uvs = np.asarray(uvs, dtype=np.float64)
    # Exactly 1 is the far edge, not the near one.
    wrapped = np.where(uvs == 1, 1.0, uvs - np.floor(uvs))
    column, row = wrapped[:, 0] * width - 0.5, wrapped[:, 1] * height - 0.5
    left, top = np.floor(column).astype(np.int64), np.floor(row).astype(np.int64)
    across, down = (column - left)[:, None], (row - top)[:, None]
    left, right = left.clip(0, width - 1), (left + 1).clip(0, width - 1)
    top, bottom = top.clip(0, height - 1), (top + 1).clip(0, height - 1)
    upper = image[top, left] * (1 - across) + image[top, right] * across
    lower = image[bottom, left] * (1 - across) + image[bottom, right] * across
    return ((upper * (1 - down) + lower * down) / 255).astype(np.float32)


def flip_v(uvs: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
    """Turn coordinates that count downward from the top of a texture upward from its bottom."""
    flipped = uvs.copy()
    flipped[..., 1] = 1 - flipped[..., 1]
    return flipped
