"""Fixed points of triangular maps: what is defined one entry after the other, solved all at once.

If entry i of ``F(x)`` depends on the entries of x before i alone, ``x = F(x)`` has one solution,
and Jacobi's iteration ``x <- F(x)`` is exact after as many turns as there are entries: after turn
k the first k are right. As a rule it is near long before. Inverting an autoregressive affine flow
is such a problem (GS-Jacobi for TarFlow, arXiv 2505.12849), and so are the states of an ODE solver
(Picard's iteration), which this module samples in parallel.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.conditions import Condition, spread_condition
from gen3d.flow.fields import Network
from gen3d.flow.reduce import DENSE
from gen3d.flow.schedules import UNIFORM, Schedule


@dataclass(frozen=True)
class FixedPoint:
    """A solution.

    Attributes:
        x: The solution.
        iterations: Turns that each segment took.
    """

    x: Float[Tensor, "batch entries ..."]
    iterations: tuple[int, ...]


def solve_triangular(
    update: Callable[[Tensor], Tensor],
    start: Float[Tensor, "batch entries ..."],
    *,
    segments: int = 1,
    most: int | None = None,
    tolerance: float = 0.0,
) -> FixedPoint:
    """Solve ``x = F(x)`` for a map whose entries depend on earlier ones alone.

    Segments follow on each other as in Gauss and Seidel's method, with Jacobi's iteration inside:
    one segment is Jacobi's method, as many as entries is the sequential solution.

    Args:
        update: F, of all entries at once.
        start: A first guess; the solution does not depend on it.
        segments: Equal parts of the entries, the last of which may be shorter.
        most: At most so many turns for a segment; None: as many as make it exact.
        tolerance: A segment ends when no value changes by more.

    Raises:
        InputError: There are no segments, or more than entries.
    """
    entries = start.shape[1]
    if not 1 <= segments <= entries:
        raise InputError(f"{entries} entries have 1 to {entries} segments, got {segments}")
    length = -(-entries // segments)
    x, turns = start, []
    for first in range(0, entries, length):
        part = slice(first, min(first + length, entries))
        exact = part.stop - first
        left, change, made = exact if most is None else min(most, exact), math.inf, 0
        while made < left and change > tolerance:
            fresh = update(x)[:, part]
            change = float((fresh - x[:, part]).abs().max())
            x = torch.cat([x[:, :first], fresh, x[:, part.stop :]], 1)
            made += 1
        turns.append(made)
    return FixedPoint(x, tuple(turns))


@torch.no_grad()
def sample_parallel(
    network: Network,
    x_T: Float[Tensor, "batch ..."],
    *,
    steps: int,
    cond: Condition = None,
    schedule: Schedule = UNIFORM,
    segments: int = 1,
    tolerance: float = 1e-3,
) -> FixedPoint:
    """Make all Euler steps at once, again and again until nothing changes any more.

    ``x_k = x_T + sum_{j < k} (t_{j+1} - t_j) v(x_j, t_j)``: every turn is one call of the network
    for all times, so with room for ``batch * steps`` samples it takes the time of a step.

    Args:
        network: Predicts the velocity from ``(x, times of shape (batch,), condition)``.
        x_T: The state at the schedule's first time.
        steps: Euler steps.
        cond: Handed to the network, once per step.
        schedule: Where the steps lie.
        segments: See :func:`solve_triangular`.
        tolerance: Of the states; 0 gives what Euler's steps one by one give.

    Returns:
        States after every step; the last is the sample.
    """
    batch = len(x_T)
    times = schedule.grid(steps).to(x_T)
    gaps = DENSE.broadcast(times.diff(), x_T.new_empty(steps, *x_T.shape[1:]))
    spread, moments = spread_condition(cond, steps), times[:-1].repeat(batch)

    def update(states: Tensor) -> Tensor:
        before = torch.cat([x_T[:, None], states[:, :-1]], 1)
        velocities = network(before.flatten(0, 1), moments, spread).view_as(before)
        return x_T[:, None] + (gaps * velocities).cumsum(1)

    return solve_triangular(
        update,
        x_T[:, None].expand(-1, steps, *x_T.shape[1:]),
        segments=segments,
        tolerance=tolerance,
    )
