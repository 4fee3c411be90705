import numpy as np
import pytest
import torch

import gen3d
from gen3d.bench.fields import torus, truncated
from gen3d.geometry.topology import report_topology
from gen3d.ops.isosurface import marching_cubes_edges
from gen3d.vecset.decode import DecodeMode, Field, PointField, decode_field
from gen3d.vecset.edge_roots import refine_vertices
from gen3d.vecset.extract import shape_field, surface_mesh
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


def test_dual_contouring_of_the_embedded_model_is_closed_and_near_marching_cubes():
    field, half_side = embedded()
    bounds = (-half_side, half_side)
    decoded = decode_field(field, RESOLUTION, bounds=bounds)
    marched = surface_mesh(decoded, field)
    dual = surface_mesh(decoded, field, mesher="dual-contouring", chunk=4096)
    report = report_topology(dual)
    assert report.watertight and report.oriented
    assert report.components == report_topology(marched).components
    assert dual.vertices.min() > -half_side and dual.vertices.max() < half_side
    volumes = [
        np.einsum("ij,ij", a, np.cross(b, c)) / 6
        for a, b, c in (m.vertices[m.faces].transpose(1, 0, 2) for m in (marched, dual))
    ]
    # Marching cubes cuts chords, and so loses volume where the surface is round.
    assert volumes[1] == pytest.approx(volumes[0], rel=0.05)
