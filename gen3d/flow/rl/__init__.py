"""Reinforcement learning of flows: the GRPO family on stochastic steps.

`sample_groups` (MixGRPO) or `sample_tree` (Dynamic-TreeRPO) act and keep their moves, rewards come
from the caller, `group_advantages` or `node_advantages` weigh the moves, and `policy_loss` is what
to minimise. A `Window` says which steps are stochastic: all of them in Flow-GRPO, a sliding window
in MixGRPO, one at random in pi_RL.
"""

from gen3d.flow.rl.advantages import group_advantages, mixed_advantages
from gen3d.flow.rl.groups import GroupRollout, Policy, compressed, sample_groups
from gen3d.flow.rl.objective import (
    PolicyLoss,
    clipped_surrogate,
    kernel_of,
    policy_kl,
    policy_loss,
    rescored,
)
from gen3d.flow.rl.tree import growing_noise, node_advantages, node_values, sample_tree
from gen3d.flow.rl.windows import AllSteps, FrozenWindow, RandomWindow, SlidingWindow, Window

__all__ = [
    "AllSteps",
    "FrozenWindow",
    "GroupRollout",
    "Policy",
    "PolicyLoss",
    "RandomWindow",
    "SlidingWindow",
    "Window",
    "clipped_surrogate",
    "compressed",
    "group_advantages",
    "growing_noise",
    "kernel_of",
    "mixed_advantages",
    "node_advantages",
    "node_values",
    "policy_kl",
    "policy_loss",
    "rescored",
    "sample_groups",
    "sample_tree",
]
