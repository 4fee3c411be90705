"""How curved a cloud is at its points, and what that means for their speed."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.ops.points import knn

NEIGHBOURS = 16
PUBLISHED_STRENGTH = 0.01


def surface_variation(
    points: Float[Tensor, "n 3"], *, neighbours: int = NEIGHBOURS
) -> Float[Tensor, " n"]:
    """Return the share of the neighbours' variance that lies across the surface, 0 to 1/3.

    lambda_min / (lambda_1 + lambda_2 + lambda_3) of the covariance of the nearest points, itself
    left out, plus 1e-6 on its diagonal (Pauly et al. 2002, "Efficient simplification of
    point-sampled surfaces", eq. 2; neighbours and ridge as PUFM++ has them).

    Args:
        points: In a frame where the cloud has about unit size, for the ridge.
        neighbours: How many; all others where there are fewer.
    """
    count = min(neighbours, len(points) - 1)
    if count < 1:
        return points.new_zeros(len(points))
    near = points[knn(points, points, count, include_self=False).indices]
    spread = near - near.mean(dim=1, keepdim=True)
    covariance = spread.mT @ spread / count + 1e-6 * torch.eye(3, device=points.device)
    eigenvalues = torch.linalg.eigvalsh(covariance).clamp(min=0)
    return eigenvalues[:, 0] / eigenvalues.sum(dim=1)


def curvature_weight(
    points: Float[Tensor, "n 3"], strength: float = PUBLISHED_STRENGTH
) -> Float[Tensor, " n"]:
    """Return the factor of each point's velocity, 1 + strength * variation (arXiv 2512.20988)."""
    return 1 + strength * surface_variation(points)
