import itertools
import math

import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow import (
    LINEAR,
    BoundField,
    CountedField,
    DPMSolverMulti,
    DPMSolverPlan,
    DPMSolverSingle,
    Evaluation,
    History,
    Solver,
    UniformSchedule,
    UniPC,
    sample,
    singlestep_orders,
)
from tests.flow.oracle import Mixture
from tests.flow.solvers.convergence import EVEN_IN_LAM, EVEN_IN_TIME, reached, starts

FIELD = BoundField(Mixture())
TIMES = [0.9, 0.7, 0.55, 0.3]


def past_of(x: Tensor, times: list[float]) -> History:
    """Estimates of x_0 at exact states, the newest first."""
    return tuple(Evaluation(t, FIELD.x0(Mixture().flow(x, TIMES[0], t), t)) for t in times[::-1])


def coefficients(s: float, t: float) -> tuple[float, float, float]:
    h = LINEAR.lam(t) - LINEAR.lam(s)
    return LINEAR.b(t) / LINEAR.b(s), LINEAR.a(t) * math.expm1(-h), h


def test_single_step_two_is_the_formula_of_the_paper() -> None:
    s, t, r, x = 0.7, 0.4, 0.5, starts()
    shrink, phi, h = coefficients(s, t)
    u = LINEAR.t_of_lam(LINEAR.lam(s) + r * h)
    m = FIELD.x0(x, s)
    m_u = FIELD.x0(LINEAR.b(u) / LINEAR.b(s) * x - LINEAR.a(u) * math.expm1(-r * h) * m, u)
    midpoint = shrink * x - phi * m - phi / (2 * r) * (m_u - m)
    taylor = shrink * x - phi * m + (phi / h + LINEAR.a(t)) / r * (m_u - m)
    for solver, truth in (
        (DPMSolverSingle(2, "midpoint"), midpoint),
        (DPMSolverSingle(2, "heun"), taylor),
    ):
        result, _ = solver.step(FIELD, x, s, t, ())
        torch.testing.assert_close(result, truth, rtol=0, atol=1e-14)


def test_single_step_three_is_the_formula_of_the_paper() -> None:
    s, t, x = 0.7, 0.4, starts()
    r1, r2 = 1 / 3, 2 / 3
    shrink, phi, h = coefficients(s, t)
    t1, t2 = (LINEAR.t_of_lam(LINEAR.lam(s) + r * h) for r in (r1, r2))
    m = FIELD.x0(x, s)
    m1 = FIELD.x0(LINEAR.b(t1) / LINEAR.b(s) * x - LINEAR.a(t1) * math.expm1(-r1 * h) * m, t1)
    x2 = LINEAR.b(t2) / LINEAR.b(s) * x - LINEAR.a(t2) * math.expm1(-r2 * h) * m
    x2 = x2 + r2 / r1 * LINEAR.a(t2) * (math.expm1(-r2 * h) / (r2 * h) + 1) * (m1 - m)
    truth = shrink * x - phi * m + (phi / h + LINEAR.a(t)) / r2 * (FIELD.x0(x2, t2) - m)
    result, _ = DPMSolverSingle(3).step(FIELD, x, s, t, ())
    torch.testing.assert_close(result, truth, rtol=0, atol=1e-14)


def test_multistep_two_is_the_formula_of_the_paper() -> None:
    x, (s, t) = starts(), (0.7, 0.55)
    (before,) = past_of(x, [0.9])
    shrink, phi, h = coefficients(s, t)
    r = (LINEAR.lam(s) - LINEAR.lam(before.t)) / h
    m = FIELD.x0(x, s)
    midpoint = shrink * x - phi * ((1 + 1 / (2 * r)) * m - 1 / (2 * r) * before.value)
    heun = shrink * x - phi * m + (phi / h + LINEAR.a(t)) * (m - before.value) / r
    for solver, truth in (
        (DPMSolverMulti(2, "midpoint"), midpoint),
        (DPMSolverMulti(2, "heun"), heun),
    ):
        result, _ = solver.step(FIELD, x, s, t, (before,))
        torch.testing.assert_close(result, truth, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("published", "factor"), [(True, 1), (False, 2)])
def test_multistep_three_is_the_published_formula_up_to_the_factor(
    published: bool, factor: int
) -> None:
    x, (s, t) = starts(), (0.55, 0.3)
    m1, m2 = past = past_of(x, [0.9, 0.7])
    shrink, phi, h = coefficients(s, t)
    m = FIELD.x0(x, s)
    r0 = (LINEAR.lam(s) - LINEAR.lam(m1.t)) / h
    r1 = (LINEAR.lam(m1.t) - LINEAR.lam(m2.t)) / h
    d0, d1 = (m - m1.value) / r0, (m1.value - m2.value) / r1
    first, second = d0 + r0 / (r0 + r1) * (d0 - d1), (d0 - d1) / (r0 + r1)
    truth = shrink * x - phi * m + (phi / h + LINEAR.a(t)) * first
    truth = truth - factor * LINEAR.a(t) * ((math.exp(-h) - 1 + h) / h**2 - 0.5) * second
    result, _ = DPMSolverMulti(3, published=published).step(FIELD, x, s, t, past)
    torch.testing.assert_close(result, truth, rtol=0, atol=1e-13)


