"""Surfaces that patches are cut from: procedural shapes, collections, folders of meshes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor

from gen3d.data.mesh_folder import MeshFolderConfig, folder_items
from gen3d.data.mesh_item import MeshItem
from gen3d.data.objects import ObjectsConfig, object_items
from gen3d.data.procedural.dataset import SPLIT_SEEDS
from gen3d.data.procedural.library import CATEGORIES, make_shape
from gen3d.data.procedural.sampling import sample_surface_points
from gen3d.data.procedural.shape import Solid
from gen3d.errors import InputError
from gen3d.geometry.sample import sample_surface
from gen3d.training.config import Settings


@dataclass(frozen=True)
class SurfacePoints:
    """Points drawn uniformly from a surface.

    Attributes:
        points: In the unit ball around their centroid.
        normals: Of unit length.
    """

    points: Float[Tensor, "n 3"]
    normals: Float[Tensor, "n 3"]


Sampler = Callable[[int], SurfacePoints]
"""Draws so many points from one surface, always the same ones."""


class ProceduralShapesConfig(Settings):
    """Shapes of the procedural library, on whose exact surfaces points lie.

    Attributes:
        split: ``train``, ``val`` or ``test``; they share no shape.
        per_category: Shapes of each category.
        first: Number of the first of them within the split.
        categories: Names; empty means all.
    """

    split: str = Field("train", pattern="^(train|val|test)$")
    per_category: int = Field(4, ge=1)
    first: int = Field(0, ge=0, lt=1_000_000)
    categories: tuple[str, ...] = ()


class ShapesConfig(Settings):
    """Where surfaces come from: one of three sources.

    Attributes:
        procedural: The procedural library.
        objects: A collection of named objects.
        meshes: A folder of meshes.
    """

    procedural: ProceduralShapesConfig | None = None
    objects: ObjectsConfig | None = None
    meshes: MeshFolderConfig | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> ShapesConfig:
        if sum(part is not None for part in (self.procedural, self.objects, self.meshes)) != 1:
            raise ValueError("give one source of shapes: procedural, objects or meshes")
        return self

    def samplers(self) -> list[Sampler]:
        """Return one sampler per shape; categories of procedural shapes alternate.

        Raises:
            InputError: A category does not exist, or the source is missing or empty.
        """
        if self.procedural is None:
            items = object_items(self.objects) if self.objects else []
            items = folder_items(self.meshes) if self.meshes else items
            return [partial(sample_item, item, i) for i, item in enumerate(items)]
        config = self.procedural
        categories = config.categories or CATEGORIES
        if unknown := sorted(set(categories) - set(CATEGORIES)):
            raise InputError(f"unknown categories {unknown}", hint=f"known: {CATEGORIES}")
        first = SPLIT_SEEDS[config.split] + config.first
        seeds = range(first, first + config.per_category)
        return [partial(sample_procedural, name, seed) for seed in seeds for name in categories]


def sample_procedural(category: str, seed: int, count: int) -> SurfacePoints:
    """Draw points from the exact surface of a procedural shape.

    Raises:
        Gen3dError: The shape shows almost no surface.
    """
    shape = make_shape(category, seed)
    rng = np.random.default_rng([seed, len(shape.parts), 13])
    points, normals = sample_surface_points(shape, Solid(shape.parts), count, rng)
    return _in_unit_ball(points, normals)


def sample_item(item: MeshItem, seed: int, count: int) -> SurfacePoints:
    """Draw points from a mesh.

    Raises:
        InputError: The mesh has no area.
        FormatError: It cannot be read.
    """
    cloud = sample_surface(item.load().mesh, count, torch.Generator().manual_seed(seed))
    assert cloud.normals is not None
    return _in_unit_ball(torch.from_numpy(cloud.points), torch.from_numpy(cloud.normals))


def _in_unit_ball(points: Tensor, normals: Tensor) -> SurfacePoints:
    centred = points.double() - points.double().mean(0)
    radius = centred.norm(dim=1).max()
    if not radius > 0:
        raise InputError("the points of a surface are all equal")
    return SurfacePoints((centred / radius).float(), normals.float())
