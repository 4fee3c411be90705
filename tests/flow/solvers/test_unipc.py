import itertools
import math

import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow import LINEAR, BoundField, CountedField, Euler, Evaluation, History, Kind, UniPC
from tests.flow.oracle import Mixture
from tests.flow.solvers.convergence import EVEN_IN_LAM, reached, starts

FIELD = BoundField(Mixture())


def published(order: int, kind: str, x: Tensor, times: list[float]) -> Tensor:
    """UniPC-p as its authors write it, with a corrector after every step but the last."""
    lam = [LINEAR.lam(t) for t in times]
    values = [FIELD.x0(x, times[0])]
    for i in range(1, len(times)):
        s, t, p = i - 1, i, min(order, i)
        h = lam[t] - lam[s]
        ratios = [(lam[s - k] - lam[s]) / h for k in range(1, p)]
        slopes = [(values[s - k] - values[s]) / r for k, r in enumerate(ratios, 1)]
        phi, scale = math.expm1(-h), -h if kind == "bh1" else math.expm1(-h)
        rows, b = _system([*ratios, 1.0], h, scale, p)
        base = LINEAR.b(times[t]) / LINEAR.b(times[s]) * x - LINEAR.a(times[t]) * phi * values[s]
        rho = torch.tensor([0.5]) if p == 2 else torch.linalg.solve(rows[:-1, :-1], b[:-1])
        sums = sum((r * d for r, d in zip(rho.tolist(), slopes, strict=False)), torch.zeros(()))
        x = base - LINEAR.a(times[t]) * scale * sums
        if i == len(times) - 1:
            return x
        values.append(FIELD.x0(x, times[t]))
        rho = torch.tensor([0.5]) if p == 1 else torch.linalg.solve(rows, b)
        slopes.append(values[t] - values[s])
        sums = sum((r * d for r, d in zip(rho.tolist(), slopes, strict=True)), torch.zeros(()))
        x = base - LINEAR.a(times[t]) * scale * sums
    return x


def _system(ratios: list[float], h: float, scale: float, p: int) -> tuple[Tensor, Tensor]:
    rows, b = [], []
    g, factorial = math.expm1(-h) / -h - 1, 1.0
    for k in range(1, p + 1):
        rows.append([r ** (k - 1) for r in ratios])
        b.append(g * factorial / scale)
        factorial *= k + 1
        g = g / -h - 1 / factorial
    return torch.tensor(rows, dtype=torch.float64), torch.tensor(b, dtype=torch.float64)


@pytest.mark.parametrize("kind", ["bh1", "bh2"])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_it_is_the_method_that_the_authors_published(order: int, kind: str) -> None:
    times = [0.95, 0.8, 0.72, 0.5, 0.33, 0.3, 0.1]
    x, history = starts(), ()
    solver = UniPC(order, "bh1" if kind == "bh1" else "bh2")
    for s, t in itertools.pairwise(times):
        x, history = solver.step(FIELD, x, s, t, history)
    torch.testing.assert_close(x, published(order, kind, starts(), times), rtol=0, atol=1e-12)


def test_from_pure_noise_the_two_kinds_agree_on_the_first_two_steps() -> None:
    results: list[Tensor] = []
    for solver in (UniPC(2, "bh1"), UniPC(2, "bh2")):
        x, history = starts(), ()
        for s, t in [(1.0, 0.8), (0.8, 0.6)]:
            x, history = solver.step(FIELD, x, s, t, history)
        results.append(x)
    assert torch.equal(*results)


def test_the_correction_from_pure_noise_is_the_trapezoid_rule_in_the_snr() -> None:
    # With y = x / b and rho = a / b the flow is dy / drho = x0, regular at pure noise.
    solver, (s, t, u) = UniPC(1), (1.0, 0.8, 0.6)
    x, history = solver.step(FIELD, starts(), s, t, ())
    first, second = FIELD.x0(starts(), s), FIELD.x0(x, t)
    corrected = t * (starts() + LINEAR.a(t) / t * (first + second) / 2)
    expected, _ = UniPC(1, corrector=False).step(BoundField(_Fixed(second)), corrected, t, u, ())
    result, _ = solver.step(FIELD, x, t, u, history)
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-14)


class _Fixed:
    path = LINEAR

    def __init__(self, x0: Tensor) -> None:
        self.x0 = x0

    def __call__(self, x: Tensor, t: float, cond: object = None):
        return Mixture(kind="x0")(x, t).__class__("x0", self.x0)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_corrector_costs_no_evaluation(order: int) -> None:
    field = CountedField(Mixture())
    x, history = starts(), ()
    for s, t in [(1.0, 0.8), (0.8, 0.5), (0.5, 0.2), (0.2, 0.0)]:
        x, history = UniPC(order).step(BoundField(field), x, s, t, history)
    assert field.calls == 4


def test_a_step_of_another_solver_in_between_is_not_corrected() -> None:
    x, history = UniPC(2).step(FIELD, starts(), 0.9, 0.8, ())
    x, history = Euler().step(FIELD, x, 0.8, 0.7, history)
    plain = tuple(e for e in history if e.kind == "x0")
    with_past, _ = UniPC(2).step(FIELD, x, 0.7, 0.6, history)
    without, _ = UniPC(2).step(FIELD, x, 0.7, 0.6, plain)
    assert torch.equal(with_past, without)


def test_a_changed_state_keeps_its_change() -> None:
    # Steering moves the state between steps; the late corrector must not undo that.
    x, history = UniPC(2).step(FIELD, starts(), 0.9, 0.6, ())
    moved, _ = UniPC(2).step(BoundField(_Fixed(starts())), x + 1, 0.6, 0.3, history)
    still, _ = UniPC(2).step(BoundField(_Fixed(starts())), x, 0.6, 0.3, history)
    torch.testing.assert_close(moved - still, torch.full_like(x, 0.5))  # b_t / b_s


def test_the_corrector_helps() -> None:
    grid = EVEN_IN_LAM.grid(20)
    truth = Mixture().flow(starts(), grid[0].item(), grid[-1].item())

    def error(solver: UniPC) -> float:
        x = reached(Mixture(), solver, EVEN_IN_LAM, 20)
        return (x - truth).square().mean().sqrt().item()

    for order in (1, 2, 3):
        assert error(UniPC(order)) < 0.5 * error(UniPC(order, corrector=False))


def test_guesses_are_remembered_for_three_steps_at_most() -> None:
    x: Tensor = starts()
    history: History = ()
    times = torch.linspace(1, 0.1, 9, dtype=torch.float64).tolist()
    for s, t in itertools.pairwise(times):
        x, history = UniPC(3).step(FIELD, x, s, t, history)
    assert len(history) == 4
    assert isinstance(history[0], Evaluation)


def test_orders_beyond_three_are_refused() -> None:
    with pytest.raises(InputError, match="1 to 3"):
        UniPC(4)


def test_any_prediction_will_do() -> None:
    kinds: tuple[Kind, ...] = ("velocity", "eps", "x0", "flow")
    first, *others = (reached(Mixture(kind=k), UniPC(2), EVEN_IN_LAM, 8) for k in kinds)
    for other in others:
        torch.testing.assert_close(other, first, rtol=0, atol=1e-12)