@pytest.mark.parametrize("schedule", [EVEN_IN_LAM, EVEN_IN_TIME, UniformSchedule()], ids=repr)
def test_multistep_two_is_unip_two(schedule: UniformSchedule) -> None:
    dpm = reached(Mixture(), DPMSolverMulti(2), schedule, 20)
    unip = reached(Mixture(), UniPC(2, corrector=False), schedule, 20)
    torch.testing.assert_close(dpm, unip, rtol=0, atol=1e-14)


def warm_error(solver: Solver, steps: int) -> float:
    """Error of a run whose first two values lie on the exact flow, so only the steps count."""
    field, times = Mixture(), EVEN_IN_LAM.grid(steps).tolist()
    exact = [field.flow(starts(), times[0], t) for t in times[:3]]
    history: History = tuple(
        Evaluation(t, FIELD.x0(x, t)) for x, t in zip(exact[1::-1], times[1::-1], strict=True)
    )
    x = exact[2]
    for s, t in itertools.pairwise(times[2:]):
        x, history = solver.step(FIELD, x, s, t, history)
    truth = field.flow(starts(), times[0], times[-1])
    return (x - truth).square().mean().sqrt().item()


@pytest.mark.parametrize(("published", "least", "most"), [(True, 1.8, 2.2), (False, 2.8, 3.3)])
def test_the_published_factor_of_multistep_three_costs_an_order(
    published: bool, least: float, most: float
) -> None:
    # With an exact warm-up, so that nothing but the factor can be to blame.
    solver = DPMSolverMulti(3, published=published)
    assert least < math.log2(warm_error(solver, 80) / warm_error(solver, 160)) < most


def test_a_first_order_start_spoils_multistep_three() -> None:
    # Why our 3M looks ahead in its first step: UniP-3 is the same method with a plain start.
    def slope(solver: Solver) -> float:
        errors = []
        for steps in (160, 320):
            grid = EVEN_IN_LAM.grid(steps)
            truth = Mixture().flow(starts(), grid[0].item(), grid[-1].item())
            x = reached(Mixture(), solver, EVEN_IN_LAM, steps)
            errors.append((x - truth).square().mean().sqrt().item())
        return math.log2(errors[0] / errors[1])

    assert slope(UniPC(3, corrector=False)) < 2.6
    assert slope(DPMSolverMulti(3)) > 2.8


@pytest.mark.parametrize(
    ("evaluations", "orders"),
    [
        (1, (1,)),
        (2, (2,)),
        (3, (2, 1)),
        (4, (3, 1)),
        (5, (3, 2)),
        (6, (3, 2, 1)),
        (10, (3, 3, 3, 1)),
    ],
)
def test_budgets_are_spent_like_in_the_authors_code(
    evaluations: int, orders: tuple[int, ...]
) -> None:
    assert singlestep_orders(evaluations, to_data=False) == orders


@pytest.mark.parametrize("evaluations", range(1, 14))
@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_plan_to_the_data_spends_its_budget_exactly(evaluations: int, order: int) -> None:
    orders = singlestep_orders(evaluations, order=order)
    field = CountedField(Mixture())
    result = sample(field, starts(), steps=len(orders), solver=DPMSolverPlan(orders))
    assert field.calls == evaluations
    assert result.x0.isfinite().all()


def test_a_plan_makes_its_steps_in_turn_and_no_more() -> None:
    x, history = starts(), ()
    plan = DPMSolverPlan((3, 1))
    for (s, t), order in zip([(0.9, 0.5), (0.5, 0.2)], plan.orders, strict=True):
        alone, _ = DPMSolverSingle(order).step(FIELD, x, s, t, ())
        x, history = plan.step(FIELD, x, s, t, history)
        assert torch.equal(x, alone)
    with pytest.raises(InputError, match="2 steps"):
        plan.step(FIELD, x, 0.2, 0.1, history)


def test_more_evaluations_bring_a_plan_closer_to_the_truth() -> None:
    truth = Mixture().flow(starts(), 1.0, 0.0)
    errors = []
    for evaluations in (5, 10, 20):
        orders = singlestep_orders(evaluations)
        x = reached(Mixture(), DPMSolverPlan(orders), UniformSchedule(), len(orders))
        errors.append((x - truth).square().mean().sqrt().item())
    assert errors[0] > 1.5 * errors[1] > 2.25 * errors[2]


@pytest.mark.parametrize(
    "make",
    [
        lambda: DPMSolverSingle(4),
        lambda: DPMSolverMulti(1),
        lambda: DPMSolverPlan(()),
        lambda: DPMSolverPlan((3, 4)),
        lambda: singlestep_orders(0),
    ],
)
def test_orders_that_do_not_exist_are_refused(make: object) -> None:
    assert callable(make)
    with pytest.raises(InputError):
        make()
