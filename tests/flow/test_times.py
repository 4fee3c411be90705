import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from gen3d.errors import InputError
from gen3d.flow import (
    COSINE,
    LINEAR,
    CosMapTimes,
    LogitNormalTimes,
    ModeTimes,
    TimeDistribution,
    UniformTimes,
    UShapedTimes,
)

DISTRIBUTIONS = [
    UniformTimes(),
    LogitNormalTimes(),
    LogitNormalTimes(-0.4, 1.0),
    LogitNormalTimes(1.0, 0.5),
    ModeTimes(),
    ModeTimes(-0.8),
    CosMapTimes(),
    UShapedTimes(),
    UShapedTimes(1.5),
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


@all_distributions
def test_quantile_rises_from_zero_to_one(times: TimeDistribution) -> None:
    t = times.quantile(torch.linspace(0, 1, 101, dtype=torch.float64))
    assert (t.diff() > 0).all()
    assert (t[0].item(), t[-1].item()) == pytest.approx((0, 1), abs=1e-12)


def test_mode_sampling_is_the_published_map() -> None:
    u = torch.linspace(0.01, 0.99, 9, dtype=torch.float64)
    published = 1 - u - 1.29 * (torch.cos(torch.pi / 2 * u) ** 2 - 1 + u)
    torch.testing.assert_close(ModeTimes(1.29).quantile(1 - u), published, rtol=0, atol=1e-14)
    assert torch.equal(ModeTimes(0.0).quantile(u), u)


def test_cosmap_gives_the_log_snr_of_the_cosine_path() -> None:
    u = torch.linspace(0.01, 0.99, 9, dtype=torch.float64)
    lam = LINEAR.lam(CosMapTimes().quantile(u))
    torch.testing.assert_close(lam, COSINE.lam(u), rtol=1e-10, atol=1e-12)


def test_edm_noise_levels_are_logit_normal_times() -> None:
    u = torch.linspace(0.05, 0.95, 9, dtype=torch.float64)
    t = LogitNormalTimes(-1.2, 1.2).quantile(u)
    log_sigma = torch.log(t / (1 - t))
    torch.testing.assert_close(log_sigma, -1.2 + 1.2 * torch.special.ndtri(u))


def test_u_shape_is_symmetric_and_highest_at_the_ends() -> None:
    t = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0], dtype=torch.float64)
    height = UShapedTimes().density(t)
    torch.testing.assert_close(height, height.flip(0))
    # e^4 + 1 against 2 e^2.
    assert (height[0] / height[2]).item() == pytest.approx((math.exp(4) + 1) / (2 * math.exp(2)))


@pytest.mark.parametrize("scale", [-1.1, 1.76])
def test_mode_map_must_stay_monotone(scale: float) -> None:
    with pytest.raises(InputError, match="mode scale"):
        ModeTimes(scale)


def test_u_shape_needs_a_positive_sharpness() -> None:
    with pytest.raises(InputError, match="sharpness"):
        UShapedTimes(0.0)
