"""What may be done to a cloud before it is upsampled: outliers out, noise off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gen3d.ops.points import knn
from gen3d.upsampling.motion import Flow, move_points
from gen3d.upsampling.options import UpsampleOptions
from gen3d.upsampling.surface import fit_quadrics

OUTLIER_NEIGHBOURS = 8
_SMOOTHING_NEIGHBOURS = 24
_QUERIES = 1 << 20


def inliers(
    points: Float[Tensor, "n 3"], *, deviations: float, neighbours: int = OUTLIER_NEIGHBOURS
) -> Bool[Tensor, " n"]:
    """Return which points lie about as near to their neighbours as the others do.

    Statistical outlier removal (Rusu et al. 2008, "Towards 3D point cloud based object maps",
    section 4): outliers have a mean distance to their neighbours above the mean of all by that many
    standard deviations. With PDAL's defaults, 8 neighbours and 2 deviations.

    Args:
        points: A cloud; fewer than 3 points are all inliers.
        deviations: See above.
        neighbours: See above.
    """
    n = len(points)
    if n < 3:
        return torch.ones(n, dtype=torch.bool, device=points.device)
    count = min(neighbours, n - 1)
    # A point is its own first neighbour at distance 0 and adds nothing to the sum.
    sums = [
        knn(part, points, count + 1).distances_squared.sqrt().sum(1)
        for part in points.split(_QUERIES)
    ]
    mean = torch.cat(sums).double() / count
    return mean <= mean.mean() + deviations * mean.std()


def denoise_points(
    points: Float[Tensor, "n 3"],
    flow: Flow,
    options: UpsampleOptions,
    *,
    generator: torch.Generator,
    between: Callable[[int], None] = lambda patches: None,
) -> Float[Tensor, "n 3"]:
    """Move points onto the surface and add none: the flow at rate 1.

    Without a network, onto quadrics through their neighbourhoods.

    Args:
        points: A cloud.
        flow: The network.
        options: How.
        generator: Of noise, if any.
        between: Called after each batch with the number of its patches.
    """
    if flow.network is None:
        return fit_quadrics(points, neighbours=_SMOOTHING_NEIGHBOURS).project(points)
    # Noise is what is to go; it may exceed the spacing that a constraint would measure.
    free = replace(options, manifold="none")
    moved = move_points(points, flow, free, source=points, generator=generator, between=between)
    return moved.points
