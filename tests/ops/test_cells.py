import pytest
import torch

from gen3d.ops import cells as ops
from gen3d.ops.backend import native_available
from gen3d.ops.cells import Bricks
from gen3d.ops.isosurface import CORNER_OFFSETS

needs_native = pytest.mark.skipif(not native_available(), reason="native module not built")
BACKENDS = [pytest.param("native", marks=needs_native), "reference"]


@pytest.fixture(params=BACKENDS)
def backend(request, monkeypatch):
    monkeypatch.setenv("GEN3D_BACKEND", request.param)
    return request.param


def random_cells(count, side, seed=0):
    generator = torch.Generator().manual_seed(seed)
    index = torch.randint(0, side, (count, 3), generator=generator)
    return ops.morton_index(ops.morton_keys(index).unique()).int()


def filled(cells, seed=0):
    """A level with random values at the corners of cells."""
    level = ops.open_bricks(Bricks.empty(), cells)
    ops.ask_corners(level, cells)
    index, slots = ops.take_wanted(level)
    generator = torch.Generator().manual_seed(seed)
    ops.store(level, slots, torch.randn(len(slots), generator=generator))
    return level, index


def test_morton_keys_round_trip_and_sort_z_fastest(backend):
    index = torch.randint(0, 1 << 21, (500, 3), generator=torch.Generator().manual_seed(1))
    assert torch.equal(ops.morton_index(ops.morton_keys(index)), index)
    corners = torch.tensor(CORNER_OFFSETS)
    assert ops.morton_keys(corners).tolist() == list(range(8))


def test_each_corner_is_wanted_once_in_morton_order(backend):
    cells = random_cells(200, 40)
    level, index = filled(cells)
    corners = (cells.long()[:, None] + torch.tensor(CORNER_OFFSETS)).view(-1, 3)
    assert torch.equal(ops.morton_keys(index), ops.morton_keys(corners).unique())
    ops.ask_corners(level, cells)
    assert len(ops.take_wanted(level)[0]) == 0


def test_bricks_are_those_of_the_corners_and_no_others(backend):
    cells = torch.tensor([[7, 0, 7], [7, 7, 7], [16, 3, 3]], dtype=torch.int32)
    level = ops.open_bricks(Bricks.empty(), cells)
    bricks = {tuple(b) for b in ops.morton_index(level.keys).tolist()}
    eight = {(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)}
    assert bricks == eight | {(2, 0, 0)}


def test_values_come_back_at_their_corners_and_nan_elsewhere(backend):
    cells = random_cells(50, 30)
    level, index = filled(cells)
    ops.store(level, ops.reference.slots_of(index, level.keys), index.float().sum(1))
    corners = cells[:, None] + torch.tensor(CORNER_OFFSETS, dtype=torch.int32)
    assert torch.equal(ops.gather_corners(level, cells), corners.sum(-1).float())
    away = torch.tensor([[900, 900, 900]], dtype=torch.int32)
    assert bool(ops.gather_corners(level, away).isnan().all())


def test_new_bricks_inherit_every_second_corner(backend):
    cells = random_cells(60, 20)
    coarse, _ = filled(cells)
    fine = ops.open_bricks(Bricks.empty(), cells, coarser=coarse, scale=2)
    ops.ask_corners(fine, 2 * cells)
    ops.take_wanted(fine)
    first = ops.gather_corners(fine, 2 * cells)[:, 0]
    assert torch.equal(first, ops.gather_corners(coarse, cells)[:, 0])
    # Only what is known is inherited.
    again = ops.open_bricks(Bricks.empty(), cells, coarser=coarse, scale=2)
    known = int((again.flags & ops.reference.KNOWN != 0).sum())
    assert known == int((coarse.flags & ops.reference.KNOWN != 0).sum())


def test_growing_a_level_keeps_what_it_has(backend):
    cells = random_cells(60, 20)
    level, _ = filled(cells)
    grown = ops.open_bricks(level, random_cells(60, 90, seed=3))
    assert len(grown.keys) > len(level.keys)
    assert bool((grown.keys.diff() > 0).all())
    assert torch.equal(ops.gather_corners(grown, cells), ops.gather_corners(level, cells))


