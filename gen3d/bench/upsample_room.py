"""A room of boxes, scanned from two places: what is hidden, and what stands apart, stays open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from gen3d.bench.rows import Row
from gen3d.geometry.cloud import PointCloud
from gen3d.runtime.seeds import make_generator
from gen3d.upsampling.options import UpsampleOptions
from gen3d.upsampling.pipeline import UpsamplePipeline

BRIDGE_MM = 40.0
"""Farther from all surfaces than this a point hangs in the air: more than noise does, or half of
the widest edge that the interpolation may cut off."""

NOISE_MM = 1.0
_EYES = ((0.6, 1.5, 0.7), (4.3, 1.4, 3.2))


@dataclass(frozen=True)
class Boxes:
    """Axis-aligned boxes, metres.

    Attributes:
        low: Least corners.
        high: Greatest corners.
    """

    low: Float[np.ndarray, "b 3"]
    high: Float[np.ndarray, "b 3"]

    def distance(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
        """Return the distance of each point to the nearest face."""
        nearest = np.full(len(points), np.inf)
        for low, high in zip(self.low, self.high, strict=True):
            out = np.maximum(low - points, points - high)
            outside = np.linalg.norm(np.maximum(out, 0), axis=1)
            nearest = np.minimum(nearest, np.abs(outside + np.minimum(out.max(axis=1), 0)))
        return nearest

    def first_hits(
        self, eye: Float[np.ndarray, " 3"], rays: Float[np.ndarray, "n 3"]
    ) -> Float[np.ndarray, " n"]:
        """Return how far rays go before they meet a box, infinite where they meet none."""
        nearest = np.full(len(rays), np.inf)
        for low, high in zip(self.low, self.high, strict=True):
            first, second = (low - eye) / rays, (high - eye) / rays
            enter = np.minimum(first, second).max(axis=1)
            leave = np.maximum(first, second).min(axis=1)
            hit = (enter > 0) & (enter < leave)
            nearest = np.where(hit, np.minimum(nearest, enter), nearest)
        return nearest


def furnished_room() -> Boxes:
    """Return floor, ceiling and walls with a door, a table, shelves, chairs and a picture."""
    w, h, d, t = 5.0, 2.6, 4.0, 0.1
    boxes = [
        ((-t, -t, -t), (w + t, 0, d + t)),
        ((-t, h, -t), (w + t, h + t, d + t)),
        ((-t, 0, -t), (0, h, d + t)),
        ((w, 0, -t), (w + t, h, d + t)),
        ((0, 0, d), (w, h, d + t)),
        ((0, 0, -t), (2.0, h, 0)),
        ((2.9, 0, -t), (w, h, 0)),
        ((2.0, 0.0, -t), (2.9, 0.02, 0)),
        ((1.8, 0.70, 1.5), (3.2, 0.74, 2.4)),
        *(((x, 0, z), (x + 0.06, 0.70, z + 0.06)) for x in (1.85, 3.09) for z in (1.55, 2.29)),
        *(((4.6, y, 0.5), (w, y + 0.03, 1.9)) for y in np.arange(0.3, 2.2, 0.3)),
        *(((x, 0, 3.0), (x + 0.45, 0.45, 3.45)) for x in (0.8, 1.7, 2.6)),
        ((1.0, 1.2, d - 0.15), (2.0, 1.9, d - 0.12)),
    ]
    low, high = zip(*boxes, strict=True)
    return Boxes(np.array(low, np.float64), np.array(high, np.float64))


def scan(room: Boxes, points: int, noise_mm: float = NOISE_MM) -> Float[np.ndarray, "n 3"]:
    """Return what scanners at two places see: about so many points, metres."""
    found = []
    for number, eye in enumerate(_EYES):
        draws = torch.rand((points // 2, 2), generator=make_generator(number), dtype=torch.float64)
        z, angle = 2 * draws[:, 0].numpy() - 1, 2 * np.pi * draws[:, 1].numpy()
        flat = np.sqrt(1 - z * z)
        rays = np.stack([flat * np.cos(angle), z, flat * np.sin(angle)], axis=1)
        far = room.first_hits(np.array(eye), rays)
        # Rays through the door see nothing.
        seen = np.isfinite(far)
        error = torch.randn(int(seen.sum()), generator=make_generator(10 + number)).numpy()
        far = far[seen] + error * noise_mm / 1000
        found.append(np.array(eye) + far[:, None] * rays[seen])
    return np.concatenate(found)


def room_row(pipeline: UpsamplePipeline, points: int, rate: float, options: UpsampleOptions) -> Row:
    """Upsample the scan; errors in millimetres, and the share of points that hang in the air."""
    room = furnished_room()
    cloud = PointCloud.from_positions(scan(room, points))
    dense = pipeline.upsample(cloud, rate, seed=0, options=options).cloud.positions
    apart = room.distance(dense) * 1000
    return {
        "points": float(len(dense)),
        "input_error_mm": float(room.distance(cloud.positions).mean() * 1000),
        "error_mm": float(apart.mean()),
        "error_95_mm": float(np.quantile(apart, 0.95)),
        "bridge_rate": float((apart > BRIDGE_MM).mean()),
    }
