"""Who takes part in a distillation, what a batch holds, and what an objective answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.conditions import Condition, stack_conditions
from gen3d.flow.fields import Network
from gen3d.flow.flow_maps import FlowMap
from gen3d.flow.guidance import WithWeight
from gen3d.flow.paths import LINEAR, Path
from gen3d.flow.reduce import DENSE, Reducer
from gen3d.runtime.seeds import randn


@dataclass(frozen=True)
class GuidedTeacher:
    """A velocity network under classifier-free guidance, with a time of its own per sample.

    Args:
        network: The velocity.
        weight: Guidance strength, unless the condition brings one per sample (`WithWeight`); 1
            costs one evaluation instead of two.
        uncond: Makes the condition that stands for "none".
        reducer: Knows the samples.
    """

    network: Network
    weight: float
    uncond: Callable[[Condition], Condition]
    reducer: Reducer = DENSE

    def __call__(self, x: Tensor, t: Tensor, cond: Condition) -> Tensor:
        """Return ``v_u + w (v_c - v_u)``."""
        weight: float | Tensor = self.weight
        if isinstance(cond, WithWeight):
            weight, cond = self.reducer.broadcast(cond.weight, x), cond.cond
        elif weight == 1:
            return self.network(x, t, cond)
        both = stack_conditions(cond, self.uncond(cond))
        v_cond, v_uncond = self.network(torch.cat([x, x]), torch.cat([t, t]), both).chunk(2)
        return v_uncond + weight * (v_cond - v_uncond)


@dataclass(frozen=True)
class Cast:
    """The networks of a distillation.

    Attributes:
        student: What is trained.
        teacher: The velocity to follow, guidance included; never trained.
        averaged: Slow copy of the student; the student itself, without gradient, if None.
        critic: Learns the velocity of the student's samples (`FreeFlow` with a correction).
        reducer: Knows the samples.
    """

    student: FlowMap
    teacher: Network
    averaged: FlowMap | None = None
    critic: Network | None = None
    reducer: Reducer = DENSE


@dataclass(frozen=True)
class Batch:
    """One batch.

    Attributes:
        x0: Data; data-free objectives take its shape only.
        cond: Its condition.
        generator: A CPU generator, for times and noise.
        noise: The noise that the teacher carried to ``x0``, for objectives that learn from pairs.
    """

    x0: Float[Tensor, "*shape"]
    cond: Condition
    generator: torch.Generator
    noise: Float[Tensor, "*shape"] | None = None

    def draw_noise(self) -> Float[Tensor, "*shape"]:
        """Draw fresh noise in the shape of the data."""
        x0 = self.x0
        return randn(x0.shape, self.generator, device=x0.device, dtype=x0.dtype)

    def paired_noise(self) -> Float[Tensor, "*shape"]:
        """Return the noise that belongs to the data.

        Raises:
            InputError: The batch carries none.
        """
        if self.noise is None:
            raise InputError("this objective learns from pairs: the batch needs its noise")
        return self.noise


@dataclass(frozen=True)
class Distilled:
    """The loss of a batch.

    Attributes:
        loss: Backpropagate this.
        figures: Detached numbers worth logging.
    """

    loss: Float[Tensor, ""]
    figures: Mapping[str, Tensor] = field(default_factory=dict)


class Distillation(ABC):
    """An objective: draws times and noise, asks the teacher, and compares.

    Attributes:
        path: The path of the teacher; all but the general ones are written for the linear path.
    """

    path: Path = LINEAR

    @abstractmethod
    def __call__(self, cast: Cast, batch: Batch) -> Distilled:
        """Compute the loss of a batch."""


def interpolate(
    x0: Float[Tensor, "*shape"],
    noise: Float[Tensor, "*shape"],
    t: Float[Tensor, " batch"],
    reducer: Reducer = DENSE,
    path: Path = LINEAR,
) -> Float[Tensor, "*shape"]:
    """Return ``x_t`` on the path, each sample at its own time."""
    return path.interpolate(x0, noise, reducer.broadcast(t.double(), x0))
