"""Levels of detail: the same asset with ever fewer faces and texels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from gen3d.errors import InputError
from gen3d.geometry.bake import PointColours, bake_colours, texels_of
from gen3d.geometry.creases import crease_normals
from gen3d.geometry.materials import Material
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.neighbours import CellIndex
from gen3d.geometry.simplify import MIN_FACES, decimate
from gen3d.geometry.unwrap import unwrap

MAX_LEVELS = 6
_MIN_TEXTURE = 128


def lod_chain(mesh: Mesh, levels: int) -> list[Mesh]:
    """Return coarser versions of a mesh, each with half the faces of the one before.

    A textured mesh is unwrapped anew at each level, onto a texture of half the side, and takes its
    colours from the texture of the full one; a normal map ends with the full one, since what it
    shows is too fine for the distances that coarse levels are seen from.

    Args:
        mesh: The full version, welded.
        levels: Number of coarser ones, 1 to 6.

    Raises:
        InputError: The number is out of its range, or the mesh has too few faces for so many.
    """
    if not 1 <= levels <= MAX_LEVELS:
        raise InputError(f"levels of detail must lie in 1..{MAX_LEVELS}, got {levels}")
    if len(mesh.faces) >> levels < MIN_FACES:
        raise InputError(f"{len(mesh.faces)} faces cannot be halved {levels} times")
    colours = None
    if mesh.material is not None and mesh.material.base_color is not None:
        colours = colours_of_texture(mesh, mesh.material)
    chain = []
    for level in range(1, levels + 1):
        coarse = decimate(mesh.without_texture(), len(mesh.faces) >> level).mesh
        if colours is not None and mesh.material is not None:
            coarse = _textured(coarse, colours, mesh.material, level)
        chain.append(coarse)
    return chain


def colours_of_texture(mesh: Mesh, material: Material) -> PointColours:
    """Return a function that gives points near a textured surface the colour of the nearest texel.

    Args:
        mesh: With texture coordinates.
        material: With a base colour.
    """
    assert material.base_color is not None
    size = max(material.base_color.shape[:2])
    texels = texels_of(mesh, size)
    # Every second texel each way: finer than what a coarser level's texture can show.
    covered = np.zeros_like(texels.covered)
    covered[::2, ::2] = texels.covered[::2, ::2]
    places = texels.blend(mesh.corners, covered)
    rows, columns = np.nonzero(covered)
    height, width = material.base_color.shape[:2]
    bytes_ = material.base_color[rows * height // size, columns * width // size]
    low, high = mesh.bounds
    index = CellIndex(places, float((high - low).max()) / 48)

    def colours(points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        nearest, _ = index.nearest(points)
        return (bytes_[nearest] / 255).astype(np.float32)

    return colours


def _textured(mesh: Mesh, colours: PointColours, material: Material, level: int) -> Mesh:
    assert material.base_color is not None
    size = max(max(material.base_color.shape[:2]) >> level, _MIN_TEXTURE)
    mesh = unwrap(mesh, size=size)
    mesh = mesh.with_(corner_normals=crease_normals(mesh))
    image = bake_colours(mesh, texels_of(mesh, size), colours)
    return mesh.with_(material=replace(material, base_color=image, normal_map=None))
