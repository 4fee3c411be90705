import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow import (
    COSINE,
    LINEAR,
    LogitNormalTimes,
    NetworkField,
    Path,
    SparseReducer,
    flow_matching_loss,
    sample,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def data() -> Tensor:
    return torch.randn(4, 6, 3, generator=generator(9))


@pytest.mark.parametrize("path", [LINEAR, COSINE], ids=["linear", "cosine"])
def test_the_true_velocity_has_no_loss(path: Path) -> None:
    noise = torch.randn(4, 6, 3, generator=generator(8))

    def knows(x: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        time = t.double()[:, None, None]
        torch.testing.assert_close(x, path.interpolate(cond, noise, time))
        return path.velocity(cond, noise, time)

    result = flow_matching_loss(
        knows, data(), data(), generator=generator(), path=path, noise=noise
    )
    assert result.loss < 1e-12


def test_loss_is_the_mean_over_samples_at_the_times_reported() -> None:
    times = torch.tensor([0.1, 0.3, 0.5, 0.9])
    noise = torch.randn(4, 6, 3, generator=generator(8))
    result = flow_matching_loss(
        lambda x, t, cond: t[:, None, None].expand_as(x),
        data(),
        generator=generator(),
        times=times,
        noise=noise,
    )
    by_hand = (times[:, None, None] - (noise - data())).square().mean(dim=(1, 2))
    torch.testing.assert_close(result.per_sample, by_hand)
    torch.testing.assert_close(result.loss, by_hand.mean())
    assert torch.equal(result.times, times)


def test_sparse_samples_count_alike_whatever_their_size() -> None:
    rows, noise = torch.zeros(4, 2), torch.cat([torch.ones(1, 2), torch.zeros(3, 2)])
    result = flow_matching_loss(
        lambda x, t, cond: torch.zeros_like(x),
        rows,
        generator=generator(),
        noise=noise,
        reducer=SparseReducer((1, 3)),
    )
    assert result.per_sample.tolist() == [1.0, 0.0]
    assert result.loss.item() == 0.5


def test_equal_generators_give_equal_losses() -> None:
    losses = [
        flow_matching_loss(
            lambda x, t, cond: x, data(), generator=generator(), times=LogitNormalTimes()
        ).loss
        for _ in range(2)
    ]
    assert torch.equal(losses[0], losses[1])


def test_a_wrong_shape_is_refused() -> None:
    with pytest.raises(InputError, match="shape"):
        flow_matching_loss(lambda x, t, cond: x[:, :1], data(), generator=generator())


@pytest.mark.parametrize("path", [LINEAR, COSINE], ids=["linear", "cosine"])
def test_a_trained_network_samples_its_data(path: Path) -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.SiLU(), torch.nn.Linear(32, 1))

    def network(x: Tensor, t: Tensor, cond: None) -> Tensor:
        return net(torch.cat([x, t[:, None]], dim=1))

    draws, optimizer = generator(1), torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(400):
        x0 = 1.5 + 0.3 * torch.randn(256, 1, generator=draws)
        result = flow_matching_loss(network, x0, generator=draws, path=path)
        optimizer.zero_grad()
        result.loss.backward()
        optimizer.step()
    noise = torch.randn(2000, 1, generator=generator(2))
    x0 = sample(NetworkField(network, path=path), noise, steps=20).x0
    assert x0.mean().item() == pytest.approx(1.5, abs=0.1)
    assert x0.std().item() == pytest.approx(0.3, abs=0.1)
