"""The CUDA twins of the sparse grid against the CPU, step by step of one level's life."""

import math

import pytest
import torch
from torch import Tensor

from gen3d.ops import cells as ops
from gen3d.ops.backend import cuda_native_available, why_not

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not cuda_native_available(), reason=why_not("cuda") or "no CUDA module"),
]


def field(index: Tensor, side: int) -> Tensor:
    """A ball and waves, in double, so that both devices see the same bits."""
    p = index.cpu().double() / side - 0.5
    waves = torch.sin(9 * p[..., 0]) * torch.cos(7 * p[..., 1] + p[..., 2])
    return (0.35 - p.norm(dim=-1) + 0.05 * waves).float().to(index.device)


def life_of_a_level(device: str, side: int, gaps: bool) -> list[Tensor]:
    """Run every operation on two levels of a grid; return all that they give."""
    axis = torch.arange(side // 2)
    coarse_cells = torch.cartesian_prod(axis, axis, axis).int()
    keys = ops.morton_keys(coarse_cells)
    coarse_cells = coarse_cells[keys.argsort()]
    if gaps:
        coarse_cells = coarse_cells[::3]
    coarse_cells = coarse_cells.contiguous().to(device)

    coarse = ops.open_bricks(ops.Bricks.empty(device), coarse_cells)
    ops.ask_corners(coarse, coarse_cells)
    index, slots = ops.take_wanted(coarse)
    ops.store(coarse, slots, field(index, side // 2))
    corner_values = ops.gather_corners(coarse, coarse_cells)
    seen = [coarse.keys, index, slots, corner_values, coarse.flags]

    reach = 1.6 / side
    live = ops.live_children(corner_values, reach=reach, steps=2, low=-0.3, high=0.3)
    seen += [live, *(ops.live_children(corner_values, reach=reach, steps=s) for s in (4, 8, 32))]
    parents, at_parents = coarse_cells[live != 0], corner_values[live != 0]
    live = live[live != 0]
    fine = ops.open_bricks(ops.Bricks.empty(device), parents, coarser=coarse, scale=2)
    ops.mark_sure(fine, parents, at_parents, reach=reach)
    seen += [fine.keys, fine.flags.clone()]
    index, slots = ops.take_wanted(fine)
    ops.store(fine, slots, field(index, side))
    crossed = ops.crossed_children(fine, parents, live)
    found = ops.children(parents, crossed, limit=side)
    index, slots = ops.take_wanted(fine)
    ops.store(fine, slots, field(index, side))
    values = ops.gather_corners(fine, found)
    seen += [crossed, found, index, values, fine.flags.clone()]

    seen.append(ops.claim_cells(fine, found[: len(found) // 2].contiguous()))
    seen.append(ops.claim_cells(fine, found))
    seen.append(ops.open_neighbours(fine, found, values, limit=side))
    return [*seen, fine.flags, fine.values]


@pytest.mark.parametrize("side", [16, 46])
@pytest.mark.parametrize("gaps", [False, True])
def test_cuda_equals_cpu_to_the_bit(side: int, gaps: bool) -> None:
    on_cpu, on_gpu = (life_of_a_level(device, side, gaps) for device in ("cpu", "cuda"))
    for a, b in zip(on_cpu, on_gpu, strict=True):
        b = b.cpu()
        assert a.dtype == b.dtype and a.shape == b.shape
        assert torch.equal(a.nan_to_num(math.pi), b.nan_to_num(math.pi))


def test_no_cells_give_nothing() -> None:
    empty = torch.zeros(0, 3, dtype=torch.int32, device="cuda")
    level = ops.open_bricks(ops.Bricks.empty("cuda"), empty)
    assert len(level.keys) == 0
    assert ops.gather_corners(level, empty).shape == (0, 8)
    assert ops.take_wanted(level)[0].shape == (0, 3)
