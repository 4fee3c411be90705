import itertools

import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow import (
    BoundField,
    Compensated,
    DataMultistep,
    DPMSolverMulti,
    Evaluation,
    UniformSchedule,
    UniPC,
    fit_compensation,
)
from gen3d.flow.solvers.compensation import compensated
from tests.flow.oracle import Mixture
from tests.flow.solvers.convergence import EVEN_IN_TIME, reached, starts

FIELD = BoundField(Mixture())


def drawn(count: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, generator=generator, dtype=torch.float64)


def held_out_error(solver: UniPC | Compensated, steps: int) -> float:
    x = drawn(400, 1)
    truth = Mixture().flow(x, 1.0, 0.0)
    found = reached(Mixture(), solver, UniformSchedule(), steps, x)
    return (found - truth).square().mean().sqrt().item()


@pytest.mark.parametrize("steps", [8, 10])
def test_ratios_from_ten_samples_serve_four_hundred_others(steps: int) -> None:
    times = UniformSchedule().grid(steps).tolist()
    fitted = fit_compensation(FIELD, drawn(10, 0), times, solver=UniPC(2))
    assert held_out_error(fitted, steps) < held_out_error(UniPC(2), steps) / 1.5


@pytest.mark.parametrize("solver", [UniPC(2), UniPC(3), DPMSolverMulti(2)], ids=str)
def test_ratios_of_one_change_nothing(solver: DataMultistep) -> None:
    times = tuple(UniformSchedule().grid(7).tolist())
    same = Compensated(solver, (1.0,) * 7, times[:-1])
    assert torch.equal(
        reached(Mixture(), same, UniformSchedule(), 7),
        reached(Mixture(), solver, UniformSchedule(), 7),
    )


def test_a_parabola_in_time_is_moved_along_itself() -> None:
    def at(t: float) -> Tensor:
        return torch.tensor([1 - 2 * t + 3 * t * t], dtype=torch.float64)

    past = tuple(Evaluation(t, at(t)) for t in (0.4, 0.5, 0.8, 0.9))
    moved = compensated(past, 1.3)
    torch.testing.assert_close(moved[0].value, at(0.5 + 1.3 * (0.4 - 0.5)))
    assert moved[0].t == 0.4
    assert moved[1:] == past[1:]


def test_two_values_are_too_few_to_move() -> None:
    past = (Evaluation(0.4, starts()), Evaluation(0.5, starts()))
    assert compensated(past, 1.5) is past


@pytest.mark.parametrize("grid", [UniformSchedule(), EVEN_IN_TIME], ids=["whole", "inner"])
def test_no_step_of_the_fit_ends_above_the_loss_of_ratio_one(grid: UniformSchedule) -> None:
    # Ratios are fitted one after the other, so that of a cut run's last step is that of the whole.
    times = grid.grid(6).tolist()
    x = Mixture().flow(drawn(10, 0), 1.0, times[0])
    for cut in range(4, 7):
        fitted = fit_compensation(FIELD, x, times[: cut + 1])
        target = Mixture().flow(x, times[0], times[cut])
        plain = Compensated(fitted.solver, (*fitted.ratios[:-1], 1.0), fitted.times)
        assert fitted.ratios[-1] != 1
        assert _loss(fitted, x, times[: cut + 1], target) < _loss(
            plain, x, times[: cut + 1], target
        )


def _loss(solver: Compensated, x: Tensor, times: list[float], target: Tensor) -> float:
    history = ()
    for s, t in itertools.pairwise(times):
        x, history = solver.step(FIELD, x, s, t, history)
    return (x - target).square().mean().item()


def test_other_grids_than_the_fitted_are_refused() -> None:
    times = tuple(UniformSchedule().grid(4).tolist())
    solver = Compensated(UniPC(2), (1.0, 1.0, 1.2, 1.3), times[:-1])
    with pytest.raises(InputError, match=r"no step from t = 0\.8"):
        solver.step(FIELD, starts(), 0.8, 0.6, ())


def test_ratios_and_times_must_match() -> None:
    with pytest.raises(InputError, match="a ratio for each of 2 times"):
        Compensated(UniPC(2), (1.0,), (1.0, 0.5))
    with pytest.raises(InputError, match="bounds around 1"):
        fit_compensation(FIELD, starts(), [1.0, 0.0], bounds=(1.2, 2.0))
