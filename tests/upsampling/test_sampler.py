from types import ModuleType

import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.upsampling.sampler import flow_patches, uniform_times


class Oracle:
    """The straight flow from known starts to known ends."""

    def __init__(self, start: Tensor, end: Tensor) -> None:
        self.velocity = start - end

    def __call__(self, x: Tensor, t: Tensor, latent: Tensor | None = None) -> tuple[Tensor, None]:
        return self.velocity[: len(x)], None


@pytest.mark.parametrize("steps", [1, 2, 6])
def test_straight_flow_ends_at_the_data(steps: int) -> None:
    start, end = torch.randn(1, 20, 3), torch.randn(1, 20, 3)
    found = flow_patches(Oracle(start, end), start, uniform_times(steps), batch=4)
    assert float((found - end).abs().max()) < 1e-5


def test_latent_goes_from_step_to_step_and_starts_anew_in_each_batch() -> None:
    seen = []

    def network(x: Tensor, t: Tensor, latent: Tensor | None = None) -> tuple[Tensor, Tensor]:
        seen.append(None if latent is None else latent.flatten().tolist())
        given = torch.zeros(len(x), 1, 1) if latent is None else latent
        return torch.zeros_like(x), given + 1

    flow_patches(network, torch.zeros(3, 4, 3), uniform_times(3), batch=2)
    assert seen == [None, [1, 1], [2, 2], None, [1], [2]]


def test_weight_scales_the_way() -> None:
    start, end = torch.zeros(1, 5, 3), torch.ones(1, 5, 3)
    weight = torch.full((1, 5), 0.5)
    found = flow_patches(Oracle(start, end), start, (1.0, 0.0), batch=1, weight=weight)
    assert torch.allclose(found, torch.full((1, 5, 3), 0.5))


def test_constraint_sees_every_step(clouds: ModuleType) -> None:
    calls = []

    def constrain(x: Tensor, start: Tensor) -> Tensor:
        calls.append(len(x))
        return start

    start = torch.randn(2, 6, 3)
    found = flow_patches(clouds.ToHeight(), start, uniform_times(4), batch=2, constrain=constrain)
    assert calls == [2] * 4
    assert torch.equal(found, start)


@pytest.mark.parametrize("times", [(1.0,), (1.0, 0.5), (0.9, 0.0), (1.0, 0.2, 0.4, 0.0)])
def test_times_must_fall_from_one_to_zero(times: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="fall from 1 to 0"):
        flow_patches(Oracle(torch.zeros(1), torch.zeros(1)), torch.zeros(1, 2, 3), times, batch=1)
