"""The meshes behind a folder of sampled procedural shapes, for pictures of them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from gen3d.data.mesh_sampling import PaintedMesh, paint
from gen3d.data.procedural.dataset import SPLIT_SEEDS, ShapeSet
from gen3d.data.procedural.library import make_shape
from gen3d.data.procedural.shape import Solid
from gen3d.data.procedural.solid_mesh import solid_mesh
from gen3d.errors import ModelError

# Stored surface points lie within this of the surface, up to float16's rounding.
_TOLERANCE = 0.01
_CHECKED_POINTS = 64


class ProceduralMeshes:
    """Makes the shapes of a folder again, one by one.

    Args:
        categories: Category per shape.
        seeds: Seed per shape.
        resolution: See :func:`gen3d.data.procedural.solid_mesh.solid_mesh`.
    """

    def __init__(self, categories: list[str], seeds: list[int], *, resolution: int = 64) -> None:
        self.categories, self.seeds, self.resolution = categories, seeds, resolution

    @classmethod
    def of_folder(cls, folder: Path | str, *, resolution: int = 64) -> ProceduralMeshes:
        """Find categories and seeds of a folder that ``build_shape_set`` wrote.

        Raises:
            ModelError: There is none, or it was made by other shape programs than these.
        """
        shapes = ShapeSet.open(folder)
        config = json.loads((Path(folder) / "meta.json").read_text())["config"]
        first = SPLIT_SEEDS[config["split"]] + config.get("first", 0)
        seen: Counter[str] = Counter()
        seeds = []
        for category in shapes.categories:
            seeds.append(first + seen[category])
            seen[category] += 1
        source = cls(shapes.categories, seeds, resolution=resolution)
        for category in sorted(seen):
            source.check(shapes.categories.index(category), shapes, folder)
        return source

    def check(self, index: int, shapes: ShapeSet, folder: Path | str) -> None:
        """Compare a shape with its stored surface points.

        Raises:
            ModelError: They do not lie on its surface.
        """
        shape = make_shape(self.categories[index], self.seeds[index])
        points = shapes.surface[index, :_CHECKED_POINTS, :3].astype(np.float32)
        with torch.no_grad():
            off = Solid(shape.parts).field(torch.from_numpy(points)).abs().median()
        if float(off) > _TOLERANCE:
            raise ModelError(
                f"the {shape.category} of seed {shape.seed} in {folder} is not what the shape "
                f"programs make now: its points are {float(off):.3f} off the surface",
                hint="remove the folder, and it is sampled again",
            )

    def __len__(self) -> int:
        return len(self.seeds)

    def mesh(self, index: int) -> PaintedMesh:
        """Return the mesh of one shape, network frame."""
        shape = make_shape(self.categories[index], self.seeds[index])
        return paint(solid_mesh(shape, self.resolution))

    def fingerprint(self) -> str:
        """Hash what the shapes are made from."""
        content = json.dumps([self.categories, self.seeds, self.resolution])
        return "procedural-" + hashlib.sha256(content.encode()).hexdigest()[:16]
