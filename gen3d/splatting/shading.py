"""Light for previews: a soft sky, a key light that follows the camera, and a ground shadow."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

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


def srgb_to_linear(colour: np.ndarray) -> np.ndarray:
    """Decodes sRGB in [0, 1] (IEC 61966-2-1)."""
    colour = np.clip(colour, 0.0, 1.0)
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(linear: np.ndarray) -> np.ndarray:
    """Encodes linear light in [0, 1] as sRGB (IEC 61966-2-1)."""
    linear = np.clip(linear, 0.0, 1.0)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)


def corner_normals(
    vertices: Float[np.ndarray, "v 3"],
    faces: np.ndarray,
    normals: Float[np.ndarray, "v 3"] | None,
) -> Float[np.ndarray, "f 3 3"]:
    """A normal per face corner: smooth where the surface is, the face's own at creases.

    Args:
        vertices: Positions.
        faces: Vertex indices.
        normals: Vertex normals; area-weighted ones are computed where None.

    Returns:
        Unit normals.
    """
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    area_normal = np.cross(b - a, c - a)
    face_normal = _unit(area_normal)
    if normals is None:
        normals = np.zeros_like(vertices)
        for i in range(3):
            np.add.at(normals, faces[:, i], area_normal)
    smooth = _unit(normals)[faces]
    flat = np.broadcast_to(face_normal[:, None], smooth.shape)
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
        vertices: Positions, Y up.
        faces: Vertex indices.
    """

    def __init__(self, vertices: np.ndarray, faces: np.ndarray) -> None:
        low, high = vertices.min(0), vertices.max(0)
        self.height = float(low[1])
        extent = float(max(high[0] - low[0], high[2] - low[2], 1e-6))
        self._size = 2.0 * extent
        self._corner = (low + high)[[0, 2]] / 2 - self._size / 2
        points = _spread_points(vertices, faces, _SHADOW_SAMPLES)
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


def _spread_points(vertices: np.ndarray, faces: np.ndarray, count: int) -> np.ndarray:
    """Points evenly over the area, without a random generator (a Kronecker sequence)."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1).cumsum()
    n = np.arange(count) + 0.5
    face = np.searchsorted(area, n / count * area[-1]).clip(max=len(faces) - 1)
    # Steps by the plastic number's powers fill the square evenly (Roberts 2018, R2 sequence).
    u, v = (n * 0.7548776662466927) % 1.0, (n * 0.5698402909980532) % 1.0
    over = u + v > 1
    u, v = np.where(over, 1 - u, u)[:, None], np.where(over, 1 - v, v)[:, None]
    return a[face] * (1 - u - v) + b[face] * u + c[face] * v


def _blur(grid: np.ndarray, radius: int) -> np.ndarray:
    """Three box blurs along each axis: close to a Gaussian."""
    kernel = np.full(2 * radius + 1, 1.0 / (2 * radius + 1))
    for _ in range(3):
        for axis in range(2):
            grid = np.apply_along_axis(np.convolve, axis, grid, kernel, mode="same")
    return grid
