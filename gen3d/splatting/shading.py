"""Light for previews: a soft sky, a key light that follows the camera, and a ground shadow."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float

from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import face_normals, surface_area, vertex_normals
from gen3d.geometry.sample import sample_surface

# Linear irradiance; a white surface facing the key light ends just under 1.
_SKY = np.array([0.52, 0.54, 0.57])
_GROUND = np.array([0.22, 0.21, 0.20])
_KEY = np.array([0.60, 0.58, 0.55])
_SPECULAR, _SHININESS = 0.05, 24.0
# Corners whose smooth normal leans further from the face than this are drawn flat (a crease).
_CREASE_COSINE = np.cos(np.deg2rad(45.0))

_SHADOW_SAMPLES = 40_000
_SHADOW_CELLS = 96
_SHADOW_STRENGTH = 0.42


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)


def corner_normals(mesh: Mesh) -> Float[np.ndarray, "f 3 3"]:
    """A unit normal per face corner: smooth where the surface is, the face's own at creases."""
    if mesh.corner_normals is not None:
        return _unit(mesh.corner_normals)
    smooth = _unit(vertex_normals(mesh) if mesh.normals is None else mesh.normals)[mesh.faces]
    flat = face_normals(mesh)[:, None]
    leans = (smooth * flat).sum(-1, keepdims=True) < _CREASE_COSINE
    return np.where(leans, flat, smooth)


def shade(
    albedo: Float[np.ndarray, "n 3"],
    normal: Float[np.ndarray, "n 3"],
    to_eye: Float[np.ndarray, "n 3"],
    camera_axes: Float[np.ndarray, "3 3"],
) -> Float[np.ndarray, "n 3"]:
    """Linear colour of surface points under sky, key light and a faint highlight.

    Args:
        albedo: Linear surface colour.
        normal: World normals; turned towards the eye where they look away.
        to_eye: Unit directions to the camera.
        camera_axes: Rows: the camera's right, down and forward axes in the world (Y up).

    Returns:
        Linear colour, may pass 1 in highlights.
    """
    facing = (normal * to_eye).sum(-1, keepdims=True)
    normal = _unit(np.where(facing < 0, -normal, normal))
    right, down, forward = camera_axes
    key = _unit(-0.55 * right - 0.75 * down - 0.65 * forward)
    up = 0.5 + 0.5 * normal[:, 1:2]
    diffuse = _GROUND + (_SKY - _GROUND) * up
    # Wrapped by a little, so that the terminator stays soft.
    diffuse = diffuse + _KEY * np.clip((normal @ key + 0.15) / 1.15, 0.0, None)[:, None]
    half = _unit(to_eye + key)
    gloss = np.clip((normal * half).sum(-1, keepdims=True), 0.0, None) ** _SHININESS
    return albedo * diffuse + _SPECULAR * gloss


class GroundShadow:
    """A soft contact shadow on the plane under a mesh, darkest where the mesh is near the plane.

    Points spread over the surface darken the cell of a ground grid below them, less the higher they
    are; the grid is then blurred.

    Args:
        mesh: Y up, not empty.
    """

    def __init__(self, mesh: Mesh) -> None:
        low, high = mesh.bounds.astype(np.float64)
        self.height = float(low[1])
        extent = float(max(high[0] - low[0], high[2] - low[2], 1e-6))
        self._size = 2.0 * extent
        self._corner = (low + high)[[0, 2]] / 2 - self._size / 2
        # A fixed seed: the same mesh gives the same picture.
        spread = torch.Generator().manual_seed(0)
        count = _SHADOW_SAMPLES if surface_area(mesh) > 0 else 0
        points = sample_surface(mesh, count, spread).points if count else mesh.vertices
        lift = (points[:, 1] - self.height) / extent
        cell = (points[:, [0, 2]] - self._corner) / self._size * _SHADOW_CELLS
        cell = np.clip(cell.astype(int), 0, _SHADOW_CELLS - 1)
        grid = np.zeros((_SHADOW_CELLS, _SHADOW_CELLS))
        np.maximum.at(grid, (cell[:, 0], cell[:, 1]), np.exp(-4.0 * lift))
        self._grid = _blur(_blur(grid, 2), 4)

    def alpha(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Opacity of the shadow at points of the ground plane, in [0, 1)."""
        scale, last = _SHADOW_CELLS / self._size, _SHADOW_CELLS - 1
        u = (np.asarray(x) - self._corner[0]) * scale - 0.5
        v = (np.asarray(z) - self._corner[1]) * scale - 0.5
        inside = (u > 0) & (u < last) & (v > 0) & (v < last)
        u, v = u[inside], v[inside]
        i, j = u.astype(int), v.astype(int)
        fu, fv = u - i, v - j
        g = self._grid
        low = g[i, j] * (1 - fv) + g[i, j + 1] * fv
        high = g[i + 1, j] * (1 - fv) + g[i + 1, j + 1] * fv
        opacity = np.zeros(inside.shape)
        opacity[inside] = _SHADOW_STRENGTH * (low * (1 - fu) + high * fu)
        return opacity


def _blur(grid: np.ndarray, radius: int) -> np.ndarray:
    """Three box blurs along each axis: close to a Gaussian."""
    kernel = np.full(2 * radius + 1, 1.0 / (2 * radius + 1))
    for _ in range(3):
        for axis in range(2):
            grid = np.apply_along_axis(np.convolve, axis, grid, kernel, mode="same")
    return grid
