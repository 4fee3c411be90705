import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from gen3d.errors import InputError
from gen3d.flow import BoundField, FlowSDE, NetworkField, Transition, item_generators
from gen3d.flow.rl import (
    Policy,
    clipped_surrogate,
    group_advantages,
    kernel_of,
    policy_kl,
    policy_loss,
    rescored,
    sample_groups,
)
from gen3d.flow.stochastic import Move
from gen3d.runtime.seeds import make_generator
from tests.flow.rl.policies import LearnedGaussian

STEP = FlowSDE(0.7)


def field_of(mean):
    return BoundField(LearnedGaussian(mean))


def act(mean, x, times, noises):
    """Make one move per noise, and keep the densities under the policy that acts."""
    moves = []
    for index, noise in enumerate(noises):
        s, t = times[index : index + 2]
        with torch.no_grad():
            kernel, _ = STEP.transition(field_of(mean), x, s, t, ())
            x_t = kernel.sample(noise)
            log_prob = kernel.log_prob(x_t)
        moves.append(Move(index, s, t, x, x_t, (), kernel.mean, kernel.std, log_prob))
        x = x_t
    return moves


def test_gradient_is_that_of_the_expected_reward():
    # Two stochastic steps in one dimension: Gauss-Hermite quadrature over both noises is exact for
    # a reward that is a polynomial, so no sampling error hides anything.
    nodes, weights = np.polynomial.hermite_e.hermegauss(9)
    z = torch.from_numpy(nodes)
    share = torch.from_numpy(weights / weights.sum())
    noises = [g.reshape(-1, 1) for g in torch.meshgrid(z, z, indexing="ij")]
    share = (share[:, None] * share).flatten()
    times, x = [0.9, 0.6, 0.3], torch.full((81, 1), 0.4, dtype=torch.float64)

    def reward(state):
        return (state - 0.3 * state**2 + 0.1 * state**3).squeeze(1)

    def expected(value):
        mean = torch.tensor(value, dtype=torch.float64)
        return float(share @ reward(act(mean, x, times, noises)[-1].x_t))

    mean = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    moves = act(mean.detach(), x, times, noises)
    # The loss takes plain means over samples and over moves; the weights undo both.
    advantages = [2 * len(share) * share * reward(moves[-1].x_t)] * 2
    kernels = [kernel_of(move, STEP, field_of(mean)) for move in moves]
    policy_loss(moves, kernels, advantages).loss.backward()
    finite = (expected(0.7 + 1e-5) - expected(0.7 - 1e-5)) / 2e-5
    assert mean.grad is not None
    assert -mean.grad.item() == pytest.approx(finite, rel=1e-7)
    assert abs(finite) > 0.1


def test_gradient_of_one_move_has_its_closed_form():
    # mean_t = k m + ..., so d log p / dm = k z / std.
    x, z = torch.tensor([[0.2]]).double(), torch.tensor([[1.3]]).double()
    mean = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    (move,) = act(mean.detach(), x, [0.8, 0.5], [z])
    kernel = kernel_of(move, STEP, field_of(mean))
    (slope,) = torch.autograd.grad(kernel.mean.sum(), mean, retain_graph=True)
    policy_loss([move], [kernel], [torch.tensor([2.0])]).loss.backward()
    assert mean.grad is not None
    assert mean.grad.item() == pytest.approx(-2.0 * (slope * z / move.std).item(), rel=1e-12)


def test_ratio_is_one_and_loss_zero_at_the_old_policy():
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 3)
    policy = Policy(NetworkField(lambda x, t, cond: network(x) * t[:, None]))
    rollout = sample_groups(
        policy,
        torch.randn(4, 3),
        members=5,
        step=STEP,
        steps=6,
        window=range(1, 4),
        generators=item_generators(1, 20),
    )
    kernels = [kernel_of(m, STEP, BoundField(policy.field)) for m in rollout.moves]
    advantages = [group_advantages(torch.randn(4, 5)).flatten()] * 3
    result = policy_loss(rollout.moves, kernels, advantages)
    assert result.ratio_error == 0
    assert result.clipped == 0
    assert abs(result.loss.item()) < 1e-6
    result.loss.backward()
    assert network.weight.grad is not None
    assert network.weight.grad.abs().max() > 0


