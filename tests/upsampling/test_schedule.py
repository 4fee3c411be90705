"""Times of training, and steps that share the measured loss."""

import math

import pytest
import torch

from gen3d.errors import InputError
from gen3d.upsampling.schedule import AdaptiveSchedule, CosineTimes, LossCurve

GRID = tuple(1 - i / 50 for i in range(51))


def test_equal_losses_give_equal_steps() -> None:
    times = LossCurve(times=GRID, losses=(0.3,) * 51).sampling_times(4)
    assert times == pytest.approx((1, 0.75, 0.5, 0.25, 0))


def test_loss_that_grows_from_the_start_gives_roots() -> None:
    curve = LossCurve(times=GRID, losses=tuple(1 - t + 1e-12 for t in GRID))
    passed = [1 - t for t in curve.sampling_times(5)]
    assert passed == pytest.approx([math.sqrt(q / 5) for q in range(6)], abs=1e-3)


def test_steps_are_short_where_the_loss_is_high_and_equal_at_power_zero() -> None:
    losses = tuple(10.0 if t > 0.8 else 1.0 for t in GRID)
    steep = LossCurve(times=GRID, losses=losses).sampling_times(4)
    assert 1 - steep[1] < 0.12
    flat = LossCurve(times=GRID, losses=losses, power=0.0).sampling_times(4)
    assert flat == pytest.approx((1, 0.75, 0.5, 0.25, 0))


def test_schedule_of_the_flow_package_has_the_same_times() -> None:
    curve = LossCurve(times=GRID, losses=tuple(1.5 - t for t in GRID))
    assert AdaptiveSchedule(curve).grid(3).tolist() == list(curve.sampling_times(3))
    with pytest.raises(InputError, match="at least 1 step"):
        curve.sampling_times(0)


@pytest.mark.parametrize(
    ("times", "losses"),
    [
        ((1.0, 0.5), (1.0, 1.0)),
        ((1.0, 0.5, 0.6, 0.0), (1.0,) * 4),
        ((1.0, 0.0), (1.0,)),
        ((1.0, 0.0), (0.0, 1.0)),
        ((1.0, 0.0), (math.inf, 1.0)),
    ],
)
def test_curves_that_make_no_schedule_are_refused(
    times: tuple[float, ...], losses: tuple[float, ...]
) -> None:
    with pytest.raises(ValueError):
        LossCurve(times=times, losses=losses)


def test_cosine_times_are_dense_at_the_start_and_fit_their_density() -> None:
    cosine = CosineTimes()
    u = torch.linspace(0.01, 0.98, 50, dtype=torch.float64)
    t = cosine.quantile(u)
    torch.testing.assert_close(t.flip(0), torch.cos((1 - u.flip(0)) * math.pi / 2))
    slope = (cosine.quantile(u + 1e-6) - cosine.quantile(u - 1e-6)) / 2e-6
    torch.testing.assert_close(1 / slope, cosine.density(t), rtol=1e-5, atol=0)
    drawn = cosine.sample(1000, torch.Generator().manual_seed(0))
    assert float((drawn > 0.5).double().mean()) == pytest.approx(2 / 3, abs=0.01)
