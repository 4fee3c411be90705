"""Baking: what a function says about points of a surface, as a texture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8

from gen3d.errors import InputError
from gen3d.geometry.mesh import Mesh
from gen3d.ops.raster import rasterize_mesh

PointColours = Callable[[Float[np.ndarray, "n 3"]], Float[np.ndarray, "n 3"]]
"""From positions, in the mesh's coordinates, to sRGB in [0, 1]."""

_STRIDE = 4
_AROUND = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
_FLAT = 2 / 255
"""Colours this near at the corners of a block are blended over it: the step that bytes make."""


@dataclass(frozen=True, eq=False)
class Texels:
    """Where each texel of a texture lies on a mesh.

    Attributes:
        face: Face at the middle of each texel, -1 where there is none.
        barycentric: Weights of its corners there.
    """

    face: Int[np.ndarray, "h w"]
    barycentric: Float[np.ndarray, "h w 3"]

    @property
    def covered(self) -> Bool[np.ndarray, "h w"]:
        """Texels that lie on the mesh."""
        return self.face >= 0

    def blend(
        self, corner_values: Float[np.ndarray, "f 3 c"], at: Bool[np.ndarray, "h w"]
    ) -> Float[np.ndarray, "n c"]:
        """Interpolate values of the corners at some covered texels, in row order."""
        face, weight = self.face[at], self.barycentric[at]
        return np.einsum("nkc,nk->nc", corner_values[face], weight, dtype=np.float32)


def texels_of(mesh: Mesh, size: int) -> Texels:
    """Find the surface point of every texel of a square texture.

    Raises:
        InputError: The mesh has no texture coordinates.
    """
    if mesh.corner_uvs is None:
        raise InputError("baking needs texture coordinates: unwrap the mesh first")
    # A plane at depth 1 before a camera of focal length 1: its pixels are the texels.
    flat = np.ones((3 * len(mesh.faces), 3), np.float32)
    flat[:, :2] = mesh.corner_uvs.reshape(-1, 2) * size
    hits = rasterize_mesh(
        torch.from_numpy(flat),
        torch.arange(len(flat)).reshape(-1, 3),
        focal=(1.0, 1.0),
        principal=(0.0, 0.0),
        size=(size, size),
    )
    return Texels(hits.face_id.numpy(), hits.barycentric.numpy())


def bake_colours(
    mesh: Mesh, texels: Texels, colours: PointColours
) -> UInt8[np.ndarray, "size size 3"]:
    """Ask for the colour of every texel and return the texture, borders filled.

    A coarse lattice is asked first, and blocks within a chart whose corners agree are blended.
    Among the other texels, every second of every second row is asked; those between that see
    agreement take the mean, and only the rest is asked one by one. On a shape of a few colours
    that is one texel in seven.

    Args:
        mesh: With texture coordinates.
        texels: See :func:`texels_of`.
        colours: Called up to three times, with positions on the mesh.
    """
    covered = texels.covered
    image = np.zeros((*covered.shape, 3), np.float32)

    def ask(at: np.ndarray) -> None:
        if at.any():
            image[at] = colours(texels.blend(mesh.corners, at))

    lattice = np.zeros_like(covered)
    lattice[::_STRIDE, ::_STRIDE] = covered[::_STRIDE, ::_STRIDE]
    ask(lattice)
    known = lattice | _blend_flat_blocks(image, covered)
    half = np.zeros_like(covered)
    half[::2, ::2] = covered[::2, ::2] & ~known[::2, ::2]
    ask(half)
    known |= half
    known |= _blend_flat_gaps(image, known, covered & ~known)
    ask(covered & ~known)
    return to_bytes(fill_borders(image, covered))


