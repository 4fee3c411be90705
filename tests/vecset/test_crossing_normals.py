import pytest
import torch

import gen3d
from gen3d.errors import InputError
from gen3d.ops.isosurface import CutEdges, marching_cubes_edges
from gen3d.vecset.crossing_normals import crossing_normals
from gen3d.vecset.decode import closed_field, decode_field
from gen3d.vecset.edge_roots import refine_vertices
from gen3d.vecset.extract import shape_field
from gen3d.vecset.grid_field import Field, Grid, PointField


def crossings(
    field: Field, resolution: int, half_side: float
) -> tuple[CutEdges, torch.Tensor, Grid]:
    bounds = (-half_side, half_side)
    decoded = decode_field(field, resolution, bounds=bounds)
    _, _, edges = marching_cubes_edges(
        decoded.cells, decoded.corner_values, resolution=resolution, bounds=bounds
    )
    grid = Grid(-half_side, 2 * half_side / resolution, resolution + 1)
    return edges, refine_vertices(edges, field, grid), grid


def test_normals_of_a_ball_point_away_from_its_centre():
    field = PointField(lambda p: 3 * (0.7 - p.norm(dim=-1)), chunk=1000)
    with torch.no_grad():
        edges, points, grid = crossings(field, 24, 1.0)
        normals = crossing_normals(edges, points, field, grid, chunk=700)
    assert not normals.requires_grad
    torch.testing.assert_close(normals, torch.nn.functional.normalize(points), atol=1e-5, rtol=0)


def test_shape_cut_by_the_walls_of_its_cube_has_their_normals():
    field = PointField(closed_field(lambda p: 0.3 - p[:, 1:].norm(dim=-1), (-1.0, 1.0)))
    edges, points, grid = crossings(field, 16, 1.0)
    normals = crossing_normals(edges, points, field, grid)
    at_wall = points[:, 0].abs() > 0.99
    assert at_wall.any() and not at_wall.all()
    want = torch.nn.functional.one_hot(torch.zeros(len(points)).long(), 3) * points.sign()[:, :1]
    cut = at_wall & (edges.axis == 0)
    assert torch.equal(normals[cut], want[cut])
    assert normals[~cut, 0].abs().max() < 1e-5


def test_field_without_a_gradient_is_refused():
    field = PointField(lambda p: torch.from_numpy(0.7 - (p.detach().numpy() ** 2).sum(-1) ** 0.5))
    edges, points, grid = crossings(field, 16, 1.0)
    with pytest.raises(InputError, match="cannot be differentiated"):
        crossing_normals(edges, points, field, grid)


def test_points_without_a_direction_get_zero():
    edges = CutEdges(torch.full((2, 3), 4), torch.zeros(2).long(), torch.tensor([[1.0, -1.0]] * 2))
    points = torch.tensor([[0.1, 0.0, 0.0], [0.5, 0.0, 0.0]])
    grid = Grid(-1.0, 0.25, 9)
    normals = crossing_normals(edges, points, lambda p: (p[:, 0] - 0.1).clamp(min=0).sqrt(), grid)
    assert torch.equal(normals, torch.tensor([[0.0, 0, 0], [-1.0, 0, 0]]))


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_normals_of_the_embedded_model_are_those_of_central_differences(backend, monkeypatch):
    if backend == "reference":
        monkeypatch.setenv("GEN3D_BACKEND", backend)
    model = gen3d.load("mini", device="cpu")
    with torch.no_grad():
        latents = model.sample_latents(["a mug"], [1], steps=4, guidance=3.0)
        shape = model.vae.decode(latents / model.vae.config.scale_factor)
        field = shape_field(model.vae, shape)
        edges, points, grid = crossings(field, 24, model.vae.config.bounds)
        edges = CutEdges(edges.lower[:200], edges.axis[:200], edges.ends[:200])
        points, step = points[:200], 2e-3
        normals = crossing_normals(edges, points, field, grid, chunk=64)
        slopes = [
            field(points + step * axis) - field(points - step * axis) for axis in torch.eye(3)
        ]
        differences = -torch.nn.functional.normalize(torch.stack(slopes, -1))
    assert (normals * differences).sum(-1).median() > 0.999
