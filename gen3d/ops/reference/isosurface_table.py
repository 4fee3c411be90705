"""Derives the marching-cubes table; run as a module, it prints the C++ header of that table.

The classic 256-case table treats complementary cases alike and therefore cracks: two cells that
share an ambiguous face may cut it differently. Here every face follows one rule that both of its
cells apply to the same four signs: *positive corners are separated*. The cut lines on the six faces
of a cell close into loops, and each loop is triangulated without ever laying a diagonal into a face
of the cell, so an edge of the mesh inside a face comes from that face's cut line alone and has
exactly two triangles. The proof by exhaustion is in the tests.

Numbering, shared by every twin: corner ``c`` lies at offset ``(c >> 2 & 1, c >> 1 & 1, c & 1)``
along (x, y, z); edge ``4 * axis + 2 * u + v`` runs along ``axis`` where ``u`` and ``v`` are the
offsets on the two other axes in increasing order; bit ``c`` of a case is set when corner ``c`` is
inside (value above the level).
"""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import pairwise

CORNERS: tuple[tuple[int, int, int], ...] = tuple((c >> 2 & 1, c >> 1 & 1, c & 1) for c in range(8))
MAX_TRIANGLES = 5

Point = tuple[float, float, float]


def _edge_ends(edge: int) -> tuple[int, int]:
    axis, u, v = edge // 4, edge >> 1 & 1, edge & 1
    others = [a for a in range(3) if a != axis]
    low = u << (2 - others[0]) | v << (2 - others[1])
    return low, low | 1 << (2 - axis)


EDGES: tuple[tuple[int, int], ...] = tuple(_edge_ends(e) for e in range(12))
_EDGE_OF = {frozenset(ends): e for e, ends in enumerate(EDGES)}


def _face_cycle(axis: int, side: int) -> list[int]:
    """The four corners of a face, counter-clockwise seen from outside the cell."""
    b, c = (axis + 1) % 3, (axis + 2) % 3
    ring = [(0, 0), (1, 0), (1, 1), (0, 1)]
    corners = [side << (2 - axis) | i << (2 - b) | j << (2 - c) for i, j in ring]
    return corners if side else corners[::-1]


FACES = tuple(tuple(_face_cycle(axis, side)) for axis in range(3) for side in range(2))
_FACES_OF_EDGE = tuple(
    frozenset(f for f, ring in enumerate(FACES) if set(EDGES[e]) <= set(ring)) for e in range(12)
)


def _midpoint(edge: int) -> Point:
    low, high = (CORNERS[c] for c in EDGES[edge])
    return ((low[0] + high[0]) / 2, (low[1] + high[1]) / 2, (low[2] + high[2]) / 2)


def _cut_lines(case: int, joined_face: int | None) -> dict[int, int]:
    """Directed cut lines, edge -> next edge of its loop, so that triangles face the outside."""
    following: dict[int, int] = {}
    for face, ring in enumerate(FACES):
        inside = [bool(case >> c & 1) for c in ring]
        lines = []
        for m in range(4):
            if inside[m] or not inside[(m + 1) % 4]:
                continue
            entry = _EDGE_OF[frozenset((ring[m], ring[(m + 1) % 4]))]
            n = (m + 1) % 4
            while inside[(n + 1) % 4]:
                n = (n + 1) % 4
            lines.append((entry, _EDGE_OF[frozenset((ring[n], ring[(n + 1) % 4]))]))
        if face == joined_face:
            # Around the negative corners instead: each line ends where the other one did.
            lines = [(a, d) for (a, _), (_, d) in zip(lines, lines[::-1], strict=True)]
        following.update(lines)
    return following


def loops(case: int, *, joined_face: int | None = None) -> list[list[int]]:
    """The closed loops of cut lines on a cell's faces; each bounds one patch of the surface.

    Args:
        case: 0 to 255.
        joined_face: An ambiguous face (an index into ``FACES``) where positive corners are joined,
            against the rule.

    Returns:
        Cell edges in order, the interior to the left seen from outside.
    """
    following = _cut_lines(case, joined_face)
    found = []
    while following:
        start = min(following)
        loop = [start]
        while (edge := following.pop(loop[-1])) != start:
            loop.append(edge)
        found.append(loop)
    return found


