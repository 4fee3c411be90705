"""Searches among points in plain torch: the oracle of the native kernels, on any device.

Distances of all pairs, in pieces. The order of sums is that of cuda_ext/points/math.h, so indices
agree to the last tie. Arguments have been checked and are batched; see :mod:`gen3d.ops.points`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

# Pairs treated at a time: bounds the memory to some hundreds of megabytes.
_PAIRS = 1 << 23
_NOTHING = 0x7F8000007FFFFFFF
# Crowding is summed in whole units, so that the sums do not depend on the order.
_UNITS = float(1 << 30)


def squared_distance(a: Float[Tensor, "*n 3"], b: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n"]:
    """Squared distances of points, summed as the kernels do."""
    x, y, z = (a - b).square().unbind(-1)
    return (x + y) + z


def farthest_point_sample(
    points: Float[Tensor, "b n 3"], count: int, first: int
) -> Int[Tensor, "b count"]:
    """Farthest point sampling by its definition."""
    samples = torch.zeros(len(points), count, dtype=torch.int64, device=points.device)
    distance = torch.full(points.shape[:2], float("inf"), device=points.device)
    now = torch.full((len(points), 1, 1), first, device=points.device)
    for i in range(count):
        samples[:, i] = now[:, 0, 0]
        sample = points.gather(1, now.expand(-1, 1, 3))
        distance = torch.minimum(distance, squared_distance(points, sample))
        # torch.max names any of several greatest; the first is wanted.
        is_most = distance == distance.max(1, keepdim=True).values
        now = is_most.to(torch.uint8).argmax(1)[:, None, None]
    return samples


def knn(
    queries: Float[Tensor, "b m 3"], points: Float[Tensor, "b n 3"], k: int, include_self: bool
) -> tuple[Float[Tensor, "b m k"], Int[Tensor, "b m k"]]:
    """Squared distances, ascending, and indices; infinity and 0 beyond the cloud's size."""
    out = torch.full((*queries.shape[:2], k), _NOTHING, device=queries.device)
    for b, rows, distance in _pairs(queries, points):
        keys = _keys(distance)
        if not include_self:
            own = torch.arange(rows.start, rows.stop, device=keys.device)
            keys.scatter_(1, own[:, None], _NOTHING)
        least = keys.topk(min(k, keys.shape[1]), largest=False).values
        out[b, rows, : least.shape[1]] = least
    return _distance_of(out), _index_of(out)


def ball_query(
    queries: Float[Tensor, "b m 3"], points: Float[Tensor, "b n 3"], limit: float, k: int
) -> Int[Tensor, "b m k"]:
    """The first k points with a squared distance less than the limit, in order of index."""
    out = torch.zeros(*queries.shape[:2], k, dtype=torch.int64, device=queries.device)
    n = points.shape[1]
    for b, rows, distance in _pairs(queries, points):
        index = torch.arange(n, device=queries.device)
        index = torch.where(distance < limit, index, n)
        found = index.topk(min(k, n), largest=False).values
        found = torch.nn.functional.pad(found, (0, k - found.shape[1]), value=n)
        found = torch.where(found == n, found[:, :1], found)
        out[b, rows] = torch.where(found == n, 0, found)
    return out


def three_interpolate(
    features: Float[Tensor, "b n c"], indices: Int[Tensor, "b m 3"], weights: Float[Tensor, "b m 3"]
) -> Float[Tensor, "b m c"]:
    """Weighted sums of three features."""
    b, m, _ = indices.shape
    channels = features.shape[2]
    rows = indices.reshape(b, 3 * m, 1).expand(-1, -1, channels)
    taken = features.gather(1, rows).view(b, m, 3, channels) * weights[..., None]
    return (taken[:, :, 0] + taken[:, :, 1]) + taken[:, :, 2]


def chamfer(
    a: Float[Tensor, "b n 3"], b: Float[Tensor, "b m 3"]
) -> tuple[Float[Tensor, "b n"], Float[Tensor, "b m"], Int[Tensor, "b n"], Int[Tensor, "b m"]]:
    """Squared distances to the nearest of the other cloud, differentiable, and its index."""
    a_indices = knn(a.detach(), b.detach(), 1, True)[1]
    b_indices = knn(b.detach(), a.detach(), 1, True)[1]
    to_b = squared_distance(a, b.gather(1, a_indices.expand(-1, -1, 3)))
    to_a = squared_distance(b, a.gather(1, b_indices.expand(-1, -1, 3)))
    return to_b, to_a, a_indices[..., 0], b_indices[..., 0]


def auction_assign(
    bidders: Float[Tensor, "b n 3"],
    objects: Float[Tensor, "b n 3"],
    phases: Sequence[float],
    iterations: int,
) -> tuple[Int[Tensor, "b n"], Bool[Tensor, "b n"]]:
    """Jacobi auctions, one cloud after the other."""
    assignment = torch.zeros(bidders.shape[:2], dtype=torch.int64, device=bidders.device)
    matched = torch.zeros(bidders.shape[:2], dtype=torch.bool, device=bidders.device)
    if bidders.shape[1] == 0:
        return assignment, matched
    for b in range(len(bidders)):
        price = torch.zeros(bidders.shape[1], device=bidders.device)
        owner = _auction_phase(bidders[b], objects[b], price, phases[0], iterations)
        for eps in phases[1:]:
            owner = _auction_phase(bidders[b], objects[b], price, eps, iterations)
        taken = (owner >= 0).nonzero()[:, 0]
        assignment[b, owner[taken]] = taken
        matched[b, owner[taken]] = True
        left = (~matched[b]).nonzero()[:, 0]
        assignment[b, left] = _bids(bidders[b], objects[b], price, left)[0]
    return assignment, matched


