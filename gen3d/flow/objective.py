"""The training objective of flow matching."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.conditions import Condition
from gen3d.flow.fields import Network
from gen3d.flow.paths import LINEAR, Path
from gen3d.flow.reduce import DENSE, Reducer
from gen3d.flow.times import UNIFORM_TIMES, TimeDistribution
from gen3d.runtime.seeds import randn


@dataclass(frozen=True)
class FlowMatchingLoss:
    """The loss of a batch.

    Attributes:
        loss: Mean over the samples; backpropagate this.
        per_sample: Mean squared error of each sample's velocity, detached.
        times: The time that each sample was given.
    """

    loss: Float[Tensor, ""]
    per_sample: Float[Tensor, " batch"]
    times: Float[Tensor, " batch"]


def flow_matching_loss(
    network: Network,
    x0: Float[Tensor, "*shape"],
    cond: Condition = None,
    *,
    generator: torch.Generator,
    path: Path = LINEAR,
    times: TimeDistribution | Float[Tensor, " batch"] = UNIFORM_TIMES,
    noise: Float[Tensor, "*shape"] | None = None,
    reducer: Reducer = DENSE,
) -> FlowMatchingLoss:
    """Regress the velocity of a path: ``E |v(x_t, t) - (a' x_0 + b' eps)|^2``.

    Lipman et al. 2023 (arXiv 2210.02747). Every sample counts alike, however many tokens it has.

    Args:
        network: Predicts the velocity from ``(x_t, t, cond)`` with ``t`` of shape (batch,).
        x0: The data.
        cond: Handed to the network.
        generator: A CPU generator, for the times and the noise.
        path: The path to learn.
        times: Their distribution, or the times themselves.
        noise: The noise itself, where it is coupled to the data; drawn if None.
        reducer: Knows the samples in ``x0``.

    Raises:
        InputError: The network's answer has another shape than the data.
    """
    if isinstance(times, TimeDistribution):
        times = times.sample(reducer.batch_size(x0), generator)
    if noise is None:
        noise = randn(x0.shape, generator, device=x0.device, dtype=x0.dtype)
    t = times.to(device=x0.device)
    t_wide = reducer.broadcast(t.to(torch.float64), x0)
    target = path.velocity(x0, noise, t_wide)
    velocity = network(path.interpolate(x0, noise, t_wide), t.to(x0.dtype), cond)
    if velocity.shape != target.shape:
        raise InputError(
            f"the network must answer in shape {tuple(target.shape)}, got {tuple(velocity.shape)}"
        )
    per_sample = reducer.mean((velocity.to(target.dtype) - target).square())
    return FlowMatchingLoss(per_sample.mean(), per_sample.detach(), t)
