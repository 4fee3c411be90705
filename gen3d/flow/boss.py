"""BOSS: step sizes by dynamic programming over the errors of single steps.

Nguyen et al. 2024 (arXiv 2312.16414). A few samples are carried along a fine grid; the cost of a
step from i to j is how far one step of a solver, begun on that trajectory, ends from it. The best
grid of n steps is then a shortest path with n edges. Here any single-step solver may make the
step, and several ways to make it, of different prices, may compete for a budget of evaluations.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.conditions import Condition
from gen3d.flow.fields import BoundField, Field
from gen3d.flow.paths import Path
from gen3d.flow.predictions import Prediction
from gen3d.flow.reduce import DENSE, Reducer
from gen3d.flow.sampler import sample
from gen3d.flow.schedules import UNIFORM, Schedule
from gen3d.flow.solvers import EULER, Solver


@dataclass(frozen=True)
class Plan:
    """A walk over the fine grid.

    Attributes:
        indices: Grid points visited, from the first to the last.
        kinds: Which kind of step leads from each to the next.
        cost: Sum of the costs of its steps.
    """

    indices: tuple[int, ...]
    kinds: tuple[int, ...]
    cost: float


def boss_times(
    field: Field,
    x_T: Float[Tensor, "*shape"],
    *,
    steps: int,
    cond: Condition = None,
    solver: Solver = EULER,
    grid: int = 100,
    reference: Schedule = UNIFORM,
    reducer: Reducer = DENSE,
) -> Float64[Tensor, " steps_plus_1"]:
    """Find the times of the steps, for `FixedSchedule`.

    Args:
        field: The field, `Guided` if the samples shall be.
        x_T: Noise of a few samples; the paper has 100.
        steps: Steps to place, 1 to ``grid``.
        cond: Handed to the field.
        solver: Makes the steps; one without a history.
        grid: Euler steps of the reference, 100 in the paper.
        reference: Where they lie.
        reducer: Knows the samples.

    Raises:
        InputError: ``steps`` is out of its range.

    Example:
        >>> guided = Guided(NetworkField(network), ClassifierFree(3.0), empty)
        >>> times = boss_times(guided, noise, steps=5, cond=text)
        >>> sample(field, noise, steps=5, schedule=FixedSchedule.of(times), ...)
    """
    times = reference.grid(grid)
    run = sample(
        field,
        x_T,
        steps=grid,
        cond=cond,
        schedule=reference,
        reducer=reducer,
        keep_trajectory=True,
    )
    assert run.trajectory is not None  # it was asked for
    bound = BoundField(field, cond)
    costs = step_costs(bound, run.trajectory, times, solver=solver, reducer=reducer)
    return times[list(best_plan(costs[None], prices=(1,), budget=steps).indices)]


@torch.no_grad()
def step_costs(
    field: BoundField,
    states: Float[Tensor, "n ..."],
    times: Float64[Tensor, " n"],
    *,
    solver: Solver = EULER,
    reducer: Reducer = DENSE,
) -> Float64[Tensor, "n n"]:
    """Measure one step between any two points of a trajectory.

    Args:
        field: The field that the step asks; evaluated once at each state, and wherever else the
            solver looks.
        states: The trajectory.
        times: Of the states, falling.
        solver: Makes the step; one without a history.
        reducer: Knows the samples.

    Returns:
        ``c[i, j] = mean |step(x_i, t_i, t_j) - x_j|^2`` over samples and elements; inf for j <= i.
    """
    moments = times.tolist()
    costs = torch.full((len(moments), len(moments)), torch.inf, dtype=torch.float64)
    for i, s in enumerate(moments[:-1]):
        x_s = states[i]
        remembering = dataclasses.replace(field, field=_Remembering(field.field))
        for j in range(i + 1, len(moments)):
            reached, _ = solver.step(remembering, x_s, s, moments[j], ())
            costs[i, j] = reducer.mean((reached - states[j]).square()).double().mean()
    return costs


def best_plan(costs: Float64[Tensor, "kinds n n"], *, prices: Sequence[int], budget: int) -> Plan:
    """Find the cheapest walk from the first grid point to the last that spends exactly a budget.

    ``D[b, i] = min over kinds k and points j of c_k[i, j] + D[b - price_k, j]`` (BOSS, eq. 8, where
    all prices are 1).

    Args:
        costs: Of a step of each kind from i to j; inf where there is none.
        prices: What a step of each kind spends, at least 1.
        budget: What the walk spends.

    Raises:
        InputError: A price is below 1, their number is not that of the costs, or no walk spends
            the budget.
    """
    if len(prices) != len(costs) or min(prices) < 1:
        raise InputError(f"expected a positive price for each of {len(costs)} kinds, got {prices}")
    size = costs.shape[1]
    rest = torch.full((budget + 1, size), torch.inf, dtype=costs.dtype)
    rest[0, -1] = 0
    choice = torch.zeros(budget + 1, size, dtype=torch.long)
    for spent in range(1, budget + 1):
        onward = torch.stack(
            [
                cost + rest[spent - price] if price <= spent else torch.full_like(cost, torch.inf)
                for cost, price in zip(costs, prices, strict=True)
            ]
        )
        # (kinds, from, to) -> the best of all (kind, to) for each "from".
        rest[spent], choice[spent] = onward.transpose(0, 1).flatten(1).min(dim=1)
    if not rest[budget, 0].isfinite():
        raise InputError(f"no walk over {size} points spends {budget} with prices {tuple(prices)}")
    indices, kinds, left = [0], [], budget
    while left:
        kind, to = divmod(int(choice[left, indices[-1]]), size)
        indices.append(to)
        kinds.append(kind)
        left -= prices[kind]
    return Plan(tuple(indices), tuple(kinds), rest[budget, 0].item())


@dataclass
class _Remembering:
    """A field that answers at once when it is asked again at the first point."""

    field: Field
    first: tuple[Tensor, float, Prediction] | None = None

    @property
    def path(self) -> Path:
        return self.field.path

    def __call__(self, x: Tensor, t: float, cond: Condition = None) -> Prediction:
        if self.first is not None and self.first[0] is x and self.first[1] == t:
            return self.first[2]
        answer = self.field(x, t, cond)
        if self.first is None:
            self.first = (x, t, answer)
        return answer
