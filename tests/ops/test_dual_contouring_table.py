import torch

from gen3d.ops.dual_contouring_table import dual_tables, pinching_faces
from gen3d.ops.reference.isosurface_table import CORNERS, EDGES, FACES, edge_mask, loops

TABLES = dual_tables(torch.device("cpu"))


def ambiguous_faces(case: int) -> list[int]:
    rows = [[case >> corner & 1 for corner in ring] for ring in FACES]
    return [f for f, row in enumerate(rows) if row in ([0, 1, 0, 1], [1, 0, 1, 0])]


def test_no_case_pinches_at_two_faces() -> None:
    counts = [len(pinching_faces(case)) for case in range(256)]
    assert max(counts) == 1
    assert sum(counts) == 36


def test_joining_a_pinching_face_splits_its_patch_and_pinches_nowhere_else() -> None:
    for case in range(256):
        for face in pinching_faces(case):
            joined = loops(case, joined_face=face)
            assert len(joined) == len(loops(case)) + 1
            assert min(map(len, joined)) >= 3
            patch_of = {edge: p for p, loop in enumerate(joined) for edge in loop}
            for other in ambiguous_faces(case):
                ends = set(FACES[other])
                around = [e for e, pair in enumerate(EDGES) if set(pair) <= ends]
                assert len({patch_of[e] for e in around}) == 2


def test_patches_use_each_cut_edge_once() -> None:
    for row in range(512):
        mask = edge_mask(row % 256)
        listed = TABLES.edges_of_patch[row].flatten()
        assert sorted(listed[listed >= 0].tolist()) == [e for e in range(12) if mask >> e & 1]
        for edge in range(12):
            patch = int(TABLES.patch_of_edge[row, edge])
            assert (patch >= 0) == bool(mask >> edge & 1)
            assert patch < int(TABLES.patches[row])
            assert patch < 0 or edge in TABLES.edges_of_patch[row, patch]


def test_cells_around_an_edge_name_that_edge() -> None:
    for axis in range(3):
        for offset, edge in zip(TABLES.sharer[axis], TABLES.shared_edge[axis], strict=True):
            assert int(edge) // 4 == axis
            assert CORNERS[EDGES[int(edge)][0]] == tuple(offset.tolist())
