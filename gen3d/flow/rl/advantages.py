"""Advantages: how much better a sample did than the others of its group."""

from __future__ import annotations

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError

STD_FLOOR = 1e-4
"""Added to a group's standard deviation (flow_grpo): equal rewards give no advantage."""


def group_advantages(
    rewards: Float[Tensor, "groups members"], *, clamp: float = 5.0
) -> Float[Tensor, "groups members"]:
    """Return ``(R - mean) / (std + 1e-4)`` within each group, clamped to ``+-clamp``.

    GRPO (Shao et al. 2024, arXiv 2402.03300, section 4.1) with the constants of Flow-GRPO (Liu et
    al. 2025, arXiv 2505.05470). The group takes the place of a critic: its mean is the baseline.

    Args:
        rewards: A group holds the samples of one prompt.
        clamp: Largest magnitude.

    Raises:
        InputError: There are fewer than two members, or a reward is not finite.
    """
    if rewards.ndim != 2 or rewards.shape[1] < 2:
        raise InputError(
            f"rewards must be groups of at least 2 members, got shape {tuple(rewards.shape)}"
        )
    if not bool(rewards.isfinite().all()):
        raise InputError("a reward is not finite")
    centred = rewards - rewards.mean(1, keepdim=True)
    spread = rewards.std(1, correction=0, keepdim=True) + STD_FLOOR
    return (centred / spread).clamp(-clamp, clamp)


def mixed_advantages(
    rewards: Mapping[str, Float[Tensor, "groups members"]],
    weights: Mapping[str, float],
    *,
    clamp: float = 5.0,
) -> Float[Tensor, "groups members"]:
    """Normalise each reward on its own, then add up: no reward wins by its unit alone.

    MixGRPO's aggregation of advantages (Li et al. 2025, arXiv 2507.21802).

    Args:
        rewards: By name.
        weights: By the same names.
        clamp: Largest magnitude of each.

    Raises:
        InputError: The names differ, or see :func:`group_advantages`.
    """
    if not rewards or set(rewards) != set(weights):
        raise InputError(
            f"rewards and weights need the same names: {sorted(rewards)} and {sorted(weights)}"
        )
    parts = [weights[name] * group_advantages(r, clamp=clamp) for name, r in rewards.items()]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
