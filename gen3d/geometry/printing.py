"""Getting a shape ready for a 3D printer, and saying what will go wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from gen3d.errors import InputError
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import face_areas, face_normals, face_volumes, vertex_normals
from gen3d.geometry.thickness import share_thinner, wall_thickness
from gen3d.geometry.topology import component_labels, report_topology

if TYPE_CHECKING:
    import manifold3d

MIN_WALL_MM = 0.8
"""Two lines of the usual 0.4 mm nozzle: the thinnest wall that filament printers build soundly."""

BASE_DEPTH = 0.01
"""How much a flat base cuts off, as a share of the height."""

_THIN_SHARE = 0.01
_MAX_FACES = 500_000
_BED = 0.002
"""Faces this near the lowest point, as a share of the height, lie on the bed."""


@dataclass(frozen=True)
class PrintReport:
    """What a printer will make of a shape.

    Attributes:
        size_mm: Width, height and depth (along X, Y and Z of the public frame).
        watertight: Whether the mesh is closed and consistently wound.
        pieces: Separate solids.
        cavities: Closed hollows inside them.
        thinnest_mm: Wall thickness that 99 % of the walls exceed; infinite for a solid block.
        thin_share: Share of the surface with walls under ``MIN_WALL_MM``.
        base_share: Area that lies on the bed, as a share of the footprint's bounding rectangle.
        warnings: What to look at before printing, in sentences.
    """

    size_mm: tuple[float, float, float]
    watertight: bool
    pieces: int
    cavities: int
    thinnest_mm: float
    thin_share: float
    base_share: float
    warnings: tuple[str, ...]


def check_print(mesh: Mesh, *, height_mm: float, min_wall_mm: float = MIN_WALL_MM) -> PrintReport:
    """Check what can be known before slicing: closedness, pieces, walls, stand, size.

    Args:
        mesh: Y up, in any unit.
        height_mm: The height that it will be printed at.
        min_wall_mm: Thinnest sound wall.

    Raises:
        InputError: The mesh is empty or flat, or a length is not positive.
    """
    low, high = mesh.bounds.astype(np.float64)
    if not (height_mm > 0 and min_wall_mm > 0 and high[1] > low[1]):
        raise InputError(
            "a print needs a mesh with some height, and positive lengths; "
            f"got heights {low[1]:.4g}..{high[1]:.4g}, {height_mm} mm and walls of {min_wall_mm} mm"
        )
    scale = height_mm / (high[1] - low[1])
    width, height, depth = ((high - low) * scale).tolist()
    labels = component_labels(mesh)
    # Faces around a hollow look inwards.
    hollow = np.bincount(labels, face_volumes(mesh)) < 0
    thickness = wall_thickness(mesh) * scale
    walls = thickness[np.isfinite(thickness)]
    thinnest = float(np.quantile(walls, 0.01)) if len(walls) else float("inf")
    report = PrintReport(
        size_mm=(width, height, depth),
        watertight=report_topology(mesh).oriented,
        pieces=int((~hollow).sum()),
        cavities=int(hollow.sum()),
        thinnest_mm=thinnest,
        thin_share=share_thinner(thickness, min_wall_mm),
        base_share=_base_share(mesh, low, high),
        warnings=(),
    )
    return PrintReport(**{**vars(report), "warnings": _warnings(report, mesh, min_wall_mm)})


def cut_flat_base(mesh: Mesh, *, depth: float = BASE_DEPTH) -> Mesh:
    """Cut the lowest bit off with a horizontal plane, so that the shape stands on a flat face.

    The cut is exact and the result closed (manifold3d). Vertex colours are carried along; normals
    are computed anew where there were some, texture coordinates are lost.

    Args:
        mesh: Closed, Y up.
        depth: Height of what is cut off, as a share of the whole.

    Raises:
        InputError: The mesh is not closed, or the depth is not in (0, 0.5].
    """
    if not 0 < depth <= 0.5:
        raise InputError(f"the depth of the cut must lie in (0, 0.5], got {depth}")
    # 20 ms to import, and few prints need it.
    import manifold3d

    columns = [mesh.vertices] if mesh.colors is None else [mesh.vertices, mesh.colors]
    solid = manifold3d.Manifold(
        manifold3d.Mesh(
            np.concatenate(columns, axis=1).astype(np.float32), mesh.faces.astype(np.uint32)
        )
    )
    if solid.status() != manifold3d.Error.NoError:
        raise InputError(
            f"only a closed mesh can be given a flat base, this is {solid.status().name}",
            hint="leave --flat-base away",
        )
    low, high = mesh.bounds[:, 1].astype(np.float64)
    cut = solid.trim_by_plane((0.0, 1.0, 0.0), low + depth * (high - low)).to_mesh()
    rows = np.asarray(cut.vert_properties)
    result = Mesh(
        rows[:, :3],
        np.asarray(cut.tri_verts).astype(np.int64),
        colors=None if mesh.colors is None else rows[:, 3:6].clip(0, 1),
        metadata=mesh.metadata,
        material=mesh.without_texture().material,
    )
    result = _welded(result, cut)
    return result if mesh.normals is None else result.with_(normals=vertex_normals(result))


def _welded(mesh: Mesh, cut: manifold3d.Mesh) -> Mesh:
    """Join the vertices that manifold3d repeats because their colours differ."""
    target = np.arange(len(mesh.vertices))
    target[np.asarray(cut.merge_from_vert).astype(np.int64)] = np.asarray(cut.merge_to_vert)
    return mesh.with_(faces=target[mesh.faces]).select_faces(np.ones(len(mesh.faces), bool))


def _base_share(mesh: Mesh, low: Float[np.ndarray, " 3"], high: Float[np.ndarray, " 3"]) -> float:
    footprint = (high[0] - low[0]) * (high[2] - low[2])
    flat = mesh.corners[:, :, 1].max(axis=1) <= low[1] + _BED * (high[1] - low[1])
    flat &= face_normals(mesh)[:, 1] < -0.9
    return float(face_areas(mesh)[flat].sum() / footprint) if footprint > 0 else 0.0


def _warnings(report: PrintReport, mesh: Mesh, min_wall_mm: float) -> tuple[str, ...]:
    warnings = []
    if not report.watertight:
        warnings.append("not watertight: a slicer has to guess where the inside is")
    if report.pieces > 1:
        warnings.append(f"{report.pieces} separate pieces: they come off the bed one by one")
    if report.watertight and report.cavities:
        warnings.append(f"{report.cavities} closed hollow(s) inside, which trap support and resin")
    if report.thin_share > _THIN_SHARE:
        warnings.append(
            f"{report.thin_share:.0%} of the surface has walls under {min_wall_mm:g} mm "
            f"(thinnest about {report.thinnest_mm:.2g} mm): print it higher, or thicken them"
        )
    if report.base_share < 0.02:
        warnings.append(
            "stands on less than 2 % of its footprint: use --flat-base, or print with a raft"
        )
    if len(mesh.faces) > _MAX_FACES:
        warnings.append(f"{len(mesh.faces)} faces: slicers are slow above {_MAX_FACES}")
    return tuple(warnings)
