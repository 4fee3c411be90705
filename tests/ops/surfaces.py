"""Fields to mesh, and what a closed surface must satisfy."""

import torch
from torch import Tensor

from gen3d.ops.isosurface import CORNER_OFFSETS


def bordered(field: Tensor) -> Tensor:
    """Negative on the border, so that the surface must close."""
    return torch.nn.functional.pad(field, (1,) * 6, value=-1.0)


def directed_edges(faces: Tensor) -> Tensor:
    return torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])


def assert_closed_two_manifold(vertices: Tensor, faces: Tensor) -> None:
    edges = directed_edges(faces)
    key = edges[:, 0] * len(vertices) + edges[:, 1]
    back = edges[:, 1] * len(vertices) + edges[:, 0]
    assert key.unique().numel() == key.numel(), "an edge is used twice in one direction"
    assert torch.equal(key.sort().values, back.sort().values), "an edge lacks its opposite"
    assert faces.unique().numel() == len(vertices), "a vertex belongs to no face"


def volume(vertices: Tensor, faces: Tensor) -> float:
    a, b, c = vertices.double()[faces].unbind(1)
    return float((a * torch.linalg.cross(b, c)).sum() / 6)


def sphere(resolution: int, radius: float) -> Tensor:
    x = torch.linspace(-1, 1, resolution + 1)
    return radius - (x[:, None, None] ** 2 + x[None, :, None] ** 2 + x**2).sqrt()


def active_cells(field: Tensor) -> tuple[Tensor, Tensor]:
    n = field.shape[0] - 1
    cells = torch.cartesian_prod(*[torch.arange(n)] * 3)
    index = cells[:, None] + torch.tensor(CORNER_OFFSETS)
    return cells, field[index[..., 0], index[..., 1], index[..., 2]]


def assert_one_fan_around_each_vertex(faces: Tensor) -> None:
    following: dict[int, dict[int, int]] = {}
    for a, b, c in faces.tolist():
        for at, first, second in ((a, b, c), (b, c, a), (c, a, b)):
            following.setdefault(at, {})[first] = second
    for vertex, ring in following.items():
        start = at = next(iter(ring))
        for _ in range(len(ring)):
            at = ring[at]
        assert at == start, f"the rim of vertex {vertex} is open"
        at, steps = ring[start], 1
        while at != start:
            at, steps = ring[at], steps + 1
        assert steps == len(ring), f"two fans meet in vertex {vertex}"


def euler_characteristic(vertices: Tensor, faces: Tensor) -> int:
    """Of a closed surface, where every face has three half edges."""
    return len(vertices) - len(faces) // 2


def distances(points: Tensor, vertices: Tensor, faces: Tensor) -> Tensor:
    """Distance of each point to the nearest triangle."""
    a, b, c = vertices.double()[faces].unbind(1)
    normal = torch.linalg.cross(b - a, c - a)
    p = points.double()[:, None]
    within = torch.ones(len(points), len(faces), dtype=torch.bool)
    nearest = torch.full((len(points), len(faces)), torch.inf, dtype=torch.float64)
    for start, end in ((a, b), (b, c), (c, a)):
        side = end - start
        t = (((p - start) * side).sum(-1) / side.square().sum(-1)).clamp(0, 1)
        nearest = torch.minimum(nearest, (p - start - t[..., None] * side).norm(dim=-1))
        within &= (torch.linalg.cross(normal, side) * (p - start)).sum(-1) >= 0
    height = ((p - a) * normal).sum(-1).abs() / normal.norm(dim=-1)
    return torch.where(within, height, nearest).amin(1)
