"""The surface that a cloud's neighbourhoods suggest: a quadric around every point."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.ops.points import knn

NEIGHBOURS = 16
BLENDED = 4
_RIDGE = 1e-3
_TRUST = 0.02
"""Misfits below this share of the neighbourhood's size all count as fitting well."""


@dataclass(frozen=True)
class LocalQuadrics:
    """A height function over the tangent plane at every point of a cloud.

    Attributes:
        points: Where they are centred.
        axes: Columns: two tangents and the normal.
        sizes: Unit of length of each: the distance of the farthest point that it was fitted to.
        coefficients: Of 1, x, y, x^2, xy, y^2 in that unit.
        misfits: Root mean square of what the fit left, in that unit.
    """

    points: Float[Tensor, "n 3"]
    axes: Float[Tensor, "n 3 3"]
    sizes: Float[Tensor, " n"]
    coefficients: Float[Tensor, "n 6"]
    misfits: Float[Tensor, " n"]

    def project(self, queries: Float[Tensor, "m 3"]) -> Float[Tensor, "m 3"]:
        """Return where the quadrics of the nearest points see the surface, near each query.

        Each moves the query along its own normal; near ones count more, and ones that fit badly
        (they reach over an edge) less.
        """
        near = knn(queries, self.points, min(BLENDED, len(self.points)))
        index, distances = near.indices, near.distances_squared
        sizes, axes = self.sizes[index], self.axes[index]
        apart = queries[:, None] - self.points[index]
        local = torch.einsum("mkc,mkca->mka", apart, axes) / sizes[..., None]
        height = (_monomials(local[..., 0], local[..., 1]) * self.coefficients[index]).sum(-1)
        ways = ((height - local[..., 2]) * sizes)[..., None] * axes[..., 2]
        closeness = 1 / (distances / sizes.square() + 1e-3)
        weights = closeness / (self.misfits[index].square() + _TRUST**2)
        weights = weights / weights.sum(dim=1, keepdim=True)
        return queries + (weights[..., None] * ways).sum(dim=1)


def fit_quadrics(points: Float[Tensor, "n 3"], *, neighbours: int = NEIGHBOURS) -> LocalQuadrics:
    """Fit a quadric to the nearest points of every point.

    The plane by weighted covariance, then heights over it by weighted least squares (Cazals and
    Pouget 2005, "Estimating differential quantities using polynomial fitting of osculating jets",
    degree 2), with a ridge on the curvatures, so that a few points or points in a row give the
    plane.

    Args:
        points: At least one.
        neighbours: Points of each fit, itself among them; more smooth more.
    """
    near = knn(points, points, min(neighbours, len(points)))
    inside = points[near.indices] - points[:, None]
    sizes = near.distances_squared[:, -1].sqrt()
    sizes = torch.where(sizes > 0, sizes, torch.ones_like(sizes))
    inside = inside / sizes[:, None, None]
    weights = torch.exp(-2 * inside.square().sum(-1))
    weights = weights / weights.sum(dim=1, keepdim=True)
    middle = (weights[..., None] * inside).sum(dim=1, keepdim=True)
    spread = (inside - middle) * weights.sqrt()[..., None]
    axes = torch.linalg.eigh(spread.mT @ spread).eigenvectors.flip(-1)
    local = inside @ axes
    rows = _monomials(local[..., 0], local[..., 1])
    heavy = rows * weights[..., None]
    ridge = _RIDGE * torch.diag(points.new_tensor([1e-3, 1e-1, 1e-1, 1, 1, 1]))
    coefficients = torch.linalg.solve(
        rows.mT @ heavy + ridge, (heavy * local[..., 2:]).sum(dim=1, keepdim=True).mT
    )
    left = (rows @ coefficients)[..., 0] - local[..., 2]
    misfits = (weights * left.square()).sum(dim=1).sqrt()
    return LocalQuadrics(points, axes, sizes, coefficients[..., 0], misfits)


def _monomials(x: Float[Tensor, "*n"], y: Float[Tensor, "*n"]) -> Float[Tensor, "*n 6"]:
    return torch.stack([torch.ones_like(x), x, y, x * x, x * y, y * y], dim=-1)
