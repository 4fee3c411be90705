"""From interpolated patches to patches on the surface: Euler steps that carry the latent along."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError


class Velocity(Protocol):
    """Tells how the points of patches move, dx/dt with t = 1 at the start and 0 on the surface."""

    def __call__(
        self,
        x: Float[Tensor, "batch n 3"],
        t: Float[Tensor, " batch"],
        latent: Float[Tensor, "batch tokens channels"] | None = None,
    ) -> tuple[Float[Tensor, "batch n 3"], Float[Tensor, "batch tokens channels"] | None]:
        """Return the velocity of every point and what to give to the next step."""
        ...


def flow_patches(
    network: Velocity,
    start: Float[Tensor, "patches n 3"],
    times: Sequence[float],
    *,
    batch: int,
    weight: Float[Tensor, "patches n"] | None = None,
    constrain: Callable[[Tensor, Tensor], Tensor] | None = None,
    between: Callable[[int], None] = lambda patches: None,
) -> Float[Tensor, "patches n 3"]:
    """Integrate the flow inside each patch: x <- x + (t' - t) w v(x, t).

    The latent of a step is given to the next, as PUFM++ is trained (arXiv 2512.20988); its public
    evaluators cut patches anew instead and start every step without.

    Args:
        network: The velocity.
        start: Patches, each in its unit ball.
        times: From 1 to 0, one more than there are steps.
        batch: Patches at a time.
        weight: Factor of each point's velocity; None: 1.
        constrain: From the new positions of some patches and their start to better ones, after
            each step.
        between: Called after each batch with the number of its patches.

    Raises:
        InputError: The times do not fall from 1 to 0.
    """
    check_times(times)
    done = []
    for first in range(0, len(start), batch):
        x = begin = start[first : first + batch]
        speed = None if weight is None else weight[first : first + batch, :, None]
        latent = None
        for t, t_next in pairwise(times):
            velocity, latent = network(x, x.new_full((len(x),), t), latent)
            x = x + (t_next - t) * (velocity if speed is None else speed * velocity)
            x = x if constrain is None else constrain(x, begin)
        done.append(x)
        between(len(x))
    return torch.cat(done) if done else start


def uniform_times(steps: int) -> tuple[float, ...]:
    """Return ``steps`` + 1 equally spaced times from 1 to 0."""
    return tuple(1 - i / steps for i in range(steps + 1))


def check_times(times: Sequence[float]) -> None:
    """Check that times fall from 1 to 0.

    Raises:
        InputError: They do not.
    """
    falling = all(a > b for a, b in pairwise(times))
    if len(times) < 2 or times[0] != 1 or times[-1] != 0 or not falling:
        raise InputError(f"times must fall from 1 to 0, got {list(times)}")
