"""What holds for every solver, and which order of convergence each has."""

import itertools

import pytest
import torch

from gen3d.errors import InputError
from gen3d.flow import (
    COSINE,
    LINEAR,
    RK4,
    VP,
    AdamsBashforth2,
    BoundField,
    CountedField,
    DPMSolverMulti,
    DPMSolverSingle,
    Euler,
    Evaluation,
    Field,
    Heun,
    Midpoint,
    OffsetLinearPath,
    Path,
    PseudoCorrector,
    Schedule,
    Solver,
    UniformSchedule,
    UniPC,
    sample,
)
from tests.flow.oracle import Mixture, gaussian, gaussian_flow
from tests.flow.solvers.convergence import (
    EVEN_IN_LAM,
    EVEN_IN_TIME,
    EvenInLam,
    order,
    reached,
    starts,
)

TIME_SOLVERS = {
    "euler": Euler(),
    "heun": Heun(),
    "midpoint": Midpoint(),
    "rk4": RK4(),
    "ab2": AdamsBashforth2(),
    "pseudo_corrector": PseudoCorrector(),
}
LAM_SOLVERS = {
    "dpm1": DPMSolverSingle(1),
    "dpm2s": DPMSolverSingle(2),
    "dpm2s_heun": DPMSolverSingle(2, "heun"),
    "dpm3s": DPMSolverSingle(3),
    "dpm2m": DPMSolverMulti(2),
    "dpm2m_heun": DPMSolverMulti(2, "heun"),
    "dpm3m": DPMSolverMulti(3),
    "unipc1": UniPC(1),
    "unipc2": UniPC(2),
    "unipc3": UniPC(3),
    "unipc2_bh1": UniPC(2, "bh1"),
}
SOLVERS = TIME_SOLVERS | LAM_SOLVERS
every_solver = pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS.keys())
lam_solvers = pytest.mark.parametrize("solver", LAM_SOLVERS.values(), ids=LAM_SOLVERS.keys())

# Solver, least and greatest slope of its error between 40 and 80 steps.
ORDERS = {
    "euler": (0.95, 1.05),
    "heun": (1.9, 2.1),
    "midpoint": (1.85, 2.1),
    "rk4": (3.8, 4.2),
    "ab2": (1.9, 2.1),
    "pseudo_corrector": (1.9, 2.1),
    "dpm1": (0.95, 1.05),
    "dpm2s": (1.9, 2.1),
    "dpm2s_heun": (1.9, 2.1),
    "dpm3s": (2.8, 3.1),
    "dpm2m": (1.9, 2.1),
    "dpm2m_heun": (1.9, 2.1),
    "dpm3m": (2.8, 3.3),
    "unipc1": (1.9, 2.1),
    "unipc2": (2.8, 3.2),
    "unipc3": (2.9, 4.1),
    "unipc2_bh1": (2.8, 3.2),
}


@pytest.mark.parametrize("schedule", [EVEN_IN_LAM, EVEN_IN_TIME], ids=["lam", "time"])
@pytest.mark.parametrize("name", ORDERS)
def test_the_error_falls_with_the_order_of_the_solver(name: str, schedule: Schedule) -> None:
    least, most = ORDERS[name]
    assert least < order(Mixture(), SOLVERS[name], schedule, 40) < most


@pytest.mark.parametrize(
    ("name", "least"),
    [("heun", 1.9), ("midpoint", 1.9), ("rk4", 3.8), ("ab2", 1.9), ("pseudo_corrector", 1.9)],
)
def test_solvers_in_time_keep_their_order_from_noise_to_data(name: str, least: float) -> None:
    assert order(Mixture(), SOLVERS[name], UniformSchedule(), steps=40) > least


@pytest.mark.parametrize("name", ["dpm2m", "unipc2", "unipc3"])
def test_solvers_in_lam_are_of_second_order_from_noise_to_data(name: str) -> None:
    # The one step of first order that reaches t = 0 limits all of them to the second.
    assert 1.6 < order(Mixture(), SOLVERS[name], UniformSchedule()) < 2.2


@every_solver
def test_a_gaussian_flow_is_followed_from_pure_noise_to_pure_data(solver: Solver) -> None:
    field = gaussian(0.7, 0.4)
    truth = gaussian_flow(0.7, 0.4, LINEAR, starts(), 1.0, 0.0)
    tolerance = 0.1 if solver.order == 1 else 0.02
    torch.testing.assert_close(
        reached(field, solver, UniformSchedule(), 30), truth, rtol=0, atol=tolerance
    )


@every_solver
@pytest.mark.parametrize("path", [LINEAR, COSINE, VP, OffsetLinearPath()], ids=repr)
def test_every_path_is_solved_from_noise_to_data(solver: Solver, path: Path) -> None:
    field = Mixture(path=path)
    # In time, the noise of the VP path falls like sqrt(t) at the end: first order at best.
    tolerance = 0.2 if path is VP or solver.order == 1 else 0.05
    truth = field.flow(starts(), 1.0, 0.0)
    close = (reached(field, solver, UniformSchedule(), 25) - truth).square().mean().sqrt()
    assert close < tolerance


