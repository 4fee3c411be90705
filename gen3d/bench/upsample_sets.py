"""Clouds to upsample in benchmarks, and what the truth is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from gen3d.data.procedural.dataset import SPLIT_SEEDS
from gen3d.errors import InputError
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.sample import sample_surface
from gen3d.io import load_mesh
from gen3d.ops.points import eliminate_samples
from gen3d.runtime.seeds import item_seed, make_generator
from gen3d.upsampling.frame import UnitFrame
from gen3d.upsampling.patch_shapes import sample_procedural

_DRAWS = 4
"""Points drawn per point kept, so that elimination leaves blue noise."""

_INPUT, _TRUTH, _AGAIN, _NOISE = range(4)


@dataclass(frozen=True)
class SurfaceSet:
    """A sparse cloud of one surface, dense ones of the same, and the surface if it is a mesh.

    Attributes:
        name: Of the surface.
        sparse: Input, float32, in the unit ball.
        truth: Blue noise of as many points as are to be made.
        again: An independent one: what a perfect method would give.
        mesh: The surface, or None.
    """

    name: str
    sparse: Float[np.ndarray, "n 3"]
    truth: Float[np.ndarray, "m 3"]
    again: Float[np.ndarray, "m 3"]
    mesh: Mesh | None


def mesh_files(folder: Path) -> list[Path]:
    """Return the meshes (.off, .ply, .obj) of a folder by name.

    Raises:
        InputError: There are none.
    """
    found = sorted(p for p in folder.glob("*") if p.suffix in (".off", ".ply", ".obj"))
    if not found:
        raise InputError(f"no surfaces in {folder}", hint="it should hold .off, .ply or .obj files")
    return found


def mesh_set(path: Path, points: int, rate: int, noise: float) -> SurfaceSet:
    """Sample a mesh, scaled to the unit ball.

    Args:
        path: Of the mesh.
        points: Of the input.
        rate: Points of the truth over those.
        noise: Standard deviation of the input's error, in units of the ball's radius.
    """
    raw = load_mesh(path)
    mesh = Mesh(UnitFrame.of(raw.vertices).enter(raw.vertices), raw.faces)

    def draw(count: int, use: int) -> Float[np.ndarray, "n 3"]:
        drawn = sample_surface(mesh, _DRAWS * count, make_generator(item_seed(1, use))).points
        return drawn[eliminate_samples(torch.from_numpy(drawn), count).numpy()]

    clouds = [draw(points, _INPUT), draw(points * rate, _TRUTH), draw(points * rate, _AGAIN)]
    return SurfaceSet(path.stem, _noisy(clouds[0], noise), clouds[1], clouds[2], mesh)


def procedural_set(category: str, points: int, rate: int) -> SurfaceSet:
    """Sample a held-out shape of the procedural library on its exact surface."""
    total = _DRAWS * points * (1 + 2 * rate)
    drawn = sample_procedural(category, SPLIT_SEEDS["test"], total).points
    order = torch.randperm(total, generator=make_generator(0))
    sizes = [points, points * rate, points * rate]
    parts = drawn[order].split([_DRAWS * size for size in sizes])
    sparse, truth, again = (
        part[eliminate_samples(part, size)].numpy() for part, size in zip(parts, sizes, strict=True)
    )
    return SurfaceSet(category, sparse, truth, again, None)


def fibonacci_sphere(n: int) -> Float[np.ndarray, "n 3"]:
    """Return n points spread evenly over the unit sphere: z = 1 - (2i + 1) / n, golden angles."""
    i = np.arange(n)
    z = 1 - (2 * i + 1) / n
    angle, radius = i * np.pi * (3 - math.sqrt(5)), np.sqrt(1 - z * z)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1)


def _noisy(points: Float[np.ndarray, "n 3"], noise: float) -> Float[np.ndarray, "n 3"]:
    if not noise:
        return points
    # As Grad-PU adds it (arXiv 2305.03331): no error beyond 3 % of the radius.
    error = torch.randn(points.shape, generator=make_generator(item_seed(1, _NOISE)))
    return points + (noise * error).clamp(-0.03, 0.03).numpy()
