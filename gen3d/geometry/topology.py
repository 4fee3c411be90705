"""How a mesh hangs together: components, open edges, holes, watertightness.

All of it looks at vertex indices, never at positions: a soup of separate triangles is open
everywhere until ``merge_vertices`` welds it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from gen3d.geometry.mesh import Mesh


@dataclass(frozen=True)
class TopologyReport:
    """What a printer or a game engine asks about a mesh.

    Attributes:
        vertices: Number of vertices that faces use.
        faces: Number of faces.
        components: Pieces that share no vertex.
        euler: V - E + F; 2 for a sphere, 0 for a torus, summed over components.
        open_edges: Edges with one face: the rims of holes.
        holes: Connected groups of open edges.
        nonmanifold_edges: Edges with three faces or more.
        flipped_edges: Edges whose two faces run along them in the same direction.
        watertight: Every edge has exactly two faces.
        oriented: Watertight, and neighbouring faces agree on which side is outside.
    """

    vertices: int
    faces: int
    components: int
    euler: int
    open_edges: int
    holes: int
    nonmanifold_edges: int
    flipped_edges: int
    watertight: bool
    oriented: bool


@dataclass(frozen=True, eq=False)
class _Edges:
    ends: np.ndarray  # (E, 2) lower and higher vertex, each edge once
    uses: np.ndarray  # (E,) number of faces
    balance: np.ndarray  # (E,) times walked upward minus times walked downward


def report_topology(mesh: Mesh) -> TopologyReport:
    """Count everything that ``TopologyReport`` lists."""
    edges = _edges(mesh)
    open_ends = edges.ends[edges.uses == 1]
    rims = connect(open_ends, len(mesh.vertices))
    used = len(np.unique(mesh.faces))
    watertight = len(mesh.faces) > 0 and bool((edges.uses == 2).all())
    flipped = int(((edges.uses == 2) & (edges.balance != 0)).sum())
    return TopologyReport(
        vertices=used,
        faces=len(mesh.faces),
        components=component_count(mesh),
        euler=used - len(edges.ends) + len(mesh.faces),
        open_edges=len(open_ends),
        holes=len(np.unique(rims[open_ends])),
        nonmanifold_edges=int((edges.uses > 2).sum()),
        flipped_edges=flipped,
        watertight=watertight,
        oriented=watertight and flipped == 0,
    )


def is_watertight(mesh: Mesh) -> bool:
    """Tell whether every edge has exactly two faces; an empty mesh is not watertight."""
    return len(mesh.faces) > 0 and bool((_edges(mesh).uses == 2).all())


def open_edges(mesh: Mesh) -> Int[np.ndarray, "e 2"]:
    """Return the edges that have one face only, as vertex pairs."""
    edges = _edges(mesh)
    return edges.ends[edges.uses == 1]


def euler_characteristic(mesh: Mesh) -> int:
    """Return V - E + F over the vertices in use."""
    return len(np.unique(mesh.faces)) - len(_edges(mesh).ends) + len(mesh.faces)


def component_labels(mesh: Mesh) -> Int[np.ndarray, " f"]:
    """Return for each face the number of its component: 0, 1, ... in order of first appearance.

    Faces that share a vertex belong together.
    """
    pairs = np.concatenate([mesh.faces[:, :2], mesh.faces[:, 1:]])
    roots = connect(pairs, len(mesh.vertices))[mesh.faces[:, 0]]
    _, first, labels = np.unique(roots, return_index=True, return_inverse=True)
    order = np.empty(len(first), np.int64)
    order[np.argsort(first)] = np.arange(len(first))
    return order[labels]


def component_count(mesh: Mesh) -> int:
    """Return the number of components."""
    labels = component_labels(mesh)
    return int(labels.max()) + 1 if len(labels) else 0


def merge_vertices(mesh: Mesh) -> Mesh:
    """Weld vertices at equal positions, and drop faces that this flattens.

    The first vertex of each place lends its normal and colour. Needed after reading formats that
    repeat every corner, such as STL.
    """
    # -0.0 and 0.0 are one place but different bytes.
    places = mesh.vertices + np.float32(0)
    _, first, inverse = np.unique(places, axis=0, return_index=True, return_inverse=True)
    inverse = inverse.reshape(-1)
    # Numbered by first appearance, so that neighbours in the file stay neighbours.
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    faces = rank[inverse][mesh.faces]
    a, b, c = faces.T
    whole = (a != b) & (b != c) & (c != a)
    kept = first[order]
    return mesh.with_(
        vertices=mesh.vertices[kept],
        faces=faces[whole],
        normals=None if mesh.normals is None else mesh.normals[kept],
        colors=None if mesh.colors is None else mesh.colors[kept],
        corner_uvs=None if mesh.corner_uvs is None else mesh.corner_uvs[whole],
        corner_normals=None if mesh.corner_normals is None else mesh.corner_normals[whole],
    )


def _edges(mesh: Mesh) -> _Edges:
    walked = mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    start, end = walked.T
    down = start >= end
    low, high = np.where(down, end, start), np.where(down, start, end)
    count = max(len(mesh.vertices), 1)
    # One sort of plain numbers, the direction in the last bit, is far quicker than np.unique.
    keys = np.sort((low * count + high) * 2 + down)
    edges = keys // 2
    first = np.flatnonzero(np.diff(edges, prepend=-1))
    uses = np.diff(first, append=len(edges))
    downward = np.add.reduceat(keys % 2, first) if len(first) else first
    found = edges[first]
    return _Edges(np.stack([found // count, found % count], axis=1), uses, uses - 2 * downward)


def connect(pairs: np.ndarray, count: int) -> np.ndarray:
    """Return for each vertex the lowest vertex that pairs connect it to.

    Every root with a lower neighbour is hooked onto it, then all paths are flattened; roots at
    least halve in each round (Shiloach and Vishkin 1982).
    """
    parent = np.arange(count)
    while True:
        ends = parent[pairs]
        ends = ends[ends[:, 0] != ends[:, 1]]
        if not len(ends):
            return parent
        np.minimum.at(parent, ends.max(axis=1), ends.min(axis=1))
        while True:
            flatter = parent[parent]
            if np.array_equal(flatter, parent):
                break
            parent = flatter
