"""Pictures of meshes on the CPU: rasterise, light, average the samples."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, UInt8

from gen3d.errors import InputError
from gen3d.geometry.color import linear_to_srgb, srgb_to_linear
from gen3d.geometry.creases import corner_tangents
from gen3d.geometry.materials import Material
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normal_map import bent_normals
from gen3d.geometry.texture import texture_colours
from gen3d.geometry.transforms import Camera
from gen3d.ops.raster import MAX_SIDE, rasterize_mesh
from gen3d.splatting.contact_sheet import contact_sheet
from gen3d.splatting.shading import GroundShadow, corner_normals, shade

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
    """Draws a mesh with its texture or vertex colours, soft light and anti-aliasing.

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
    fine = camera.resized(width * supersample, height * supersample)
    linear, alpha = _draw(mesh, fine, ground_shadow)
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


def _to_bytes(image: np.ndarray) -> np.ndarray:
    return (np.clip(image, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def _draw(
    mesh: Mesh, camera: Camera, ground_shadow: bool
) -> tuple[Float[np.ndarray, "h w 3"], Float[np.ndarray, "h w"]]:
    """Linear colour (not premultiplied) and opacity of every sample."""
    size = (camera.height, camera.width)
    linear, alpha = np.zeros((*size, 3)), np.zeros(size)
    if len(mesh.faces) == 0:
        return linear, alpha
    axes, offset = camera.world_to_camera[:3, :3], camera.world_to_camera[:3, 3]
    vertices = mesh.vertices.astype(np.float64)
    hits = rasterize_mesh(
        torch.from_numpy((vertices @ axes.T + offset).astype(np.float32)),
        torch.from_numpy(mesh.faces),
        focal=(camera.fx, camera.fy),
        principal=(camera.cx, camera.cy),
        size=(camera.width, camera.height),
    )
    face_id = hits.face_id.numpy()
    rows, columns = np.nonzero(face_id >= 0)
    face, weight = face_id[rows, columns], hits.barycentric.numpy()[rows, columns]
    corners = mesh.faces[face]

    def blend(corner_values: np.ndarray) -> np.ndarray:
        return np.einsum("nkc,nk->nc", corner_values, weight)

    position = blend(vertices[corners])
    material = mesh.material or Material()
    uvs = None if mesh.corner_uvs is None else blend(mesh.corner_uvs[face])
    if material.base_color is not None and uvs is not None:
        albedo = srgb_to_linear(texture_colours(material.base_color, uvs))
    elif mesh.colors is None:
        albedo = np.broadcast_to(srgb_to_linear(_DEFAULT_COLOUR), position.shape)
    else:
        albedo = blend(srgb_to_linear(mesh.colors)[corners])
    to_eye = camera.position - position
    to_eye /= np.maximum(np.linalg.norm(to_eye, axis=-1, keepdims=True), 1e-12)
    smooth = corner_normals(mesh)
    normal = blend(smooth[face])
    if material.normal_map is not None and uvs is not None:
        frames = corner_tangents(mesh, smooth)[face]
        relief = texture_colours(material.normal_map, uvs) * 2 - 1
        normal = bent_normals(relief, normal, blend(frames[..., :3]), frames[:, 0, 3])
    linear[rows, columns] = shade(albedo, normal, to_eye, axes)
    alpha[rows, columns] = 1.0
    if ground_shadow:
        _lay_shadow(alpha, GroundShadow(mesh), camera)
    return linear, alpha


def _lay_shadow(alpha: Float[np.ndarray, "h w"], shadow: GroundShadow, camera: Camera) -> None:
    """Adds the shadow's opacity (its colour is black) to the samples that show no mesh."""
    eye, axes = camera.position, camera.world_to_camera[:3, :3]
    if eye[1] <= shadow.height:
        return
    rows, columns = np.nonzero(alpha == 0)
    x = (columns + 0.5 - camera.cx) / camera.fx
    y = (rows + 0.5 - camera.cy) / camera.fy
    # The ray of a sample is x * right + y * down + forward.
    slope = x * axes[0, 1] + y * axes[1, 1] + axes[2, 1]
    below = slope < -1e-6
    rows, columns, x, y = rows[below], columns[below], x[below], y[below]
    reach = (shadow.height - eye[1]) / slope[below]
    ground_x = eye[0] + reach * (x * axes[0, 0] + y * axes[1, 0] + axes[2, 0])
    ground_z = eye[2] + reach * (x * axes[0, 2] + y * axes[1, 2] + axes[2, 2])
    alpha[rows, columns] = shadow.alpha(ground_x, ground_z)
