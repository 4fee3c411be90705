"""Fewer faces: decimation to a budget."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from gen3d.errors import InputError
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import vertex_normals
from gen3d.geometry.topology import TopologyReport, is_watertight, report_topology

MIN_FACES = 4
"""A tetrahedron is the smallest closed mesh."""

_AGGRESSIVENESS = (7.0, 5.0, 3.0)
"""Tried in turn; 7 is the library's default, less is slower, more careful, and may stop early."""

# The library keeps its mesh in globals.
_LOCK = threading.Lock()


@dataclass(frozen=True)
class DecimateReport:
    """What decimation did.

    Attributes:
        mesh: The result.
        asked: Faces asked for.
        actual: Faces it has; above ``asked`` when fewer would have torn a closed mesh.
        watertight: Whether the result is closed.
    """

    mesh: Mesh
    asked: int
    actual: int
    watertight: bool


def decimate(mesh: Mesh, faces: int) -> DecimateReport:
    """Reduce a mesh to a face budget by quadric error (Garland and Heckbert 1997).

    A closed input stays closed and keeps its components: where the budget cannot be met without
    pinching two sheets together or losing a part, gentler runs are tried, then larger budgets,
    and the report says what came out. Each vertex takes the colour of the nearest of the vertices
    that were merged into it, so borders between colours stay sharp; normals are computed anew and
    texture coordinates are lost. A mesh within the budget is returned as it is. Deterministic.

    Args:
        mesh: Welded mesh.
        faces: Budget.

    Raises:
        InputError: The budget is under 4.
    """
    if faces < MIN_FACES:
        raise InputError(f"a face budget must be at least {MIN_FACES}, got {faces}")
    before = report_topology(mesh)
    if len(mesh.faces) <= faces:
        return DecimateReport(mesh, faces, len(mesh.faces), before.watertight)
    reduced = _reduce(mesh, faces, before)
    budget = faces
    while reduced is None:
        budget *= 2
        if budget >= len(mesh.faces):
            return DecimateReport(mesh, faces, len(mesh.faces), before.watertight)
        reduced = _reduce(mesh, budget, before)
    if budget > faces:
        reduced = _tighten(reduced, faces, before)
    return DecimateReport(reduced, faces, len(reduced.faces), is_watertight(reduced))


def _reduce(mesh: Mesh, budget: int, before: TopologyReport) -> Mesh | None:
    """Return the mesh within a budget, or None where no run keeps it sound."""
    for aggressiveness in _AGGRESSIVENESS:
        reduced = _collapse(mesh, budget, aggressiveness)
        if not len(reduced.faces):
            continue
        # An input that was open anyway takes the first run, overshoot and all.
        fits = not before.watertight or len(reduced.faces) <= budget * 1.05
        if fits and _as_sound(before, report_topology(reduced), reduced):
            return reduced
    return None


def _tighten(mesh: Mesh, faces: int, before: TopologyReport) -> Mesh:
    """Go on from a small sound mesh by bisection, towards a budget that could not be met."""
    low, high, best = faces, len(mesh.faces), mesh
    while high - low > max(2, high // 20):
        middle = (low + high) // 2
        smaller = _reduce(mesh, middle, before)
        if smaller is None:
            low = middle
        else:
            best, high = smaller, min(middle, len(smaller.faces))
    return best


def _as_sound(before: TopologyReport, after: TopologyReport, reduced: Mesh) -> bool:
    if not before.watertight:
        return True
    # A part pressed flat is two faces back to back: closed on paper only.
    distinct = np.unique(np.sort(reduced.faces, axis=1), axis=0)
    return (
        after.watertight
        and after.oriented >= before.oriented
        and after.components == before.components
        and len(distinct) == len(reduced.faces)
    )


def _collapse(mesh: Mesh, faces: int, aggressiveness: float) -> Mesh:
    # Takes 50 ms to import, and few commands decimate.
    import fast_simplification

    # Its thresholds are absolute, so equal shapes of other sizes would come out differently.
    low, high = mesh.bounds.astype(np.float64)
    scale = float((high - low).max()) or 1.0
    points = (mesh.vertices - low) / scale
    with _LOCK:
        *_, collapses = fast_simplification.simplify(
            points, mesh.faces, target_count=faces, agg=aggressiveness, return_collapses=True
        )
        moved, kept, merged_into = fast_simplification.replay_simplification(
            points, mesh.faces.astype(np.int32), collapses
        )
    moved, merged_into = np.asarray(moved), np.asarray(merged_into, dtype=np.int64)
    source = _nearest_merged(points, moved, merged_into)
    reduced = mesh.without_texture().with_(
        vertices=moved * scale + low,
        faces=np.asarray(kept).reshape(-1, 3),
        normals=None,
        colors=None if mesh.colors is None else mesh.colors[source],
    )
    return reduced if mesh.normals is None else reduced.with_(normals=vertex_normals(reduced))


def _nearest_merged(points: np.ndarray, moved: np.ndarray, merged_into: np.ndarray) -> np.ndarray:
    """Return for each new vertex the nearest of the old vertices that became it."""
    source = np.zeros(len(moved), np.int64)
    old = np.flatnonzero((merged_into >= 0) & (merged_into < len(moved)))
    distance = ((points[old] - moved[merged_into[old]]) ** 2).sum(axis=1)
    # Written from far to near, so that the nearest is what remains.
    far_first = old[np.argsort(-distance, kind="stable")]
    source[merged_into[far_first]] = far_first
    return source
