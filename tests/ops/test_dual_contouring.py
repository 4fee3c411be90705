import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.ops.dual_contouring import dual_contouring
from gen3d.ops.isosurface import CutEdges, marching_cubes_edges
from tests.ops.surfaces import (
    active_cells,
    assert_closed_two_manifold,
    assert_one_fan_around_each_vertex,
    bordered,
    distances,
    euler_characteristic,
    volume,
)

Surface = tuple[Tensor, Tensor]
Crossings = tuple[CutEdges, Tensor]


def contour(
    field: Tensor,
    normals_at: Callable[[Crossings], tuple[Tensor, Tensor]],
    *,
    bounds: tuple[float, float] = (-1.0, 1.0),
    keep: Tensor | None = None,
    reach: float = 0.5,
) -> tuple[Surface, Surface]:
    """The meshes of marching cubes and of dual contouring."""
    cells, values = active_cells(field)
    if keep is not None:
        cells, values = cells[keep], values[keep]
    size = len(field) - 1
    vertices, faces, edges = marching_cubes_edges(cells, values, resolution=size, bounds=bounds)
    points, normals = normals_at((edges, vertices))
    dual = dual_contouring(
        cells, values, edges, points, normals, resolution=size, bounds=bounds, reach=reach
    )
    return (vertices, faces), dual


def random_normals(crossings: Crossings) -> tuple[Tensor, Tensor]:
    points = crossings[1]
    generator = torch.Generator().manual_seed(7)
    return points, torch.nn.functional.normalize(
        torch.randn(points.shape, generator=generator), dim=-1
    )


def contour_function(
    function: Callable[[Tensor], Tensor],
    resolution: int,
    *,
    bounds: tuple[float, float] = (-1.0, 1.0),
    reach: float = 0.5,
) -> tuple[Surface, Surface]:
    """Dual contouring with crossings by bisection and exact gradients."""
    x = torch.linspace(*bounds, resolution + 1, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(x, x, x, indexing="ij"), -1)

    def exact(crossings: Crossings) -> tuple[Tensor, Tensor]:
        edges, _ = crossings
        axes = torch.nn.functional.one_hot(edges.axis, 3)
        low, high = x[edges.lower], x[edges.lower + axes]
        sign = edges.ends[:, :1] > 0
        for _ in range(24):
            middle = (low + high) / 2
            same = (function(middle)[:, None] > 0) == sign
            low, high = torch.where(same, middle, low), torch.where(same, high, middle)
        points = low.requires_grad_()
        (gradient,) = torch.autograd.grad(function(points).sum(), points)
        return points.detach(), -torch.nn.functional.normalize(gradient, dim=-1)

    values = function(grid.view(-1, 3)).view(grid.shape[:3])
    return contour(values, exact, bounds=bounds, reach=reach)


def rotation(seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    q, _ = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))
    return q * torch.linalg.det(q).sign()


def cube(half: float, turn: Tensor) -> Callable[[Tensor], Tensor]:
    def field(p: Tensor) -> Tensor:
        q = (p @ turn.to(p.dtype)).abs() - half
        return -q.clamp(min=0).norm(dim=-1) - q.max(-1).values.clamp(max=0)

    return field


def cube_edges(half: float, turn: Tensor) -> Tensor:
    """Points on the twelve edges, corners included."""
    along = torch.linspace(-half, half, 21, dtype=torch.float64)
    points = []
    for axis in range(3):
        for u in (-half, half):
            for v in (-half, half):
                p = torch.empty(len(along), 3, dtype=torch.float64)
                p[:, axis], p[:, axis - 1], p[:, axis - 2] = along, u, v
                points.append(p)
    return torch.cat(points) @ turn.T


