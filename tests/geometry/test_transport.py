"""Earth mover's distances that are known."""

import pytest
import torch

from gen3d.errors import InputError
from gen3d.geometry.transport import pairwise_transport


def test_moved_cloud_costs_the_length_of_the_move() -> None:
    cloud = torch.rand(24, 3, generator=torch.Generator().manual_seed(0))
    moved = torch.stack([cloud, cloud + torch.tensor([0.6, 0.0, 0.0])])
    costs = pairwise_transport(cloud[None], moved)
    assert costs.shape == (1, 2)
    assert float(costs[0, 0]) < 0.02
    assert float(costs[0, 1]) == pytest.approx(0.6, abs=0.02)


def test_uneven_split_costs_what_chamfer_does_not_see() -> None:
    ends = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    even, uneven = ends[[0, 0, 1, 1]], ends[[0, 1, 1, 1]]
    cost = pairwise_transport(even[None], uneven[None], blur=0.05)
    assert float(cost) == pytest.approx(0.25, abs=0.01)


def test_empty_cloud_is_refused() -> None:
    with pytest.raises(InputError, match="needs points"):
        pairwise_transport(torch.zeros(1, 0, 3), torch.zeros(1, 2, 3))
