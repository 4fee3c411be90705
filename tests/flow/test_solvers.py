import math

import pytest
import torch
from torch import Tensor

from gen3d.flow import (
    COSINE,
    LINEAR,
    BoundField,
    Euler,
    Evaluation,
    Field,
    Heun,
    Kind,
    Path,
    Schedule,
    ShiftedSchedule,
    Solver,
    UniformSchedule,
    sample,
)
from tests.flow.oracle import Mixture, gaussian, gaussian_flow

both_paths = pytest.mark.parametrize("path", [LINEAR, COSINE], ids=["linear", "cosine"])
INNER = UniformSchedule(0.95, 0.05)


def starts() -> Tensor:
    return torch.linspace(-2, 2, 21, dtype=torch.float64)


def error(field: Mixture, solver: Solver, schedule: Schedule, steps: int) -> float:
    grid = schedule.grid(steps)
    truth = field.flow(starts(), grid[0].item(), grid[-1].item())
    reached = sample(field, starts(), steps=steps, schedule=schedule, solver=solver).x0
    return (reached - truth).square().mean().sqrt().item()


def order(field: Mixture, solver: Solver, schedule: Schedule) -> float:
    return math.log2(error(field, solver, schedule, 80) / error(field, solver, schedule, 160))


@both_paths
@pytest.mark.parametrize("schedule", [INNER, ShiftedSchedule(2.0, INNER)], ids=["even", "shifted"])
def test_euler_has_order_one(path: Path, schedule: Schedule) -> None:
    assert 0.95 <= order(Mixture(path=path), Euler(), schedule) <= 1.05


@both_paths
@pytest.mark.parametrize("schedule", [INNER, ShiftedSchedule(2.0, INNER)], ids=["even", "shifted"])
def test_heun_has_order_two(path: Path, schedule: Schedule) -> None:
    assert order(Mixture(path=path), Heun(), schedule) > 1.9


@both_paths
def test_heun_keeps_its_order_on_the_whole_way_from_noise_to_data(path: Path) -> None:
    assert order(Mixture(path=path), Heun(), UniformSchedule()) > 1.9


@both_paths
def test_a_field_of_any_dimension_is_solved_coordinate_by_coordinate(path: Path) -> None:
    field = Mixture(path=path)
    noise = torch.randn(16, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    reached = sample(field, noise, steps=400, solver=Heun()).x0
    assert (reached - field.flow(noise, 1.0, 0.0)).square().mean().sqrt() < 1e-3


@both_paths
def test_gaussian_flow_map_is_reached(path: Path) -> None:
    field = gaussian(0.7, 0.4, path)
    truth = gaussian_flow(0.7, 0.4, path, starts(), 1.0, 0.0)
    torch.testing.assert_close(field.flow(starts(), 1.0, 0.0), truth)
    reached = sample(field, starts(), steps=300, solver=Heun()).x0
    torch.testing.assert_close(reached, truth, rtol=0, atol=2e-4)


def test_euler_on_the_linear_path_is_the_ddim_step() -> None:
    field, (s, t) = Mixture(), (0.6, 0.45)
    x0 = BoundField(field).x0(starts(), s)
    ratio = LINEAR.b(t) / LINEAR.b(s)
    ddim = ratio * starts() + (LINEAR.a(t) - ratio * LINEAR.a(s)) * x0
    euler, _ = Euler().step(BoundField(field), starts(), s, t, ())
    torch.testing.assert_close(euler, ddim, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("kind", ["x0", "v_salimans_ho", "velocity"])
def test_last_euler_step_lands_on_the_estimated_data(kind: Kind) -> None:
    field = Mixture(kind=kind)
    reached, _ = Euler().step(BoundField(field), starts(), 0.3, 0.0, ())
    torch.testing.assert_close(reached, BoundField(field).x0(starts(), 0.3))


@pytest.mark.parametrize("solver", [Euler(), Heun()], ids=["euler", "heun"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_straight_flow_is_exact_in_one_step(solver: Solver, dtype: torch.dtype) -> None:
    point: Field = gaussian(0.25, 0.0)  # all noise flows straight to one point
    reached = sample(point, starts().to(dtype), steps=1, solver=solver).x0
    assert reached.dtype == dtype
    torch.testing.assert_close(reached, torch.full_like(reached, 0.25))


@pytest.mark.parametrize("solver", [Euler(), Heun()], ids=["euler", "heun"])
def test_single_step_solvers_pass_the_history_on(solver: Solver) -> None:
    history = (Evaluation(0.7, starts()),)
    field = BoundField(Mixture())
    reached, after = solver.step(field, starts(), 0.6, 0.5, history)
    assert after is history
    again, _ = solver.step(field, starts(), 0.6, 0.5, ())
    assert torch.equal(reached, again)
