"""Few-step distillation on a plane, where every method can be compared in seconds.

Data are eight narrow Gaussians on a ring. A small teacher learns their flow; students then learn
to make samples in one step. Measured is the energy distance (Szekely and Rizzo 2013) between their
samples and the data, 0 for equal distributions. What MDT-dist reports of 3D, consistency behind
velocity matching (VM) behind VM with velocity distillation (VD), shows here too with published
settings and few steps. It is a matter of speed: with the student itself as target, or wider
intervals, consistency is soon as good as the others, and all come near the teacher's many steps.
So a ranking here tells how methods behave, not which one to choose.
"""

from __future__ import annotations

import copy
import itertools
import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gen3d.flow.conditions import Condition
from gen3d.flow.distill.cast import Batch, Cast, Distillation, Distilled
from gen3d.flow.distill.consistency import PhasedConsistency
from gen3d.flow.distill.errors import SQUARED
from gen3d.flow.distill.loop import distil
from gen3d.flow.distill.velocity_matching import VelocityMatching
from gen3d.flow.objective import flow_matching_loss
from gen3d.runtime.seeds import randn

_MODES, _RADIUS, _STD = 8, 2.0, 0.2
_FREQUENCIES = (math.pi / 2, math.pi, 2 * math.pi)  # of the time embedding


@dataclass(frozen=True)
class RingStudy:
    """Energy distances of one-step samples to the data.

    Attributes:
        teacher: Of the teacher, in one Euler step.
        teacher_many: Of the teacher in 25 steps: the best that a student can hope for.
        consistency: Of a student by consistency distillation with a slow copy as target.
        consistency_self: The same with the student itself as target.
        vm: By velocity matching.
        vmvd: By velocity matching and distillation.
    """

    teacher: float
    teacher_many: float
    consistency: float
    consistency_self: float
    vm: float
    vmvd: float


class RingMap(nn.Module):
    """A flow map of the plane: a multilayer perceptron over ``(x, t, r)``.

    Args:
        width: Hidden channels of its three layers.
    """

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        sizes = (2 + 2 * len(_FREQUENCIES) + 2, width, width, width)
        layers: list[nn.Module] = []
        for inner, outer in itertools.pairwise(sizes):
            layers += [nn.Linear(inner, outer), nn.SiLU()]
        assert isinstance(layers[0], nn.Linear)
        with torch.no_grad():  # so that a student ignores the length of jumps at first
            layers[0].weight[:, -1] = 0
        self.layers = nn.Sequential(*layers, nn.Linear(width, 2))

    def forward(
        self,
        x: Float[Tensor, "batch 2"],
        t: Float[Tensor, " batch"],
        r: Float[Tensor, " batch"],
        cond: Condition = None,
    ) -> Float[Tensor, "batch 2"]:
        """Return the average velocity."""
        angles = t[:, None] * t.new_tensor(_FREQUENCIES)
        times = torch.stack([t, t - r], 1)
        return self.layers(torch.cat([x, angles.sin(), angles.cos(), times], 1))

    def velocity(
        self, x: Float[Tensor, "batch 2"], t: Float[Tensor, " batch"], cond: Condition = None
    ) -> Float[Tensor, "batch 2"]:
        """Return the velocity: the jump of no length."""
        return self(x, t, t, cond)


@dataclass(frozen=True)
class _FlowMatching(Distillation):
    """Trains the teacher from data, through the same loop."""

    def __call__(self, cast: Cast, batch: Batch) -> Distilled:
        student = cast.student
        loss = flow_matching_loss(
            lambda x, t, cond: student(x, t, t, cond), batch.x0, generator=batch.generator
        )
        return Distilled(loss.loss)


@dataclass(frozen=True)
class _OwnTarget(Distillation):
    """An objective without the slow copy."""

    objective: Distillation

    def __call__(self, cast: Cast, batch: Batch) -> Distilled:
        return self.objective(replace(cast, averaged=None), batch)


def ring_points(count: int, generator: torch.Generator) -> Float[Tensor, "count 2"]:
    """Draw points of the data."""
    mode = torch.randint(_MODES, (count,), generator=generator)
    angle = 2 * math.pi / _MODES * mode
    centre = _RADIUS * torch.stack([angle.cos(), angle.sin()], 1)
    return centre + _STD * randn((count, 2), generator)


def energy_distance(x: Float[Tensor, "n dims"], y: Float[Tensor, "m dims"]) -> float:
    """Return ``2 E|X - Y| - E|X - X'| - E|Y - Y'|``, without bias."""

    def inner(z: Tensor) -> Tensor:
        return torch.pdist(z).mean()

    return float(2 * torch.cdist(x, y).mean() - inner(x) - inner(y))


def ring_study(
    *, steps: int = 2000, batch: int = 128, samples: int = 4000, lr: float = 2e-3, seed: int = 0
) -> RingStudy:
    """Train a teacher and three students, and measure them.

    Args:
        steps: Optimiser steps of each network.
        batch: Points per step.
        samples: Points for each distance.
        lr: Learning rate.
        seed: Of weights, training and samples.
    """

    def draw(generator: torch.Generator) -> Batch:
        return Batch(ring_points(batch, generator), None, generator)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        first = RingMap()
    trained = distil(first, first.velocity, _FlowMatching(), draw, steps=steps, lr=lr, seed=seed)
    assert isinstance(trained, RingMap)
    teacher = trained

    generator = torch.Generator().manual_seed(seed + 1)
    truth, noise = ring_points(samples, generator), randn((samples, 2), generator)

    def one_step(objective: Distillation) -> float:
        student = copy.deepcopy(teacher).requires_grad_(True)
        made = distil(student, teacher.velocity, objective, draw, steps=steps, lr=lr, seed=seed)
        return energy_distance(_jump(made, noise), truth)

    consistency = PhasedConsistency(phases=1, norm=SQUARED)
    return RingStudy(
        teacher=energy_distance(_euler(teacher, noise, 1), truth),
        teacher_many=energy_distance(_euler(teacher, noise, 25), truth),
        consistency=one_step(consistency),
        consistency_self=one_step(_OwnTarget(consistency)),
        vm=one_step(VelocityMatching()),
        vmvd=one_step(VelocityMatching(distillation_weight=1.0)),
    )


@torch.no_grad()
def _jump(student: nn.Module, noise: Float[Tensor, "n 2"]) -> Float[Tensor, "n 2"]:
    one = noise.new_ones(len(noise))
    return noise - student(noise, one, torch.zeros_like(one), None)


@torch.no_grad()
def _euler(teacher: RingMap, noise: Float[Tensor, "n 2"], steps: int) -> Float[Tensor, "n 2"]:
    x = noise
    for step in range(steps, 0, -1):
        x = x - teacher.velocity(x, noise.new_full((len(noise),), step / steps)) / steps
    return x
