"""Tiny shapes and networks that every vecset test can afford."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from gen3d.vecset.config import (
    DiTConfig,
    EncoderConfig,
    QueryDecoderConfig,
    VAEConfig,
)


@dataclass(frozen=True)
class Spheres:
    """Coloured spheres of several radii: the smallest set of shapes."""

    surface: np.ndarray
    queries: np.ndarray
    inside: np.ndarray
    near_count: int
    captions: list[list[str]]
    categories: list[str]


def make_spheres(count: int, seed: int = 0) -> Spheres:
    generator = np.random.default_rng(seed)
    radii = np.linspace(0.4, 0.9, count)[:, None, None]
    normals = generator.normal(size=(count, 256, 3))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    colours = np.broadcast_to(np.array([0.9, 0.2, 0.1]), normals.shape)
    surface = np.concatenate([radii * normals, normals, colours], axis=-1)
    near = radii * normals + 0.05 * generator.normal(size=normals.shape)
    uniform = generator.uniform(-1.02, 1.02, size=normals.shape)
    queries = np.concatenate([near, uniform], axis=1).astype(np.float16)
    inside = np.linalg.norm(queries.astype(np.float64), axis=-1) < radii[..., 0]
    return Spheres(
        surface.astype(np.float16),
        queries,
        inside,
        256,
        [["a red ball", "a sphere"] if i % 2 else ["a big red ball"] for i in range(count)],
        ["ball"] * count,
    )


@pytest.fixture
def spheres() -> Spheres:
    return make_spheres(6)


@pytest.fixture
def tiny_vae() -> VAEConfig:
    decoder = QueryDecoderConfig(width=16, heads=2, mlp_ratio=1)
    return VAEConfig(
        num_latents=6,
        latent_dim=4,
        width=16,
        heads=2,
        latent_layers=1,
        mlp_ratio=2,
        encoder=EncoderConfig(layers=1),
        geometry=decoder,
        colour=decoder,
    )


@pytest.fixture
def tiny_dit() -> DiTConfig:
    return DiTConfig(
        latent_dim=4,
        num_latents=6,
        context_dim=8,
        pooled_dim=8,
        width=16,
        heads=2,
        double_blocks=1,
        single_blocks=1,
        mlp_ratio=2,
        time_dim=8,
    )


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
