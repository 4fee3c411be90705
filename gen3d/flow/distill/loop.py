"""The student-teacher loop for small networks: studies and tests.

Large students are trained by `gen3d.training`, whose objectives call the same losses.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import nn

from gen3d.flow.distill.cast import Batch, Cast, Distillation
from gen3d.flow.fields import Network


def distil(
    student: nn.Module,
    teacher: Network,
    objective: Distillation,
    draw: Callable[[torch.Generator], Batch],
    *,
    steps: int,
    lr: float = 5e-4,
    decay: float = 0.99,
    critic: nn.Module | None = None,
    seed: int = 0,
) -> nn.Module:
    """Train a student with Adam and return the moving average of its weights.

    Args:
        student: A flow map ``(x, t, r, cond)``; is changed.
        teacher: The velocity, guidance included.
        objective: What to minimise.
        draw: Makes a batch with this generator in it.
        steps: Optimiser steps; the learning rate falls to 0 along a cosine.
        lr: First learning rate.
        decay: Weight of the past in the average, which is also the objectives' slow copy.
        critic: Trained along, for objectives that want one.
        seed: Of times, noise and data.
    """
    generator = torch.Generator().manual_seed(seed)
    averaged = copy.deepcopy(student).requires_grad_(False)
    cast = Cast(student, teacher, averaged, critic)
    parameters = [*student.parameters(), *(critic.parameters() if critic is not None else ())]
    optimiser = torch.optim.Adam(parameters, lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    pairs = list(zip(averaged.parameters(), student.parameters(), strict=True))
    for _ in range(steps):
        optimiser.zero_grad()
        objective(cast, draw(generator)).loss.backward()
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            for slow, fast in pairs:
                slow.lerp_(fast, 1 - decay)
    return averaged
