"""What category a shape is of: that of the nearest procedural shapes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.data.sampled import SampledShapes
from gen3d.geometry.metrics import pairwise_chamfer

POINTS = 256
NEIGHBOURS = 5


@dataclass(frozen=True)
class Recogniser:
    """Names the category of point clouds.

    Attributes:
        clouds: References of unit size.
        categories: One per reference.
    """

    clouds: Float[Tensor, "references n 3"]
    categories: list[str]

    @classmethod
    def from_shapes(cls, shapes: SampledShapes) -> Recogniser:
        """Take a set of shapes as references."""
        return cls(shape_clouds(shapes), shapes.categories)

    def name(self, clouds: Float[Tensor, "shapes n 3"]) -> list[str]:
        """Return the category of each cloud, of any size and place."""
        return classify(pairwise_chamfer(unit_clouds(clouds), self.clouds), self.categories)


def shape_clouds(shapes: SampledShapes) -> Float[Tensor, "shapes n 3"]:
    """Return the first points of every shape of a set, in unit size."""
    return unit_clouds(torch.from_numpy(shapes.surface[:, :POINTS, :3].astype(np.float32)))


def unit_clouds(points: Float[Tensor, "s n 3"]) -> Float[Tensor, "s n 3"]:
    """Centre clouds and scale their longest side to 1."""
    low, high = points.amin(1, keepdim=True), points.amax(1, keepdim=True)
    return (points - (low + high) / 2) / (high - low).amax(-1, keepdim=True)


def classify(
    distances: Float[Tensor, "s r"], categories: list[str], neighbours: int = NEIGHBOURS
) -> list[str]:
    """Return the majority category among the nearest references; ties go to the nearer one."""
    nearest = distances.topk(neighbours, dim=1, largest=False).indices.tolist()
    # Counter keeps insertion order among equals, and the nearest comes first.
    return [Counter(categories[i] for i in row).most_common(1)[0][0] for row in nearest]
