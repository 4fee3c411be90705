"""What sparse decoding misses of what dense decoding finds, and how many queries it saves."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.bench.fields import PUBLISHED, RADIUS, THIN, sphere, truncated
from gen3d.bench.rows import Row, Rows
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.topology import report_topology
from gen3d.ops.isosurface import marching_cubes
from gen3d.runtime.progress import ProgressSink
from gen3d.vecset.decode import (
    DecodedField,
    Field,
    PointField,
    count_missed_cells,
    decode_field,
)
from gen3d.vecset.extract import shape_field
from gen3d.vecset.vae import ShapeVAE

_CHUNK = 1 << 18
_BOUNDS = (-1.0, 1.0)
PUBLISHED_BAND = 0.95


def analytic_rows(
    rows: Rows, resolutions: tuple[int, ...], progress: ProgressSink
) -> dict[str, Row]:
    """Compare on analytic fields, as distances and as truncated distances.

    Args:
        rows: Finished measurements.
        resolutions: Each field at each.
        progress: Where to report.

    Returns:
        Rows of :func:`compare` by field and resolution.

    Raises:
        EmptySurfaceError: Dense decoding finds no surface, so that nothing would be compared.
    """
    fields = {
        f"{name}, {kind}": PointField(make(function), chunk=_CHUNK)
        for name, function in {**PUBLISHED, **THIN}.items()
        for kind, make in (("distance", lambda f: f), ("truncated", truncated))
    }
    progress.stage_started("analytic fields", len(fields) * len(resolutions))
    found = {}
    for name, field in fields.items():
        for resolution in resolutions:
            label = f"{name}, {resolution}"
            found[label] = rows.get(
                "missed", label, lambda f=field, r=resolution: compare(f, r, _BOUNDS, "cpu")
            )
            progress.advance()
    progress.stage_finished()
    return found


def shape_rows(
    vae: ShapeVAE,
    latents: Float[Tensor, "shapes latents channels"],
    resolution: int,
    rows: Rows,
    progress: ProgressSink,
) -> dict[str, Row]:
    """Compare on a model's own shapes; both decodes use the same sampler.

    Args:
        vae: The autoencoder.
        latents: As it takes them.
        resolution: Cells per axis.
        rows: Finished measurements.
        progress: Where to report.
    """
    bounds = (-vae.config.bounds, vae.config.bounds)
    progress.stage_started(f"the model's shapes at {resolution}", len(latents))
    found = {}
    for i, latent in enumerate(latents):

        def measure(latent: Tensor = latent) -> Row:
            with torch.no_grad():
                field = shape_field(vae, vae.decode(latent[None]))
            return compare(field, resolution, bounds, latents.device)

        found[str(i)] = rows.get("shape", [i, resolution], measure)
        progress.advance()
    progress.stage_finished()
    return found


def compare(
    field: Field, resolution: int, bounds: tuple[float, float], device: torch.device | str
) -> Row:
    """Count the cells that sparse decoding misses, and compare the meshes.

    Raises:
        EmptySurfaceError: The field has no surface.
    """
    dense = decode_field(field, resolution, mode="dense", bounds=bounds, device=device)
    sparse = decode_field(field, resolution, bounds=bounds, device=device)
    return {
        "cells": len(dense.cells),
        "missed": count_missed_cells(sparse, dense),
        "vertex_difference": vertex_difference(sparse, dense),
        "evaluations": sparse.report.evaluations,
    }


def vertex_difference(sparse: DecodedField, dense: DecodedField) -> float:
    """Return the largest distance between vertices of the same cut edge of two meshes.

    Where cells were missed, over the cells that both have; the other ones are counted apart.
    """
    places = [_places(decoded) for decoded in (sparse, dense)]
    vertices = [
        _vertices(decoded, torch.isin(own, other))
        for decoded, own, other in (
            (sparse, places[0], places[1]),
            (dense, places[1], places[0]),
        )
    ]
    assert vertices[0].shape == vertices[1].shape, "equal cells have equally many cut edges"
    return float((vertices[0].double() - vertices[1].double()).norm(dim=1).max())


def _places(decoded: DecodedField) -> Tensor:
    x, y, z = decoded.cells.long().unbind(1)
    return (x * decoded.resolution + y) * decoded.resolution + z


def _vertices(decoded: DecodedField, rows: Tensor) -> Float[Tensor, "v 3"]:
    return marching_cubes(
        decoded.cells[rows],
        decoded.corner_values[rows],
        resolution=decoded.resolution,
        bounds=decoded.bounds,
    )[0]


def ratio_rows(rows: Rows, resolutions: tuple[int, ...], progress: ProgressSink) -> dict[str, Row]:
    """Count queries against those of the published rule, on truncated distances.

    Returns:
        Per field the quotient by resolution (``"256"``) and both counts.
    """
    progress.stage_started("counting queries", len(PUBLISHED) * len(resolutions))
    found: dict[str, Row] = {}
    for name, function in PUBLISHED.items():
        field = PointField(truncated(function), chunk=_CHUNK)
        found[name] = {}
        for resolution in resolutions:

            def measure(field: Field = field, r: int = resolution) -> Row:
                ours = decode_field(field, r).report.evaluations
                theirs = decode_field(field, r, mode="flashvdm", band=PUBLISHED_BAND).report
                return {
                    str(r): ours / theirs.evaluations,
                    f"sparse {r}": ours,
                    f"flashvdm {r}": theirs.evaluations,
                }

            found[name] |= rows.get("ratio", [name, resolution], measure)
            progress.advance()
    progress.stage_finished()
    return found


def sphere_error_cells(resolution: int) -> float:
    """Return by how many cells the worst vertex of a decoded sphere is off its radius."""
    decoded = decode_field(PointField(sphere), resolution)
    vertices, faces = marching_cubes(
        decoded.cells, decoded.corner_values, resolution=resolution, bounds=_BOUNDS
    )
    assert report_topology(Mesh(vertices.numpy(), faces.numpy())).watertight
    error = (vertices.double().norm(dim=1) - RADIUS).abs().max()
    return float(error) / (2 / resolution)
