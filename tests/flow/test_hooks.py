import pytest
import torch

from gen3d.errors import InputError
from gen3d.flow import DynamicThreshold, SparseReducer, sample
from tests.flow.oracle import Mixture


def test_threshold_matches_the_published_formula_per_sample() -> None:
    x0 = torch.linspace(-3, 5, 80, dtype=torch.float64).reshape(2, 40)
    s = x0.abs().quantile(0.9, dim=1).clamp(min=1)[:, None]
    found = DynamicThreshold(0.9).on_x0(x0, x0, 0.5)
    torch.testing.assert_close(found, x0.clamp(-s, s) / s)


def test_estimates_within_the_limits_pass_unchanged() -> None:
    x0 = torch.linspace(-0.5, 0.5, 10, dtype=torch.float64).reshape(2, 5)
    assert torch.equal(DynamicThreshold().on_x0(x0, x0, 0.5), x0)


def test_a_wider_limit_scales_with_the_data() -> None:
    x0 = torch.linspace(-9, 5, 80, dtype=torch.float64).reshape(2, 40)
    wide = DynamicThreshold(0.9, limit=2.0).on_x0(2 * x0, x0, 0.5)
    torch.testing.assert_close(wide, 2 * DynamicThreshold(0.9).on_x0(x0, x0, 0.5))


def test_sparse_samples_are_thresholded_apart() -> None:
    x0 = torch.tensor([[0.5], [9.0], [4.0], [0.3], [-0.2]])
    hook = DynamicThreshold(1.0, reducer=SparseReducer((3, 0, 2)))
    expected = torch.tensor([[0.5 / 9], [1.0], [4 / 9], [0.3], [-0.2]])
    torch.testing.assert_close(hook.on_x0(x0, x0, 0.5), expected)


def test_sampling_under_a_threshold_stays_in_the_limits() -> None:
    noise = torch.linspace(-3, 3, 12, dtype=torch.float64).reshape(4, 3)
    free = sample(Mixture(), noise, steps=6).x0
    bounded = sample(Mixture(), noise, steps=6, hooks=[DynamicThreshold()]).x0
    assert free.abs().max() > 1
    assert bounded.abs().max() <= 1 + 1e-12


def test_threshold_refuses_nonsense() -> None:
    with pytest.raises(InputError, match="quantile"):
        DynamicThreshold(1.1)
    with pytest.raises(InputError, match="limit"):
        DynamicThreshold(limit=0.0)
