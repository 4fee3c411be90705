import itertools

import pytest
import torch

from gen3d.flow import COSINE, LINEAR, RK4, BoundField, Evaluation, Heun, Midpoint, Path, Solver
from gen3d.flow.schedules import ShiftedSchedule, UniformSchedule
from tests.flow.oracle import Mixture
from tests.flow.solvers.convergence import EVEN_IN_TIME, order, starts

both_paths = pytest.mark.parametrize("path", [LINEAR, COSINE], ids=["linear", "cosine"])


def test_heun_has_order_two_on_a_shifted_grid_of_the_cosine_path() -> None:
    assert order(Mixture(path=COSINE), Heun(), ShiftedSchedule(2.0, EVEN_IN_TIME), 40) > 1.9


@both_paths
def test_a_field_of_any_dimension_is_solved_coordinate_by_coordinate(path: Path) -> None:
    field = Mixture(path=path)
    noise = torch.randn(16, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x = noise
    times = UniformSchedule().grid(60).tolist()
    for s, t in itertools.pairwise(times):
        x, _ = RK4().step(BoundField(field), x, s, t, ())
    assert (x - field.flow(noise, 1.0, 0.0)).square().mean().sqrt() < 1e-4


@pytest.mark.parametrize("solver", [Heun(), Midpoint(), RK4()], ids=["heun", "midpoint", "rk4"])
def test_single_step_solvers_pass_the_history_on(solver: Solver) -> None:
    history = (Evaluation(0.7, starts()),)
    field = BoundField(Mixture())
    reached, after = solver.step(field, starts(), 0.6, 0.5, history)
    assert after is history
    again, _ = solver.step(field, starts(), 0.6, 0.5, ())
    assert torch.equal(reached, again)
