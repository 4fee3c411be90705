import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow import AdamsBashforth2, Euler, FixedSchedule, Heun, UniformSchedule, sample
from gen3d.flow.solver_search import (
    ScheduledSolver,
    SearchOutcome,
    SolverSchedule,
    search_solver_schedule,
)
from tests.flow.oracle import Mixture

NULL = torch.zeros(1, 1)
COND = torch.full((6, 1), 0.4)
UNIFORM_EULER = SolverSchedule((1.0, 2 / 3, 1 / 3, 0.0), (Euler(),) * 3, (2.0, 2.0, 1.0))


def noise() -> Tensor:
    return torch.linspace(-2, 2, 18, dtype=torch.float64).reshape(6, 3)


def search(trials: int = 40, seed: int = 0, budget: int = 5) -> SearchOutcome:
    fine = SolverSchedule(tuple(UniformSchedule().grid(60).tolist()), (Heun(),) * 60, (2.0,) * 60)
    target = fine.run(Mixture(), noise(), cond=COND, uncond=NULL).x0
    return search_solver_schedule(
        Mixture(),
        noise(),
        target,
        budget=budget,
        solvers=[Euler(), Heun(), AdamsBashforth2()],
        weights=[1.0, 2.0],
        trials=trials,
        generator=torch.Generator().manual_seed(seed),
        cond=COND,
        uncond=NULL,
        starts=[UNIFORM_EULER],
    )


def test_search_beats_its_start_within_the_budget() -> None:
    outcome = search()
    assert outcome.error < 0.7 * outcome.history[0]
    assert outcome.best.price() <= 5
    run = outcome.best.run(Mixture(), noise(), cond=COND, uncond=NULL)
    assert run.evaluations == outcome.best.price()


def test_best_error_never_rises_and_is_repeatable() -> None:
    outcome = search()
    assert list(outcome.history) == sorted(outcome.history, reverse=True)
    assert len(outcome.history) == 40
    assert search() == outcome
    assert search(seed=1) != outcome


def test_price_counts_both_branches_of_guided_steps() -> None:
    assert UNIFORM_EULER.price() == 5
    heun = SolverSchedule((1.0, 0.5, 0.0), (Heun(), Heun()), (2.0, 1.0))
    # Heun's second evaluation belongs to the next step, and its last step is one of Euler.
    assert heun.price() == 2 + 1 + 1


def test_equal_solvers_scheduled_are_that_solver() -> None:
    times = (1.0, 0.7, 0.4, 0.1, 0.0)
    solver = ScheduledSolver(times, (AdamsBashforth2(),) * 4)
    schedule = FixedSchedule(times)
    found = sample(Mixture(), noise(), steps=4, solver=solver, schedule=schedule).x0
    plain = sample(Mixture(), noise(), steps=4, solver=AdamsBashforth2(), schedule=schedule).x0
    assert torch.equal(found, plain)


def test_nonsense_is_refused() -> None:
    with pytest.raises(InputError, match="solver per step"):
        ScheduledSolver((1.0, 0.5, 0.0), (Euler(),))
    with pytest.raises(InputError, match="no step begins"):
        sample(Mixture(), noise(), steps=2, solver=ScheduledSolver((1.0, 0.4, 0.0), (Euler(),) * 2))
    with pytest.raises(InputError, match="more than the budget"):
        search(budget=4)
