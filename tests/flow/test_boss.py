import itertools

import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow import (
    LINEAR,
    BoundField,
    CountedField,
    Euler,
    FixedSchedule,
    Guided,
    Heun,
    Solver,
    StepwiseClassifierFree,
    UniformSchedule,
    sample,
)
from gen3d.flow.boss import best_plan, boss_times, step_costs
from tests.flow.oracle import Mixture


def noise() -> Tensor:
    return torch.linspace(-2, 2, 12, dtype=torch.float64).reshape(4, 3)


def random_costs(kinds: int, size: int) -> Tensor:
    costs = torch.rand(
        kinds, size, size, generator=torch.Generator().manual_seed(2), dtype=torch.float64
    )
    return costs.masked_fill(torch.ones(size, size).tril().bool(), torch.inf)


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_plan_equals_brute_force(steps: int) -> None:
    costs = random_costs(1, 10)
    plan = best_plan(costs, prices=(1,), budget=steps)
    walks = [(0, *inside, 9) for inside in itertools.combinations(range(1, 9), steps - 1)]
    totals = [sum(costs[0, i, j].item() for i, j in itertools.pairwise(walk)) for walk in walks]
    assert plan.cost == pytest.approx(min(totals), rel=1e-12)
    assert plan.indices == walks[totals.index(min(totals))]


def test_plan_with_prices_equals_brute_force() -> None:
    costs, prices, budget = random_costs(2, 7), (1, 2), 5
    totals = {}
    for steps in range(1, budget + 1):
        for kinds in itertools.product(range(2), repeat=steps):
            if sum(prices[k] for k in kinds) != budget:
                continue
            for inside in itertools.combinations(range(1, 6), steps - 1):
                walk = (0, *inside, 6)
                edges = zip(kinds, walk, walk[1:], strict=False)
                totals[walk, kinds] = sum(costs[k, i, j].item() for k, i, j in edges)
    plan = best_plan(costs, prices=prices, budget=budget)
    assert plan.cost == pytest.approx(min(totals.values()), rel=1e-12)
    assert (plan.indices, plan.kinds) == min(totals, key=totals.__getitem__)


def test_impossible_budgets_are_refused() -> None:
    with pytest.raises(InputError, match="spends 3"):
        best_plan(random_costs(1, 5), prices=(2,), budget=3)
    with pytest.raises(InputError, match="spends 9"):
        best_plan(random_costs(1, 5), prices=(1,), budget=9)
    with pytest.raises(InputError, match="positive price"):
        best_plan(random_costs(2, 5), prices=(1,), budget=2)


@pytest.mark.parametrize("solver", [Euler(), Heun()], ids=["euler", "heun"])
def test_costs_are_those_of_single_steps(solver: Solver) -> None:
    grid = UniformSchedule().grid(6)
    run = sample(Mixture(), noise(), steps=6, keep_trajectory=True)
    assert run.trajectory is not None
    costs = step_costs(BoundField(Mixture()), run.trajectory, grid, solver=solver)
    for i, j in ((0, 3), (2, 6), (4, 5)):
        s, t = grid[i].item(), grid[j].item()
        reached, _ = solver.step(BoundField(Mixture()), run.trajectory[i], s, t, ())
        expected = (reached - run.trajectory[j]).square().mean().item()
        assert costs[i, j].item() == pytest.approx(expected, rel=1e-12)
    assert costs.tril().isinf().sum() == 28


def test_euler_asks_once_at_each_point_of_the_grid() -> None:
    counted = CountedField(Mixture())
    boss_times(counted, noise(), steps=3, grid=20)
    # Twenty steps of the reference, and the costs from twenty points.
    assert counted.calls == 40


def test_times_lie_on_the_grid_between_its_ends() -> None:
    times = boss_times(Mixture(), noise(), steps=4, grid=20)
    assert times.dtype == torch.float64
    assert (times[0].item(), times[-1].item()) == (1.0, 0.0)
    assert (times.diff() < 0).all()
    torch.testing.assert_close((times * 20).round() / 20, times)


def test_guided_stiff_flow_gains_over_equal_steps() -> None:
    # Only the noise's end is stiff: the target is a spike, and its velocity turns late.
    spiky = Mixture((0.5, 0.5), (-1.0, 1.0), (0.02, 0.02))
    rule = StepwiseClassifierFree((1.0, 0.0), (2.0,))
    field = Guided(spiky, rule, torch.zeros(1, 1))
    cond = torch.full((4, 1), 0.3)
    fine = sample(field, noise(), steps=400, cond=cond).x0
    times = boss_times(field, noise(), steps=5, cond=cond, grid=60)

    def error(schedule: UniformSchedule | FixedSchedule) -> float:
        found = sample(field, noise(), steps=5, cond=cond, schedule=schedule).x0
        return (found - fine).square().mean().sqrt().item()

    assert error(FixedSchedule.of(times)) < 0.9 * error(UniformSchedule())


def test_straight_flow_costs_nothing() -> None:
    # One point of data: every line is straight, and Euler is exact.
    point = Mixture((1.0,), (0.7,), (1e-9,))
    run = sample(point, noise(), steps=8, keep_trajectory=True)
    assert run.trajectory is not None
    costs = step_costs(BoundField(point), run.trajectory, UniformSchedule().grid(8))
    assert costs[costs.isfinite()].max() < 1e-20
    assert LINEAR.a(0.0) == 1
