from pathlib import Path

from gen3d.ops.reference.isosurface_table import EDGES, edge_mask, header, triangle_table

ROOT = Path(__file__).parents[2]


def test_header_of_the_kernels_is_up_to_date() -> None:
    assert (ROOT / "cuda_ext/isosurface/table.h").read_text() == header()


def test_every_case_uses_each_cut_edge_and_no_other() -> None:
    for case, triangles in enumerate(triangle_table()):
        used = {e for triangle in triangles for e in triangle}
        assert used == {e for e in range(12) if edge_mask(case) >> e & 1}


def test_inside_each_cell_only_rim_edges_stay_open() -> None:
    for triangles in triangle_table():
        directed = [(t[i], t[(i + 1) % 3]) for t in triangles for i in range(3)]
        assert len(directed) == len(set(directed))
        rim = [e for e in directed if e[::-1] not in directed]
        # The rim crosses each cut edge once: in and out.
        assert len(rim) == len({a for a, _ in rim}) == len({b for _, b in rim})


def test_edges_run_from_lower_to_upper_corner_along_their_axis() -> None:
    for edge, (low, high) in enumerate(EDGES):
        assert high - low == 1 << (2 - edge // 4)
