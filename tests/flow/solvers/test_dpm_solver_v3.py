import math

import pytest
import torch

from gen3d.errors import InputError
from gen3d.flow import (
    COSINE,
    LINEAR,
    VP,
    BoundField,
    CountedField,
    DPMSolverMulti,
    DPMSolverSingle,
    DPMSolverV3,
    EmpiricalStatistics,
    Euler,
    Evaluation,
    Path,
    Solver,
    UniformSchedule,
    estimate_statistics,
    sample,
)
from tests.flow.oracle import Mixture, gaussian
from tests.flow.solvers.convergence import EVEN_IN_LAM, EvenInLam, error, order, reached, starts


def constant(l: float, shape: tuple[int, ...] = ()) -> EmpiricalStatistics:  # noqa: E741
    """For l = 1 data prediction, for l = 0 noise prediction."""
    lam = torch.linspace(-3, 3, 121, dtype=torch.float64)
    zero = torch.zeros(121, *shape, dtype=torch.float64)
    return EmpiricalStatistics(lam, zero + l, zero + l - 1, zero)


def measured(field: Mixture, nodes: int, path: Path = LINEAR) -> EmpiricalStatistics:
    generator = torch.Generator().manual_seed(0)
    data = torch.randn(512, 1, generator=generator, dtype=torch.float64)
    choice = torch.rand(512, 1, generator=generator, dtype=torch.float64)
    k = (choice > field.weights[0]).long() if len(field.weights) > 1 else torch.zeros_like(choice)
    x0 = data * torch.tensor(field.stds).double()[k.long()] + torch.tensor(field.means)[k.long()]
    ends = [path.t_of_lam(LINEAR.lam(t)) for t in (0.951, 0.049)]
    return estimate_statistics(
        BoundField(field), x0, generator, first=ends[0], last=ends[1], nodes=nodes, keep=()
    )


def gaussian_statistics(mean: float, std: float) -> EmpiricalStatistics:
    """In closed form: b eps = l (x - a m) with l = sigma^2 / (std^2 + sigma^2), sigma = b / a."""
    lam = torch.linspace(-2.95, 2.95, 2401, dtype=torch.float64)
    share = torch.sigmoid(-2 * (lam + math.log(std)))
    return EmpiricalStatistics(lam, share, torch.zeros_like(lam), 2 * mean * share * (1 - share))


@pytest.mark.parametrize("path", [LINEAR, COSINE, VP], ids=["linear", "cosine", "vp"])
def test_a_gaussian_flow_is_exact_in_one_step_of_order_one(path: Path) -> None:
    field = gaussian(0.7, 0.4, path)
    solver = DPMSolverV3(gaussian_statistics(0.7, 0.4), order=1)
    assert error(field, solver, EvenInLam(path), 1) < 1e-6
    assert error(field, Euler(), EvenInLam(path), 1) > 0.1


def test_measured_statistics_solve_a_gaussian_in_one_step_too() -> None:
    field = gaussian(0.7, 0.4)
    assert error(field, DPMSolverV3(measured(field, 61), order=1), EVEN_IN_LAM, 1) < 5e-3


def test_data_prediction_is_dpm_solver_plus_plus() -> None:
    pairs: list[tuple[Solver, Solver]] = [
        (DPMSolverV3(constant(1), 1, corrector=False), DPMSolverSingle(1)),
        (DPMSolverV3(constant(1), 2, corrector=False), DPMSolverMulti(2, "heun")),
    ]
    for v3, known in pairs:
        one, other = (reached(Mixture(), solver, EVEN_IN_LAM, 12) for solver in (v3, known))
        torch.testing.assert_close(one, other, rtol=0, atol=1e-7)


def test_data_prediction_of_order_three_is_the_right_3m() -> None:
    field, v3 = BoundField(Mixture()), DPMSolverV3(constant(1), 3, corrector=False)
    x, history = v3.step(field, starts(), 0.9, 0.75, ())
    x, history = v3.step(field, x, 0.75, 0.6, history)
    past = tuple(Evaluation(e.t, -e.value) for e in history if e.kind.startswith("f of"))
    assert len(past) == 2
    one, _ = v3.step(field, x, 0.6, 0.4, history)
    other, _ = DPMSolverMulti(3).step(field, x, 0.6, 0.4, past)
    torch.testing.assert_close(one, other, rtol=0, atol=1e-7)


