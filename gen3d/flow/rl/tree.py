"""Tree sampling: runs that share all but what sets them apart (Dynamic-TreeRPO)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.fields import BoundField, CountedField
from gen3d.flow.reduce import DENSE
from gen3d.flow.rl.advantages import group_advantages
from gen3d.flow.rl.groups import GroupRollout, Policy, compressed, follow
from gen3d.flow.sampler import guided_field
from gen3d.flow.schedules import UNIFORM, Schedule
from gen3d.flow.solvers import EULER, Solver
from gen3d.flow.stochastic import FlowSDE, Move, StochasticStep


def growing_noise(eta: float, depth: int, growth: float) -> list[StochasticStep]:
    """Return Flow-GRPO's step for each level, its noise ``eta (1 + growth k / depth)`` at level k.

    Dynamic-TreeRPO (arXiv 2509.23352, eq. 6) lets the noise grow linearly with normalised depth:
    later branches need more of it to differ. Its ``growth`` is not published.
    """
    return [FlowSDE(eta * (1 + growth * k / depth)) for k in range(depth)]


def sample_tree(
    policy: Policy,
    x_T: Float[Tensor, "groups ..."],
    *,
    rules: Sequence[StochasticStep],
    steps: int,
    start: int,
    generator: torch.Generator,
    schedule: Schedule = UNIFORM,
    solver: Solver = EULER,
    after: Solver | None = None,
    after_ratio: float = 1.0,
) -> GroupRollout:
    """Let every state of a window branch in two, so that d steps give ``2^d`` leaves per group.

    The network is asked ``2^d - 1`` times in the window, where independent runs would ask it
    ``d 2^d`` times; ``2^(d+1) - 2`` moves are made. Move k has ``2^k`` states per group in ``x_s``
    and twice as many successors in ``x_t``, siblings side by side.

    Args:
        policy: What acts.
        x_T: Noise, one per group.
        rules: The stochastic step of each level; their number is the depth d.
        steps: Steps of a run.
        start: The window's first step.
        generator: A CPU generator for all branches.
        schedule: Where the steps lie.
        solver: Of the steps outside the window.
        after: Of the steps after the window, if another one.
        after_ratio: How many of these are made, see :func:`gen3d.flow.rl.groups.sample_groups`.

    Raises:
        InputError: The tree does not fit between the first and the last step.
    """
    depth = len(rules)
    if depth < 1 or start < 0 or start + depth > steps - 1:
        raise InputError(f"a tree of depth {depth} from step {start} does not fit into {steps}")
    times: list[float] = schedule.grid(steps).tolist()
    counted = CountedField(policy.field)
    nodes = dataclasses.replace(policy, field=counted)
    x = follow(nodes, x_T, times[: start + 1], solver)
    moves = []
    for level, rule in enumerate(rules):
        s, t = times[start + level], times[start + level + 1]
        guided, _ = guided_field(counted, nodes.guidance, nodes.uncond, DENSE)
        with torch.no_grad():
            kernel, _ = rule.transition(BoundField(guided, nodes.cond), x, s, t, ())
        both = dataclasses.replace(kernel, mean=kernel.mean.repeat_interleave(2, 0))
        noise = torch.randn(both.mean.shape, generator=generator, dtype=torch.float32)
        x_t = both.sample(noise)
        log_prob = both.log_prob(x_t)
        moves.append(Move(start + level, s, t, x, x_t, (), both.mean, both.std, log_prob))
        x, nodes = x_t, nodes.repeated(2)
    rest = compressed(times[start + depth :], after_ratio)
    return GroupRollout(follow(nodes, x, rest, after or solver), tuple(moves), counted.rows)


def node_values(
    rewards: Float[Tensor, "groups leaves"], depth: int
) -> list[Float[Tensor, "groups nodes"]]:
    """Average the rewards of the leaves up the tree: level k (from 1) has ``2^k`` nodes.

    Raises:
        InputError: There are not ``2^depth`` leaves.
    """
    if rewards.shape[-1] != 2**depth:
        raise InputError(f"a tree of depth {depth} has {2**depth} leaves, got {rewards.shape[-1]}")
    return [rewards.unflatten(1, (2**level, -1)).mean(-1) for level in range(1, depth + 1)]


def node_advantages(
    rewards: Float[Tensor, "groups leaves"], depth: int, *, clamp: float = 5.0
) -> list[Float[Tensor, " groups_times_nodes"]]:
    """Return the advantage of every move of a tree, level by level, in the order of ``x_t``.

    A move is worth what the leaves below it brought on average, and is compared with the other
    moves of its level in its group.
    """
    return [group_advantages(v, clamp=clamp).flatten() for v in node_values(rewards, depth)]
