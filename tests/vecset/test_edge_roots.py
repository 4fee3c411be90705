import math

import pytest
import torch

from gen3d.ops.backend import native_available
from gen3d.ops.isosurface import CutEdges, marching_cubes_edges
from gen3d.vecset.decode import decode_field
from gen3d.vecset.edge_roots import refine_vertices
from gen3d.vecset.grid_field import Grid, PointField

needs_native = pytest.mark.skipif(not native_available(), reason="native module not built")
RADIUS = 0.7


def saturating(points: torch.Tensor) -> torch.Tensor:
    """Bends within a cell, as logits of an occupancy do."""
    offset = math.atanh(3 / 8) / 30
    return 8 * torch.tanh(30 * (RADIUS + offset - points.norm(dim=-1))) - 3


@pytest.mark.parametrize("backend", [pytest.param("native", marks=needs_native), "reference"])
def test_vertices_come_to_lie_on_a_sphere_and_stay_on_their_edges(backend, monkeypatch):
    monkeypatch.setenv("GEN3D_BACKEND", backend)
    field, resolution = PointField(saturating), 32
    decoded = decode_field(field, resolution, mode="dense")
    linear, _, edges = marching_cubes_edges(
        decoded.cells, decoded.corner_values, resolution=resolution
    )
    grid = Grid(-1.0, 2 / resolution, resolution + 1)
    torch.testing.assert_close(
        refine_vertices(edges, field, grid, evaluations=0), linear, atol=1e-6, rtol=0
    )
    moved = refine_vertices(edges, field, grid)
    before, after = ((v.double().norm(dim=-1) - RADIUS).abs().max() for v in (linear, moved))
    assert after < before / 10
    along = torch.nn.functional.one_hot(edges.axis, 3).bool()
    torch.testing.assert_close(moved[~along], linear[~along], atol=0, rtol=0)
    index = (moved[along].double() + 1) / grid.size - edges.lower[along]
    assert 0 < float(index.min()) <= float(index.max()) < 1


def test_jump_at_an_end_is_bracketed():
    # A wall: the value drops from large to just below zero at the very end.
    edges = CutEdges(torch.zeros(1, 3).long(), torch.zeros(1).long(), torch.tensor([[5.0, -1e-3]]))
    field = PointField(lambda p: torch.where(p[:, 0] < 1.0, 5.0, -1e-3))
    moved = refine_vertices(edges, field, Grid(0.0, 1.0, 2), evaluations=3)
    assert 0.9 < float(moved[0, 0]) < 1.0
