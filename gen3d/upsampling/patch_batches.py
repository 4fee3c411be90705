"""Batches of patches in random pose, and the errors of velocities on them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from gen3d.flow import LINEAR
from gen3d.runtime.seeds import randn
from gen3d.training.config import Settings
from gen3d.upsampling.patch_data import PatchSet
from gen3d.upsampling.rin import RIN


class BatchConfig(Settings):
    """Batches of both stages.

    Attributes:
        batch_size: Patches per step.
        start_noise: Standard deviation of the noise on the interpolated points, in units of the
            patch's radius.
        vary_noise: Give every patch a share of that between none and all; False as published.
        scale: Greatest factor by which patches grow or shrink, at least 1.
        rotate: Turn patches at random, about any axis; half of them are mirrored.
        normal_weight: Weight of errors along the surface's normal over those in any direction; 0
            as published. Off the surface is what an error along the normal is.
        validation_patches: Patches measured at each validation.
    """

    batch_size: int = Field(default=16, ge=1)
    start_noise: float = Field(default=0.02, ge=0)
    vary_noise: bool = True
    scale: float = Field(default=1.1, ge=1)
    rotate: bool = True
    normal_weight: float = Field(default=0.0, ge=0)
    validation_patches: int = Field(default=64, ge=1)


@dataclass(frozen=True)
class PatchBatch:
    """Patches in random pose.

    Attributes:
        start: Interpolated points, with noise: t = 1.
        target: Where each belongs: t = 0.
        normals: Of the surface there; zeros where unknown.
    """

    start: Float[Tensor, "batch n 3"]
    target: Float[Tensor, "batch n 3"]
    normals: Float[Tensor, "batch n 3"]


def read_patches(patches: PatchSet, index: Tensor) -> PatchBatch:
    """Read rows of a set, as they are."""
    rows = index.numpy()
    start, target = (torch.from_numpy(array[rows]) for array in (patches.start, patches.target))
    if patches.normals is None:
        return PatchBatch(start, target, torch.zeros_like(target))
    normals = patches.normals[rows].astype(np.float32)
    return PatchBatch(start, target, torch.from_numpy(normals))


def draw_patches(
    patches: PatchSet, config: BatchConfig, generator: torch.Generator, device: torch.device
) -> PatchBatch:
    """Draw patches with replacement, each in a random pose, with noise on its start."""
    count = config.batch_size
    batch = read_patches(patches, torch.randint(len(patches), (count,), generator=generator))
    pose = random_poses(count, generator) if config.rotate else torch.eye(3).expand(count, 3, 3)
    span = math.log(config.scale)
    size = torch.exp(span * (2 * torch.rand(count, 1, 1, generator=generator) - 1))
    start = size * batch.start @ pose
    start = start + draw_start_noise(start, config, generator)
    target, normals = size * batch.target @ pose, batch.normals @ pose
    return PatchBatch(start.to(device), target.to(device), normals.to(device))


def draw_start_noise(
    start: Float[Tensor, "batch n 3"], config: BatchConfig, generator: torch.Generator
) -> Float[Tensor, "batch n 3"]:
    """Draw what is added to interpolated points."""
    noise = config.start_noise * randn(start.shape, generator)
    if not config.vary_noise:
        return noise
    return noise * torch.rand(len(start), 1, 1, generator=generator)


def random_poses(count: int, generator: torch.Generator) -> Float[Tensor, "count 3 3"]:
    """Draw orthogonal matrices uniformly, mirrors included.

    Mezzadri 2007, arXiv math-ph/0609050.
    """
    q, r = torch.linalg.qr(torch.randn(count, 3, 3, generator=generator))
    return q * r.diagonal(dim1=-2, dim2=-1).sign()[:, None]


def with_memory(
    network: RIN,
    x: Float[Tensor, "batch n 3"],
    t: Float[Tensor, " batch"],
    *,
    remember: bool,
) -> Float[Tensor, "batch n 3"]:
    """Return the velocity, after a first run without gradient whose latents it takes up."""
    geometry = network.look(x)
    latent = None
    if remember:
        with torch.no_grad():
            latent = network(x, t, geometry=geometry)[1]
    return network(x, t, latent, geometry=geometry)[0]


def velocity_error(
    network: RIN, batch: PatchBatch, t: Float[Tensor, " batch"], *, remember: bool
) -> Float[Tensor, "batch n 3"]:
    """Return the error of the velocity on the way from start to target."""
    wide = t[:, None, None]
    x = LINEAR.interpolate(batch.target, batch.start, wide)
    true = LINEAR.velocity(batch.target, batch.start, wide)
    return with_memory(network, x, t, remember=remember) - true


def mean_square(
    error: Float[Tensor, "batch n 3"],
    normals: Float[Tensor, "batch n 3"],
    normal_weight: float,
) -> Float[Tensor, " batch"]:
    """Return ``mean |e|^2 + weight (e.n)^2`` of each patch."""
    total = error.square().sum(-1)
    if normal_weight > 0:
        total = total + normal_weight * (error * normals).sum(-1).square()
    return total.mean(-1)


def loss_unit(points: int) -> float:
    """Return the squared spacing of so many points on a disk of radius 1, which losses are in.

    The published loss is a sum over points; both are numbers near 1, as optimisers like them.
    """
    return math.pi / points