def test_without_a_linear_part_it_predicts_noise() -> None:
    # The step of DPM-Solver-1: x_t = (a_t / a_s) x - b_t (e^h - 1) eps.
    s, t, field = 0.6, 0.4, Mixture(kind="eps")
    eps, h = field(starts(), s).value, LINEAR.lam(t) - LINEAR.lam(s)
    truth = LINEAR.a(t) / LINEAR.a(s) * starts() - LINEAR.b(t) * math.expm1(h) * eps
    solver = DPMSolverV3(constant(0), 1)
    result, _ = solver.step(BoundField(Mixture()), starts(), s, t, ())
    torch.testing.assert_close(result, truth, rtol=0, atol=1e-7)


@pytest.fixture(scope="module")
def mixture_statistics() -> EmpiricalStatistics:
    return measured(Mixture(), 121)


@pytest.mark.parametrize(
    ("p", "corrector", "least"), [(1, False, 0.9), (2, False, 1.8), (2, True, 2.8), (3, False, 2.8)]
)
def test_the_error_falls_with_the_order(
    mixture_statistics: EmpiricalStatistics, p: int, corrector: bool, least: float
) -> None:
    solver = DPMSolverV3(mixture_statistics, p, corrector)
    assert order(Mixture(), solver, EVEN_IN_LAM, 20) > least


def test_on_a_mixture_it_halves_the_error_of_order_one(
    mixture_statistics: EmpiricalStatistics,
) -> None:
    v3 = error(Mixture(), DPMSolverV3(mixture_statistics, 1, False), EVEN_IN_LAM, 5)
    assert v3 < 0.7 * error(Mixture(), Euler(), EVEN_IN_LAM, 5)


def test_beyond_the_statistics_it_is_dpm_solver_of_order_one(
    mixture_statistics: EmpiricalStatistics,
) -> None:
    field, solver = BoundField(Mixture()), DPMSolverV3(mixture_statistics)
    from_noise, history = solver.step(field, starts(), 1.0, 0.7, ())
    plain, _ = DPMSolverSingle(1).step(field, starts(), 1.0, 0.7, ())
    assert history == ()
    assert torch.equal(from_noise, plain)
    to_data, _ = solver.step(field, plain, 0.3, 0.0, ())
    torch.testing.assert_close(to_data, field.x0(plain, 0.3), rtol=0, atol=1e-12)


def test_a_whole_run_from_noise_to_data_costs_its_steps(
    mixture_statistics: EmpiricalStatistics,
) -> None:
    field = CountedField(Mixture())
    solver = DPMSolverV3(mixture_statistics)
    result = sample(field, starts(), steps=12, solver=solver).x0
    truth = Mixture().flow(starts(), 1.0, 0.0)
    euler = reached(Mixture(), Euler(), UniformSchedule(), 12)
    assert field.calls == 12
    assert (result - truth).square().mean() < (euler - truth).square().mean() / 4


def test_channels_may_have_statistics_of_their_own() -> None:
    field = BoundField(Mixture())
    x = torch.stack([starts()] * 2, dim=-1)
    both = constant(1, (2,))
    apart = EmpiricalStatistics(
        both.lam, both.l * torch.tensor([1.0, 0.0]), both.s - torch.tensor([0.0, 1.0]), both.q
    )
    result, _ = DPMSolverV3(apart).step(field, x, 0.6, 0.4, ())
    for channel, l in enumerate((1.0, 0.0)):  # noqa: E741
        alone, _ = DPMSolverV3(constant(l)).step(field, starts(), 0.6, 0.4, ())
        torch.testing.assert_close(result[:, channel], alone)


def test_states_stay_in_float32() -> None:
    field, x = BoundField(Mixture()), starts().float()
    solver, history = DPMSolverV3(constant(0.5)), ()
    for s, t in [(0.9, 0.7), (0.7, 0.5), (0.5, 0.3)]:
        x, history = solver.step(field, x, s, t, history)
    assert x.dtype == torch.float32


def test_orders_beyond_three_are_refused() -> None:
    with pytest.raises(InputError, match="1 to 3"):
        DPMSolverV3(constant(1), 4)
