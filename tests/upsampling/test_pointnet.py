"""PUFM's network: published sizes, and what it does with time and neighbours."""

import pytest
import torch

from gen3d.upsampling.config import LevelConfig, PointNetConfig
from gen3d.upsampling.model import ReversedTime
from gen3d.upsampling.pointnet import PUFMNet, gather_points


def tiny_config(*, attention: bool = False) -> PointNetConfig:
    sizes = ((24, (0.3, 0.6)), (12, (0.5, 1.0)), (6, (0.8, 1.2)), (4, (1.0, 2.0)))
    levels = [
        LevelConfig(points=points, radii=radii, widths=((4, 4, 6), (4, 5, 8)))
        for points, radii in sizes
    ]
    return PointNetConfig(
        levels=(levels[0], levels[1], levels[2], levels[3]),
        up=((8, 8), (8, 8), (8, 6), (6, 6, 6)),
        neighbours=4,
        samples=(4, 6),
        attention=attention,
        head=6,
    )


def points(count: int = 24) -> torch.Tensor:
    return torch.randn(2, count, 3, generator=torch.Generator().manual_seed(2)) / 2


@pytest.mark.parametrize(("attention", "count"), [(False, 3_436_747), (True, 12_368_587)])
def test_published_configurations_have_the_published_numbers_of_parameters(
    attention: bool, count: int
) -> None:
    with torch.device("meta"):
        network = PUFMNet(PointNetConfig(attention=attention))
    assert sum(p.numel() for p in network.parameters()) == count


@pytest.mark.parametrize("attention", [False, True])
def test_velocity_depends_on_points_and_time(attention: bool) -> None:
    torch.manual_seed(0)
    network, x = PUFMNet(tiny_config(attention=attention)).eval(), points()
    with torch.no_grad():
        early, latent = network(x, torch.zeros(2))
        late, _ = network(x, torch.ones(2))
    assert early.shape == x.shape and latent is None
    assert not torch.allclose(early, late)


@pytest.mark.parametrize("attention", [False, True])
def test_order_of_points_does_not_matter_while_balls_are_not_full(attention: bool) -> None:
    # All points of a ball are taken then, whatever their order; the first starts the sampling.
    torch.manual_seed(0)
    config = tiny_config(attention=attention).model_copy(update={"samples": (24, 24)})
    network, x, t = PUFMNet(config).eval(), points(), torch.tensor([0.2, 0.7])
    order = torch.cat([torch.zeros(1, dtype=torch.int64), 1 + torch.randperm(23)])
    with torch.no_grad():
        torch.testing.assert_close(network(x[:, order], t)[0], network(x, t)[0][:, order])


def test_fewer_points_than_levels_ask_for_work() -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        velocity, _ = PUFMNet(tiny_config(attention=True)).eval()(points(3), torch.ones(2))
    assert velocity.shape == (2, 3, 3) and bool(velocity.isfinite().all())


def test_reversed_time_turns_both_time_and_velocity() -> None:
    torch.manual_seed(0)
    network, x, t = PUFMNet(tiny_config()).eval(), points(), torch.tensor([0.25, 1.0])
    with torch.no_grad():
        torch.testing.assert_close(ReversedTime(network)(x, t)[0], -network(x, 1 - t)[0])


def test_gathering_follows_the_index() -> None:
    values = torch.arange(12.0).reshape(2, 3, 2)
    index = torch.tensor([[[2, 0]], [[1, 1]]])
    assert gather_points(values, index).tolist() == [[[[4, 5], [0, 1]]], [[[8, 9], [8, 9]]]]
