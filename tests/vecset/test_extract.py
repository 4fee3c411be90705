import pytest
import torch

import gen3d
from gen3d.bench.fields import torus, truncated
from gen3d.ops.isosurface import marching_cubes_edges
from gen3d.vecset.decode import DecodeMode, Field, PointField, decode_field
from gen3d.vecset.edge_roots import refine_vertices
from gen3d.vecset.extract import shape_field
from gen3d.vecset.grid_field import Grid

RESOLUTION = 64


def analytic() -> tuple[Field, float]:
    return PointField(truncated(torus), chunk=1 << 16), 1.0


@torch.no_grad()
def embedded() -> tuple[Field, float]:
    model = gen3d.load("mini", device="cpu")
    latents = model.sample_latents(["a wooden chair"], [1], steps=6, guidance=3.0)
    shape = model.vae.decode(latents / model.vae.config.scale_factor)
    return shape_field(model.vae, shape), model.vae.config.bounds


def mesh(field: Field, half_side: float, mode: DecodeMode) -> tuple[torch.Tensor, torch.Tensor]:
    bounds = (-half_side, half_side)
    decoded = decode_field(field, RESOLUTION, mode=mode, bounds=bounds)
    _, faces, edges = marching_cubes_edges(
        decoded.cells, decoded.corner_values, resolution=RESOLUTION, bounds=bounds
    )
    grid = Grid(-half_side, 2 * half_side / RESOLUTION, RESOLUTION + 1)
    return refine_vertices(edges, field, grid), faces


@pytest.mark.parametrize("make", [analytic, embedded], ids=lambda make: make.__name__)
def test_sparse_and_dense_decoding_give_the_same_refined_mesh(make):
    field, half_side = make()
    with torch.no_grad():
        (sparse, faces), (dense, dense_faces) = (
            mesh(field, half_side, mode) for mode in ("sparse", "dense")
        )
    assert len(faces) > 1000
    assert torch.equal(faces, dense_faces)
    torch.testing.assert_close(sparse, dense, atol=1e-5, rtol=0)
