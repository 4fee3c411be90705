"""How steep a field is where its surface may be, from differences between grid corners."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d.ops.cells import crossed_cells
from gen3d.ops.isosurface import CORNER_OFFSETS
from gen3d.ops.reference.isosurface_table import EDGES
from gen3d.vecset.grid_field import FieldSampling

PROBES = 192


def measured_slopes(
    at: Int[Tensor, "c 3"],
    values: Float[Tensor, "c 8"],
    sampling: FieldSampling,
    steps: int,
) -> Float[Tensor, " p"]:
    """Measure gradients near the surface, in field units per unit of length.

    Probes are places where a coarse edge is crossed (up to ``PROBES``) and coarse corners of the
    smallest magnitudes (as many: thin parts that no coarse edge meets). Each asks its six
    neighbours in the final grid; the gradient has the larger one-sided difference on each axis, so
    that a kink (the middle of a thin part, the edge of a truncation) does not hide it.

    Args:
        at: Cells of the coarsest level, int32.
        values: Their corner values.
        sampling: Samples the final grid.
        steps: Final cells per edge of a coarse cell.
    """
    probes = torch.cat([_crossings(at, values, sampling, steps), _smallest(at, values, steps)])
    axes = torch.eye(3, dtype=probes.dtype, device=probes.device)
    ways = torch.cat([torch.zeros_like(axes[:1]), axes, -axes])
    index = (probes[:, None] + ways).clamp(0, sampling.grid.side - 1)
    around = sampling(index.view(-1, 3)).view(-1, 7)
    change = (around[:, 1:] - around[:, :1]).abs().view(-1, 2, 3).amax(1)
    return change.norm(dim=1) / sampling.grid.size


def _crossings(
    at: Int[Tensor, "c 3"], values: Float[Tensor, "c 8"], sampling: FieldSampling, steps: int
) -> Int[Tensor, "p 3"]:
    """Return final corners next to where the surface cuts some of the coarse edges."""
    rows = crossed_cells(values).nonzero().squeeze(1)
    rows = rows[:: max(1, len(rows) // PROBES)][:PROBES]
    if len(rows) == 0:
        return at[:0]
    ends = torch.tensor(EDGES, device=at.device)
    cut = (values[rows][:, ends] > 0).int().diff(dim=-1).squeeze(-1)
    first = ends[cut.abs().argmax(1)]
    corners = torch.tensor(CORNER_OFFSETS, device=at.device, dtype=at.dtype)
    begin, end = corners[first[:, 0]], corners[first[:, 1]]
    along = torch.arange(steps + 1, device=at.device, dtype=at.dtype)[:, None]
    index = (steps * (at[rows] + begin))[:, None] + along * (end - begin)[:, None]
    line = sampling(index.view(-1, 3)).view(len(rows), -1)
    cut = (line[:, 1:] > 0) != (line[:, :-1] > 0)
    return index[torch.arange(len(rows), device=at.device), cut.int().argmax(1)]


def _smallest(
    at: Int[Tensor, "c 3"], values: Float[Tensor, "c 8"], steps: int
) -> Int[Tensor, "p 3"]:
    """Return the coarse corners of the smallest magnitudes."""
    magnitude, corner = values.abs().min(1)
    rows = magnitude.topk(min(PROBES, len(magnitude)), largest=False).indices
    corners = torch.tensor(CORNER_OFFSETS, device=rows.device, dtype=at.dtype)
    return steps * (at[rows] + corners[corner[rows]])