def test_rescored_moves_have_ratio_one_under_the_given_kernels():
    x = torch.randn(4, 2, dtype=torch.float64, generator=make_generator(0))
    moves = act(torch.tensor(0.0), x, [0.9, 0.6], [torch.ones_like(x)])
    mean = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    kernels = [kernel_of(moves[0], STEP, field_of(mean))]
    assert policy_loss(moves, kernels, [torch.ones(4)]).ratio_error > 1e-3
    again = rescored(moves, kernels)
    assert policy_loss(again, kernels, [torch.ones(4)]).ratio_error == 0
    assert not again[0].log_prob.requires_grad


def test_clip_stops_the_gradient_on_the_side_of_the_advantage_only():
    shift = torch.tensor([-0.5, -0.5, 0.0, 0.5, 0.5], requires_grad=True)
    advantages = torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0])
    gain = clipped_surrogate(shift, torch.zeros(5), advantages, clip=(0.1, 0.2))
    gain.sum().backward()
    r = math.exp(0.5)
    assert gain.tolist() == pytest.approx([1 / r, -0.9, 1.0, 1.2, -r])
    assert shift.grad is not None
    assert shift.grad.tolist() == pytest.approx([1 / r, 0.0, 1.0, 0.0, -r])


def test_divergence_is_that_of_the_two_gaussians_and_of_the_paper():
    # (d / 2) (1/g + g (1 - t) / (2 t))^2 |v - v_ref|^2 on the linear path.
    t, s = 0.45, 0.6
    x = torch.randn(3, 7, dtype=torch.float64, generator=make_generator(3))
    ours, theirs = torch.randn(2, 3, 7, dtype=torch.float64)
    g, length = STEP.coefficient(LearnedGaussian(ours).path, s, t), s - t
    pair = []
    for v in (ours, theirs):
        field = BoundField(NetworkField(lambda x, times, cond, v=v: v))
        pair.append(STEP.transition(field, x, s, t, ())[0])
    kl = policy_kl(*pair, length=length)
    torch_kl = kl_divergence(*(Normal(k.mean, k.std) for k in pair)).mean(1)
    weight = length / 2 * (1 / g + g * (1 - s) / (2 * s)) ** 2
    assert torch.allclose(kl, torch_kl, rtol=1e-12)
    assert torch.allclose(kl, weight * (ours - theirs).square().mean(1), rtol=1e-12)
    published = policy_kl(*pair, length=length, published=True)
    squares = (pair[0].mean - pair[1].mean).square().mean(1)
    assert torch.allclose(published, squares / (2 * g**2), rtol=1e-12)


def test_divergence_enters_the_loss_with_its_weight():
    kernel = Transition(torch.zeros(2, 3), 0.5)
    far = Transition(torch.ones(2, 3), 0.5)
    move = Move(
        0, 0.5, 0.4, torch.zeros(2, 3), torch.zeros(2, 3), (), kernel.mean, 0.5,
        kernel.log_prob(torch.zeros(2, 3)),
    )  # fmt: skip
    result = policy_loss([move], [kernel], [torch.zeros(2)], kl_weight=0.25, references=[far])
    assert result.kl.item() == pytest.approx(2.0)
    assert result.loss.item() == pytest.approx(0.5)
    with pytest.raises(InputError, match="references"):
        policy_loss([move], [kernel], [torch.zeros(2)], kl_weight=0.25)


def test_no_move_is_refused():
    with pytest.raises(InputError, match="at least one"):
        policy_loss([], [], [])


def test_training_raises_the_reward():
    mean = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([mean], lr=0.1)
    history = []
    for iteration in range(25):
        noise = torch.randn(16, 2, dtype=torch.float64, generator=make_generator(iteration))
        rollout = sample_groups(
            Policy(LearnedGaussian(mean)),
            noise,
            members=8,
            step=STEP,
            steps=5,
            window=range(1, 4),
            generators=item_generators(iteration, 128),
        )
        rewards = -(rollout.x0 - 1.0).square().mean(1).reshape(16, 8)
        history.append(rewards.mean().item())
        advantages = [group_advantages(rewards).flatten()] * len(rollout.moves)
        kernels = [kernel_of(m, STEP, field_of(mean)) for m in rollout.moves]
        optimizer.zero_grad()
        policy_loss(rollout.moves, kernels, advantages).loss.backward()
        optimizer.step()
    assert history[0] < -1.0
    assert np.mean(history[-5:]) > -0.35
    assert mean.item() == pytest.approx(1.0, abs=0.25)
