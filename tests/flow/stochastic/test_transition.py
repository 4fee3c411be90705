import pytest
import torch
from torch.distributions import Normal, kl_divergence

from gen3d.errors import InputError
from gen3d.flow import SparseReducer
from gen3d.flow.stochastic import Transition


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=torch.float64, generator=generator)


def test_log_prob_is_the_mean_of_the_normal_log_density() -> None:
    mean, x = noise(3, 4, 2), noise(3, 4, 2, seed=1)
    truth = Normal(mean, 0.3).log_prob(x).flatten(1).mean(1)
    torch.testing.assert_close(Transition(mean, 0.3).log_prob(x), truth)


def test_spread_may_differ_between_samples() -> None:
    mean, x, std = noise(3, 4, 2), noise(3, 4, 2, seed=1), torch.tensor([0.1, 1.0, 3.0]).double()
    truth = Normal(mean, std[:, None, None]).log_prob(x).flatten(1).mean(1)
    torch.testing.assert_close(Transition(mean, std[:, None, None]).log_prob(x), truth)


def test_sparse_samples_are_averaged_each_over_its_own_rows() -> None:
    mean, x = noise(5, 2), noise(5, 2, seed=1)
    found = Transition(mean, 0.5).log_prob(x, SparseReducer((2, 3)))
    density = Normal(mean, 0.5).log_prob(x)
    torch.testing.assert_close(found, torch.stack([density[:2].mean(), density[2:].mean()]))


def test_sample_scales_the_noise() -> None:
    mean, z = noise(2, 3), noise(2, 3, seed=1)
    torch.testing.assert_close(Transition(mean, 0.5).sample(z), mean + 0.5 * z)
    assert torch.equal(Transition(mean, 0.0).sample(z), mean)


def test_divergence_is_that_of_normals() -> None:
    mean, other = noise(3, 4), noise(3, 4, seed=1)
    found = Transition(mean, 0.3).kl_divergence(Transition(other, 0.6))
    torch.testing.assert_close(found, kl_divergence(Normal(mean, 0.3), Normal(other, 0.6)).mean(1))
    equal = Transition(mean, 0.3).kl_divergence(Transition(other, 0.3))
    torch.testing.assert_close(equal, ((mean - other) ** 2 / (2 * 0.3**2)).mean(1))


def test_gradient_of_the_log_density_is_the_normalised_residual() -> None:
    mean, x = noise(2, 5).requires_grad_(), noise(2, 5, seed=1)
    (slope,) = torch.autograd.grad(Transition(mean, 0.4).log_prob(x).sum(), mean)
    torch.testing.assert_close(slope, (x - mean.detach()) / 0.4**2 / 5)


def test_a_deterministic_step_has_no_density() -> None:
    with pytest.raises(InputError, match="no probability density"):
        Transition(noise(2, 2), 0.0).log_prob(noise(2, 2))