def to_bytes(image: Float[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h w c"]:
    """Return values in [0, 1] as bytes."""
    return (image.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def fill_borders(
    image: Float[np.ndarray, "h w c"], covered: Bool[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w c"]:
    """Fill the texels between charts from those around, at every scale.

    Two rings of neighbours for the bilinear filter; then pull-push (Gortler et al. 1996, "The
    Lumigraph", 4.3.1): each gap takes the mean of the next coarser level where that has one, so
    that no mipmap mixes in a background.
    """
    for _ in range(2):
        image, covered = _grow(image, covered)
    return _pull_push(image, covered)


def _blend_flat_blocks(image: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """Blend blocks with like corners in place; return the mask of their texels."""
    height, width = covered.shape
    flat = np.zeros_like(covered)
    rows, columns = (height - 1) // _STRIDE, (width - 1) // _STRIDE
    if not rows or not columns:
        return flat
    # A block counts its right and lower rim, which are its neighbours' corners.
    whole = np.ones((rows, columns), bool)
    for i in range(_STRIDE + 1):
        for j in range(_STRIDE + 1):
            whole &= covered[i::_STRIDE, j::_STRIDE][:rows, :columns]
    lattice = image[::_STRIDE, ::_STRIDE]
    corners = [lattice[i : i + rows, j : j + columns] for i, j in ((0, 0), (0, 1), (1, 0), (1, 1))]
    spread = np.maximum.reduce(corners) - np.minimum.reduce(corners)
    whole &= spread.max(axis=-1) <= _FLAT
    a, b, c, d = (corner[whole] for corner in corners)
    for i in range(_STRIDE):
        for j in range(_STRIDE):
            u, v = j / _STRIDE, i / _STRIDE
            blended = (a * (1 - u) + b * u) * (1 - v) + (c * (1 - u) + d * u) * v
            image[i::_STRIDE, j::_STRIDE][:rows, :columns][whole] = blended
            flat[i::_STRIDE, j::_STRIDE][:rows, :columns] = whole
    return flat


def _blend_flat_gaps(image: np.ndarray, known: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    """Fill in place the gaps whose known neighbours agree; return their mask.

    Charts lie further apart than one texel, so neighbours belong to one chart.
    """
    rows, columns = np.nonzero(gaps)
    mean, count, spread = _neighbours(image, known, rows, columns)
    flat = (count > 1) & (spread <= _FLAT)
    filled = np.zeros_like(gaps)
    filled[rows[flat], columns[flat]] = True
    image[rows[flat], columns[flat]] = mean[flat]
    return filled


def _grow(image: np.ndarray, covered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fill each gap that touches covered texels, corners included, with their mean."""
    padded = np.pad(covered, 1)
    near = np.zeros_like(covered)
    height, width = covered.shape
    for i, j in _AROUND:
        near |= padded[i : i + height, j : j + width]
    rows, columns = np.nonzero(near & ~covered)
    grown = image.copy()
    grown[rows, columns] = _neighbours(image, covered, rows, columns)[0]
    return grown, near | covered


def _neighbours(
    image: np.ndarray, known: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, number and greatest difference of the known among eight neighbours."""
    padded = np.pad(known, 1)
    colours = np.pad(image, ((1, 1), (1, 1), (0, 0)))
    total = np.zeros((len(rows), image.shape[2]), np.float32)
    low, high = np.full_like(total, np.inf), np.full_like(total, -np.inf)
    count = np.zeros(len(rows), np.int64)
    for i, j in _AROUND:
        there = padded[rows + i, columns + j]
        colour = colours[rows + i, columns + j][there]
        total[there] += colour
        low[there] = np.minimum(low[there], colour)
        high[there] = np.maximum(high[there], colour)
        count += there
    mean = total / np.maximum(count, 1)[:, None]
    return mean, count, (high - low).max(axis=1, initial=-np.inf)


def _pull_push(image: np.ndarray, covered: np.ndarray) -> np.ndarray:
    if covered.all() or not covered.any():
        return image
    # An odd side repeats its last row: halving needs pairs.
    odd = [(0, side % 2) for side in covered.shape]
    weight = np.pad(covered, odd, mode="edge").astype(np.float32)[..., None]
    total = np.pad(image, [*odd, (0, 0)], mode="edge") * weight
    total, weight = (
        x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2] for x in (total, weight)
    )
    coarse = _pull_push(total / np.maximum(weight, 1), weight[..., 0] > 0)
    rows, columns = np.nonzero(~covered)
    filled = image.copy()
    filled[rows, columns] = coarse[rows // 2, columns // 2]
    return filled