@pytest.mark.parametrize("half", [0.5, 0.553, 0.61])
def test_axis_aligned_cube_keeps_its_edges_and_corners(half: float) -> None:
    turn = torch.eye(3, dtype=torch.float64)
    marched, dual = contour_function(cube(half, turn), 24)
    cell, edges = 2 / 24, cube_edges(half, turn)
    assert distances(edges, *marched).max() > 0.3 * cell
    # The crossings of marching cubes, and so its vertices, keep 1/4096 of a cell from the corners.
    assert distances(edges, *dual).max() < 1e-3 * cell
    assert cube(half, turn)(dual[0]).abs().max() < 1e-3 * cell
    assert_closed_two_manifold(*dual)


@pytest.mark.parametrize("seed", range(4))
def test_rotated_cube_keeps_its_edges_where_marching_cubes_bevels(seed: int) -> None:
    turn, half = rotation(seed), 0.553
    marched, dual = contour_function(cube(half, turn), 24)
    cell, edges = 2 / 24, cube_edges(half, turn)
    bevel, error = distances(edges, *marched), distances(edges, *dual)
    # Corners may fall between samples, and nothing brings those back: hence not the maximum alone.
    assert bevel.mean() > 0.25 * cell
    assert error.mean() < 0.02 * cell
    assert error.quantile(0.95) < 0.05 * cell
    assert error.max() < bevel.max()


def test_vertices_kept_in_their_cells_stay_there() -> None:
    turn = rotation(1)
    _, (vertices, _) = contour_function(cube(0.553, turn), 12, reach=0.0)
    x = torch.linspace(-1, 1, 13, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(x, x, x, indexing="ij"), -1)
    cells, values = active_cells(cube(0.553, turn)(grid.view(-1, 3)).view(13, 13, 13))
    inside = values > 0
    crossed = cells[inside.any(1) & ~inside.all(1)]
    homes = ((vertices.double() + 1) * 6).floor().long()
    assert torch.equal(homes.unique(dim=0), crossed)


def test_sphere_error_is_of_second_order() -> None:
    def ball(p: Tensor) -> Tensor:
        return 0.7 - p.norm(dim=-1)

    errors = []
    for resolution in (16, 32):
        _, (vertices, faces) = contour_function(ball, resolution)
        errors.append(float((vertices.norm(dim=-1) - 0.7).abs().max()))
        assert euler_characteristic(vertices, faces) == 2
    assert errors[1] < 0.4 * errors[0] < 0.4 * 0.02
    assert volume(vertices, faces) == pytest.approx(4 / 3 * math.pi * 0.7**3, rel=1e-2)


def test_torus_has_one_handle_and_a_thin_plate_none() -> None:
    def torus(p: Tensor) -> Tensor:
        ring = p[:, :2].norm(dim=-1) - 0.6
        return 0.2 - (ring.square() + p[:, 2].square()).sqrt()

    def plate(p: Tensor) -> Tensor:
        q = (p - p.new_tensor([0.0, 0.0, 0.03])).abs() - p.new_tensor([0.7, 0.6, 0.05])
        return -q.clamp(min=0).norm(dim=-1) - q.max(-1).values.clamp(max=0)

    for field, euler in ((torus, 0), (plate, 2)):
        _, dual = contour_function(field, 24)
        assert_closed_two_manifold(*dual)
        assert euler_characteristic(*dual) == euler
    assert volume(*dual) == pytest.approx(1.4 * 1.2 * 0.1, rel=1e-3)


def test_pairs_of_signs_around_a_face_give_a_manifold() -> None:
    # Two cells that share a face have 12 corners; a sample of their 4096 sign patterns, laid out
    # side by side in one field.
    patterns = torch.arange(0, 4096, 7)
    side = math.ceil(len(patterns) ** (1 / 3))
    signs = torch.where((patterns[:, None] >> torch.arange(12)) % 2 == 1, 1.0, -1.0)
    field = torch.full((5 * side + 1,) * 3, -1.0)
    for block, at in zip(signs, torch.cartesian_prod(*[torch.arange(side)] * 3), strict=False):
        x, y, z = (5 * at + 1).tolist()
        field[x : x + 3, y : y + 2, z : z + 2] = block.view(3, 2, 2)
    marched, dual = contour(field, random_normals)
    assert_closed_two_manifold(*dual)
    assert_one_fan_around_each_vertex(dual[1])
    assert euler_characteristic(*dual) > euler_characteristic(*marched), "holes were closed"


