import pytest
import torch

from gen3d.errors import InputError
from gen3d.flow import BoundField, UniformSchedule, item_generators
from gen3d.flow.steering import FLAIR, ErrorWeights, calibrate, squared_distance, steer
from tests.flow.oracle import gaussian
from tests.flow.steering.problems import CorrelatedGaussian

FIELD = CorrelatedGaussian(
    mean=torch.tensor([0.5, -0.3, 0.2], dtype=torch.float64),
    covariance=torch.tensor(
        [[1.0, 0.6, 0.3], [0.6, 0.8, -0.1], [0.3, -0.1, 0.7]], dtype=torch.float64
    ),
)
KNOWN = torch.tensor([True, False, False])
VALUES = torch.tensor([2.0, 0.0, 0.0], dtype=torch.float64)


def steered(samples: int, method: FLAIR, steps: int, first: float = 1.0) -> torch.Tensor:
    return steer(
        FIELD,
        squared_distance(VALUES, KNOWN.double()),
        torch.zeros(samples, 3, dtype=torch.float64),
        method=method,
        steps=steps,
        schedule=UniformSchedule(first, 0.02),
        generators=item_generators(0, samples),
    ).x0


def test_it_reaches_the_posterior_mode_of_a_linear_gaussian_problem():
    # The prior's gradient is that of blurred data: least so, and still strong, around t = 0.1.
    weights = ErrorWeights((0.4, 0.1, 0.02), (1.0, 0.05, 1.0))
    method = FLAIR(weights, rate=0.1, data_rate=1.0, data_steps=1, adjust=False)
    off = steered(64, method, 1000, first=0.4) - FIELD.mode_given(KNOWN, VALUES)
    assert float(off.mean(0).abs().max()) < 0.06  # the mean of the prior lies 0.9 away
    assert float(off.std(0).max()) < 0.65 / 2  # half of the posterior's own


def test_with_the_trajectory_kept_samples_lie_around_the_mode():
    # An error that is largest at the clean end gives a weight that falls to zero there.
    weights = ErrorWeights((1.0, 0.05), (0.1, 1.0))
    found = steered(200, FLAIR(weights, data_rate=1.0, data_steps=1), 100)
    off = found.mean(0) - FIELD.mode_given(KNOWN, VALUES)
    assert float(off.abs().max()) < 0.15


@pytest.mark.parametrize("adjust", [True, False])
def test_data_are_met_exactly(adjust):
    weights = ErrorWeights((1.0, 0.05), (0.1, 1.0))
    known = steered(2, FLAIR(weights, data_rate=1.0, data_steps=1, adjust=adjust), 10)[:, 0]
    assert torch.allclose(known, torch.full_like(known, 2.0), atol=1e-12)


def test_items_that_meet_their_data_are_left_to_the_prior():
    weights = ErrorWeights((1.0, 0.1), (1.0, 1.0))  # zero everywhere: data only
    method = FLAIR(weights, data_rate=0.5, data_steps=3, tolerance=0.1)
    start = torch.tensor([[2.1], [5.0]], dtype=torch.float64)
    objective = squared_distance(torch.full_like(start, 2.0))
    result = steer(
        gaussian(0.0, 1.0),
        objective,
        start,
        method=method,
        steps=1,
        generators=item_generators(0, 2),
    )
    # |2.1 - 2|^2 / 2 is below the tolerance; the other halves its distance three times.
    assert result.x0.flatten().tolist() == pytest.approx([2.1, 2 + 3 / 8])


def test_calibration_measures_the_known_error_of_a_gaussian():
    std, times = 0.5, (0.9, 0.5, 0.1)
    generator = torch.Generator().manual_seed(1)
    data = std * torch.randn(200, 50, generator=generator, dtype=torch.float64)
    weights = calibrate(BoundField(gaussian(0.0, std)), data, times, item_generators(2, 200))
    for t, error in zip(times, weights.errors, strict=True):
        # The part of eps - x_0 that x_t does not tell.
        variance = ((1 - t) * std) ** 2 + t**2
        exact = 1 + std**2 - (t - (1 - t) * std**2) ** 2 / variance
        assert error == pytest.approx(exact, rel=0.05)


def test_weights_fall_to_zero_at_the_last_time_and_never_below():
    weights = ErrorWeights((0.9, 0.5, 0.1), (0.2, 0.4, 0.8))
    assert weights(0.9) == pytest.approx(0.5 * (1 - 0.25), abs=1e-6)
    assert weights(0.1) == weights(0.0) == 0
    assert weights(0.7) == pytest.approx((weights(0.9) + weights(0.5)) / 2)
    assert weights(1.0) == weights(0.9)
    assert min(ErrorWeights((0.9, 0.1), (0.8, 0.2))(t) for t in (0.9, 0.5, 0.1)) == 0


def test_noise_needs_generators():
    method = FLAIR(ErrorWeights((1.0, 0.1), (0.1, 1.0)))
    start = torch.zeros(1, 1)
    with pytest.raises(InputError, match="generator"):
        steer(gaussian(0.0, 1.0), squared_distance(start), start, method=method, steps=2)


def test_weights_that_rise_in_time_are_refused():
    with pytest.raises(InputError, match="falling"):
        ErrorWeights((0.1, 0.9), (1.0, 1.0))
