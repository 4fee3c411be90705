import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gen3d.errors import CancelledError, Gen3dError, InputError
from gen3d.flow import LINEAR, VP, ClassifierFree, FlowSDE, Heun, item_generators, sample
from gen3d.flow.search import (
    SMC,
    SVDD,
    BestOfN,
    QuarterCircleSchedule,
    RolloverBudgetForcing,
    SearchMethod,
    SearchOverPaths,
    SearchResult,
    effective_size,
    search,
    systematic_resample,
)
from tests.flow.oracle import Mixture, gaussian

SHAPE = (3, 2)
METHODS: dict[str, SearchMethod] = {
    "best-of-n": BestOfN(),
    "smc": SMC(),
    "svdd": SVDD(),
    "svdd-soft": SVDD(temperature=0.1),
    "paths": SearchOverPaths(),
    "rbf": RolloverBudgetForcing(FlowSDE(0.7)),
}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())


def near(target: float) -> Callable[[Tensor], Tensor]:
    return lambda x0: -(x0.double() - target).square().flatten(1).mean(1).sqrt()


def find(method: SearchMethod, budget: int = 100, **options: object) -> SearchResult:
    settings = {"method": method, "budget": budget, "steps": 5, "seed": 3}
    return search(Mixture(), near(0.4), SHAPE, **(settings | options))  # pyright: ignore


@every_method
def test_the_budget_is_kept_and_nearly_used(method: SearchMethod) -> None:
    for budget in (37, 100):
        found = find(method, budget)
        assert found.evaluations <= budget
        assert found.evaluations > budget - 20
        assert found.trace[-1].evaluations == found.evaluations


@every_method
def test_guided_evaluations_count_twice(method: SearchMethod) -> None:
    options = {"cond": torch.zeros(1, 1, 1), "uncond": torch.ones(1, 1, 1)}
    guided = find(method, 200, guidance=ClassifierFree(2.0), **options)
    plain = find(method, 100)
    assert guided.evaluations == 2 * plain.evaluations


@every_method
def test_outside_the_guidance_interval_evaluations_count_once(method: SearchMethod) -> None:
    options = {"cond": torch.zeros(1, 1, 1), "uncond": torch.ones(1, 1, 1)}
    late = ClassifierFree(2.0, interval=(0.5, 1.0))
    found = find(method, 150, guidance=late, **options)
    assert found.evaluations <= 150
    assert found.evaluations > 120


@every_method
def test_the_result_has_the_reward_that_it_claims(method: SearchMethod) -> None:
    found = find(method)
    assert found.x0.shape == (1, *SHAPE)
    assert found.reward == near(0.4)(found.x0).item()
    assert found.reward <= found.trace[-1].reward


@every_method
def test_best_so_far_never_falls(method: SearchMethod) -> None:
    rewards = [point.reward for point in find(method).trace]
    assert rewards == sorted(rewards)
    spent = [point.evaluations for point in find(method).trace]
    assert spent == sorted(spent)


@every_method
def test_same_seed_same_bits_and_another_seed_another_sample(method: SearchMethod) -> None:
    assert torch.equal(find(method).x0, find(method).x0)
    assert not torch.equal(find(method).x0, find(method, seed=4).x0)


@every_method
def test_searching_beats_a_single_sample(method: SearchMethod) -> None:
    def mean(method: SearchMethod, budget: int) -> float:
        return sum(find(method, budget, seed=seed).reward for seed in range(12)) / 12

    assert mean(method, 120) > mean(BestOfN(), 5) + 0.2


@every_method
def test_more_budget_gives_more_reward_on_average(method: SearchMethod) -> None:
    def mean(budget: int) -> float:
        return sum(find(method, budget, seed=seed).reward for seed in range(16)) / 16

    assert mean(240) > mean(30)


@every_method
def test_searching_another_path_keeps_the_budget(method: SearchMethod) -> None:
    options = {"path": VP, "schedule": QuarterCircleSchedule()}
    found = [find(method, seed=seed, **options) for seed in range(6)]
    assert all(80 < result.evaluations <= 100 for result in found)
    single = [find(BestOfN(), 5, seed=seed) for seed in range(6)]
    assert sum(result.reward for result in found) > sum(result.reward for result in single)


@pytest.mark.parametrize(
    "method",
    [BestOfN(batch=2), RolloverBudgetForcing(FlowSDE(0.7), seeds=2, quota=3)],
    ids=["best-of-n", "rbf"],
)
def test_a_larger_budget_never_lowers_the_best_so_far(method: SearchMethod) -> None:
    small, large = find(method, 60), find(method, 120)
    budgets = range(20, 61, 5)
    for budget in budgets:
        assert large.best_so_far(2 * budget) >= small.best_so_far(budget)
    assert large.trace[-1].reward >= small.trace[-1].reward


