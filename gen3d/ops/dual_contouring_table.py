"""Tables of dual contouring: the patches of the surface in a cell, from those of marching cubes.

A vertex of the dual mesh stands for one patch, and two vertices of neighbouring cells are joined
once for each cut line on their common face. An ambiguous face has two lines. Where both belong to
one patch in the cell on either side, the dual mesh would join the same two vertices twice, and four
quads would meet in that edge: the surface has a hole there, narrower than a cell, that the dual
mesh pinches. The cure closes the hole: *on such a face both cells join the positive corners*
instead of separating them, which splits the patch in two on both sides (after Wenger 2013,
Isosurfaces: Geometry, Topology, and Algorithms, on manifold dual marching cubes). A case has at
most one such face, so the choices of different faces do not interfere; the tests prove it by
exhaustion.

Numbering of corners, edges and cases as in :mod:`gen3d.ops.reference.isosurface_table`; faces are
``2 * axis + side``. Row ``case + 256`` of the tables holds the case with its pinching face joined.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Int
from torch import Tensor

from gen3d.ops.reference.isosurface_table import CORNERS, EDGES, FACES, loops

MAX_PATCHES = 4
MAX_PATCH_EDGES = 7


@dataclass(frozen=True)
class DualTables:
    """The tables as tensors on one device.

    Attributes:
        pinching_face: Per case, the face whose two cut lines belong to one patch; -1: none.
        patches: Per row, how many patches.
        patch_of_edge: Per row and cell edge, its patch; -1 where the edge is not cut.
        edges_of_patch: Per row and patch, its cell edges in order; -1 after the last.
        sharer: Per axis of an edge, what to take from its lower corner to get the four cells around
            it, counter-clockwise seen from the axis' upper end.
        shared_edge: Per axis, the number of that edge in each of these cells.
    """

    pinching_face: Int[Tensor, " cases"]
    patches: Int[Tensor, " rows"]
    patch_of_edge: Int[Tensor, "rows 12"]
    edges_of_patch: Int[Tensor, "rows 4 7"]
    sharer: Int[Tensor, "3 4 3"]
    shared_edge: Int[Tensor, "3 4"]


def pinching_faces(case: int) -> list[int]:
    """Return the ambiguous faces of a case whose two cut lines belong to one patch."""
    patch_of = {edge: p for p, loop in enumerate(loops(case)) for edge in loop}
    found = []
    for face, ring in enumerate(FACES):
        inside = [case >> corner & 1 for corner in ring]
        if inside in ([0, 1, 0, 1], [1, 0, 1, 0]):
            around = {e for e, ends in enumerate(EDGES) if set(ends) <= set(ring)}
            if len({patch_of[edge] for edge in around}) == 1:
                found.append(face)
    return found


@lru_cache(maxsize=4)
def dual_tables(device: torch.device) -> DualTables:
    """Return the tables on a device."""
    pinching = [(pinching_faces(case) or [-1])[0] for case in range(256)]
    rows = [loops(case) for case in range(256)]
    rows += [
        loops(case, joined_face=None if face < 0 else face) for case, face in enumerate(pinching)
    ]
    patch_of_edge = torch.full((512, 12), -1)
    edges_of_patch = torch.full((512, MAX_PATCHES, MAX_PATCH_EDGES), -1)
    for row, found in enumerate(rows):
        for patch, loop in enumerate(found):
            patch_of_edge[row, loop] = patch
            edges_of_patch[row, patch, : len(loop)] = torch.tensor(loop)
    sharer, shared_edge = _sharers()
    return DualTables(
        torch.tensor(pinching).to(device),
        torch.tensor([len(found) for found in rows]).to(device),
        patch_of_edge.to(device),
        edges_of_patch.to(device),
        torch.tensor(sharer).to(device),
        torch.tensor(shared_edge).to(device),
    )


def _sharers() -> tuple[list[list[tuple[int, ...]]], list[list[int]]]:
    lower_corners = [CORNERS[low] for low, _ in EDGES]
    offsets, edges = [], []
    for axis in range(3):
        b, c = (axis + 1) % 3, (axis + 2) % 3
        ring = []
        for at_b, at_c in ((0, 0), (1, 0), (1, 1), (0, 1)):
            offset = [0, 0, 0]
            offset[b], offset[c] = at_b, at_c
            ring.append(tuple(offset))
        offsets.append(ring)
        edges.append([4 * axis + lower_corners[4 * axis : 4 * axis + 4].index(o) for o in ring])
    return offsets, edges