@pytest.mark.parametrize("seed", range(6))
def test_noise_gives_a_manifold_without_double_faces_or_vertices(seed: int) -> None:
    field = torch.randn(9, 9, 9, generator=torch.Generator().manual_seed(seed))
    _, (vertices, faces) = contour(bordered(field), random_normals)
    assert vertices.isfinite().all()
    assert_closed_two_manifold(vertices, faces)
    assert_one_fan_around_each_vertex(faces)
    assert len(vertices.unique(dim=0)) == len(vertices)
    assert len(faces.sort(1).values.unique(dim=0)) == len(faces)


def test_gyroid_is_closed_and_has_the_topology_of_marching_cubes() -> None:
    def gyroid(p: Tensor) -> Tensor:
        s = 2 * math.pi * p
        waves = (s.sin() * s[:, [1, 2, 0]].cos()).sum(-1)
        return torch.minimum((0.5 - waves.abs()) / 11, 0.9 - p.norm(dim=-1))

    marched, dual = contour_function(gyroid, 32)
    assert_closed_two_manifold(*dual)
    assert euler_characteristic(*dual) == euler_characteristic(*marched) < -10


def test_same_input_gives_the_same_bits_for_any_thread_count() -> None:
    turn = rotation(0)
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(contour_function(cube(0.5, turn), 32)[1])
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_bounds_scale_and_shift_the_mesh() -> None:
    turn = rotation(2)

    def moved(p: Tensor) -> Tensor:
        return cube(0.5, turn)((p - 5) / 3)

    _, (vertices, faces) = contour_function(cube(0.5, turn), 16)
    _, (scaled, same) = contour_function(moved, 16, bounds=(2.0, 8.0))
    assert len(faces) == len(same)
    torch.testing.assert_close((scaled - 5) / 3, vertices, atol=1e-5, rtol=0)


def test_no_crossing_gives_an_empty_mesh() -> None:
    for field in (-torch.ones(4, 4, 4), torch.ones(4, 4, 4)):
        _, (vertices, faces) = contour(field, random_normals)
        assert vertices.shape == (0, 3) and faces.shape == (0, 3)
        assert vertices.dtype == torch.float32 and faces.dtype == torch.int64
    none = torch.zeros(64, dtype=torch.bool)[:27]
    _, (vertices, faces) = contour(torch.ones(4, 4, 4), random_normals, keep=none)
    assert len(vertices) == len(faces) == 0


def test_missing_cells_leave_the_mesh_open_without_stray_vertices() -> None:
    field = bordered(torch.randn(6, 6, 6, generator=torch.Generator().manual_seed(1)))
    keep = torch.rand(343, generator=torch.Generator().manual_seed(2)) < 0.7
    _, (vertices, faces) = contour(field, random_normals, keep=keep)
    assert len(faces) > 0
    assert torch.equal(faces.unique(), torch.arange(len(vertices)))


@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_crossings_without_normals_draw_vertices_to_their_mean(value: float) -> None:
    field = bordered(torch.randn(6, 6, 6, generator=torch.Generator().manual_seed(1)))
    _, dual = contour(field, lambda c: (c[1], torch.full_like(c[1], value)))
    assert dual[0].isfinite().all()
    assert_closed_two_manifold(*dual)


def test_wrong_input_is_named() -> None:
    field = bordered(torch.ones(2, 2, 2))
    with pytest.raises(InputError, match="normals is"):
        contour(field, lambda c: (c[1], c[1][1:]))
    with pytest.raises(InputError, match="points is"):
        contour(field, lambda c: (c[1].long(), c[1]))
    with pytest.raises(InputError, match="reach"):
        contour(field, random_normals, reach=-0.1)