def test_best_of_n_is_the_best_of_n_plain_samples() -> None:
    found = find(BestOfN(batch=2), 27)
    noise = torch.stack([torch.randn(SHAPE, generator=g) for g in item_generators(3, 5)])
    samples = sample(Mixture(), noise, steps=5).x0
    rewards = near(0.4)(samples)
    assert found.evaluations == 25
    assert found.reward == rewards.max().item()
    assert torch.equal(found.x0[0], samples[rewards.argmax()])


def test_best_of_n_pays_for_its_solver() -> None:
    assert find(BestOfN(), 40, solver=Heun()).evaluations <= 40


def test_smc_without_resampling_is_the_best_of_independent_chains() -> None:
    alone = SMC(FlowSDE(0.7), threshold=0.0)
    one, many = find(alone, 5), find(alone, 40)
    assert many.evaluations == 40
    assert many.reward >= one.reward


def test_smc_moves_a_gaussian_to_its_tilted_mean() -> None:
    # N(0, 1) times exp(x / T) is N(1 / T, 1).
    means = []
    for seed in range(3):
        found = search(
            gaussian(0.0, 1.0),
            lambda x0: seen.append(x0.flatten()) or x0.flatten().double(),
            (1,),
            method=SMC(FlowSDE(0.7), temperature=1.0, threshold=1.0),
            budget=20 * 600,
            steps=20,
            seed=seed,
        )
        assert found.evaluations == 20 * 600
        means.append(seen[-1].mean().item())
        seen.clear()
    assert sum(means) / 3 == pytest.approx(1.0, abs=0.25)


seen: list[Tensor] = []


def test_systematic_resampling_draws_each_index_its_share_of_times() -> None:
    weights = torch.tensor([0.5, 0.25, 0.125, 0.125], dtype=torch.float64)
    for uniform in (0.0, 0.3, 0.999):
        drawn = systematic_resample(weights.log(), uniform)
        counts = torch.bincount(drawn, minlength=4)
        assert len(drawn) == 4
        assert ((counts - 4 * weights).abs() < 1).all()
        assert (drawn.diff() >= 0).all()


def test_effective_size_lies_between_one_and_all() -> None:
    assert effective_size(torch.zeros(7).double()) == pytest.approx(7)
    assert effective_size(torch.tensor([0.0, -1000.0]).double()) == pytest.approx(1)


def test_bad_rewards_and_budgets_are_refused() -> None:
    with pytest.raises(Gen3dError, match="finite"):
        search(
            Mixture(),
            lambda x0: torch.full((len(x0),), math.nan),
            SHAPE,
            method=BestOfN(),
            budget=10,
            steps=5,
            seed=0,
        )
    for method in METHODS.values():
        with pytest.raises(InputError, match="budget of at least"):
            find(method, 4)
    with pytest.raises(InputError, match="at least 1 evaluation"):
        find(BestOfN(), 0)
    with pytest.raises(InputError, match="at least 2 steps"):
        find(RolloverBudgetForcing(), 10, steps=1)
    with pytest.raises(InputError, match="nothing was scored"):
        find(BestOfN()).best_so_far(0)
    with pytest.raises(InputError, match="seed must lie"):
        find(BestOfN(), seed=-1)
    with pytest.raises(InputError, match="temperature must be positive"):
        SMC(temperature=0)
    with pytest.raises(InputError, match="chains must be at least 1"):
        RolloverBudgetForcing(chains=0)
    with pytest.raises(InputError, match="sum of at most 1"):
        SearchOverPaths(start=0.5, forward=0.6)


def test_progress_and_cancelling() -> None:
    events: list[object] = []

    class Sink:
        def stage_started(self, name: str, total: int | None) -> None:
            events.append((name, total))

        def advance(self, n: int = 1, **info: float | str) -> None:
            events.append(n)

        def stage_finished(self) -> None:
            events.append("finished")

    found = find(METHODS["rbf"], 40, progress=Sink())
    assert events[0] == ("searching", 40)
    assert events[-1] == "finished"
    assert sum(n for n in events if isinstance(n, int)) == found.evaluations
    events.clear()
    with pytest.raises(CancelledError, match="of 40 evaluations"):
        find(METHODS["rbf"], 40, progress=Sink(), cancelled=lambda: len(events) > 5)
    assert events[-1] == "finished"


def test_field_of_one_sample_must_have_batch_one() -> None:
    with pytest.raises(InputError, match="batch 1"):
        find(BestOfN(), cond=torch.zeros(2, 1, 1))


def test_linear_is_the_default_path() -> None:
    assert torch.equal(find(METHODS["smc"]).x0, find(METHODS["smc"], path=None).x0)
    moved = find(METHODS["smc"], path=LINEAR)
    torch.testing.assert_close(moved.x0, find(METHODS["smc"]).x0)
