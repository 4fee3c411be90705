"""From decoded latents to a coloured mesh in the public frame."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.geometry.cleanup import remove_floaters
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import vertex_normals
from gen3d.geometry.simplify import decimate
from gen3d.geometry.topology import report_topology
from gen3d.geometry.transforms import normalise_unit
from gen3d.ops.isosurface import marching_cubes
from gen3d.vecset.decode import (
    DEFAULT_CHUNK,
    DecodeReport,
    FieldFunction,
    closed_field,
    decode_hierarchical,
)
from gen3d.vecset.vae import DecodedShape, ShapeVAE


@dataclass(frozen=True)
class MeshReport:
    """How a mesh came to be.

    Attributes:
        decode: What the decoder did.
        components: Connected pieces of the mesh.
        floaters_removed: Stray pieces taken away before.
        watertight: Whether the mesh is closed.
        faces: Faces of the mesh.
        faces_asked: The budget, if there was one.
    """

    decode: DecodeReport
    components: int
    floaters_removed: int
    watertight: bool
    faces: int
    faces_asked: int | None


@dataclass(frozen=True)
class ExtractedMesh:
    """A mesh with its report.

    Attributes:
        mesh: In the public frame, with normals, and with colours if the model has them.
        report: How it came to be.
        timings_s: Seconds by stage: ``decode``, ``surface``, ``finish``.
    """

    mesh: Mesh
    report: MeshReport
    timings_s: dict[str, float]


def shape_field(vae: ShapeVAE, shape: DecodedShape) -> FieldFunction:
    """Return the occupancy logits of one shape as a field, closed at the walls of its cube.

    Args:
        vae: The autoencoder.
        shape: A batch of one.
    """
    bounds = vae.config.bounds

    def field(points: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
        return vae.occupancy(points[None], shape)[0]

    return closed_field(field, (-bounds, bounds))


@torch.no_grad()
def extract_mesh(
    vae: ShapeVAE,
    shape: DecodedShape,
    *,
    resolution: int,
    faces: int | None = None,
    start: int,
    slope: float,
    refine_steps: int = 1,
    check: Callable[[], None] = lambda: None,
) -> ExtractedMesh:
    """Decode, extract, refine, clean, colour and simplify one shape.

    Args:
        vae: The autoencoder, in eval mode.
        shape: A batch of one.
        resolution: Grid cells per axis.
        faces: Face budget; None: no limit.
        start: See :func:`gen3d.vecset.decode.decode_hierarchical`.
        slope: Likewise.
        refine_steps: Steps of :func:`refine_vertices`; 0 leaves the vertices on the grid's edges.
        check: Called between stages; may raise to stop.

    Raises:
        EmptySurfaceError: The field is positive or negative everywhere.
        InputError: Resolution or budget are out of range.
    """
    clock = _Clock()
    bounds = (-vae.config.bounds, vae.config.bounds)
    field = shape_field(vae, shape)
    device = vae.from_latent.weight.device
    decoded = decode_hierarchical(
        field, resolution, start=start, slope=slope, bounds=bounds, device=device
    )
    check()
    clock.lap("decode")
    vertices, triangles = marching_cubes(
        decoded.cells, decoded.corner_values, resolution=resolution, bounds=bounds
    )
    cell = (bounds[1] - bounds[0]) / resolution
    for _ in range(refine_steps):
        vertices = refine_vertices(vertices, field, max_step=cell / 4)
    check()
    clock.lap("surface")
    raw = Mesh(vertices.cpu().numpy(), triangles.cpu().numpy())
    cleaned = remove_floaters(raw)
    mesh = cleaned.mesh
    if vae.colour is not None:
        mesh = mesh.with_(colors=_colours(vae, shape, mesh.vertices))
    if faces is not None:
        mesh = decimate(mesh, faces).mesh
    mesh = normalise_unit(mesh)
    mesh = mesh.with_(normals=vertex_normals(mesh))
    topology = report_topology(mesh)
    clock.lap("finish")
    report = MeshReport(
        decode=decoded.report,
        components=topology.components,
        floaters_removed=cleaned.removed,
        watertight=topology.watertight,
        faces=len(mesh.faces),
        faces_asked=faces,
    )
    return ExtractedMesh(mesh, report, clock.laps_s)


def refine_vertices(
    vertices: Float[Tensor, "v 3"],
    field: FieldFunction,
    *,
    max_step: float,
    chunk: int = DEFAULT_CHUNK,
) -> Float[Tensor, "v 3"]:
    """Move vertices onto the surface by one Newton step along the field's gradient.

    Linear interpolation along a grid edge is off where the field bends within a cell, as occupancy
    logits do (they saturate). ``v - f grad / |grad|^2``, no further than ``max_step``.

    Args:
        vertices: Points near the surface.
        field: The field, differentiable by autograd.
        max_step: Longest move on each axis.
        chunk: Points per call of ``field``.
    """
    moved = []
    for part in vertices.split(chunk):
        with torch.enable_grad():
            points = part.detach().requires_grad_()
            values = field(points)
            (gradient,) = torch.autograd.grad(values.sum(), points)
        square = gradient.square().sum(-1, keepdim=True).clamp(min=1e-12)
        step = values.detach()[:, None] * gradient / square
        moved.append(part - step.clamp(-max_step, max_step))
    return torch.cat(moved) if moved else vertices


def _colours(vae: ShapeVAE, shape: DecodedShape, vertices: np.ndarray) -> np.ndarray:
    points = torch.from_numpy(vertices).to(vae.from_latent.weight.device)
    parts = [vae.colours(part[None], shape)[0].cpu() for part in points.split(DEFAULT_CHUNK)]
    return torch.cat(parts).numpy()


class _Clock:
    """Seconds between laps."""

    def __init__(self) -> None:
        self.laps_s: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps_s[name], self._last = now - self._last, now