@pytest.mark.parametrize("steps", [2, 4, 8, 16])
def test_dropped_children_have_one_sign_for_every_field_within_the_bound(backend, steps):
    # Distances to random planes and points have slope one.
    generator = torch.Generator().manual_seed(steps)
    corners = torch.tensor(CORNER_OFFSETS).double() * steps
    lattice = torch.cartesian_prod(*[torch.arange(steps // 2 + 1)] * 3).double()
    normals = torch.nn.functional.normalize(
        torch.randn(64, 3, generator=generator, dtype=torch.float64), dim=1
    )
    offsets = steps * torch.rand(64, 1, generator=generator, dtype=torch.float64)

    def field(points):
        return (points @ normals.T).T - offsets

    values = field(corners).float()
    live = ops.live_children(values, reach=1.0, steps=steps)
    dropped = 0
    for child, offset in enumerate(CORNER_OFFSETS):
        inside = field(lattice + torch.tensor(offset) * (steps // 2)) > 0
        one_sign = inside.all(1) | ~inside.any(1)
        gone = (live >> child & 1) == 0
        assert bool(one_sign[gone].all())
        dropped += int(gone.sum())
    assert dropped > 64
    assert int(ops.live_children(values, reach=1.0, steps=steps, low=1e9).sum()) == 0


def test_children_keep_the_order_of_their_parents_and_stay_below_the_limit(backend):
    parents = random_cells(200, 20)
    mask = torch.randint(0, 256, (len(parents),), generator=torch.Generator().manual_seed(2))
    found = ops.children(parents, mask.to(torch.uint8), limit=37)
    expected = [
        (2 * p + torch.tensor(offset)).tolist()
        for p, bits in zip(parents, mask.tolist(), strict=True)
        for child, offset in enumerate(CORNER_OFFSETS)
        if bits >> child & 1
    ]
    assert found.dtype == parents.dtype
    assert found.tolist() == [child for child in expected if max(child) < 37]
    assert len(found) < len(expected)
    assert bool((ops.morton_keys(found).diff() > 0).all())


def test_crossed_rows_are_in_lexicographic_order(backend):
    cells = random_cells(500, 30)
    values = torch.randn(len(cells), 8, generator=torch.Generator().manual_seed(4)) + 1.2
    rows = ops.crossed_rows(cells, values, side=30)
    found = [tuple(cell) for cell in cells[rows].tolist()]
    assert found == sorted(found)
    inside = values > 0
    crossed = inside.any(1) & ~inside.all(1)
    assert rows.sort().values.tolist() == crossed.nonzero().squeeze(1).tolist()
    assert 0 < len(rows) < len(cells)


def test_proven_corners_are_not_asked_for(backend):
    parents = torch.zeros(1, 3, dtype=torch.int32)
    # Distances to the plane x = 0.3 of a cell two wide.
    values = torch.tensor([[0.3, 0.3, 0.3, 0.3, -1.7, -1.7, -1.7, -1.7]])
    level = ops.open_bricks(Bricks.empty(), parents, scale=2)
    ops.mark_sure(level, parents, values, reach=1.0)
    index, slots = ops.take_wanted(level)
    doubtful = {tuple(i) for i in index.tolist()}
    # In the middle plane (0.7 beyond it) four corners lie 1.7 / sqrt(2) from x = 2: proven out.
    assert (1, 0, 0) not in doubtful
    assert (0, 1, 1) in doubtful
    ops.store(level, slots, 0.3 - index[:, 0].float())
    crossed = ops.crossed_children(level, parents, torch.tensor([255], dtype=torch.uint8))
    assert ops.children(parents, crossed, limit=2).tolist() == [
        [0, y, z] for y in (0, 1) for z in (0, 1)
    ]
    rest, _ = ops.take_wanted(level)
    assert not doubtful & {tuple(i) for i in rest.tolist()}


def test_surface_steps_across_crossed_faces_once(backend):
    cells = torch.tensor([[3, 3, 3]], dtype=torch.int32)
    values = torch.tensor([[1.0, 1, 1, 1, -1, -1, -1, -1]])
    level = ops.open_bricks(Bricks.empty(), cells)
    assert ops.claim_cells(level, cells).tolist() == [True]
    assert ops.claim_cells(level, cells).tolist() == [False]
    near = ops.open_neighbours(level, cells, values, limit=8)
    assert sorted(near.tolist()) == [[3, 2, 3], [3, 3, 2], [3, 3, 4], [3, 4, 3]]
    ops.claim_cells(level, near[:1])
    assert len(ops.open_neighbours(level, cells, values, limit=8)) == 3
    assert len(ops.open_neighbours(level, cells, values, limit=4)) == 1


@needs_native
@pytest.mark.parametrize("seed", range(3))
def test_native_equals_reference(monkeypatch, seed):
    generator = torch.Generator().manual_seed(seed)
    parents = random_cells(300, 24, seed)
    values = torch.randn(len(parents), 8, generator=generator)
    near = values + 1.4

    coarse_level, _ = filled(parents)

    def run():
        level = ops.open_bricks(Bricks.empty(), parents, coarser=coarse_level, scale=2)
        inherited = level.values.nan_to_num(7.0)
        live = ops.live_children(near, reach=0.4, steps=8, low=-1.0, high=3.0)
        coarse = ops.live_children(near, reach=0.1, steps=32)
        ops.mark_sure(level, parents, near, reach=0.6)
        index, slots = ops.take_wanted(level)
        ops.store(level, slots, torch.sin(index.float().sum(1)))
        crossed = ops.crossed_children(level, parents, live)
        more, _ = ops.take_wanted(level)
        kids = ops.children(parents, crossed, limit=47)
        fresh = ops.claim_cells(level, kids)
        corners = torch.nan_to_num(ops.gather_corners(level, kids), 0.5)
        open_cells = ops.open_neighbours(level, kids, corners, limit=47)
        rows = ops.crossed_rows(kids, corners, side=48)
        chosen = (live, coarse, index, slots, crossed, more, fresh, open_cells, rows)
        return level.keys, level.flags, inherited, *chosen

    native = run()
    monkeypatch.setenv("GEN3D_BACKEND", "reference")
    for a, b in zip(native, run(), strict=True):
        assert torch.equal(a, b)


@needs_native
def test_results_do_not_depend_on_the_thread_count():
    cells = random_cells(60_000, 80)
    threads = torch.get_num_threads()
    results = []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            level, index = filled(cells)
            results.append((level.keys, level.flags, index))
    finally:
        torch.set_num_threads(threads)
    for a, b in zip(*results, strict=True):
        assert torch.equal(a, b)


def test_empty_input_gives_empty_output(backend):
    none = torch.empty(0, 3, dtype=torch.int32)
    level = ops.open_bricks(Bricks.empty(), none)
    assert len(level.keys) == 0
    ops.ask_corners(level, none)
    assert len(ops.take_wanted(level)[0]) == 0
    assert ops.gather_corners(level, none).shape == (0, 8)
    assert len(ops.children(none, torch.empty(0, dtype=torch.uint8), limit=4)) == 0
    assert len(ops.open_neighbours(level, none, torch.empty(0, 8), limit=4)) == 0
    assert len(ops.crossed_rows(none, torch.empty(0, 8), side=4)) == 0
