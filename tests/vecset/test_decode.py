import math

import pytest
import torch

from gen3d.errors import EmptySurfaceError, Gen3dError, InputError
from gen3d.ops.backend import native_available
from gen3d.ops.isosurface import marching_cubes
from gen3d.vecset.decode import PointField, closed_field, count_missed_cells, decode_field

needs_native = pytest.mark.skipif(not native_available(), reason="native module not built")


def sphere(points):
    return 0.8 - points.norm(dim=-1)


def torus(points):
    ring = points[:, :2].norm(dim=-1) - 0.6
    return 0.2 - torch.stack([ring, points[:, 2]], -1).norm(dim=-1)


def box(points, half, centre=(0.011, 0.027, -0.019)):
    away = (points - points.new_tensor(centre)).abs() - points.new_tensor(half)
    return -away.amax(-1).clamp(max=0) - away.clamp(min=0).norm(dim=-1)


def wire(points, radius):
    """A rod askew to all axes."""
    along = torch.nn.functional.normalize(points.new_tensor([1.0, 0.62, 0.35]), dim=0)
    away = points - points.new_tensor([0.013, -0.021, 0.009])
    t = (away @ along).clamp(-0.7, 0.7)
    return radius - (away - t[:, None] * along).norm(dim=-1)


def gyroid(points):
    x, y, z = (4 * points).unbind(-1)
    value = x.sin() * y.cos() + y.sin() * z.cos() + z.sin() * x.cos()
    # |grad| <= 4 sqrt(3); divided so that the field is 1-Lipschitz.
    return (0.3 - value.abs()) / (4 * math.sqrt(3))


def truncated(field, width=0.02):
    return lambda points: (field(points) / width).clamp(-1, 1)


def thin(coarse):
    """Plates and wires by name, for coarse cells of a size."""
    return {
        f"{kind} of {cells} coarse cells": (make, cells * coarse / 2)
        for cells in (0.5, 1.0, 1.5)
        for kind, make in {
            "plate": lambda p, half: box(p, (0.7, half, 0.7)),
            "wire": wire,
        }.items()
    }


def dense_and_sparse(function, resolution, **options):
    field = PointField(function, chunk=1 << 18)
    dense = decode_field(field, resolution, mode="dense")
    return dense, decode_field(field, resolution, **options)


def assert_equal(decoded, dense):
    """Equal cells with equal values, in lexicographic order."""
    assert count_missed_cells(decoded, dense) == 0
    assert torch.equal(decoded.cells, dense.cells)
    assert torch.equal(decoded.corner_values, dense.corner_values)
    x, y, z = decoded.cells.long().unbind(-1)
    keys = (x * decoded.resolution + y) * decoded.resolution + z
    assert bool((keys.diff() > 0).all())


def closes(faces):
    edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    _, counts = edges.sort(dim=1).values.unique(dim=0, return_counts=True)
    return bool((counts == 2).all())


@pytest.mark.parametrize("field", [sphere, torus, gyroid], ids=lambda f: f.__name__)
@pytest.mark.parametrize("resolution", [48, 55])
def test_sparse_gives_the_cells_and_values_of_the_dense_grid(field, resolution):
    dense, decoded = dense_and_sparse(field, resolution, start=12)
    assert_equal(decoded, dense)


@pytest.mark.parametrize("name", thin(2 / 16))
def test_thin_parts_are_found_whole(name):
    make, half = thin(2 / 16)[name]
    dense, decoded = dense_and_sparse(lambda p: make(p, half), 64, start=16)
    assert_equal(decoded, dense)


@pytest.mark.parametrize("name", ["plate of 0.5 coarse cells", "wire of 0.5 coarse cells"])
def test_thin_parts_of_truncated_distances_are_found_whole(name):
    """From 48 cells per axis on saturated cells count as empty, so this is at full size."""
    make, half = thin(2 / 64)[name]
    dense, decoded = dense_and_sparse(truncated(lambda p: make(p, half)), 128)
    assert_equal(decoded, dense)


def test_reference_and_native_bricks_decode_alike(monkeypatch):
    if not native_available():
        pytest.skip("native module not built")
    native = decode_field(PointField(truncated(torus)), 28, start=7)
    monkeypatch.setenv("GEN3D_BACKEND", "reference")
    reference = decode_field(PointField(truncated(torus)), 28, start=7)
    assert torch.equal(native.cells, reference.cells)
    assert torch.equal(native.corner_values, reference.corner_values)
    assert native.report == reference.report


def test_sphere_needs_a_fraction_of_the_dense_evaluations():
    report = decode_field(PointField(sphere), 128).report
    assert report.levels == (32, 64, 128)
    assert report.evaluations < 0.08 * 129**3
    assert report.low < 0 < report.high
    assert 1 <= report.slope < 1.5


