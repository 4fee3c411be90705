"""Soft edges: how much of each pixel at an outline is object, and of which colour."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from gen3d.conditioning.regions import grown, local_mean, shrunk

_REACH = 3
_STEEPNESS = 1.25  # the object's colour is a mean, so that its own pixels fall short of it
_MIN_CONTRAST = 0.03  # below, of sRGB's unit cube, the mixture says nothing


def soften(
    rgb: Float[np.ndarray, "h w 3"], mask: Bool[np.ndarray, "h w"]
) -> tuple[Float[np.ndarray, "h w"], Float[np.ndarray, "h w 3"]]:
    """Turn a mask into opacities, and take the background out of the colours at the edge.

    A pixel at the outline is a mixture ``alpha F + (1 - alpha) B`` of the object's colour and the
    background's nearby; ``alpha`` follows by projection (Smith and Blinn 1996, triangulation).

    Args:
        rgb: sRGB in [0, 1].
        mask: The object, right within a pixel or two.

    Returns:
        Opacity in [0, 1], and the object's colours.
    """
    inner, outer = shrunk(mask, 2), ~grown(mask, 1)
    band = ~inner & ~outer
    behind, some_behind = local_mean(rgb, outer.astype(float), _REACH + 2)
    # What differs most from the background is the object at its purest, in thin parts too.
    contrast = ((rgb - behind) ** 2).sum(axis=-1)
    front, some_front = local_mean(rgb, np.where(mask, contrast, 0.0) ** 1.5 + 1e-9 * mask, _REACH)
    span = front - behind
    length = (span**2).sum(axis=-1)
    share = ((rgb - behind) * span).sum(axis=-1) / np.maximum(length, 1e-9)
    share = np.clip(0.5 + _STEEPNESS * (share - 0.5), 0.0, 1.0)
    known = band & some_behind & some_front & (length > _MIN_CONTRAST**2)
    alpha = np.where(known, share, mask.astype(float))
    mixed = (known & (alpha < 1))[..., None]
    colours = np.where(mixed, alpha[..., None] * rgb + (1 - alpha[..., None]) * front, rgb)
    return alpha, colours
