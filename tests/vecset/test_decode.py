import math

import pytest
import torch

from gen3d.errors import EmptySurfaceError, Gen3dError, InputError
from gen3d.ops.isosurface import marching_cubes
from gen3d.vecset.decode import (
    closed_field,
    count_missed_cells,
    decode_dense,
    decode_hierarchical,
)


def sphere(points):
    return 0.8 - points.norm(dim=-1)


def torus(points):
    ring = points[:, :2].norm(dim=-1) - 0.6
    return 0.2 - torch.stack([ring, points[:, 2]], -1).norm(dim=-1)


def plate_and_ball(points):
    """A plate of less than half a coarse cell that misses all coarse corners, and a free ball."""
    outside = (points - torch.tensor([0.0, 0.031, 0.0])).abs() - torch.tensor([0.7, 0.01, 0.7])
    plate = -outside.amax(-1).clamp(max=0) - outside.clamp(min=0).norm(dim=-1)
    ball = 0.08 - (points - torch.tensor([0.1, 0.6, 0.2])).norm(dim=-1)
    return torch.maximum(plate, ball)


def gyroid(points):
    x, y, z = (4 * points).unbind(-1)
    value = x.sin() * y.cos() + y.sin() * z.cos() + z.sin() * x.cos()
    # |grad| <= 4 sqrt(3); divided so that the field is 1-Lipschitz.
    return (0.3 - value.abs()) / (4 * math.sqrt(3))


FIELDS = [sphere, torus, plate_and_ball, gyroid]


@pytest.mark.parametrize("field", FIELDS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("resolution", [64, 75])
def test_hierarchical_finds_the_cells_and_values_of_the_dense_grid(field, resolution):
    dense = decode_dense(field, resolution)
    decoded = decode_hierarchical(field, resolution, start=16)
    assert count_missed_cells(decoded, dense) == 0
    x, y, z = decoded.cells.unbind(-1)
    for i, (dx, dy, dz) in enumerate([(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0)]):
        column = 4 * dx + 2 * dy + dz
        assert torch.equal(decoded.corner_values[:, column], dense[x + dx, y + dy, z + dz]), i
    keys = (x * resolution + y) * resolution + z
    assert bool((keys.diff() > 0).all())


def test_sphere_needs_a_fraction_of_the_dense_evaluations():
    report = decode_hierarchical(sphere, 128).report
    assert report.levels == (32, 64, 128)
    assert report.evaluations < 0.15 * 129**3
    assert report.low < 0 < report.high


@pytest.mark.parametrize("resolution", [50, 64])
def test_sphere_decodes_to_its_true_radius(resolution):
    decoded = decode_hierarchical(sphere, resolution, start=16, bounds=(-1.01, 1.01))
    vertices, faces = marching_cubes(
        decoded.cells,
        decoded.corner_values,
        resolution=decoded.resolution,
        bounds=decoded.bounds,
    )
    cell = 2.02 / resolution
    assert (vertices.norm(dim=-1) - 0.8).abs().max() < cell / 10
    edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    _, counts = edges.sort(dim=1).values.unique(dim=0, return_counts=True)
    assert bool((counts == 2).all())


def test_surface_following_finds_what_hangs_on_a_thick_part():
    """A wire too thin for every coarse corner, and a field too steep for the band."""

    def field(points):
        ball = 0.3 - (points + 0.4).norm(dim=-1)
        wire = torch.stack([points[:, 1] + 0.39, points[:, 2] + 0.41], -1).norm(dim=-1)
        beyond = (points[:, 0].abs() - 0.7).clamp(min=0)
        return 1000 * torch.maximum(ball, 0.02 - torch.hypot(wire, beyond))

    decoded = decode_hierarchical(field, 128, start=16, slope=0.0)
    assert decoded.report.followed > 0
    assert count_missed_cells(decoded, decode_dense(field, 128)) == 0


def test_walls_close_a_surface_that_leaves_the_cube():
    field = closed_field(lambda points: 1.3 - points.norm(dim=-1), (-1.0, 1.0))
    decoded = decode_hierarchical(field, 32, start=8)
    _, faces = marching_cubes(decoded.cells, decoded.corner_values, resolution=32)
    edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    _, counts = edges.sort(dim=1).values.unique(dim=0, return_counts=True)
    assert bool((counts == 2).all())


def test_field_without_surface_tells_its_range():
    with pytest.raises(EmptySurfaceError, match=r"-2\.\.-0\.2679"):
        decode_hierarchical(lambda p: -2 + p.norm(dim=-1), 16, start=8)


def test_field_that_is_not_a_number_is_an_error():
    with pytest.raises(Gen3dError, match="not a number"):
        decode_dense(lambda p: p[:, 0] / 0 * 0, 4)


@pytest.mark.parametrize("resolution", [0, 2**20])
def test_resolution_out_of_range_is_refused(resolution):
    with pytest.raises(InputError, match="resolution"):
        decode_hierarchical(sphere, resolution)


def test_low_resolution_is_one_level():
    decoded = decode_hierarchical(sphere, 20)
    assert decoded.report.levels == (20,)
    assert decoded.report.evaluations == 21**3