def test_every_corner_is_asked_for_once():
    seen = []

    class Watched(PointField):
        def on_grid(self, grid):
            sample = super().on_grid(grid)

            def watch(index, groups=None, /):
                seen.append(index.clone())
                return sample(index, groups)

            return watch

    report = decode_field(Watched(sphere), 64, slope=1.1).report
    index = torch.cat(seen)
    assert len(index) == report.evaluations == len(index.unique(dim=0))


def test_groups_cover_the_queries_brick_by_brick():
    sizes = []

    class Watched(PointField):
        def on_grid(self, grid):
            sample = super().on_grid(grid)

            def watch(index, groups=None, /):
                if groups is not None:
                    counts = groups.offsets.diff()
                    assert int(groups.offsets[0]) == 0
                    assert int(groups.offsets[-1]) == len(index)
                    assert bool((counts > 0).all())
                    bricks = (index >> (3 + 2 - groups.level)).unique_consecutive(dim=0)
                    assert len(bricks) == len(counts)
                    sizes.append(len(counts))
                return sample(index, groups)

            return watch

    decode_field(Watched(sphere), 128, grouped=True, slope=1.1)
    assert len(sizes) >= 3


@pytest.mark.parametrize("resolution", [50, 64])
def test_sphere_decodes_to_its_true_radius(resolution):
    decoded = decode_field(PointField(sphere), resolution, start=16, bounds=(-1.01, 1.01))
    vertices, faces = marching_cubes(
        decoded.cells,
        decoded.corner_values,
        resolution=decoded.resolution,
        bounds=decoded.bounds,
    )
    cell = 2.02 / resolution
    assert (vertices.norm(dim=-1) - 0.8).abs().max() < cell / 10
    assert closes(faces)


def test_surface_following_finds_what_hangs_on_a_thick_part():
    """A wire too thin for every coarse corner, and a bound that proves too much."""

    def field(points):
        ball = 0.3 - (points + 0.4).norm(dim=-1)
        thin = torch.stack([points[:, 1] + 0.39, points[:, 2] + 0.41], -1).norm(dim=-1)
        beyond = (points[:, 0].abs() - 0.7).clamp(min=0)
        return 1000 * torch.maximum(ball, 0.02 - torch.hypot(thin, beyond))

    dense, decoded = dense_and_sparse(field, 128, start=16, slope=0.0)
    assert decoded.report.followed > 0
    assert_equal(decoded, dense)


def test_steep_logits_are_not_decoded_everywhere():
    """A classifier's slope bounds nothing: the band is capped, and the surface still found."""

    def field(points):
        return 12 * torch.tanh(25 * torus(points)) + 0.5 * torch.sin(9 * points).sum(-1)

    dense, decoded = dense_and_sparse(field, 128)
    assert_equal(decoded, dense)
    assert decoded.report.evaluations < 0.12 * 129**3


def test_walls_close_a_surface_that_leaves_the_cube():
    field = closed_field(lambda points: 1.3 - points.norm(dim=-1), (-1.0, 1.0))
    decoded = decode_field(PointField(field), 32, start=8)
    _, faces = marching_cubes(decoded.cells, decoded.corner_values, resolution=32)
    assert closes(faces)


@pytest.mark.parametrize("mode", ["sparse", "dense", "flashvdm"])
def test_field_without_surface_tells_its_range(mode):
    with pytest.raises(EmptySurfaceError, match=r"-1\.885\.\.-0\.2679"):
        decode_field(PointField(lambda p: -2 + p.norm(dim=-1)), 15, mode=mode, start=8)


@pytest.mark.parametrize("mode", ["sparse", "dense", "flashvdm"])
def test_field_that_is_not_a_number_is_an_error(mode):
    with pytest.raises(Gen3dError, match="not a number at 64 of 64 points"):
        decode_field(PointField(lambda p: p[:, 0] / 0 * 0), 3, mode=mode)


@pytest.mark.parametrize("resolution", [0, 2**20])
def test_resolution_out_of_range_is_refused(resolution):
    with pytest.raises(InputError, match="resolution"):
        decode_field(PointField(sphere), resolution)


def test_grids_of_different_size_are_not_compared():
    a, b = (decode_field(PointField(sphere), r) for r in (20, 21))
    with pytest.raises(InputError, match="cannot compare"):
        count_missed_cells(a, b)


def test_low_resolution_is_one_level():
    decoded = decode_field(PointField(sphere), 20)
    assert decoded.report.levels == (20,)
    assert decoded.report.evaluations == 21**3
