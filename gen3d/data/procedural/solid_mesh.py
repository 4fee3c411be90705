"""Meshes of procedural solids, with exact colours: for pictures, not for training fields."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d.data.procedural.shape import Shape, Solid
from gen3d.errors import Gen3dError
from gen3d.geometry.mesh import Mesh
from gen3d.ops.isosurface import CORNER_OFFSETS, marching_cubes

_START = 16
_BOUNDS = (-1.0, 1.0)
# The ellipsoid's bound is no true distance, so a little more than a cell's reach is kept.
_SLACK = 1.5


@torch.no_grad()
def solid_mesh(shape: Shape, resolution: int = 64) -> Mesh:
    """Mesh a shape's field by marching cubes, evaluated only near its surface.

    The field is a bound of the distance, so a cell whose centre is farther from the surface than
    its corners are from the centre is empty, and so are all its children.

    Args:
        shape: The shape, network frame.
        resolution: Cells per axis over [-1, 1]; 16 times a power of two.

    Returns:
        The mesh in the network frame, with the solid's colours at the vertices.

    Raises:
        Gen3dError: The shape has no surface (a program's mistake).
    """
    solid = Solid(shape.parts)
    cells = torch.cartesian_prod(*[torch.arange(_START)] * 3)
    side = _START
    while side < resolution:
        size = (_BOUNDS[1] - _BOUNDS[0]) / side
        centres = _BOUNDS[0] + (cells.float() + 0.5) * size
        near = solid.field(centres).abs() < _SLACK * size * 3**0.5 / 2
        cells = _children(cells[near])
        side *= 2
    cells, values = _corner_values(solid, cells, side)
    crossed = (values > 0).any(1) & (values <= 0).any(1)
    if not bool(crossed.any()):
        raise Gen3dError(f"the {shape.category} of seed {shape.seed} has no surface")
    vertices, faces = marching_cubes(
        cells[crossed], values[crossed], resolution=side, bounds=_BOUNDS
    )
    return Mesh(vertices.numpy(), faces.numpy(), colors=solid.colour(vertices).numpy())


def _children(cells: Int[Tensor, "c 3"]) -> Int[Tensor, "d 3"]:
    """The eight halves of each cell."""
    return (2 * cells[:, None] + torch.tensor(CORNER_OFFSETS)).flatten(0, 1)


def _corner_values(
    solid: Solid, cells: Int[Tensor, "c 3"], side: int
) -> tuple[Int[Tensor, "c 3"], Float[Tensor, "c 8"]]:
    """Sort cells and evaluate each of their corners once."""
    samples = side + 1
    weights = torch.tensor([samples**2, samples, 1])
    cells = cells[(cells * weights).sum(1).argsort()]
    keys = ((cells[:, None] + torch.tensor(CORNER_OFFSETS)) * weights).sum(-1)
    unique, inverse = keys.unique(return_inverse=True)
    corners = torch.stack(
        [unique // samples**2, unique // samples % samples, unique % samples], dim=1
    )
    points = _BOUNDS[0] + corners.float() * ((_BOUNDS[1] - _BOUNDS[0]) / side)
    return cells, solid.field(points)[inverse]
