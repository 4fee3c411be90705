"""Searches among points: farthest point sampling, neighbours, matching, thinning.

All results are exact, do not depend on the number of threads, and break ties by the lowest index.
On the CPU a hierarchy of bounding boxes over a Hilbert curve serves every search; on CUDA a grid.
Points are float32 (other floats are converted), ``(n, 3)`` or a batch ``(b, n, 3)``; indices are
int64. NaN and infinity are refused. Only :func:`three_interpolate` and :func:`chamfer` carry
gradients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gen3d.errors import InputError
from gen3d.ops import points_kernels
from gen3d.ops.backend import uses_native
from gen3d.ops.forward_ad import refuse_forward_ad
from gen3d.ops.reference import points as reference

MAX_POINTS = (1 << 31) - 2
# Farther from the optimum than asked for, an auction needs few rounds to find prices close to the
# final ones; each phase starts from the prices of the one before.
_AUCTION_SCALES = (25.0, 5.0, 1.0)
# Yuksel (2015), section 4: exponent gamma and factor beta of the distance that weights stop at.
_FLOOR_EXPONENT, _FLOOR_FACTOR = 1.5, 0.65
_AREA_NEIGHBOURS = 8


@dataclass(frozen=True)
class Neighbours:
    """Nearest points of queries.

    Attributes:
        distances_squared: Ascending; infinite beyond the size of the cloud.
        indices: Of the points; 0 beyond the size of the cloud.
    """

    distances_squared: Float[Tensor, "*batch m k"]
    indices: Int[Tensor, "*batch m k"]


@dataclass(frozen=True)
class ChamferResult:
    """Nearest points of two clouds, both ways.

    Attributes:
        a_to_b: Squared distance of each point of ``a`` to the nearest of ``b``.
        b_to_a: Squared distance of each point of ``b`` to the nearest of ``a``.
        a_indices: The nearest of ``b``, for each point of ``a``.
        b_indices: The nearest of ``a``, for each point of ``b``.
    """

    a_to_b: Float[Tensor, "*batch n"]
    b_to_a: Float[Tensor, "*batch m"]
    a_indices: Int[Tensor, "*batch n"]
    b_indices: Int[Tensor, "*batch m"]


def farthest_point_sample(
    points: Float[Tensor, "*batch n 3"], count: int, *, first: int = 0
) -> Int[Tensor, "*batch count"]:
    """Pick points one by one, each the farthest from those picked before.

    Eldar et al. (1997), doi 10.1109/83.623193. When every point has been picked, the rest of the
    samples is the lowest index of the points at distance 0, that is 0.

    Args:
        points: Where to pick from.
        count: How many, from 0; may exceed n.
        first: The first sample.

    Raises:
        InputError: Shapes or numbers are out of range, or points are not finite.
    """
    cloud, batch = _batched("points", points)
    n = cloud.shape[1]
    if count < 0 or (count > 0 and not 0 <= first < n):
        raise InputError(f"cannot take {count} samples of {n} points from point {first} on")
    if uses_native(cloud.device):
        refuse_forward_ad("farthest_point_sample", points)
        found = torch.ops.gen3d.farthest_point_sample(cloud, count, first)
    else:
        points_kernels.require_finite("points", cloud)
        found = reference.farthest_point_sample(cloud, count, first)
    return found.reshape(*batch, count)


def knn(
    queries: Float[Tensor, "*batch m 3"],
    points: Float[Tensor, "*batch n 3"],
    k: int,
    *,
    include_self: bool = True,
) -> Neighbours:
    """Find the nearest points of each query.

    Args:
        queries: Where to search.
        points: What to find.
        k: How many per query; may exceed n, see :class:`Neighbours`.
        include_self: If not, point i is no neighbour of query i: for ``queries`` that are
            ``points``.

    Raises:
        InputError: Shapes or numbers are out of range, there are queries but no points, or
            something is not finite.
    """
    (from_, cloud), batch = _paired("queries", queries, "points", points)
    if k < 0 or (not include_self and from_.shape[1] != cloud.shape[1]):
        raise InputError(
            f"k is {k}, expected 0 or more; without include_self {from_.shape[1]} queries "
            f"must be the {cloud.shape[1]} points"
        )
    _require_points(from_, cloud)
    if uses_native(cloud.device):
        refuse_forward_ad("knn", queries, points)
        found = torch.ops.gen3d.knn(from_, cloud, k, include_self)
    else:
        points_kernels.require_finite("queries", from_)
        points_kernels.require_finite("points", cloud)
        found = reference.knn(from_, cloud, k, include_self)
    return Neighbours(*(part.reshape(*batch, from_.shape[1], k) for part in found))


def three_nn(
    queries: Float[Tensor, "*batch m 3"], points: Float[Tensor, "*batch n 3"]
) -> tuple[Float[Tensor, "*batch m 3"], Int[Tensor, "*batch m 3"]]:
    """Find the three nearest points of each query: squared distances, ascending, and indices.

    Clouds of fewer points fill the rest with infinity and 0.

    Raises:
        InputError: As :func:`knn`.
    """
    found = knn(queries, points, 3)
    return found.distances_squared, found.indices


def ball_query(
    queries: Float[Tensor, "*batch m 3"], points: Float[Tensor, "*batch n 3"], radius: float, k: int
) -> Int[Tensor, "*batch m k"]:
    """Find the first k points, in order of index, closer than a radius to each query.

    Qi et al. (2017), PointNet++, arXiv 1706.02413. Fewer are filled up with the first; where there
    is none, all are 0.

    Args:
        queries: Where to search.
        points: What to find.
        radius: Not included.
        k: How many per query, at least 1.

    Raises:
        InputError: As :func:`knn`, or the radius is not a number from 0.
    """
    (from_, cloud), batch = _paired("queries", queries, "points", points)
    if k < 1 or not 0 <= radius < math.inf:
        raise InputError(f"k is {k} and radius {radius}, expected at least 1 and a radius from 0")
    _require_points(from_, cloud)
    # Squared in float32, as the distances are.
    limit = torch.tensor(radius, dtype=torch.float32).square().item()
    if uses_native(cloud.device):
        refuse_forward_ad("ball_query", queries, points)
        found = torch.ops.gen3d.ball_query(from_, cloud, limit, k)
    else:
        points_kernels.require_finite("queries", from_)
        points_kernels.require_finite("points", cloud)
        found = reference.ball_query(from_, cloud, limit, k)
    return found.reshape(*batch, from_.shape[1], k)


def three_interpolate(
    features: Float[Tensor, "*batch n c"],
    indices: Int[Tensor, "*batch m 3"],
    weights: Float[Tensor, "*batch m 3"],
) -> Float[Tensor, "*batch m c"]:
    """Mix three features for each query; differentiable in features and weights (backward mode).

    The CPU has a kernel; CUDA tensors are mixed by plain torch.

    Args:
        features: Of the points.
        indices: From :func:`three_nn`.
        weights: Of the three; not normalised here.

    Raises:
        InputError: Shapes do not fit, or an index is out of range.
    """
    rows, batch = indices.shape[-2:-1], indices.shape[:-2]
    if (
        indices.ndim not in (2, 3)
        or indices.shape != weights.shape
        or indices.shape[-1] != 3
        or features.ndim != indices.ndim
        or features.shape[:-2] != batch
    ):
        raise InputError(
            f"features {tuple(features.shape)}, indices {tuple(indices.shape)} and weights "
            f"{tuple(weights.shape)} do not fit, expected (b, n, c) and twice (b, m, 3)"
        )
    parts = (features.float(), indices.long(), weights.float())
    if indices.ndim == 2:
        parts = tuple(part[None] for part in parts)
    if features.device.type == "cpu" and uses_native(features.device):
        refuse_forward_ad("three_interpolate", features, weights)
        mixed = torch.ops.gen3d.three_interpolate(*parts)
    else:
        mixed = reference.three_interpolate(*parts)
    return mixed.reshape(*batch, *rows, features.shape[-1])


def chamfer(a: Float[Tensor, "*batch n 3"], b: Float[Tensor, "*batch m 3"]) -> ChamferResult:
    """Find the nearest points of two clouds, both ways; differentiable (backward mode).

    Fan et al. (2017), arXiv 1612.00603. The choice of the nearest carries no gradient.

    Raises:
        InputError: Shapes do not fit, one cloud is empty and the other not, or something is not
            finite.
    """
    (left, right), batch = _paired("a", a, "b", b, gradient=True)
    _require_points(left, right)
    _require_points(right, left)
    if uses_native(left.device):
        refuse_forward_ad("chamfer", a, b)
        found = torch.ops.gen3d.chamfer(left, right)
    else:
        points_kernels.require_finite("a", left)
        points_kernels.require_finite("b", right)
        found = reference.chamfer(left, right)
    return ChamferResult(*(part.reshape(*batch, part.shape[1]) for part in found))


def auction_assign(
    a: Float[Tensor, "*batch n 3"],
    b: Float[Tensor, "*batch n 3"],
    *,
    eps: float = 0.01,
    iterations: int = 10_000,
) -> tuple[Int[Tensor, "*batch n"], Bool[Tensor, "*batch n"]]:
    """Match each point of ``a`` with one of ``b``, so that the sum of distances is small.

    The auction of Bertsekas (1988), doi 10.1007/BF02186476, all unmatched bidding at once, with
    eps-scaling: runs with larger eps find the prices from which the last run starts. When all are
    matched, the sum of (unsquared) distances exceeds the least possible by ``n * eps`` at most.

    Args:
        a: Bidders.
        b: Objects, equally many.
        eps: Least increment of a bid, in units of the points, above 0.
        iterations: Rounds of bids per run, at least 1. A point that is not matched then shares the
            object that is cheapest for it.

    Returns:
        For each point of ``a`` the index in ``b``, and whether it is matched: the matched have
        different objects.

    Raises:
        InputError: Shapes or numbers are out of range, or something is not finite.
    """
    (bidders, objects), batch = _paired("a", a, "b", b)
    n = bidders.shape[1]
    if objects.shape[1] != n:
        raise InputError(f"a has {n} points and b {objects.shape[1]}, expected equally many")
    if not 0 < eps < math.inf or iterations < 1:
        raise InputError(f"eps is {eps} and iterations {iterations}, expected above 0 and from 1")
    phases = [scale * eps for scale in _AUCTION_SCALES]
    if uses_native(bidders.device):
        refuse_forward_ad("auction_assign", a, b)
        found = torch.ops.gen3d.auction_assign(bidders, objects, phases, iterations)
    else:
        points_kernels.require_finite("a", bidders)
        points_kernels.require_finite("b", objects)
        found = reference.auction_assign(bidders, objects, phases, iterations)
    return found[0].reshape(*batch, n), found[1].reshape(*batch, n)


def eliminate_samples(
    points: Float[Tensor, "n 3"],
    count: int,
    *,
    weights: Float[Tensor, " n"] | None = None,
    radius: float | None = None,
) -> Int[Tensor, " count"]:
    """Thin a cloud to blue noise of an exact count by removing the most crowded point, repeatedly.

    Yuksel (2015), "Sample Elimination for Generating Poisson Disk Sample Sets", doi
    10.1111/cgf.12538, with alpha 8, gamma 1.5 and beta 0.65. Runs on the CPU for points of any
    device. Equally crowded points: the highest index is removed.

    Args:
        points: A sampled surface.
        count: How many to keep, 0 to n.
        weights: How much each point is worth keeping, above 0: its crowding is divided by that.
            All alike if None.
        radius: The greatest distance that ``count`` points on the surface can keep from each
            other; estimated from the cloud if None, see :func:`packing_radius`.

    Returns:
        Indices of what is kept, ascending.

    Raises:
        InputError: Shapes or numbers are out of range, or something is not finite.
    """
    if points.ndim != 2:
        raise InputError(f"points has shape {tuple(points.shape)}, expected (n, 3)")
    cloud = _batched("points", points)[0][0].cpu()
    n = len(cloud)
    if not 0 <= count <= n:
        raise InputError(f"cannot keep {count} of {n} points")
    worth = torch.ones(n, dtype=torch.float64) if weights is None else weights.detach().double()
    worth = worth.cpu()
    if tuple(worth.shape) != (n,) or not bool(((worth > 0) & worth.isfinite()).all()):
        raise InputError(f"weights must be {n} finite numbers above 0")
    if radius is not None and not 0 <= radius < math.inf:
        raise InputError(f"radius is {radius}, expected a number from 0")
    points_kernels.require_finite("points", cloud)
    if count in (0, n):
        return torch.arange(count, device=points.device)
    radius = packing_radius(cloud, count) if radius is None else radius
    floor = 2 * radius * (1 - (count / n) ** _FLOOR_EXPONENT) * _FLOOR_FACTOR
    if uses_native(cloud.device):
        refuse_forward_ad("eliminate_samples", points)
        kept = torch.ops.gen3d.eliminate_samples(cloud, count, worth, 2.0 * radius, floor)
    else:
        kept = reference.eliminate_samples(cloud, count, worth, 2.0 * radius, floor)
    return kept.to(points.device)


def packing_radius(points: Float[Tensor, "n 3"], count: int) -> float:
    """Half the spacing of ``count`` points packed as densely as they go on a sampled surface.

    On a surface sampled with density rho, the k-th neighbour is at a mean squared distance of
    k / (pi rho), which gives the area A; hexagonal packing then has radius sqrt(A / (2 sqrt(3) m)),
    as in Yuksel (2015), equation 1.

    Args:
        points: The sampled surface, two points at least.
        count: How many to pack, at least 1.
    """
    k = min(_AREA_NEIGHBOURS, len(points) - 1)
    squared = knn(points, points, k, include_self=False).distances_squared[:, -1]
    area = len(points) * math.pi * squared.double().mean().item() / k
    return math.sqrt(area / (2 * math.sqrt(3) * count))


def _batched(name: str, points: Tensor, *, gradient: bool = False) -> tuple[Tensor, torch.Size]:
    """Points as (b, n, 3) float32, and the batch's shape."""
    if points.ndim not in (2, 3) or points.shape[-1] != 3 or not points.is_floating_point():
        raise InputError(
            f"{name} is {points.dtype} {tuple(points.shape)}, expected floats (n, 3) or (b, n, 3)"
        )
    if points.shape[-2] > MAX_POINTS:
        raise InputError(f"{name} has {points.shape[-2]} points, expected at most {MAX_POINTS}")
    cloud = points.float() if gradient else points.detach().float()
    return (cloud if points.ndim == 3 else cloud[None]), points.shape[:-2]


def _paired(
    first: str, a: Tensor, second: str, b: Tensor, *, gradient: bool = False
) -> tuple[tuple[Tensor, Tensor], torch.Size]:
    left, batch = _batched(first, a, gradient=gradient)
    right, other = _batched(second, b, gradient=gradient)
    if batch != other or a.device != b.device:
        raise InputError(
            f"{first} {tuple(a.shape)} on {a.device} and {second} {tuple(b.shape)} on {b.device} "
            "do not belong together"
        )
    return (left, right), batch


def _require_points(queries: Tensor, points: Tensor) -> None:
    if points.shape[1] == 0 and queries.shape[1] > 0:
        raise InputError(f"{queries.shape[1]} points have nothing to be near to: no points given")
