"""Triangle rasterisation in plain torch: the oracle of the native kernel, on any device.

Every face is expanded into the pixels of its bounding box; a scatter-minimum over
(depth, face id) then keeps the nearest. The arithmetic is that of cuda_ext/raster/math.h: screen
positions snapped to 1/256 pixel, exact integer edge functions, top-left rule, near clipping.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

_SUBPIXEL = 256
_GUARD = float(1 << 20)
# Candidate pixels treated at a time: bounds the memory to some hundreds of megabytes.
_CHUNK = 1 << 21
_NO_FACE = (1 << 63) - 1


def rasterize_mesh(
    vertices: Float[Tensor, "v 3"],
    faces: Int[Tensor, "f 3"],
    *,
    focal: tuple[float, float],
    principal: tuple[float, float],
    size: tuple[int, int],
    near: float,
) -> tuple[Int[Tensor, "h w"], Float[Tensor, "h w"], Float[Tensor, "h w 3"]]:
    """Face id, depth and barycentrics per pixel; see :func:`gen3d.ops.raster.rasterize_mesh`."""
    width, height = size
    device = vertices.device
    corners, weights, ids = _clip(vertices.double(), faces, focal, principal, near)
    x, y, inverse_z, weights, ids, area = _project(corners, weights, ids, focal, principal)

    def pixels_between(snapped: Tensor, limit: int) -> tuple[Tensor, Tensor]:
        low, high = snapped.amin(1) - _SUBPIXEL // 2, snapped.amax(1) - _SUBPIXEL // 2
        first = torch.div(low + _SUBPIXEL - 1, _SUBPIXEL, rounding_mode="floor").clamp(min=0)
        last = torch.div(high, _SUBPIXEL, rounding_mode="floor").clamp(max=limit - 1)
        return first, (last - first + 1).clamp(min=0)

    x0, columns = pixels_between(x, width)
    y0, rows = pixels_between(y, height)
    candidates = columns * rows
    ends = candidates.cumsum(0)

    best = torch.full((height * width,), _NO_FACE, device=device)
    hits: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
    total = int(ends[-1]) if len(ends) else 0
    for begin in range(0, total, _CHUNK):
        place = torch.arange(begin, min(begin + _CHUNK, total), device=device)
        tri = torch.searchsorted(ends, place, right=True)
        local = place - (ends[tri] - candidates[tri])
        px = x0[tri] + local % columns[tri]
        py = y0[tri] + torch.div(local, columns[tri], rounding_mode="floor")
        edges, covered = _edge_functions(x[tri], y[tri], px, py)
        tri, px, py, edges = tri[covered], px[covered], py[covered], edges[covered]
        w = edges.double() / area[tri, None].double() * inverse_z[tri]
        z = 1.0 / ((w[:, 0] + w[:, 1]) + w[:, 2])
        depth = z.float()
        # Bits of a positive float sort like the float; the face id breaks ties.
        key = depth.view(torch.int32).long() << 32 | ids[tri]
        pixel = py * width + px
        best.scatter_reduce_(0, pixel, key, "amin")
        mix = weights[tri]
        barycentric = (w[:, 0:1] * mix[:, 0] + w[:, 1:2] * mix[:, 1]) + w[:, 2:3] * mix[:, 2]
        hits.append((pixel, key, depth, (barycentric * z[:, None]).float()))

    face_id = torch.full((height * width,), -1, dtype=torch.int32, device=device)
    depth_map = torch.full((height * width,), float("inf"), device=device)
    barycentric_map = torch.zeros(height * width, 3, device=device)
    for pixel, key, depth, barycentric in hits:
        won = best[pixel] == key
        face_id[pixel[won]] = (key[won] & 0xFFFFFFFF).int()
        depth_map[pixel[won]] = depth[won]
        barycentric_map[pixel[won]] = barycentric[won]
    shape = (height, width)
    return face_id.view(shape), depth_map.view(shape), barycentric_map.view(*shape, 3)


def _edge_functions(x: Tensor, y: Tensor, px: Tensor, py: Tensor) -> tuple[Tensor, Tensor]:
    """Edge functions opposite each corner, and whether the pixel centre is covered."""
    sx, sy = px * _SUBPIXEL + _SUBPIXEL // 2, py * _SUBPIXEL + _SUBPIXEL // 2
    ax, ay, bx, by = x[:, [1, 2, 0]], y[:, [1, 2, 0]], x[:, [2, 0, 1]], y[:, [2, 0, 1]]
    dx, dy = bx - ax, by - ay
    edges = dx * (sy[:, None] - ay) - dy * (sx[:, None] - ax)
    top_left = (dy < 0) | ((dy == 0) & (dx > 0))
    return edges, ((edges > 0) | ((edges == 0) & top_left)).all(1)


def _project(
    corners: Tensor,
    weights: Tensor,
    ids: Tensor,
    focal: tuple[float, float],
    principal: tuple[float, float],
) -> tuple[Tensor, ...]:
    """Snapped screen coordinates with positive area; triangles without area are dropped."""
    z = corners[..., 2]
    x, y = (
        torch.floor((focal[a] * corners[..., a] / z + principal[a]) * _SUBPIXEL + 0.5).long()
        for a in range(2)
    )
    area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (y[:, 1] - y[:, 0]) * (x[:, 2] - x[:, 0])
    order = torch.tensor([[0, 1, 2], [0, 2, 1]], device=x.device)[(area < 0).long()]
    x, y, inverse_z = x.gather(1, order), y.gather(1, order), (1.0 / z).gather(1, order)
    weights = weights.gather(1, order[..., None].expand(-1, -1, 3))
    kept = area != 0
    return x[kept], y[kept], inverse_z[kept], weights[kept], ids[kept], area.abs()[kept]


def _planes(
    focal: tuple[float, float], principal: tuple[float, float], near: float, device: torch.device
) -> Tensor:
    """The clip planes (near, left, right, top, bottom): positive inside at (x, y, z, 1)."""
    (fx, fy), (cx, cy) = focal, principal
    planes = [
        [0.0, 0.0, 1.0, -near],
        [fx, 0.0, cx + _GUARD, 0.0],
        [-fx, 0.0, _GUARD - cx, 0.0],
        [0.0, fy, cy + _GUARD, 0.0],
        [0.0, -fy, _GUARD - cy, 0.0],
    ]
    return torch.tensor(planes, dtype=torch.float64, device=device)


def _clip(
    vertices: Tensor,
    faces: Tensor,
    focal: tuple[float, float],
    principal: tuple[float, float],
    near: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Corners (t, 3, 3), their barycentrics in the original face (t, 3, 3), and face ids."""
    device = vertices.device
    planes = _planes(focal, principal, near, device)
    corners = vertices[faces]
    ids = torch.arange(len(faces), device=device)
    finite = corners.isfinite().flatten(1).all(1)
    corners, ids = corners[finite], ids[finite]
    distance = corners @ planes[:, :3].T + planes[:, 3]
    cut = (distance < 0).any(1).any(1)
    identity = torch.eye(3, dtype=torch.float64, device=device)

    parts = [(corners[~cut], identity.expand(int((~cut).sum()), 3, 3), ids[~cut])]
    some_left = (distance >= 0).any(1).all(1)
    for corner, face in zip(corners[cut & some_left], ids[cut & some_left], strict=True):
        polygon = torch.cat([corner, identity], dim=1)
        for plane in planes:
            polygon = _cut(polygon, plane)
        for i in range(1, len(polygon) - 1):
            fan = polygon[[0, i, i + 1]]
            parts.append((fan[None, :, :3], fan[None, :, 3:], face[None]))
    all_corners, all_weights, all_ids = zip(*parts, strict=True)
    return torch.cat(all_corners), torch.cat(all_weights), torch.cat(all_ids)


def _cut(polygon: Float[Tensor, "n 6"], plane: Float[Tensor, " 4"]) -> Float[Tensor, "m 6"]:
    """Sutherland-Hodgman against one plane, cutting from the inside corner to the outside one."""
    out = []
    distance = polygon[:, :3] @ plane[:3] + plane[3]
    for i in range(len(polygon)):
        j = (i + 1) % len(polygon)
        if distance[i] >= 0:
            out.append(polygon[i])
        if (distance[i] >= 0) != (distance[j] >= 0):
            inner, outer = (i, j) if distance[i] >= 0 else (j, i)
            t = distance[inner] / (distance[inner] - distance[outer])
            out.append(polygon[inner] + t * (polygon[outer] - polygon[inner]))
    return torch.stack(out) if out else polygon[:0]
