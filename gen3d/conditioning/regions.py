"""Regions of pixels: connected ones, grown and shrunk ones, local means."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from gen3d.geometry.topology import connect


def label_regions(mask: Bool[np.ndarray, "h w"]) -> tuple[Int[np.ndarray, "h w"], int]:
    """Number the connected regions of a mask; pixels that share a side are neighbours.

    Runs of pixels in a row are the nodes of a graph, and overlaps between rows its edges, so that
    the work grows with the outline and not with the area.

    Returns:
        Labels, 0 outside and 1, 2, ... inside in reading order, and how many regions there are.
    """
    height, width = mask.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    change = np.diff(padded, axis=1)
    # Each row gets a stretch of its own on one long line, with a gap between rows.
    row, start = np.nonzero(change == 1)
    stop = np.nonzero(change == -1)[1]
    stride = width + 2
    begins, ends = row * stride + start, row * stride + stop
    # The runs of the next row that end behind a run's start, up to those that start before its end.
    first = np.searchsorted(ends, begins + stride, side="right")
    last = np.searchsorted(begins, ends + stride, side="left")
    counts = np.maximum(last - first, 0)
    above = np.repeat(np.arange(len(row)), counts)
    offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    roots = connect(np.stack([above, first[above] + offsets], axis=1), len(row))
    kept, numbers = np.unique(roots, return_inverse=True)
    labels = np.zeros((height, width), np.int64)
    labels[mask] = np.repeat(numbers + 1, stop - start)
    return labels, len(kept)


def touching_border(
    mask: Bool[np.ndarray, "h w"],
) -> Bool[np.ndarray, "h w"]:
    """Return the regions of a mask that reach the picture's border."""
    labels, count = label_regions(mask)
    seen = np.zeros(count + 1, bool)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        seen[edge] = True
    seen[0] = False
    return seen[labels]


def box_mean(values: Float[np.ndarray, "h w *c"], radius: int) -> Float[np.ndarray, "h w *c"]:
    """Return the mean over the square of ``2 radius + 1`` pixels; beyond the border all is zero."""
    for axis in (0, 1):
        width = [(radius + 1, radius) if i == axis else (0, 0) for i in range(values.ndim)]
        total = np.pad(values, width).cumsum(axis=axis)
        size = 2 * radius + 1
        high = np.take(total, np.arange(size, total.shape[axis]), axis=axis)
        low = np.take(total, np.arange(total.shape[axis] - size), axis=axis)
        values = (high - low) / size
    return values


def local_mean(
    values: Float[np.ndarray, "h w c"], weights: Float[np.ndarray, "h w"], radius: int
) -> tuple[Float[np.ndarray, "h w c"], Bool[np.ndarray, "h w"]]:
    """Return weighted means over squares, and where there was any weight."""
    weight = box_mean(weights, radius)
    known = weight > 1e-6
    mean = box_mean(values * weights[..., None], radius) / np.maximum(weight, 1e-6)[..., None]
    return mean, known


def grown(mask: Bool[np.ndarray, "h w"], pixels: int) -> Bool[np.ndarray, "h w"]:
    """Return a mask with all pixels added that lie so near, along rows and columns each."""
    for axis in (0, 1):
        total = mask.copy()
        for step in range(1, pixels + 1):
            behind = [slice(None), slice(None)]
            ahead = [slice(None), slice(None)]
            behind[axis], ahead[axis] = slice(None, -step), slice(step, None)
            total[tuple(ahead)] |= mask[tuple(behind)]
            total[tuple(behind)] |= mask[tuple(ahead)]
        mask = total
    return mask


def shrunk(mask: Bool[np.ndarray, "h w"], pixels: int) -> Bool[np.ndarray, "h w"]:
    """Return a mask without the pixels so near to its outside; the border is no outside."""
    return ~grown(~mask, pixels)
