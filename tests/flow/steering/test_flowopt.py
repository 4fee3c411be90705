import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow import LINEAR, BoundField, Path, Prediction, item_generators
from gen3d.flow.steering import (
    FlowOpt,
    invert,
    run_steps,
    squared_distance,
    steer,
    step_size_bound,
)
from tests.flow.oracle import gaussian


class Scaling:
    """One Euler step from t = 1 to t = 0 multiplies by ``slope`` and adds ``shift``."""

    path: Path = LINEAR

    def __init__(self, slope: Tensor, shift: float = 0.3) -> None:
        self.slope, self.shift = slope, shift

    def __call__(self, x: Tensor, t: float, cond: object = None) -> Prediction:
        return Prediction("velocity", x - (self.slope * x + self.shift))


SLOPES = torch.tensor([[0.5, 1.0, 2.0]], dtype=torch.float64)
TARGET = torch.tensor([[1.0, -2.0, 0.4]], dtype=torch.float64)


def distance_after(eta: float, iterations: int) -> float:
    start = torch.zeros_like(TARGET)
    method = FlowOpt(iterations=iterations, eta=eta)
    return float(
        steer(Scaling(SLOPES), squared_distance(TARGET), start, method=method, steps=1).loss
    )


def test_it_contracts_below_two_over_the_largest_slope():
    assert distance_after(0.98 * 2 / 2.0, 400) < 1e-6


def test_it_diverges_above_two_over_the_largest_slope():
    eta = 1.02 * 2 / 2.0
    x = torch.zeros_like(TARGET)
    losses = []
    for _ in range(200):
        residual = SLOPES * x + 0.3 - TARGET
        losses.append(float(residual.square().sum()))
        x = x - eta * residual
    assert losses[-1] > 10 * losses[0]
    # The method follows the same iterates, and keeps the best of them.
    assert distance_after(eta, 200) == pytest.approx(min(losses) / 2, rel=1e-9)


def test_the_fixed_point_gives_the_target():
    start = torch.zeros_like(TARGET)
    result = steer(
        Scaling(SLOPES), squared_distance(TARGET), start, method=FlowOpt(60, 0.8), steps=1
    )
    assert torch.allclose(result.x0, TARGET, atol=1e-9)
    assert result.evaluations == 60


def test_the_bound_of_a_multiple_of_the_identity_is_exact():
    def process(x: Tensor) -> Tensor:
        return 1.6 * x + 0.2

    bound = step_size_bound(process, torch.zeros(2, 4), item_generators(0, 2))
    assert torch.allclose(bound, torch.full((2,), 2 / 1.6), atol=1e-5)


def test_the_bound_finds_the_largest_slope():
    def process(x: Tensor) -> Tensor:
        return SLOPES.float() * x

    bound = step_size_bound(process, torch.zeros(1, 3), item_generators(0, 1), pairs=8)
    assert float(bound) == pytest.approx(2 / 2.0, rel=1e-2)


def test_without_a_step_half_the_bound_is_taken():
    field = Scaling(torch.full((1, 3), 1.6, dtype=torch.float64))
    start = torch.zeros_like(TARGET)
    objective, generators = squared_distance(TARGET), item_generators(0, 1)
    free = steer(field, objective, start, method=FlowOpt(3), steps=1, generators=generators)
    # Half of 2 / 1.6 is the Newton step of this process: exact after one.
    assert torch.allclose(free.x0, TARGET, atol=1e-6)


def test_a_process_that_turns_changes_around_is_refused():
    field = Scaling(torch.full((1, 3), -1.0, dtype=torch.float64))
    start = torch.zeros_like(TARGET)
    with pytest.raises(InputError, match="turns changes around"):
        steer(
            field,
            squared_distance(TARGET),
            start,
            method=FlowOpt(3),
            steps=1,
            generators=item_generators(0, 1),
        )


def test_inversion_of_data_comes_back_to_them():
    field = BoundField(gaussian(0.3, 0.6))
    x0 = torch.linspace(-1, 1.5, 6, dtype=torch.float64)[:, None]
    errors = []
    for steps in (20, 40):
        times = torch.linspace(1, 0, steps + 1, dtype=torch.float64).tolist()
        noise = invert(field, x0, times)
        errors.append(float((run_steps(field, noise, times) - x0).abs().max()))
    assert errors[1] < 2e-3
    # The guess is wrong by a second-order term only, so the round trip beats Euler's order.
    assert errors[0] / errors[1] > 1.7


def test_inversion_asks_for_one_velocity_per_step():
    calls: list[float] = []

    class Recording(Scaling):
        def __call__(self, x: Tensor, t: float, cond: object = None) -> Prediction:
            calls.append(t)
            return super().__call__(x, t, cond)

    invert(BoundField(Recording(SLOPES)), TARGET, [1.0, 0.5, 0.25, 0.0])
    assert calls == [0.25, 0.5, 1.0]
