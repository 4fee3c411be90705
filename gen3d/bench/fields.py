"""Analytic fields of the decode bench, positive inside."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.vecset.decode import FieldFunction
from gen3d.vecset.decode_sparse import START

RADIUS = 0.8
TRUNCATION = 0.02
"""Width at which the published query counts fit the paper's."""


def sphere(p: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
    """Signed distance of a ball."""
    return RADIUS - p.norm(dim=-1)


def torus(p: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
    """Ring of radius 0.6 and tube 0.2 about the Y axis."""
    ring = torch.stack([p[:, [0, 2]].norm(dim=-1) - 0.6, p[:, 1]], -1)
    return 0.2 - ring.norm(dim=-1)


def plate_and_ball(p: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
    """A plate thinner than a coarse cell, and a ball apart from it."""
    ball = 0.3 - (p - p.new_tensor([0.0, 0.3, 0.0])).norm(dim=-1)
    return torch.maximum(_plate(p, 0.012, -0.4), ball)


def gyroid(p: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
    """A gyroid shell within a ball, scaled to a distance bound."""
    s = 2 * math.pi * p
    waves = (s.sin() * s[:, [1, 2, 0]].cos()).sum(-1)
    shell = (0.5 - waves.abs()) / (2 * math.pi * math.sqrt(3))
    return torch.minimum(shell, 0.9 - p.norm(dim=-1))


def plate(half: float) -> FieldFunction:
    """A plate askew to the grid's planes in place only, of half thickness ``half``."""
    return lambda p: _plate(p, half, 0.027)


def wire(radius: float) -> FieldFunction:
    """A rod askew to all axes."""

    def field(p: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
        along = torch.nn.functional.normalize(p.new_tensor([1.0, 0.62, 0.35]), dim=0)
        away = p - p.new_tensor([0.013, -0.021, 0.009])
        t = (away @ along).clamp(-0.7, 0.7)
        return radius - (away - t[:, None] * along).norm(dim=-1)

    return field


def truncated(field: FieldFunction) -> FieldFunction:
    """A distance as the published networks learn it: over the truncation width, in [-1, 1]."""
    return lambda p: (field(p) / TRUNCATION).clamp(-1, 1)


PUBLISHED: dict[str, Callable[[Tensor], Tensor]] = {
    "sphere": sphere,
    "torus": torus,
    "plate and ball": plate_and_ball,
    "gyroid": gyroid,
}
"""Fields whose query counts are known for the reference's rule."""

_COARSE_CELL = 2 / START
THIN: dict[str, FieldFunction] = {
    f"{name} of {cells} coarse cells": make(cells * _COARSE_CELL / 2)
    for cells in (0.25, 0.5, 1.0, 1.5)
    for name, make in (("plate", plate), ("wire", wire))
}
"""Parts as thick as this many cells of the coarsest level."""


def _plate(p: Tensor, half: float, height: float) -> Tensor:
    q = (p - p.new_tensor([0.0, height, 0.0])).abs() - p.new_tensor([0.8, half, 0.8])
    return -(q.clamp(min=0).norm(dim=-1) + q.amax(-1).clamp(max=0))
