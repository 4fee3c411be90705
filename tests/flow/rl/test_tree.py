import pytest
import torch

from gen3d.errors import InputError
from gen3d.flow import BoundField, ClassifierFree, CountedField, FlowSDE
from gen3d.flow.rl import (
    Policy,
    growing_noise,
    kernel_of,
    node_advantages,
    node_values,
    policy_loss,
    sample_tree,
)
from gen3d.runtime.seeds import make_generator
from tests.flow.oracle import Mixture
from tests.flow.rl.policies import LearnedGaussian


def tree(field, *, groups=2, depth=3, steps=8, start=2, **options):
    x_T = torch.randn(groups, 3, dtype=torch.float64, generator=make_generator(0))
    return sample_tree(
        Policy(field, **options),
        x_T,
        rules=[FlowSDE(0.7)] * depth,
        steps=steps,
        start=start,
        generator=make_generator(1),
    )


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_counts_of_nodes_moves_and_evaluations(depth):
    field = CountedField(Mixture())
    grown = tree(field, groups=2, depth=depth, steps=8, start=1)
    assert grown.x0.shape[0] == 2 * 2**depth
    assert sum(m.x_t.shape[0] for m in grown.moves) == 2 * (2 ** (depth + 1) - 2)
    assert sum(m.x_s.shape[0] for m in grown.moves) == 2 * (2**depth - 1)
    after = 8 - 1 - depth
    assert grown.evaluations == field.rows == 2 * (1 + 2**depth - 1 + after * 2**depth)


def test_children_lie_beside_each_other_under_their_parent():
    grown = tree(Mixture(), depth=3)
    for move, after in zip(grown.moves, grown.moves[1:], strict=False):
        assert torch.equal(move.x_t, after.x_s)
        kernel = kernel_of(move, FlowSDE(0.7), BoundField(Mixture()))
        assert torch.equal(kernel.mean[0], kernel.mean[1])
        assert torch.equal(kernel.log_prob(move.x_t), move.log_prob)
    assert len(grown.x0.unique(dim=0)) == 16


def test_conditions_follow_their_branches():
    shifts = torch.tensor([[-40.0], [40.0]], dtype=torch.float64)
    grown = tree(Mixture(), depth=2, cond=shifts, guidance=ClassifierFree(2.0), uncond=shifts * 0)
    assert (grown.x0[:4].mean(1) < -30).all()
    assert (grown.x0[4:].mean(1) > 30).all()


def test_values_are_means_of_the_leaves_below():
    rewards = torch.tensor([[1.0, 3.0, 0.0, 8.0], [0.0, 0.0, 2.0, 2.0]])
    first, second = node_values(rewards, 2)
    assert first.tolist() == [[2.0, 4.0], [0.0, 2.0]]
    assert torch.equal(second, rewards)
    with pytest.raises(InputError, match="8 leaves"):
        node_values(rewards, 3)


def test_advantages_fit_the_moves_level_by_level():
    grown = tree(Mixture(), groups=2, depth=3)
    rewards = grown.x0.mean(1).reshape(2, 8)
    advantages = node_advantages(rewards, 3)
    for move, advantage in zip(grown.moves, advantages, strict=True):
        assert advantage.shape[0] == move.x_t.shape[0]
    top = advantages[0].reshape(2, 2)
    halves = rewards.reshape(2, 2, 4).mean(2)
    assert torch.equal(top[:, 0] > 0, halves[:, 0] > halves[:, 1])


def test_noise_grows_linearly_with_depth():
    etas = [rule.eta for rule in growing_noise(0.5, 4, 0.8) if isinstance(rule, FlowSDE)]
    assert etas == pytest.approx([0.5, 0.6, 0.7, 0.8])


def test_gradient_of_a_tree_raises_the_reward():
    mean = torch.zeros((), dtype=torch.float64, requires_grad=True)
    grown = tree(LearnedGaussian(mean), groups=32, depth=3)
    rewards = grown.x0.mean(1).reshape(32, 8)
    bound = BoundField(LearnedGaussian(mean))
    kernels = [kernel_of(move, FlowSDE(0.7), bound) for move in grown.moves]
    policy_loss(grown.moves, kernels, node_advantages(rewards, 3)).loss.backward()
    assert mean.grad is not None
    assert mean.grad.item() < 0


def test_tree_that_reaches_the_last_step_is_refused():
    with pytest.raises(InputError, match="does not fit"):
        tree(Mixture(), depth=3, steps=5, start=2)