def _diagonal_cost(a: int, b: int) -> float:
    """Squared length between edge midpoints; infinite for a diagonal that lies in a face."""
    if _FACES_OF_EDGE[a] & _FACES_OF_EDGE[b]:
        return float("inf")
    return sum((p - q) ** 2 for p, q in zip(_midpoint(a), _midpoint(b), strict=True))


def _triangulate(loop: list[int]) -> list[tuple[int, int, int]]:
    """The triangulation of a loop with the shortest allowed diagonals (dynamic programme)."""
    n = len(loop)

    @cache
    def best(i: int, j: int) -> tuple[float, tuple[tuple[int, int, int], ...]]:
        if j - i < 2:
            return 0.0, ()
        options = []
        for k in range(i + 1, j):
            (cost_l, tri_l), (cost_r, tri_r) = best(i, k), best(k, j)
            cost = cost_l + cost_r
            cost += _diagonal_cost(loop[i], loop[k]) if k - i > 1 else 0.0
            cost += _diagonal_cost(loop[k], loop[j]) if j - k > 1 else 0.0
            options.append((cost, (*tri_l, (loop[i], loop[k], loop[j]), *tri_r)))
        return min(options)

    cost, triangles = best(0, n - 1)
    assert cost < float("inf"), f"loop {loop} has no triangulation off the faces"
    return list(triangles)


@lru_cache(maxsize=1)
def triangle_table() -> tuple[tuple[tuple[int, int, int], ...], ...]:
    """For each of the 256 cases, its triangles as triples of cell edges, facing outwards."""
    table = tuple(
        tuple(t for loop in loops(case) for t in _triangulate(loop)) for case in range(256)
    )
    assert max(map(len, table)) == MAX_TRIANGLES
    return table


def edge_mask(case: int) -> int:
    """Bit ``e`` is set when edge ``e`` joins an inside and an outside corner."""
    return sum(1 << e for e, (a, b) in enumerate(EDGES) if (case >> a & 1) != (case >> b & 1))


def header() -> str:
    """The text of ``cuda_ext/isosurface/table.h``."""
    rows = []
    for case, triangles in enumerate(triangle_table()):
        flat = [e for t in triangles for e in t]
        flat += [-1] * (3 * MAX_TRIANGLES - len(flat))
        rows.append(f"    {{{', '.join(map(str, flat))}}},  // {case:08b}")
    ends = ", ".join(f"{{{a}, {b}}}" for a, b in EDGES)
    counts = [str(len(t)) for t in triangle_table()]
    masks = [f"0x{edge_mask(case):03x}" for case in range(256)]

    def wrap(items: list[str]) -> str:
        cuts = [*range(0, len(items), 16), len(items)]
        return "\n".join("    " + ", ".join(items[a:b]) + "," for a, b in pairwise(cuts))

    return "\n".join(
        [
            "// Written by `python -m gen3d.ops.reference.isosurface_table`: do not edit.",
            "// Corner c at offset (c>>2&1, c>>1&1, c&1); edge 4*axis + 2*u + v; bit c: inside.",
            "#pragma once",
            "// clang-format off",
            "#include <cstdint>",
            "",
            "namespace gen3d::isosurface {",
            "",
            f"inline constexpr int kMaxTriangles = {MAX_TRIANGLES};",
            "",
            "// The two corners of each edge, the lower first.",
            f"GEN3D_TABLE(uint8_t, kEdgeCorners, [12][2]) = {{{ends}}};",
            "",
            "// Edges whose ends have different signs, as a bit mask per case.",
            f"GEN3D_TABLE(uint16_t, kEdgeMask, [256]) = {{\n{wrap(masks)}\n}};",
            "",
            f"GEN3D_TABLE(uint8_t, kTriangleCount, [256]) = {{\n{wrap(counts)}\n}};",
            "",
            "// Triples of edges per case, outward orientation, padded with -1.",
            "GEN3D_TABLE(int8_t, kTriangles, [256][3 * kMaxTriangles]) = {",
            *rows,
            "};",
            "",
            "}  // namespace gen3d::isosurface",
            "",
        ]
    )


if __name__ == "__main__":
    print(header(), end="")
