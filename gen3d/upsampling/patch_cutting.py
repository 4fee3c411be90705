"""Training pairs: a patch as interpolation leaves it, and where its points belong.

The sparse cloud of a shape is interpolated as a whole, as in use, and patches are cut from that;
PUFM interpolates each sparse patch alone, whose rim then has to grow to cover the dense one's. A
margin of further points takes part in the matching, so no point is pushed across the rim.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Float32
from pydantic import Field, model_validator
from torch import Tensor

from gen3d.ops.points import auction_assign, eliminate_samples, knn
from gen3d.training.config import Settings
from gen3d.upsampling.config import PATCH_POINTS
from gen3d.upsampling.midpoint import midpoint_interpolate
from gen3d.upsampling.patch_shapes import SurfacePoints

Sparseness = Literal["even", "random", "uneven"]

_UNEVEN_REACH = 0.6  # of the Gaussian, in units of the shape's radius
_UNEVEN_FLOOR = 0.12


class CuttingConfig(Settings):
    """How patches are made.

    Attributes:
        dense_points: Of a whole shape.
        rate: Dense points per sparse one.
        candidates: Points drawn per dense one, from which those of blue noise are chosen.
        clouds: Sparse clouds per shape.
        patches: Patches per sparse cloud.
        patch_points: Points of a patch.
        margin: Share of further points that take part in the matching.
        random_share: Share of the sparse clouds that are drawn without regard to distances.
        uneven_share: Share of those that are so and thinner with distance from a random place.
        noisy_share: Share of the clouds with noise.
        noise: Greatest standard deviation of it, in units of the shape's radius.
        match_eps: Accuracy of the matching, in units of the patch's radius.
    """

    dense_points: int = Field(default=8192, ge=16)
    rate: int = Field(default=4, ge=2)
    candidates: int = Field(default=4, ge=2)
    clouds: int = Field(default=2, ge=1)
    patches: int = Field(default=6, ge=1)
    patch_points: int = Field(default=PATCH_POINTS, ge=8)
    margin: float = Field(default=0.25, ge=0)
    random_share: float = Field(default=0.2, ge=0, le=1)
    uneven_share: float = Field(default=0.15, ge=0, le=1)
    noisy_share: float = Field(default=0.5, ge=0, le=1)
    noise: float = Field(default=0.02, ge=0)
    match_eps: float = Field(default=5e-4, gt=0)

    @model_validator(mode="after")
    def _fits(self) -> CuttingConfig:
        if self.matched > self.dense_points:
            raise ValueError(
                f"{self.matched} points of a patch with margin, but only {self.dense_points} dense"
            )
        if self.random_share + self.uneven_share > 1:
            raise ValueError("random_share and uneven_share together exceed 1")
        return self

    @property
    def matched(self) -> int:
        """Points that take part in the matching."""
        return round(self.patch_points * (1 + self.margin))


@dataclass(frozen=True)
class PatchRows:
    """Pairs of patches, row by row.

    Attributes:
        start: Interpolated points, nearest to the patch's seed first; centroid 0, radius 1.
        target: Where each of them belongs.
        normals: Unit normals of the surface there; None: unknown.
        noise: Standard deviation of the input's noise, in units of the shape's radius.
    """

    start: Float32[np.ndarray, "rows n 3"]
    target: Float32[np.ndarray, "rows n 3"]
    normals: Float[np.ndarray, "rows n 3"] | None
    noise: Float32[np.ndarray, " rows"]


def cut_shape(surface: SurfacePoints, config: CuttingConfig, rng: np.random.Generator) -> PatchRows:
    """Cut patches from one shape.

    Args:
        surface: ``config.dense_points * config.candidates`` points at least.
        config: How.
        rng: Source of randomness.

    Raises:
        InputError: Points are too few, or not finite.
    """
    kept = eliminate_samples(surface.points, config.dense_points)
    dense, normals = surface.points[kept], surface.normals[kept]
    rows = []
    for _ in range(config.clouds):
        kind = draw_sparseness(config, rng)
        count = config.dense_points // config.rate
        sparse = surface.points[choose_sparse(surface.points, count, kind, rng)]
        noise = draw_noise(config, rng)
        sparse = sparse + noise * torch.from_numpy(
            rng.standard_normal(sparse.shape, dtype=np.float32)
        )
        start = midpoint_interpolate(sparse, config.dense_points)
        seeds = start[torch.from_numpy(rng.choice(len(start), config.patches, replace=False))]
        inner = start[knn(seeds, start, config.matched).indices]
        outer = knn(seeds, dense, config.matched).indices
        rows.append(pair_patches(inner, dense[outer], normals[outer], noise, config))
    return join_rows(rows)


def pair_patches(
    start: Float[Tensor, "patches m 3"],
    dense: Float[Tensor, "patches m 3"],
    normals: Float[Tensor, "patches m 3"] | None,
    noise: float,
    config: CuttingConfig,
) -> PatchRows:
    """Bring patches to the unit ball and give every point its own target.

    Args:
        start: Interpolated points, nearest to the seed first; the margin is last.
        dense: As many points of the surface.
        normals: There.
        noise: Of the input.
        config: Sizes.
    """
    inside = start[:, : config.patch_points]
    centre = inside.mean(1, keepdim=True)
    radius = (inside - centre).norm(dim=-1).amax(1)[:, None, None].clamp(min=1e-12)
    start, dense = (start - centre) / radius, (dense - centre) / radius
    match, _ = auction_assign(start, dense, eps=config.match_eps)
    match = match[:, : config.patch_points, None].expand(-1, -1, 3)
    return PatchRows(
        start[:, : config.patch_points].numpy(),
        dense.gather(1, match).numpy(),
        None if normals is None else normals.gather(1, match).numpy(),
        np.full(len(start), noise, np.float32),
    )


def choose_sparse(
    points: Float[Tensor, "n 3"], count: int, kind: Sparseness, rng: np.random.Generator
) -> Tensor:
    """Return the indices of a sparse cloud.

    Args:
        points: Where to choose.
        count: How many.
        kind: ``even``: blue noise; ``random``: any; ``uneven``: dense in one place.
        rng: Source of randomness.
    """
    if kind == "even":
        # Of as many candidates as the dense cloud had, but others: they are independent.
        some = torch.from_numpy(rng.choice(len(points), min(len(points), 4 * count), replace=False))
        return some[eliminate_samples(points[some], count)]
    share = np.ones(len(points))
    if kind == "uneven":
        distance = (points - points[rng.integers(len(points))]).norm(dim=1).numpy()
        share = np.exp(-0.5 * (distance / _UNEVEN_REACH) ** 2).astype(np.float64) + _UNEVEN_FLOOR
    chosen = rng.choice(len(points), count, replace=False, p=share / share.sum())
    return torch.from_numpy(chosen)


def draw_sparseness(config: CuttingConfig, rng: np.random.Generator) -> Sparseness:
    """Draw what kind of sparse cloud to make."""
    u = rng.uniform()
    if u < config.random_share:
        return "random"
    return "uneven" if u < config.random_share + config.uneven_share else "even"


def draw_noise(config: CuttingConfig, rng: np.random.Generator) -> float:
    """Draw a standard deviation: 0, or uniform up to the greatest."""
    noisy, level = rng.uniform(size=2)
    return float(level * config.noise) if noisy < config.noisy_share else 0.0


def join_rows(parts: list[PatchRows]) -> PatchRows:
    """Put rows one after the other; all have normals, or none."""
    normals = [part.normals for part in parts if part.normals is not None]
    return PatchRows(
        np.concatenate([part.start for part in parts]),
        np.concatenate([part.target for part in parts]),
        np.concatenate(normals) if len(normals) == len(parts) else None,
        np.concatenate([part.noise for part in parts]),
    )
