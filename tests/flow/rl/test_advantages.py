import pytest
import torch

from gen3d.errors import InputError
from gen3d.flow.rl import group_advantages, mixed_advantages
from gen3d.runtime.seeds import make_generator


def test_advantages_have_zero_mean_and_unit_spread_in_each_group():
    rewards = torch.randn(5, 12, dtype=torch.float64, generator=make_generator(0)) * 30
    advantages = group_advantages(rewards)
    assert torch.allclose(advantages.mean(1), torch.zeros(5, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(
        advantages.std(1, correction=0), torch.ones(5, dtype=torch.float64), atol=1e-4
    )


def test_equal_rewards_give_no_advantage():
    assert torch.equal(group_advantages(torch.full((2, 4), 0.7)), torch.zeros(2, 4))


def test_floor_of_the_spread_is_the_published_one():
    (advantages,) = group_advantages(torch.tensor([[0.0, 2e-4]], dtype=torch.float64))
    assert advantages.tolist() == pytest.approx([-0.5, 0.5])


def test_outlier_is_clamped():
    rewards = torch.zeros(1, 64)
    rewards[0, 0] = 1.0
    assert group_advantages(rewards).max() == 5.0
    assert group_advantages(rewards, clamp=2.0).max() == 2.0


def test_units_of_a_reward_do_not_matter():
    first, second = torch.rand(2, 3, 6, generator=make_generator(1), dtype=torch.float64)
    weights = {"a": 1.0, "b": 0.5}
    mixed = mixed_advantages({"a": 10 + 5 * first, "b": 10 + 4 * second}, weights)
    scaled = mixed_advantages({"a": 10 + 5 * first, "b": 4000 * second}, weights)
    assert torch.allclose(mixed, scaled, atol=1e-3)


@pytest.mark.parametrize(
    "rewards", [torch.zeros(3), torch.zeros(3, 1), torch.tensor([[0.0, float("nan")]])]
)
def test_unusable_rewards_are_refused(rewards):
    with pytest.raises(InputError):
        group_advantages(rewards)


def test_rewards_without_a_weight_are_refused():
    with pytest.raises(InputError, match="same names"):
        mixed_advantages({"a": torch.zeros(1, 2)}, {"b": 1.0})