@every_solver
@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_constant_data_is_reached_exactly_by_any_number_of_steps(
    solver: Solver, steps: int
) -> None:
    point: Field = gaussian(0.25, 0.0)  # all noise flows straight to one point
    result = sample(point, starts(), steps=steps, solver=solver).x0
    torch.testing.assert_close(result, torch.full_like(result, 0.25), rtol=0, atol=1e-13)


@every_solver
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_straight_flow_is_exact_in_one_step(solver: Solver, dtype: torch.dtype) -> None:
    result = sample(gaussian(0.25, 0.0), starts().to(dtype), steps=1, solver=solver).x0
    assert result.dtype == dtype
    torch.testing.assert_close(result, torch.full_like(result, 0.25))


@lam_solvers
@pytest.mark.parametrize("past", [(), (0.55,), (1.0, 0.8, 0.55)], ids=len)
def test_the_last_step_lands_on_the_estimated_data(solver: Solver, past: tuple[float, ...]) -> None:
    field = BoundField(Mixture())
    history = tuple(Evaluation(t, field.x0(starts() * t, t)) for t in reversed(past))
    result, _ = solver.step(field, starts(), 0.3, 0.0, history)
    torch.testing.assert_close(result, field.x0(starts(), 0.3), rtol=0, atol=1e-15)


@every_solver
def test_nobody_is_asked_at_the_data(solver: Solver) -> None:
    field = Mixture(kind="x0")  # of which t = 0 determines no velocity
    assert reached(field, solver, UniformSchedule(), 3).isfinite().all()


@lam_solvers
@pytest.mark.parametrize("other", [VP, COSINE], ids=["vp", "cosine"])
def test_solvers_in_lam_give_the_same_on_every_path(solver: Solver, other: Path) -> None:
    here = reached(Mixture(), solver, EVEN_IN_LAM, 12)
    scale = [other.b(s) / LINEAR.b(t) for s, t in _ends(other)]
    there = reached(Mixture(path=other), solver, EvenInLam(other), 12, starts() * scale[0])
    torch.testing.assert_close(there / scale[1], here, rtol=0, atol=1e-12)


def _ends(path: Path) -> list[tuple[float, float]]:
    return [(path.t_of_lam(LINEAR.lam(t)), t) for t in (0.95, 0.05)]


@lam_solvers
def test_pure_noise_is_the_limit_of_almost_pure_noise(solver: Solver) -> None:
    # The first step's length in lam goes to infinity, the step itself does not.
    field = BoundField(Mixture())
    pure, _ = solver.step(field, starts(), 1.0, 0.8, ())
    almost, _ = solver.step(field, starts(), 1 - 1e-9, 0.8, ())
    if solver.evaluations == 1 and not isinstance(solver, DPMSolverMulti):
        torch.testing.assert_close(pure, almost, rtol=0, atol=1e-7)
    truth = Mixture().flow(starts(), 1.0, 0.8)
    assert (pure - truth).abs().max() < 0.1


@every_solver
def test_a_step_is_a_pure_function(solver: Solver) -> None:
    field, history = BoundField(Mixture()), ()
    x, history = solver.step(field, starts(), 0.9, 0.7, history)
    once, _ = solver.step(field, x, 0.7, 0.6, history)
    solver.step(field, x + 1, 0.7, 0.2, history)
    again, _ = solver.step(field, x, 0.7, 0.6, history)
    assert torch.equal(once, again)


@every_solver
def test_a_history_of_another_solver_is_harmless(solver: Solver) -> None:
    field = BoundField(Mixture())
    x, _ = solver.step(field, starts(), 0.7, 0.6, ())
    foreign = (Evaluation(0.8, starts() * 1e6, "unknown"), Evaluation(0.9, starts(), "f"))
    same, _ = solver.step(field, starts(), 0.7, 0.6, foreign)
    assert torch.equal(x, same)


# Evaluations in 6 steps from noise to data, where the last step is cheaper for some.
COSTS = {"heun": 11, "midpoint": 12, "rk4": 23, "dpm2s": 11, "dpm2s_heun": 11, "dpm3s": 16}


@pytest.mark.parametrize("name", SOLVERS)
def test_solvers_cost_what_they_say(name: str) -> None:
    field = CountedField(Mixture())
    sample(field, starts(), steps=6, solver=SOLVERS[name])
    extra = 1 if name == "dpm3m" else 0  # its first step looks ahead
    assert field.calls == COSTS.get(name, 6 + extra)


@lam_solvers
def test_solvers_in_lam_refuse_to_leave_the_data(solver: Solver) -> None:
    with pytest.raises(InputError, match="cannot go from t = 0"):
        solver.step(BoundField(Mixture()), starts(), 0.0, 0.1, ())


@every_solver
def test_noise_is_found_again_by_going_back(solver: Solver) -> None:
    field = Mixture()
    noise = starts()
    down = torch.linspace(0.9, 0.1, 41, dtype=torch.float64).tolist()
    x, history = noise, ()
    for s, t in itertools.pairwise(down):
        x, history = solver.step(BoundField(field), x, s, t, history)
    history = ()
    for s, t in itertools.pairwise(down[::-1]):
        x, history = solver.step(BoundField(field), x, s, t, history)
    assert (x - noise).square().mean().sqrt() < (0.1 if solver.order == 1 else 0.01)