def eliminate_samples(
    points: Float[Tensor, "n 3"],
    count: int,
    weights: Float[Tensor, " n"],
    reach: float,
    floor: float,
) -> Int[Tensor, " count"]:
    """Sample elimination with a search for the most crowded point at each step."""
    n = len(points)
    limit = torch.tensor(reach, dtype=torch.float32).square().item()

    def crowding_of(rows: Tensor) -> Tensor:
        squared = squared_distance(points[rows, None], points[None])
        distance = squared.double().sqrt().clamp_min(floor)
        fourth = (1 - distance / reach).clamp_min(0).square().square()
        crowding = (fourth * fourth * _UNITS).nan_to_num(0).long()
        crowding[squared >= limit] = 0
        crowding[torch.arange(len(rows), device=rows.device), rows] = 0
        return crowding

    everything = torch.arange(n, device=points.device)
    crowding = torch.zeros(n, dtype=torch.int64, device=points.device)
    for rows in everything.split(max(1, _PAIRS // max(n, 1))):
        crowding[rows] = crowding_of(rows).sum(1)
    alive = torch.ones(n, dtype=torch.bool, device=points.device)
    for _ in range(n - count):
        score = torch.where(alive, crowding.double() / weights, -1.0)
        # Of equally crowded points the one of the highest index goes.
        gone = (score == score.max()).nonzero()[-1]
        alive[gone] = False
        crowding -= crowding_of(gone)[0]
    return alive.nonzero()[:, 0]


def _pairs(queries: Tensor, points: Tensor) -> Iterator[tuple[int, slice, Tensor]]:
    """Squared distances (rows, n) of some queries to all points: cloud, rows, distances."""
    m, n = queries.shape[1], points.shape[1]
    step = max(1, _PAIRS // max(n, 1))
    for b in range(len(queries)):
        for begin in range(0, m, step):
            rows = slice(begin, min(begin + step, m))
            yield b, rows, squared_distance(queries[b, rows, None], points[b, None])


def _keys(distance: Float[Tensor, "m n"]) -> Int[Tensor, "m n"]:
    """Integers that sort as distances do, and by index where those are equal."""
    index = torch.arange(distance.shape[1], device=distance.device)
    return distance.contiguous().view(torch.int32).long() << 32 | index


def _distance_of(keys: Int[Tensor, "*m"]) -> Float[Tensor, "*m"]:
    return (keys >> 32).int().view(torch.float32)


def _index_of(keys: Int[Tensor, "*m"]) -> Int[Tensor, "*m"]:
    return torch.where(keys == _NOTHING, 0, keys & 0x7FFFFFFF)


def _bids(
    bidders: Tensor, objects: Tensor, price: Tensor, waiting: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """For each waiting bidder: the cheapest object, its cost, and the second least cost."""
    found = []
    for rows in waiting.split(max(1, _PAIRS // max(len(objects), 1))):
        cost = squared_distance(bidders[rows, None], objects[None]).sqrt() + price
        least = _keys(cost).topk(min(2, len(objects)), largest=False).values
        found.append(least)
    least = torch.cat(found) if found else price.new_zeros(0, 2, dtype=torch.int64)
    cost = _distance_of(least)
    second = cost[:, 1] if cost.shape[1] > 1 else torch.full_like(cost[:, 0], float("inf"))
    return least[:, 0] & 0x7FFFFFFF, cost[:, 0], second


def _auction_phase(
    bidders: Tensor, objects: Tensor, price: Tensor, eps: float, iterations: int
) -> Int[Tensor, " n"]:
    """Rounds of bids until all have an object; prices change in place. Returns the owners."""
    n, device = len(bidders), bidders.device
    step = torch.tensor(eps, dtype=torch.float32, device=device)
    owner = torch.full((n,), -1, device=device)
    waiting = torch.arange(n, device=device)
    for _ in range(iterations):
        if len(waiting) == 0:
            break
        wanted, best, second = _bids(bidders, objects, price, waiting)
        raised = torch.where(second.isfinite(), (second - best) + step, step)
        # The highest bid wins, of equal ones that of the lowest bidder.
        key = raised.view(torch.int32).long() << 32 | (0xFFFFFFFF - waiting)
        highest = torch.zeros(n, dtype=torch.int64, device=device)
        highest.scatter_reduce_(0, wanted, key, "amax")
        wins = highest[wanted] == key
        evicted = owner[wanted[wins]]
        owner[wanted[wins]] = waiting[wins]
        price[wanted[wins]] += raised[wins]
        waiting = torch.cat([waiting[~wins], evicted[evicted >= 0]])
    return owner
