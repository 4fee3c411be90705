"""Order in a triangle soup: welded, without doubles, turned alike, small holes closed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from gen3d.errors import InputError
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.topology import component_labels

# Vertices so close, in a frame of longest side near 2, are one.
_WELD = 1e-5
# A hole is closed when it is small beside its component, or when it faces down at its foot: models
# that stand on the ground or on others often have no floor.
_SMALL_HOLE = 0.10
_FOOT_HOLE = 0.55
_FOOT = 0.05


@dataclass(frozen=True)
class Soup:
    """Triangles sorted out for inside tests.

    Attributes:
        vertices: Welded positions.
        faces: Faces and the lids of closed holes, which come last.
        source: The face of the given mesh that each comes from; for lids a neighbour.
        component: Number of the component of each face.
        closed: Whether the component of each face is closed and turned outward.
    """

    vertices: Float[np.ndarray, "v 3"]
    faces: Int[np.ndarray, "f 3"]
    source: Int[np.ndarray, " f"]
    component: Int[np.ndarray, " f"]
    closed: Bool[np.ndarray, " f"]

    @property
    def corners(self) -> Float[np.ndarray, "f 3 3"]:
        """Positions of the corners."""
        return self.vertices[self.faces]


def sort_out(vertices: Float[np.ndarray, "v 3"], faces: Int[np.ndarray, "f 3"]) -> Soup:
    """Weld a soup, drop doubles, turn components alike and outward, and close small holes.

    A component is closed when each edge is walked as often up as down, so boxes that share an edge
    are closed too. Faces that lie on each other back to back become one.

    Raises:
        InputError: No face has an area.
    """
    vertices, faces, source = _welded(vertices, faces)
    if not len(faces):
        raise InputError("a mesh without faces of some area has no inside")
    component = _components(vertices, faces)
    faces = _turned_alike(faces, component)
    vertices, faces, source, component = _with_lids(vertices, faces, source, component)
    closed = _closed(faces, component)
    corners = vertices[faces].astype(np.float64)
    signed = np.einsum("fi,fi->f", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))
    volume = np.bincount(component, signed)
    inverted = closed & (volume[component] < 0)
    faces = np.where(inverted[:, None], faces[:, ::-1], faces)
    return Soup(vertices.astype(np.float32), faces, source, component, closed)


def _welded(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    places = np.round(vertices.astype(np.float64) / _WELD).astype(np.int64)
    _, first, inverse = np.unique(places, axis=0, return_index=True, return_inverse=True)
    faces = inverse.reshape(-1)[faces]
    vertices = vertices[first].astype(np.float64)
    cross = cross_products(vertices[faces])
    source = np.flatnonzero(np.linalg.norm(cross, axis=1) > _WELD**2)
    _, kept = np.unique(np.sort(faces[source], axis=1), axis=0, return_index=True)
    source = source[np.sort(kept)]
    return vertices, faces[source], source


def _components(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    return component_labels(Mesh(vertices, faces))


def _edge_table(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Directed edges (3 f, 2), the number of each one's undirected edge, and its direction +-1."""
    walked = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    low, high = walked.min(axis=1), walked.max(axis=1)
    key = low * (int(faces.max()) + 1) + high
    edge = np.unique(key, return_inverse=True)[1].reshape(-1)
    return walked, edge, np.where(walked[:, 0] < walked[:, 1], 1, -1)


def _closed(faces: np.ndarray, component: np.ndarray) -> np.ndarray:
    _, edge, direction = _edge_table(faces)
    balance = np.bincount(edge, direction)
    unbalanced = (balance[edge] != 0).reshape(-1, 3).any(axis=1)
    return np.bincount(component, unbalanced)[component] == 0


