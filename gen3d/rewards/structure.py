"""Rewards for how a mesh hangs together."""

from __future__ import annotations

import numpy as np

from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import face_areas
from gen3d.geometry.topology import component_labels, report_topology


def watertight(mesh: Mesh) -> float:
    """Return how nearly the mesh is closed: 1 if it is, else less by its share of bad edges.

    ``1 - bad / edges`` with the edges that have one face or more than two; 0 for an empty mesh.
    Range 0 to 1, no unit.
    """
    if not len(mesh.faces):
        return 0.0
    report = report_topology(mesh)
    edges = report.vertices + report.faces - report.euler
    return 1 - (report.open_edges + report.nonmanifold_edges) / edges


def single_piece(mesh: Mesh) -> float:
    """Return the share of the surface that belongs to the largest of the mesh's pieces.

    1 for one piece, 1/2 for two equal ones; 0 for an empty mesh. Pieces share no vertex. Range 0
    to 1, no unit.
    """
    areas = face_areas(mesh)
    if not areas.sum() > 0:
        return 0.0
    return float(np.bincount(component_labels(mesh), areas).max() / areas.sum())
