"""Clouds whose surface is known in closed form, and networks whose flow is."""

import math

import numpy as np
import torch
from torch import Tensor


def fibonacci_sphere(n: int) -> Tensor:
    """Points of the unit sphere, float64: point i has z = 1 - (2i + 1) / n."""
    i = np.arange(n)
    z = 1 - (2 * i + 1) / n
    angle, radius = i * np.pi * (3 - math.sqrt(5)), np.sqrt(1 - z * z)
    return torch.from_numpy(np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1))


def random_plane(n: int, seed: int = 0) -> Tensor:
    """Points of the unit square in the plane z = 0."""
    points = torch.rand(n, 3, generator=torch.Generator().manual_seed(seed))
    points[:, 2] = 0
    return points


class ToHeight:
    """Moves every point to a height of zero, exactly, in any number of steps.

    The patches of a plane are normalised, so the plane that they flow to is that through their
    centre.
    """

    def __call__(self, x: Tensor, t: Tensor, latent: Tensor | None = None) -> tuple[Tensor, Tensor]:
        latent = torch.zeros(len(x), 1, 1) if latent is None else latent + 1
        velocity = torch.zeros_like(x)
        velocity[..., 2] = x[..., 2] / t[:, None]
        return velocity, latent


class Nowhere:
    """Leaves every point where it is."""

    def __call__(self, x: Tensor, t: Tensor, latent: Tensor | None = None) -> tuple[Tensor, None]:
        return torch.zeros_like(x), None
