"""Z-buffered triangle rasterisation: which face each pixel sees, how far, and where on it.

A software rasteriser in the manner of Pineda (1988), "A Parallel Algorithm for Polygon
Rasterization": screen positions snapped to 1/256 pixel, exact integer edge functions and the
top-left rule, so meshes show neither cracks nor double hits; clipping at the near plane;
perspective-correct barycentrics. Deterministic for every thread count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d.errors import InputError
from gen3d.ops.backend import native, uses_native
from gen3d.ops.forward_ad import refuse_forward_ad
from gen3d.ops.reference import raster as reference
from gen3d.ops.registration import kernel_for

MAX_SIDE = 16384


@dataclass(frozen=True)
class RasterResult:
    """What each pixel centre sees.

    Attributes:
        face_id: Index of the nearest face, -1 where there is none.
        depth: Camera-space z of the hit, infinite where there is none.
        barycentric: Weights of the face's three vertices at the hit, zero where there is none.
    """

    face_id: Int[Tensor, "h w"]
    depth: Float[Tensor, "h w"]
    barycentric: Float[Tensor, "h w 3"]


def rasterize_mesh(
    vertices: Float[Tensor, "v 3"],
    faces: Int[Tensor, "f 3"],
    *,
    focal: tuple[float, float],
    principal: tuple[float, float],
    size: tuple[int, int],
    near: float = 1e-3,
) -> RasterResult:
    """Draws triangles seen by a pinhole camera; both sides of a face are drawn.

    Not differentiable: results carry no gradient. Faces with a coordinate that is not finite are
    not drawn. Equal depths go to the lower face id.

    Args:
        vertices: Positions in camera space, OpenCV axes (x right, y down, z forward).
        faces: Vertex indices.
        focal: Focal lengths (fx, fy), pixels.
        principal: Principal point (cx, cy), pixels; pixel centres are at half integers.
        size: Width and height of the image, pixels.
        near: Distance of the near clip plane, in units of ``vertices``.

    Returns:
        Face id, depth and barycentrics per pixel, on the device of ``vertices``.

    Raises:
        InputError: Shapes, indices or camera numbers are out of range.
    """
    _check(vertices, faces, focal, principal, size, near)
    if not (vertices.device.type == "cpu" and uses_native(vertices.device)):
        maps = reference.rasterize_mesh(
            *(vertices.detach().float(), faces.long()),
            focal=focal,
            principal=principal,
            size=size,
            near=near,
        )
        return RasterResult(*maps)
    refuse_forward_ad("rasterize_mesh", vertices)
    numbers = [float(x) for x in (*focal, *principal, near)]
    return RasterResult(
        *torch.ops.gen3d.rasterize_mesh(vertices.detach(), faces, numbers, size[0], size[1])
    )


def _check(
    vertices: Tensor,
    faces: Tensor,
    focal: tuple[float, float],
    principal: tuple[float, float],
    size: tuple[int, int],
    near: float,
) -> None:
    if vertices.ndim != 2 or vertices.shape[1] != 3 or not vertices.is_floating_point():
        raise InputError(f"vertices is {vertices.dtype} {tuple(vertices.shape)}, expected (v, 3)")
    if faces.ndim != 2 or faces.shape[1] != 3 or faces.is_floating_point():
        raise InputError(f"faces is {faces.dtype} {tuple(faces.shape)}, expected integers (f, 3)")
    if faces.numel() and not 0 <= int(faces.min()) <= int(faces.max()) < len(vertices):
        raise InputError(
            f"faces name vertices {int(faces.min())} to {int(faces.max())}, "
            f"expected 0 to {len(vertices) - 1}"
        )
    if not all(1 <= side <= MAX_SIDE for side in size):
        raise InputError(f"image size is {size}, expected 1 to {MAX_SIDE} pixels per side")
    if not all(math.isfinite(x) for x in (*focal, *principal)) or min(focal) <= 0:
        raise InputError(f"focal {focal} and principal {principal} must be finite, focal positive")
    if max(map(abs, principal)) > 4 * MAX_SIDE:
        raise InputError(f"principal point {principal} lies beyond {4 * MAX_SIDE} pixels")
    if not 0 < near < math.inf:
        raise InputError(f"near is {near}, expected a positive distance")


@kernel_for("gen3d::rasterize_mesh", "cpu")
def _rasterize_mesh(
    vertices: Tensor, faces: Tensor, camera: list[float], width: int, height: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Camera: fx, fy, cx, cy, near."""
    face_id = torch.empty(height, width, dtype=torch.int32)
    depth = torch.empty(height, width)
    barycentric = torch.empty(height, width, 3)
    native().rasterize_mesh(
        vertices.detach().to(torch.float32).contiguous(),
        faces.to(torch.int64).contiguous(),
        *camera,
        *(face_id, depth, barycentric, torch.get_num_threads()),
    )
    return face_id, depth, barycentric


@torch.library.register_fake("gen3d::rasterize_mesh")
def _(
    vertices: Tensor, faces: Tensor, camera: list[float], width: int, height: int
) -> tuple[Tensor, Tensor, Tensor]:
    face_id = vertices.new_empty((height, width), dtype=torch.int32)
    depth = vertices.new_empty((height, width), dtype=torch.float32)
    return face_id, depth, vertices.new_empty((height, width, 3), dtype=torch.float32)
