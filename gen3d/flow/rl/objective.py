"""The clipped objective of GRPO on stochastic steps of a flow."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.fields import BoundField
from gen3d.flow.reduce import DENSE, Reducer
from gen3d.flow.stochastic import Move, StochasticStep, Transition


@dataclass(frozen=True)
class PolicyLoss:
    """The loss of a batch of moves.

    Attributes:
        loss: To minimise, with its graph.
        kl: Mean divergence from the reference; 0 without one. Detached.
        ratio_error: Largest ``|r - 1|``: 0 before the first update. Detached.
        clipped: Share of the moves whose gradient the clip stops. Detached.
    """

    loss: Float[Tensor, ""]
    kl: Float[Tensor, ""]
    ratio_error: Float[Tensor, ""]
    clipped: Float[Tensor, ""]


def kernel_of(move: Move, step: StochasticStep, field: BoundField) -> Transition:
    """Return a move's kernel under another policy.

    Where states branched, the kernel of each is repeated for all of its successors.

    Args:
        move: What was done.
        step: The rule that did it.
        field: The policy, with the condition of the states ``move.x_s``.
    """
    kernel, _ = step.transition(field, move.x_s, move.s, move.t, move.history)
    branches = move.x_t.shape[0] // move.x_s.shape[0]
    if branches == 1:
        return kernel
    return Transition(kernel.mean.repeat_interleave(branches, 0), kernel.std)


def rescored(
    moves: Sequence[Move], kernels: Sequence[Transition], reducer: Reducer = DENSE
) -> list[Move]:
    """Return the moves with their densities under given kernels, detached.

    With the kernels of the policy that acted, evaluated as in training, ratios begin at exactly 1.
    In low precision the same network answers a little differently while it acts and while it
    learns, by more than a clip of 1e-4.
    """
    return [
        dataclasses.replace(move, log_prob=kernel.log_prob(move.x_t, reducer).detach())
        for move, kernel in zip(moves, kernels, strict=True)
    ]


def clipped_surrogate(
    log_prob: Float[Tensor, " batch"],
    old_log_prob: Float[Tensor, " batch"],
    advantages: Float[Tensor, " batch"],
    *,
    clip: float | tuple[float, float],
) -> Float[Tensor, " batch"]:
    """Return ``min(r A, clip(r, 1 - low, 1 + high) A)`` with ``r = exp(log p - log p_old)``.

    PPO (Schulman et al. 2017, arXiv 1707.06347, eq. 7). At the old policy r = 1, and the gradient
    is that of ``A log p``.

    Args:
        log_prob: Of the policy, with its graph.
        old_log_prob: Of the policy that acted.
        advantages: One per move.
        clip: Both ranges, or ``(low, high)``.
    """
    low, high = clip if isinstance(clip, tuple) else (clip, clip)
    ratio = (log_prob - old_log_prob).exp()
    return torch.minimum(ratio * advantages, ratio.clamp(1 - low, 1 + high) * advantages)


def policy_kl(
    kernel: Transition,
    reference: Transition,
    *,
    length: float,
    published: bool = False,
    reducer: Reducer = DENSE,
) -> Float[Tensor, " batch"]:
    """Return ``|m - m_ref|^2 / (2 g^2 d)`` per sample, as a mean over its elements.

    With the spread ``g sqrt(d)`` that is the divergence of the two Gaussians; on the linear path
    ``(d / 2) (1/g + g (1 - t) / (2 t))^2 |v - v_ref|^2`` (Flow-GRPO, arXiv 2505.05470, eq. 12).

    Args:
        kernel: Of the policy.
        reference: Of the policy to stay close to.
        length: The step's length d in time.
        published: Leave out d as the released code does: there its weight absorbs it, and changes
            with the number of steps.
        reducer: Knows the samples.
    """
    exact = kernel.kl_divergence(reference, reducer)
    return exact * length if published else exact


def policy_loss(
    moves: Sequence[Move],
    kernels: Sequence[Transition],
    advantages: Sequence[Float[Tensor, " batch"]],
    *,
    clip: float | tuple[float, float] = 1e-4,
    kl_weight: float = 0.0,
    references: Sequence[Transition] = (),
    published_kl: bool = False,
    reducer: Reducer = DENSE,
) -> PolicyLoss:
    """Return the negative of GRPO's objective (Flow-GRPO, arXiv 2505.05470, eq. 5).

    ``J = mean over moves and samples of min(r A, clip(r) A) - beta KL``. Log-probabilities are
    means over the elements, so that ``r`` is ``(p / p_old)^(1/D)``: hence clips of 1e-4.

    Args:
        moves: The stochastic steps of a rollout.
        kernels: Of each under the policy that is trained, with its graph: `kernel_of`.
        advantages: Of each, one per sample.
        clip: Range of the ratio around 1.
        kl_weight: beta.
        references: Kernels of the reference policy; needed where ``kl_weight`` is positive.
        published_kl: See :func:`policy_kl`.
        reducer: Knows the samples.

    Raises:
        InputError: There is no move, or references are missing.
    """
    if not moves:
        raise InputError("a policy loss needs at least one stochastic step")
    if kl_weight > 0 and len(references) != len(moves):
        raise InputError(f"{len(moves)} moves need as many references, got {len(references)}")
    low, high = clip if isinstance(clip, tuple) else (clip, clip)
    gains, divergences, errors, stopped = [], [], [], []
    for index, (move, kernel, advantage) in enumerate(zip(moves, kernels, advantages, strict=True)):
        log_prob = kernel.log_prob(move.x_t, reducer)
        surrogate = clipped_surrogate(log_prob, move.log_prob, advantage.to(log_prob), clip=clip)
        gains.append(surrogate.mean())
        excess = (log_prob.detach() - move.log_prob).expm1()
        errors.append(excess.abs().max())
        outside = torch.where(advantage > 0, excess > high, excess < -low)
        stopped.append(outside.to(log_prob.dtype).mean())
        if kl_weight > 0:
            kl = policy_kl(
                kernel,
                references[index],
                length=move.s - move.t,
                published=published_kl,
                reducer=reducer,
            )
            divergences.append(kl.mean())
    gain = torch.stack(gains).mean()
    kl = torch.stack(divergences).mean() if divergences else torch.zeros_like(gain)
    return PolicyLoss(
        loss=kl_weight * kl - gain,
        kl=kl.detach(),
        ratio_error=torch.stack(errors).max(),
        clipped=torch.stack(stopped).mean(),
    )
