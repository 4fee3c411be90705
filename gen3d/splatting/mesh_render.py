"""Pictures of meshes on the CPU: rasterise, light, average the samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, UInt8

from gen3d.errors import InputError
from gen3d.ops.raster import MAX_SIDE, rasterize_mesh
from gen3d.splatting.contact_sheet import contact_sheet
from gen3d.splatting.shading import (
    GroundShadow,
    corner_normals,
    linear_to_srgb,
    shade,
    srgb_to_linear,
)

if TYPE_CHECKING:
    from gen3d.geometry.mesh import Mesh
    from gen3d.geometry.transforms import Camera

__all__ = ["contact_sheet", "render_mesh"]

# Clay, for meshes without colours.
_DEFAULT_COLOUR = (0.78, 0.76, 0.73)


def render_mesh(
    mesh: Mesh,
    camera: Camera,
    size: int | None = None,
    *,
    background: tuple[float, float, float] | None = (1.0, 1.0, 1.0),
    supersample: int = 3,
    ground_shadow: bool = True,
) -> UInt8[np.ndarray, "h w c"]:
    """Draws a mesh with its vertex colours, soft light and anti-aliasing.

    Args:
        mesh: The mesh, Y up. Without normals, smooth ones are made; without colours, it is clay.
        camera: OpenCV axes, ``world_to_camera``, focal lengths and principal point in pixels.
        size: Longer side of the picture in pixels; the camera's own size where None.
        background: sRGB in [0, 1], or None for a transparent picture.
        supersample: Samples per pixel and axis.
        ground_shadow: Whether to lay a soft contact shadow on the plane under the mesh.

    Returns:
        sRGB bytes, (h, w, 3); or (h, w, 4) with straight alpha for a transparent background.

    Raises:
        InputError: Sizes are out of range.
    """
    if supersample < 1:
        raise InputError(f"supersample is {supersample}, expected 1 or more")
    scale = 1.0 if size is None else size / max(camera.width, camera.height)
    width, height = (max(1, round(side * scale)) for side in (camera.width, camera.height))
    if max(width, height) * supersample > MAX_SIDE:
        raise InputError(f"size is {width}x{height}, expected at most {MAX_SIDE // supersample}")
    zoom = scale * supersample
    focal = (camera.fx * zoom, camera.fy * zoom)
    principal = (camera.cx * zoom, camera.cy * zoom)
    fine = (width * supersample, height * supersample)
    pose = np.asarray(camera.world_to_camera, dtype=np.float64)

    linear, alpha = _draw(mesh, pose, focal, principal, fine, ground_shadow)
    # Averaged with premultiplied alpha, in linear light.
    linear = linear * alpha[..., None]
    linear, alpha = _averaged(linear, supersample), _averaged(alpha, supersample)[..., None]
    if background is not None:
        linear = linear + srgb_to_linear(np.asarray(background)) * (1 - alpha)
        return _to_bytes(linear_to_srgb(linear))
    colour = linear_to_srgb(linear / np.maximum(alpha, 1e-6))
    return _to_bytes(np.concatenate([colour, alpha], axis=-1))


def _averaged(samples: np.ndarray, factor: int) -> np.ndarray:
    """Means over blocks of factor x factor; adding slices beats a reduction over short axes."""
    total = np.zeros_like(samples[::factor, ::factor])
    for i in range(factor * factor):
        total += samples[i // factor :: factor, i % factor :: factor]
    return total / factor**2


def _interpolated(corner_values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Barycentric mean: (n, 3 corners, 3) and (n, 3) to (n, 3)."""
    return np.einsum("nkc,nk->nc", corner_values, weight)


def _to_bytes(image: np.ndarray) -> np.ndarray:
    return (np.clip(image, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def _draw(
    mesh: Mesh,
    pose: Float[np.ndarray, "4 4"],
    focal: tuple[float, float],
    principal: tuple[float, float],
    size: tuple[int, int],
    ground_shadow: bool,
) -> tuple[Float[np.ndarray, "h w 3"], Float[np.ndarray, "h w"]]:
    """Linear colour (not premultiplied) and opacity of every sample."""
    width, height = size
    vertices = np.asarray(mesh.vertices, dtype=np.float64)
    faces = np.asarray(mesh.faces).astype(np.int64)
    linear, alpha = np.zeros((height, width, 3)), np.zeros((height, width))
    if len(faces) == 0:
        return linear, alpha
    axes, offset = pose[:3, :3], pose[:3, 3]
    eye = -axes.T @ offset
    hits = rasterize_mesh(
        torch.from_numpy((vertices @ axes.T + offset).astype(np.float32)),
        torch.from_numpy(faces),
        focal=focal,
        principal=principal,
        size=size,
        near=1e-3,
    )
    face_id, weights = hits.face_id.numpy(), hits.barycentric.numpy()
    rows, columns = np.nonzero(face_id >= 0)
    face, weight = face_id[rows, columns], weights[rows, columns]

    corners = faces[face]
    position = _interpolated(vertices[corners], weight)
    normals = None if mesh.normals is None else np.asarray(mesh.normals, dtype=np.float64)
    normal = _interpolated(corner_normals(vertices, faces, normals)[face], weight)
    if mesh.colors is None:
        albedo = np.broadcast_to(srgb_to_linear(np.array(_DEFAULT_COLOUR)), position.shape)
    else:
        albedo = _interpolated(srgb_to_linear(np.asarray(mesh.colors))[corners], weight)
    to_eye = eye - position
    to_eye /= np.maximum(np.linalg.norm(to_eye, axis=-1, keepdims=True), 1e-12)
    linear[rows, columns] = shade(albedo, normal, to_eye, axes)
    alpha[rows, columns] = 1.0
    if ground_shadow:
        _lay_shadow(alpha, GroundShadow(vertices, faces), eye, axes, focal, principal)
    return linear, alpha


def _lay_shadow(
    alpha: Float[np.ndarray, "h w"],
    shadow: GroundShadow,
    eye: Float[np.ndarray, " 3"],
    axes: Float[np.ndarray, "3 3"],
    focal: tuple[float, float],
    principal: tuple[float, float],
) -> None:
    """Adds the shadow's opacity (its colour is black) to the samples that show no mesh."""
    if eye[1] <= shadow.height:
        return
    rows, columns = np.nonzero(alpha == 0)
    x = (columns + 0.5 - principal[0]) / focal[0]
    y = (rows + 0.5 - principal[1]) / focal[1]
    # The ray of a sample is x * right + y * down + forward.
    slope = x * axes[0, 1] + y * axes[1, 1] + axes[2, 1]
    below = slope < -1e-6
    rows, columns, x, y = rows[below], columns[below], x[below], y[below]
    reach = (shadow.height - eye[1]) / slope[below]
    ground_x = eye[0] + reach * (x * axes[0, 0] + y * axes[1, 0] + axes[2, 0])
    ground_z = eye[2] + reach * (x * axes[0, 2] + y * axes[1, 2] + axes[2, 2])
    alpha[rows, columns] = shadow.alpha(ground_x, ground_z)