def _turned_alike(faces: np.ndarray, component: np.ndarray) -> np.ndarray:
    """Turn faces so that neighbours over edges of two faces agree, where they do not already."""
    _, edge, direction = _edge_table(faces)
    uses = np.bincount(edge)
    balance = np.bincount(edge, direction)
    wrong = (uses == 2) & (balance != 0)
    troubled = np.bincount(component, wrong[edge].reshape(-1, 3).any(axis=1)) > 0
    if not troubled.any():
        return faces
    pairs: dict[int, list[int]] = defaultdict(list)
    for slot in np.flatnonzero((uses[edge] == 2) & np.repeat(troubled[component], 3)):
        pairs[int(edge[slot])].append(int(slot))
    neighbours: dict[int, list[tuple[int, bool]]] = defaultdict(list)
    for one, other in pairs.values():
        against = bool(direction[one] == direction[other])
        neighbours[one // 3].append((other // 3, against))
        neighbours[other // 3].append((one // 3, against))
    flip = _spread(neighbours, len(faces))
    # Most of a component keeps the side that its author gave it.
    share = np.bincount(component, flip) / np.bincount(component)
    flip ^= (share > 0.5)[component]
    return np.where(flip[:, None], faces[:, ::-1], faces)


def _spread(neighbours: dict[int, list[tuple[int, bool]]], count: int) -> np.ndarray:
    flip, seen = np.zeros(count, bool), np.zeros(count, bool)
    for start in neighbours:
        if seen[start]:
            continue
        seen[start] = True
        stack = [start]
        while stack:
            here = stack.pop()
            for there, against in neighbours[here]:
                if not seen[there]:
                    seen[there] = True
                    flip[there] = flip[here] ^ against
                    stack.append(there)
    return flip


def _with_lids(
    vertices: np.ndarray, faces: np.ndarray, source: np.ndarray, component: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Close holes that are small or at a component's foot by fans around their middle."""
    walked, edge, _ = _edge_table(faces)
    rim = np.flatnonzero(np.bincount(edge)[edge] == 1)
    if not len(rim):
        return vertices, faces, source, component
    loop = _components(vertices, np.stack([*walked[rim].T, walked[rim, 0]], axis=1))
    size = np.linalg.norm(cross_products(vertices[faces]), axis=1) / 2
    area = np.bincount(component, size)
    centres, lids, owners = [vertices], [faces], [np.arange(len(faces))]
    for number in range(int(loop.max()) + 1):
        slots = rim[loop == number]
        ends = walked[slots]
        middle = vertices[ends].mean(axis=(0, 1))
        fan = np.cross(vertices[ends[:, 1]] - middle, vertices[ends[:, 0]] - middle) / 2
        own = component[slots[0] // 3]
        spread = float(np.linalg.norm(fan, axis=1).sum())
        heights = vertices[faces[component == own], 1]
        foot = float(heights.min()) + _FOOT * float(np.ptp(heights))
        under = float(vertices[ends, 1].max()) <= foot and abs(fan.sum(axis=0)[1]) > 0.7 * spread
        share = spread / area[own]
        if share < _SMALL_HOLE or (under and share < _FOOT_HOLE):
            centre = np.full(len(ends), len(vertices) + len(centres) - 1)
            centres.append(middle[None])
            lids.append(np.stack([ends[:, 1], ends[:, 0], centre], axis=1))
            owners.append(slots // 3)
    owner = np.concatenate(owners)
    return np.concatenate(centres), np.concatenate(lids), source[owner], component[owner]


def cross_products(corners: Float[np.ndarray, "f 3 3"]) -> Float[np.ndarray, "f 3"]:
    """Return each triangle's normal, as long as twice its area, in float64."""
    a, b, c = corners.astype(np.float64).swapaxes(0, 1)
    return np.cross(b - a, c - a)


def unit_normals(corners: Float[np.ndarray, "f 3 3"]) -> Float[np.ndarray, "f 3"]:
    """Return each triangle's unit normal; zero for triangles without area."""
    cross = cross_products(corners)
    return cross / np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), 1e-30)
