"""GrabCut, for backgrounds that are not plain; it needs OpenCV (the ``image`` extra)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, UInt8

from gen3d.runtime.optional import require

_ROUNDS = 8
_CENTRE = 0.27  # half axes of the ellipse where the object likely is, in shares of the sides
_RIM = 0.12  # of the shorter side: what the background likely shows
_MARGIN = 0.02
_BIN = 8.0  # CIELAB units
_UNUSUAL = 0.6


def grab_cut(
    rgb: UInt8[np.ndarray, "h w 3"], lab: Float[np.ndarray, "h w 3"]
) -> Bool[np.ndarray, "h w"]:
    """Cut the object out by colour mixtures and a minimal cut (Rother et al. 2004).

    At the start the object is what lies in the middle and has colours that are seen there more
    than along the border.

    Args:
        rgb: sRGB bytes.
        lab: The same in CIELAB, a little smoothed.

    Raises:
        MissingDependencyError: OpenCV is not installed.
    """
    cv2 = require("cv2", extra="image", feature="removing a background that is not plain")
    height, width = rgb.shape[:2]
    y, x = np.meshgrid(*(np.linspace(-0.5, 0.5, side) for side in (height, width)), indexing="ij")
    middle = x**2 + y**2 < _CENTRE**2
    unusual = _share_of_middle(lab, middle, _border(height, width, _RIM)) > _UNUSUAL
    labels = np.where(middle & unusual, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    # The object may reach the border, so only colours that belong there are certain background.
    labels[_border(height, width, _MARGIN) & ~unusual] = cv2.GC_BGD
    if not (middle & unusual).any():
        return np.zeros((height, width), bool)
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    cv2.grabCut(bgr, labels, None, *models, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)


def _share_of_middle(
    lab: Float[np.ndarray, "h w 3"],
    middle: Bool[np.ndarray, "h w"],
    border: Bool[np.ndarray, "h w"],
) -> Float[np.ndarray, "h w"]:
    """Return how much more often each pixel's colour is seen in the middle: 1 is there only."""
    bins = np.floor((lab + np.array([0.0, 128.0, 128.0])) / _BIN).astype(np.int64).clip(0, 63)
    key = (bins[..., 0] * 64 + bins[..., 1]) * 64 + bins[..., 2]
    inside, outside = (
        np.bincount(key[part], minlength=64**3) / max(int(part.sum()), 1)
        for part in (middle, border)
    )
    return (inside / np.maximum(inside + outside, 1e-9))[key]


def _border(height: int, width: int, share: float) -> Bool[np.ndarray, "h w"]:
    thick = max(2, round(share * min(height, width)))
    border = np.ones((height, width), bool)
    border[thick:-thick, thick:-thick] = False
    return border
