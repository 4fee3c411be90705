"""The bookkeeping of rollover budget forcing, on rewards that are written down beforehand."""

import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow import BoundField, FlowSDE
from gen3d.flow.search import QuarterCircleSchedule, RolloverBudgetForcing, search
from gen3d.flow.stochastic import StochasticStep
from gen3d.flow.stochastic.transition import Transition
from gen3d.runtime.seeds import item_seed, make_generator, randn
from tests.flow.oracle import Mixture


class Logged(StochasticStep):
    """Notes from which time to which each proposal leads."""

    def __init__(self) -> None:
        self.moves: list[tuple[float, float]] = []

    def propose(self, path, x0, x, s, t, history):
        self.moves.append((round(s, 6), round(t, 6)))
        return FlowSDE(0.7).propose(path, x0, x, s, t, history)


def run(script: list[float], *, budget: int, steps: int = 5, **options: int) -> Logged:
    """Search with one chain, whose scores come from the script one by one, starts first."""
    scores = iter(script)
    step = Logged()

    def reward(x0: Tensor) -> Tensor:
        return torch.tensor([next(scores) for _ in range(len(x0))], dtype=torch.float64)

    method = RolloverBudgetForcing(step, chains=1, **options)
    search(Mixture(), reward, (2,), method=method, budget=budget, steps=steps, seed=1)
    return step


def levels(step: Logged) -> list[int]:
    """Return the number of the step that each proposal belongs to."""
    starts = sorted({s for s, _ in step.moves}, reverse=True)
    return [starts.index(s) for s, _ in step.moves]


def test_without_improvement_every_step_gets_its_quota_and_the_last_one_the_rest() -> None:
    # 1 start, quota (16 - 1) / 5 = 3; the last transition, to t = 0, is never taken.
    step = run([1.0] + [0.0] * 15, budget=16, seeds=1)
    assert levels(step) == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 6
    assert step.moves[-1] == (0.4, 0.2)


def test_an_improvement_moves_on_at_once_and_its_savings_roll_over() -> None:
    # The first proposal of step 0 improves: 2 of its 3 are left for step 1, which then has 5.
    step = run([0.0, 1.0] + [0.0] * 14, budget=16, seeds=1)
    assert levels(step) == [0] + [1] * 5 + [2] * 3 + [3] * 6


def test_savings_add_up_over_improvements_and_end_with_an_exhausted_step() -> None:
    step = run([0.0, 1.0, 2.0] + [0.0] * 13, budget=16, seeds=1)
    assert levels(step) == [0, 1] + [2] * 7 + [3] * 6


def test_an_exhausted_step_does_not_lower_the_bar() -> None:
    # Step 0 ends with its best, 0.5; a later 0.7 is better than that, but not than the start.
    step = run([1.0, 0.1, 0.5, 0.2, 0.7] + [0.0] * 11, budget=16, seeds=1)
    assert levels(step)[:7] == [0, 0, 0, 1, 1, 1, 2]


def test_the_best_start_is_taken() -> None:
    step = run([0.0, 3.0, 1.0] + [2.0] * 13, budget=16, seeds=3, quota=2)
    assert levels(step)[:5] == [0, 0, 1, 1, 2]  # 2 is no improvement on 3


def test_the_result_is_the_best_of_the_last_step_and_not_of_all() -> None:
    script = iter([5.0] + [0.0] * 9 + [1.0, 2.0, 1.5, 0.0, 0.0, 0.0])
    found = search(
        Mixture(),
        lambda x0: torch.tensor([next(script) for _ in range(len(x0))], dtype=torch.float64),
        (2,),
        method=RolloverBudgetForcing(FlowSDE(0.7), chains=1, seeds=1),
        budget=16,
        steps=5,
        seed=1,
    )
    assert found.reward == 2.0
    assert found.trace[-1].reward == 5.0


@pytest.mark.parametrize(("keep_best", "reward"), [(False, 2.0), (True, 5.0)])
def test_the_best_of_all_is_the_result_where_asked(keep_best: bool, reward: float) -> None:
    script = iter([5.0] + [0.0] * 9 + [1.0, 2.0, 1.5, 0.0, 0.0, 0.0])
    found = search(
        Mixture(),
        lambda x0: torch.tensor([next(script) for _ in range(len(x0))], dtype=torch.float64),
        (2,),
        method=RolloverBudgetForcing(FlowSDE(0.7), chains=1, seeds=1, keep_best=keep_best),
        budget=16,
        steps=5,
        seed=1,
    )
    assert found.reward == reward


def test_starts_are_the_noises_of_best_of_n() -> None:
    seen: list[Tensor] = []

    def reward(x0: Tensor) -> Tensor:
        seen.append(x0)
        return torch.zeros(len(x0))

    method = RolloverBudgetForcing(FlowSDE(0.7), chains=1, seeds=4)
    search(Mixture(), reward, (2,), method=method, budget=40, steps=3, seed=1)
    noise = torch.stack([randn((2,), make_generator(item_seed(1, i))) for i in range(4)])
    torch.testing.assert_close(seen[0], BoundField(Mixture(), None).x0(noise, 1.0))


def test_seed_share_lies_below_one() -> None:
    with pytest.raises(InputError, match="seed_share"):
        RolloverBudgetForcing(seed_share=1.0)


def test_chains_share_the_budget() -> None:
    step = Logged()
    found = search(
        Mixture(),
        lambda x0: torch.zeros(len(x0)),
        (2,),
        method=RolloverBudgetForcing(step, chains=3, seeds=1),
        budget=49,
        steps=5,
        seed=1,
    )
    assert found.evaluations == 48
    assert levels(step) == 3 * ([0] * 3 + [1] * 3 + [2] * 3 + [3] * 6)


def test_a_tenth_of_the_budget_goes_to_the_starts() -> None:
    sizes: list[int] = []

    def reward(x0: Tensor) -> Tensor:
        sizes.append(len(x0))
        return torch.zeros(len(x0))

    method = RolloverBudgetForcing(FlowSDE(0.7), chains=2)
    search(Mixture(), reward, (2,), method=method, budget=500, steps=10, seed=1)
    assert [size for size in sizes if size > 1] == [25, 25]  # as published


def test_the_published_schedule_lingers_at_the_noise() -> None:
    grid = QuarterCircleSchedule().grid(10)
    assert grid[0] == 1
    assert grid[-1] == 0
    assert (grid.diff().diff() < 0).all()
    assert grid[5].item() == pytest.approx(0.75**0.5)


def test_transition_type_is_exported_for_rules_of_ones_own() -> None:
    kernel, _ = Logged().propose(Mixture().path, torch.zeros(2), torch.ones(2), 0.8, 0.6, ())
    assert isinstance(kernel, Transition)
