"""Whether a narrower geometry decoder is better at equal time: it may go to a finer grid."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median_high

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gen3d.bench.rows import Row
from gen3d.data.procedural.dataset import ShapeSet
from gen3d.geometry.metrics import volume_iou
from gen3d.ops.isosurface import CORNER_OFFSETS
from gen3d.vecset.decode import Field, decode_field
from gen3d.vecset.extract import shape_field
from gen3d.vecset.flow_objective import encode_shapes
from gen3d.vecset.shape_data import gather
from gen3d.vecset.vae import ShapeVAE

RESOLUTIONS = (48, 64, 96, 128, 192)
_POINTS, _QUERIES, _REPEATS = 1024, 4096, 3


@torch.no_grad()
def grid_rows(
    vae: ShapeVAE, shapes: ShapeSet, resolutions: Sequence[int] = RESOLUTIONS
) -> dict[str, Row]:
    """Decode true shapes on grids, and compare the trilinear surface with the truth.

    Args:
        vae: The autoencoder; shapes are encoded with it.
        shapes: Shapes that it was not trained on.
        resolutions: Cells per axis of each grid.

    Returns:
        By resolution ``iou`` (mean over shapes, uniform queries) and ``decode_s`` (median over
        shapes of the best of three sparse decodes).
    """
    latents = encode_shapes(vae, shapes, points=_POINTS)
    uniform = torch.arange(shapes.near_count, shapes.queries.shape[1])[:_QUERIES]
    every = torch.arange(len(latents))
    queries = gather(shapes.queries, every, uniform)
    inside = gather(shapes.inside, every, uniform) > 0.5
    fields = [shape_field(vae, vae.decode(one[None])) for one in latents]
    bounds = vae.config.bounds
    found = {}
    for resolution in resolutions:
        ious = [
            float(volume_iou(_trilinear(field, at, resolution, bounds) > 0, true))
            for field, at, true in zip(fields, queries, inside, strict=True)
        ]
        seconds = median_high([_seconds(field, resolution, bounds) for field in fields])
        found[str(resolution)] = {"iou": sum(ious) / len(ious), "decode_s": seconds}
    return found


def equal_time_gain(full: dict[str, Row], lightning: dict[str, Row]) -> float:
    """Return the largest gain in IoU of the narrower decoder at the time that the full one takes.

    For each of its grids the narrower decoder meets the best grid of the full one that takes no
    longer; negative: the full decoder wins everywhere.
    """
    gains = []
    for row in lightning.values():
        rivals = [r["iou"] for r in full.values() if r["decode_s"] <= row["decode_s"]]
        if rivals:
            gains.append(row["iou"] - max(rivals))
    return max(gains)


def _seconds(field: Field, resolution: int, bounds: float) -> float:
    best = float("inf")
    for _ in range(_REPEATS):
        begun = time.perf_counter()
        decode_field(field, resolution, bounds=(-bounds, bounds))
        best = min(best, time.perf_counter() - begun)
    return best


def _trilinear(
    field: Field, points: Float[Tensor, "n 3"], resolution: int, bounds: float
) -> Float[Tensor, " n"]:
    """Sample what a grid of a field says between its corners."""
    place = (points + bounds) / (2 * bounds) * resolution
    cell = place.floor().clamp(0, resolution - 1)
    weight = place - cell
    offsets = torch.tensor(CORNER_OFFSETS, dtype=points.dtype)
    corners = (cell[:, None] + offsets) * (2 * bounds / resolution) - bounds
    values = field(corners.reshape(-1, 3)).view(-1, 8)
    high: Bool[Tensor, "8 3"] = offsets.bool()
    shares = torch.where(high, weight[:, None], 1 - weight[:, None]).prod(-1)
    return (values * shares).sum(1)
