"""A point's surroundings: what a network sees of them, and the directions it can move along.

The published network must learn from coordinates alone which way a surface faces. Here each point
also has the offsets to its nearest neighbours and, at a few scales, their mean ``m`` and covariance
``C``. A midpoint of two points of a curved surface lies below it, and so do, by about as much, the
means of its neighbours; ``m``, ``C m`` and ``C^2 m`` span the parts of ``m`` along the normal and
along the surface (Cayley and Hamilton), so a few numbers per point tell how to move in any pose.
All lengths are in units of the patch's spacing.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import gelu

from gen3d.ops.points import knn
from gen3d.upsampling.config import LocalConfig

_VECTORS = 3  # m, C m, C^2 m
_SCALARS = 5
_LEAST_SPACING = 1e-6


@dataclass(frozen=True)
class LocalGeometry:
    """Surroundings of the points of patches.

    Attributes:
        offsets: To the nearest neighbours, nearest first, in units of ``spacing``.
        vectors: ``m``, ``C m`` and ``C^2 m`` at each scale, likewise.
        scalars: Numbers that no rotation changes: ``m.m``, ``m.C m``, ``m.C^2 m``, the root
            of the trace of ``C``, and the determinant of ``C`` over its trace, at each scale.
        spacing: Mean distance to the third neighbour of all points of a patch.
    """

    offsets: Float[Tensor, "batch n k 3"]
    vectors: Float[Tensor, "batch n v 3"]
    scalars: Float[Tensor, "batch n s"]
    spacing: Float[Tensor, "batch 1 1"]

    @classmethod
    @torch.no_grad()
    def of(cls, x: Float[Tensor, "batch n 3"], config: LocalConfig) -> LocalGeometry:
        """Measure patches, in float32 whatever autocast says; no gradient flows back.

        Where there are too few points, the farthest neighbour is repeated.
        """
        with torch.autocast(x.device.type, enabled=False):
            return cls._of(x.detach().float(), config)

    @classmethod
    def _of(cls, x: Tensor, config: LocalConfig) -> LocalGeometry:
        wanted = config.reach + 1
        index = knn(x, x, min(wanted, x.shape[1])).indices
        index = index[..., torch.arange(1, wanted).clamp(max=index.shape[-1] - 1)]
        items = torch.arange(len(x), device=x.device)[:, None, None]
        offsets = x[items, index] - x[:, :, None]
        near = offsets[:, :, 2].norm(dim=-1)
        spacing = near.mean(1)[:, None, None].clamp(min=_LEAST_SPACING)
        offsets = offsets / spacing[..., None]
        vectors, scalars = zip(*(_moments(offsets[:, :, :k]) for k in config.scales), strict=True)
        seen = offsets[:, :, : config.neighbours]
        return cls(seen, torch.cat(vectors, 2), torch.cat(scalars, 2), spacing)


def _moments(offsets: Tensor) -> tuple[Tensor, Tensor]:
    mean = offsets.mean(2)
    centred = offsets - mean[:, :, None]
    covariance = centred.mT @ centred / offsets.shape[2]
    trace = covariance.diagonal(dim1=-2, dim2=-1).sum(-1, keepdim=True).clamp(min=_LEAST_SPACING)
    relative = covariance / trace[..., None]
    vectors = [mean]
    for _ in range(_VECTORS - 1):
        vectors.append((relative @ vectors[-1][..., None])[..., 0])
    products = [(mean * vector).sum(-1, keepdim=True) for vector in vectors]
    # 1 where all directions are alike, and next to a plane as small as the least variance.
    thickness = 27 * torch.linalg.det(relative)[..., None]
    return torch.stack(vectors, 2), torch.cat([*products, trace.sqrt(), thickness], -1)


class LocalEmbedding(nn.Module):
    """Features of the surroundings: a small network per neighbour, pooled, and the moments.

    Args:
        config: Sizes.
        width: Channels out.
    """

    def __init__(self, config: LocalConfig, width: int) -> None:
        super().__init__()
        self.neighbour_in = nn.Linear(4, config.width)
        self.neighbour_mid = nn.Linear(config.width, config.width)
        moments = len(config.scales) * (3 * _VECTORS + _SCALARS)
        self.out = nn.Linear(2 * config.width + moments, width)

    def forward(self, geometry: LocalGeometry) -> Float[Tensor, "batch n width"]:
        """Return one feature per point."""
        offsets = geometry.offsets
        seen = torch.cat([offsets, offsets.norm(dim=-1, keepdim=True)], -1)
        each = self.neighbour_mid(gelu(self.neighbour_in(seen), approximate="tanh"))
        pooled = [each.amax(2), each.mean(2), geometry.vectors.flatten(2).to(each.dtype)]
        return self.out(torch.cat([*pooled, geometry.scalars.to(each.dtype)], -1))


class LocalReadout(nn.Module):
    """Moves each point along the vectors of its surroundings, by as much as its feature says.

    Args:
        config: Sizes.
        width: Channels of the features.
    """

    def __init__(self, config: LocalConfig, width: int) -> None:
        super().__init__()
        self.coefficients = nn.Linear(width, _VECTORS * len(config.scales))

    def forward(
        self, features: Float[Tensor, "batch n width"], geometry: LocalGeometry
    ) -> Float[Tensor, "batch n 3"]:
        """Return a velocity in units of the spacing, float32."""
        weights = self.coefficients(features).float()
        return (weights[..., None] * geometry.vectors).sum(2)
