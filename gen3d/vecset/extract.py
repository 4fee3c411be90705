"""From decoded latents to a coloured mesh in the public frame."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from gen3d.errors import ModelError
from gen3d.geometry.cleanup import remove_floaters
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import vertex_normals
from gen3d.geometry.simplify import decimate
from gen3d.geometry.topology import report_topology
from gen3d.geometry.transforms import normalise_unit
from gen3d.ops.dual_contouring import dual_contouring
from gen3d.ops.isosurface import marching_cubes_edges
from gen3d.vecset.config import Mesher
from gen3d.vecset.crossing_normals import crossing_normals
from gen3d.vecset.decode import (
    DEFAULT_CHUNK,
    DecodedField,
    DecodeReport,
    Field,
    decode_field,
)
from gen3d.vecset.edge_roots import refine_vertices
from gen3d.vecset.field import ColourField, GeometryField, plain_chunk
from gen3d.vecset.grid_field import Grid
from gen3d.vecset.vae import DecodedShape, ShapeVAE


@dataclass(frozen=True)
class MeshReport:
    """How a mesh came to be.

    Attributes:
        decode: What the decoder did.
        components: Connected pieces of the mesh.
        floaters_removed: Stray pieces taken away before.
        cavities_filled: Small cavities inside the solid that were filled.
        watertight: Whether the mesh is closed.
        faces: Faces of the mesh.
        faces_asked: The budget, if there was one.
    """

    decode: DecodeReport
    components: int
    floaters_removed: int
    cavities_filled: int
    watertight: bool
    faces: int
    faces_asked: int | None


@dataclass(frozen=True)
class ExtractedMesh:
    """A mesh with its report.

    Attributes:
        mesh: In the public frame (or as asked), with normals, and colours if the model has them.
        report: How it came to be.
        timings_s: Seconds by stage: ``decode``, ``surface``, ``finish``.
    """

    mesh: Mesh
    report: MeshReport
    timings_s: dict[str, float]


def shape_field(vae: ShapeVAE, shape: DecodedShape, *, chunk: int | None = None) -> Field:
    """Return the occupancy logits of one shape as a field, closed at the walls of its cube.

    Args:
        vae: The autoencoder.
        shape: A batch of one.
        chunk: See :class:`gen3d.vecset.field.GeometryField`.
    """
    return GeometryField(vae.geometry, shape.geometry, bounds=vae.config.bounds, chunk=chunk)


def shape_colours(vae: ShapeVAE, shape: DecodedShape) -> ColourField:
    """Return the colours of one shape as a field.

    Args:
        vae: The autoencoder.
        shape: A batch of one.

    Raises:
        ModelError: The model has no colour decoder.
    """
    if vae.colour is None or shape.colour is None:
        raise ModelError("this shape model has no colours")
    return ColourField(vae.colour, shape.colour)


@torch.no_grad()
def extract_mesh(
    vae: ShapeVAE,
    shape: DecodedShape,
    *,
    resolution: int,
    faces: int | None = None,
    start: int,
    mesher: Mesher = "marching-cubes",
    refine_steps: int = 2,
    normalise: bool = True,
    coloured: bool = True,
    chunk: int | None = None,
    check: Callable[[], None] = lambda: None,
) -> ExtractedMesh:
    """Decode, extract, refine, clean, colour and simplify one shape.

    Args:
        vae: The autoencoder, in eval mode.
        shape: A batch of one.
        resolution: Grid cells per axis.
        faces: Face budget; None: no limit.
        start: See :func:`gen3d.vecset.decode.decode_field`.
        mesher: See :func:`surface_mesh`.
        refine_steps: Evaluations per vertex in :func:`gen3d.vecset.edge_roots.refine_vertices`;
            0 leaves the vertices where linear interpolation puts them.
        normalise: Whether to centre and scale to the public frame; else the mesh stays in the
            coordinates of the network.
        coloured: Whether vertices get colours, if the model has any; a texture needs none.
        chunk: Queries at a time where no kernel runs; None: chosen by their attention scores.
        check: Called between stages; may raise to stop.

    Raises:
        EmptySurfaceError: The field is positive or negative everywhere.
        InputError: Resolution or budget are out of range.
    """
    clock = _Clock()
    bounds = (-vae.config.bounds, vae.config.bounds)
    field = shape_field(vae, shape, chunk=chunk)
    device = vae.from_latent.weight.device
    decoded = decode_field(field, resolution, start=start, bounds=bounds, device=device)
    check()
    clock.lap("decode")
    raw = surface_mesh(
        decoded,
        field,
        mesher=mesher,
        refine_steps=refine_steps,
        chunk=min(DEFAULT_CHUNK, chunk or plain_chunk(shape.geometry)),
    )
    check()
    clock.lap("surface")
    cleaned = remove_floaters(raw)
    mesh = cleaned.mesh
    if coloured and vae.colour is not None:
        points = torch.from_numpy(mesh.vertices).to(device)
        mesh = mesh.with_(colors=shape_colours(vae, shape)(points).cpu().numpy())
    if faces is not None:
        mesh = decimate(mesh, faces).mesh
    mesh = normalise_unit(mesh) if normalise else mesh
    mesh = mesh.with_(normals=vertex_normals(mesh))
    topology = report_topology(mesh)
    clock.lap("finish")
    report = MeshReport(
        decode=decoded.report,
        components=topology.components,
        floaters_removed=cleaned.removed,
        cavities_filled=cleaned.filled,
        watertight=topology.watertight,
        faces=len(mesh.faces),
        faces_asked=faces,
    )
    return ExtractedMesh(mesh, report, clock.laps_s)


@torch.no_grad()
def surface_mesh(
    decoded: DecodedField,
    field: Field,
    *,
    mesher: Mesher = "marching-cubes",
    refine_steps: int = 2,
    chunk: int = DEFAULT_CHUNK,
) -> Mesh:
    """Make the mesh of a decoded field, in the coordinates of its bounds.

    Args:
        decoded: The cells.
        field: The field that they came from.
        mesher: ``marching-cubes``, or ``dual-contouring``, which keeps the sharp edges of fields
            that have any, and asks for the field's gradient at each crossing.
        refine_steps: See :func:`extract_mesh`.
        chunk: Points per backward pass of ``dual-contouring``.

    Raises:
        InputError: ``dual-contouring`` of a field that cannot be differentiated.
    """
    cells, values = decoded.cells, decoded.corner_values
    resolution, bounds = decoded.resolution, decoded.bounds
    vertices, faces, edges = marching_cubes_edges(
        cells, values, resolution=resolution, bounds=bounds
    )
    grid = Grid(bounds[0], (bounds[1] - bounds[0]) / resolution, resolution + 1)
    if refine_steps:
        vertices = refine_vertices(edges, field, grid, evaluations=refine_steps)
    if mesher == "dual-contouring":
        normals = crossing_normals(edges, vertices, field, grid, chunk=chunk)
        vertices, faces = dual_contouring(
            cells, values, edges, vertices, normals, resolution=resolution, bounds=bounds
        )
    return Mesh(vertices.cpu().numpy(), faces.cpu().numpy())


class _Clock:
    """Seconds between laps."""

    def __init__(self) -> None:
        self.laps_s: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps_s[name], self._last = now - self._last, now
