import numpy as np
import pytest
import torch
from scipy import integrate, stats

from gen3d.errors import InputError
from gen3d.flow import LogitNormalTimes, TimeDistribution, UniformTimes

DISTRIBUTIONS = [
    UniformTimes(),
    LogitNormalTimes(),
    LogitNormalTimes(-0.4, 1.0),
    LogitNormalTimes(1.0, 0.5),
]
all_distributions = pytest.mark.parametrize("times", DISTRIBUTIONS, ids=str)


def cdf(times: TimeDistribution, t: torch.Tensor) -> torch.Tensor:
    """Integrate the density by Simpson's rule."""
    grid = torch.linspace(1e-6, 1 - 1e-6, 20001, dtype=torch.float64)
    mass = integrate.cumulative_simpson(times.density(grid).numpy(), x=grid.numpy(), initial=0)
    return torch.from_numpy(np.interp(t.numpy(), grid.numpy(), mass))


@all_distributions
def test_samples_follow_the_density(times: TimeDistribution) -> None:
    drawn = times.sample(2000, torch.Generator().manual_seed(0))
    test = stats.kstest(drawn.numpy(), lambda t: cdf(times, torch.from_numpy(t)).numpy())
    # A stratum holds one sample, so the distance is at most 1/n, far below that of free draws.
    assert test.statistic <= 1.2 / 2000


@all_distributions
def test_a_single_time_follows_the_density_too(times: TimeDistribution) -> None:
    generator = torch.Generator().manual_seed(1)
    first = torch.stack([times.sample(8, generator)[0] for _ in range(1000)])
    assert (
        stats.kstest(first.numpy(), lambda t: cdf(times, torch.from_numpy(t)).numpy()).pvalue > 0.01
    )


@all_distributions
def test_density_integrates_to_one(times: TimeDistribution) -> None:
    assert cdf(times, torch.ones(1, dtype=torch.float64)).item() == pytest.approx(1, abs=1e-5)


def test_every_stratum_gets_one_time_over_all_ranks() -> None:
    shares = [
        UniformTimes().sample(4, torch.Generator().manual_seed(r), rank=r, world_size=3)
        for r in range(3)
    ]
    strata = (torch.cat(shares) * 12).floor().long()
    assert sorted(strata.tolist()) == list(range(12))


def test_order_is_random_and_repeatable() -> None:
    first, second = (UniformTimes().sample(64, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, first.sort().values)


def test_logit_normal_needs_a_positive_std() -> None:
    with pytest.raises(InputError, match="positive"):
        LogitNormalTimes(std=0.0)
