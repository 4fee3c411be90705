"""Plain torch twin of the native bricks: the same numbers, one array operation at a time."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from gen3d.ops.reference.isosurface_table import CORNERS

SLOTS = 512
SURE_OUT, SURE_IN, ASKED, KNOWN, VISITED, DOUBT = 1, 2, 4, 8, 16, 32
LATTICE = 8
"""Finest lattice on which a cell is tested, per edge."""

_STEPS = ((32, 0x1F00000000FFFF), (16, 0x1F0000FF0000FF), (8, 0x100F00F00F00F00F))
_SPREAD = (*_STEPS, (4, 0x10C30C30C30C30C3), (2, 0x1249249249249249))
_CHUNK = 16_384
_ALL_EIGHT = 0x0101010101010101


def morton_keys(index: Int[Tensor, "n 3"]) -> Int[Tensor, " n"]:
    """Interleave the bits of x, y, z (z lowest); each below 2^21."""
    parts = index.long()
    for shift, mask in _SPREAD:
        parts = (parts | parts << shift) & mask
    return parts[:, 0] << 2 | parts[:, 1] << 1 | parts[:, 2]


def morton_index(keys: Int[Tensor, " n"]) -> Int[Tensor, "n 3"]:
    """Undo :func:`morton_keys`."""
    parts = torch.stack([keys >> 2, keys >> 1, keys], dim=-1) & _SPREAD[-1][1]
    for (shift, _), mask in zip(
        _SPREAD[::-1], (*(m for _, m in _SPREAD[-2::-1]), 0x1FFFFF), strict=True
    ):
        parts = (parts | parts >> shift) & mask
    return parts


def slots_of(index: Int[Tensor, "*n 3"], keys: Int[Tensor, " b"]) -> Int[Tensor, "*n"]:
    """Position of corners in arrays of (bricks, slots); -1 where a brick is not there."""
    flat = index.reshape(-1, 3).long()
    wanted = morton_keys(flat >> 3)
    slots = morton_keys(flat & 7)
    if len(keys) == 0:
        return torch.full_like(wanted, -1).view(index.shape[:-1])
    rows = torch.searchsorted(keys, wanted).clamp(max=len(keys) - 1)
    there = (keys[rows] == wanted) & (flat >= 0).all(1)
    return torch.where(there, rows * SLOTS + slots, -1).view(index.shape[:-1])


def corners_of(cells: Int[Tensor, "c 3"]) -> Int[Tensor, "c 8 3"]:
    """Indices of the corners of cells."""
    return cells[:, None] + torch.tensor(CORNERS, device=cells.device, dtype=cells.dtype)


def brick_needs(cells: Int[Tensor, "c 3"], scale: int) -> UInt8[Tensor, " c"]:
    """Bricks of the corners of cells ``scale`` edges wide (the CUDA twin names fewer twice)."""
    over = ((cells * scale & 7) + scale > 7).to(torch.uint8)
    mask = torch.ones(len(cells), dtype=torch.uint8, device=cells.device)
    for axis, shift in enumerate((4, 2, 1)):
        mask = mask | (mask << shift) * over[:, axis]
    return mask


def brick_keys(
    cells: Int[Tensor, "c 3"], scale: int, needs: UInt8[Tensor, " c"]
) -> Int[Tensor, " b"]:
    """Sorted keys of the bricks that cells need; a bit per brick, as from :func:`brick_needs`."""
    rows = needs.nonzero().squeeze(1)
    base, needs = (cells[rows].long() * scale) >> 3, needs[rows]
    wanted = [
        morton_keys(base[needs >> bit & 1 != 0] + base.new_tensor(offset))
        for bit, offset in enumerate(CORNERS)
    ]
    return torch.cat(wanted).unique()


def fill_bricks(
    keys: Int[Tensor, " b"],
    coarse_keys: Int[Tensor, " a"],
    coarse_flags: UInt8[Tensor, "a slots"],
    coarse_values: Float[Tensor, "a slots"],
) -> tuple[UInt8[Tensor, "b slots"], Float[Tensor, "b slots"]]:
    """Flags and values of new bricks: even corners from an eighth of a coarse one, if there."""
    flags = torch.zeros(len(keys), SLOTS, dtype=torch.uint8, device=keys.device)
    values = torch.full((len(keys), SLOTS), math.nan, device=keys.device)
    if len(coarse_keys) == 0:
        return flags, values
    parents = keys >> 3
    rows = torch.searchsorted(coarse_keys, parents).clamp(max=len(coarse_keys) - 1)
    there = (coarse_keys[rows] == parents).nonzero().squeeze(1)
    rows, octant = rows[there], keys[there] & 7
    flags.view(-1, 64, 8)[there, :, 0] = coarse_flags.view(-1, 8, 64)[rows, octant] & KNOWN
    values.view(-1, 64, 8)[there, :, 0] = coarse_values.view(-1, 8, 64)[rows, octant]
    return flags, values


def children(
    cells: Int[Tensor, "c 3"], mask: UInt8[Tensor, " c"], limit: int
) -> Int[Tensor, "d 3"]:
    """Children that a mask names, below a limit."""
    rows = mask.nonzero().squeeze(1)
    offsets = torch.tensor(CORNERS, device=cells.device, dtype=cells.dtype)
    bits = (mask[rows, None] >> torch.arange(8, dtype=torch.uint8, device=cells.device)) & 1
    at = (2 * cells[rows, None] + offsets)[bits != 0]
    return at[(at < limit).all(1)]


def crossed_rows(
    cells: Int[Tensor, "c 3"], values: Float[Tensor, "c 8"], side: int
) -> Int[Tensor, " d"]:
    """Rows of the crossed cells in lexicographic order of their indices."""
    rows = crossed_cells(values).nonzero().squeeze(1)
    x, y, z = cells[rows].long().unbind(-1)
    return rows[((x * side + y) * side + z).argsort()]


def ask_corners(
    cells: Int[Tensor, "c 3"], keys: Int[Tensor, " b"], flags: UInt8[Tensor, "b slots"]
) -> None:
    """Set ASKED on the corners of cells."""
    _add(flags, slots_of(corners_of(cells), keys), ASKED)


def take_wanted(
    keys: Int[Tensor, " b"], flags: UInt8[Tensor, "b slots"]
) -> tuple[Int[Tensor, "n 3"], Int[Tensor, " n"]]:
    """Return indices and slots of the corners to evaluate, in Morton order; they become KNOWN."""
    sure_out, sure_in = flags & SURE_OUT != 0, flags & SURE_IN != 0
    doubt = flags & DOUBT != 0
    wanted = torch.where(doubt, sure_out == sure_in, sure_out & sure_in)
    wanted = (wanted | (flags & ASKED != 0)) & (flags & KNOWN == 0)
    slots = wanted.view(-1).nonzero().squeeze(1)
    flags.view(-1)[slots] |= KNOWN
    index = 8 * morton_index(keys[slots // SLOTS]) + morton_index(slots % SLOTS)
    return index.int(), slots


def gather_corners(
    cells: Int[Tensor, "c 3"], keys: Int[Tensor, " b"], values: Float[Tensor, "b slots"]
) -> Float[Tensor, "c 8"]:
    """Return the values at the corners of cells, NaN where not known."""
    slots = slots_of(corners_of(cells), keys)
    missing = values.new_tensor(math.nan)
    if values.numel() == 0:
        return missing.expand(slots.shape).clone()
    return torch.where(slots >= 0, values.view(-1)[slots.clamp(min=0)], missing)


def live_children(
    values: Float[Tensor, "c 8"], *, reach: float, low: float, high: float, steps: int
) -> UInt8[Tensor, " c"]:
    """Return, per cell, which of its children may hold a sign change."""
    bit = 1 << torch.arange(8, device=values.device)
    parts = []
    for part in values.split(_CHUNK):
        signs = _proven_signs(part, reach, steps)
        half = (signs.shape[1] - 1) // 2
        settled = []
        for x, y, z in CORNERS:
            box = signs[:, x * half : x * half + half + 1, y * half : y * half + half + 1]
            box = box[..., z * half : z * half + half + 1].flatten(1)
            settled.append((box[:, :1] != 0).squeeze(1) & (box == box[:, :1]).all(1))
        live = ((~torch.stack(settled, 1)) * bit).sum(1).to(torch.uint8)
        parts.append(live * ~_far(part, reach, low, high, steps))
    return torch.cat(parts) if parts else values.new_empty(0, dtype=torch.uint8)


def mark_sure(
    cells: Int[Tensor, "c 3"],
    corner_values: Float[Tensor, "c 8"],
    keys: Int[Tensor, " b"],
    flags: UInt8[Tensor, "b slots"],
    *,
    reach: float,
) -> None:
    """Note for the 27 corners of each cell's children what the cell's own corners prove."""
    at = torch.cartesian_prod(*[torch.arange(3, device=cells.device)] * 3)
    slots = slots_of(2 * cells[:, None] + at, keys)
    signs = _proven_signs(corner_values, reach, 2).flatten(1)
    for sign, flag in ((-1, SURE_OUT), (1, SURE_IN), (0, DOUBT)):
        _add(flags, slots[signs == sign], flag)


def crossed_children(
    cells: Int[Tensor, "c 3"],
    live: UInt8[Tensor, " c"],
    keys: Int[Tensor, " b"],
    flags: UInt8[Tensor, "b slots"],
    values: Float[Tensor, "b slots"],
) -> UInt8[Tensor, " c"]:
    """Return, per cell, which of its live children are crossed; ask for the corners of those."""
    offsets = torch.tensor(CORNERS, device=cells.device, dtype=cells.dtype)
    at = corners_of((2 * cells[:, None] + offsets).view(-1, 3))
    slots = slots_of(at, keys).view(-1, 8, 8)
    state = flags.view(-1)[slots.clamp(min=0)] * (slots >= 0)
    sure = torch.where(state & SURE_IN != 0, 1.0, -1.0)
    signs = torch.where(state & KNOWN != 0, values.view(-1)[slots.clamp(min=0)], sure)
    bit = 1 << torch.arange(8, device=cells.device)
    crossed = crossed_cells(signs.view(-1, 8)).view(-1, 8) & (live.long()[:, None] & bit != 0)
    _add(flags, slots[crossed], ASKED)
    return (crossed * bit).sum(1).to(torch.uint8)


def claim_cells(
    cells: Int[Tensor, "c 3"], keys: Int[Tensor, " b"], flags: UInt8[Tensor, "b slots"]
) -> Bool[Tensor, " c"]:
    """Set VISITED on distinct cells; tell which had it not."""
    slots = slots_of(cells, keys)
    fresh = (slots >= 0) & (flags.view(-1)[slots.clamp(min=0)] & VISITED == 0)
    _add(flags, slots, VISITED)
    return fresh


def open_faces(
    cells: Int[Tensor, "c 3"],
    corner_values: Float[Tensor, "c 8"],
    keys: Int[Tensor, " b"],
    flags: UInt8[Tensor, "b slots"],
    *,
    limit: int,
) -> UInt8[Tensor, " c"]:
    """Return, per cell, the crossed faces (bit 2 axis + side) before a cell not yet visited."""
    offsets = torch.tensor(CORNERS, device=cells.device)
    mask = torch.zeros(len(cells), dtype=torch.uint8, device=cells.device)
    for face in range(6):
        axis, side = divmod(face, 2)
        crossed = crossed_cells(corner_values[:, offsets[:, axis] == side])
        behind = cells.clone()
        behind[:, axis] += 2 * side - 1
        inside = (behind[:, axis] >= 0) & (behind[:, axis] < limit)
        slots = slots_of(behind, keys)
        seen = (slots >= 0) & (flags.view(-1)[slots.clamp(min=0)] & VISITED != 0)
        mask |= (crossed & inside & ~seen).to(torch.uint8) << face
    return mask


def crossed_cells(values: Float[Tensor, "c corners"]) -> Bool[Tensor, " c"]:
    """Tell whether values differ in sign; zero counts as outside, as in marching cubes."""
    inside = values > 0
    if values.shape[1] == 8:
        # Eight bytes at a time: torch reduces short rows slowly.
        inside = inside.contiguous().view(torch.int64).squeeze(1)
        return (inside != 0) & (inside != _ALL_EIGHT)
    return inside.any(1) & ~inside.all(1)


def _add(flags: UInt8[Tensor, "b slots"], slots: Int[Tensor, "*n"], flag: int) -> None:
    slots = slots[slots >= 0]
    # Slots may repeat; all repeats write the same byte.
    flags.view(-1)[slots] = flags.view(-1)[slots] | flag


def _proven_signs(
    values: Float[Tensor, "c 8"], reach: float, steps: int
) -> Int[Tensor, "c side side side"]:
    """Signs of lattice points that the corners prove: -1, 1, or 0 where they do not (or both)."""
    side = min(steps, LATTICE) + 1
    step = steps / (side - 1)
    # Points of the final grid between those of the lattice are at most this far from one.
    slack = math.sqrt(0.75) * step if steps > LATTICE else 0.0
    axis = torch.arange(side, dtype=torch.float64, device=values.device)
    points = torch.cartesian_prod(axis, axis, axis)[:, None]
    corners = torch.tensor(CORNERS, device=values.device) * (side - 1)
    away = ((points - corners) * step).square().sum(-1).sqrt()
    spread = ((away + slack) * _float32(reach)).float()
    out = torch.zeros(len(values), len(spread), dtype=torch.bool, device=values.device)
    into = out.clone()
    for c in range(8):
        out |= values[:, c, None] + spread[:, c] < 0
        into |= values[:, c, None] - spread[:, c] > 0
    return (into.int() - out.int()).view(-1, side, side, side)


def _far(
    values: Float[Tensor, "c 8"], reach: float, low: float, high: float, steps: int
) -> Bool[Tensor, " c"]:
    half_diagonal = torch.tensor(0.8660254) * torch.tensor(reach) * float(steps)
    half_diagonal = half_diagonal.to(values.device)
    above, below = (values > half_diagonal).all(1), (values < -half_diagonal).all(1)
    return above | below | (values >= _float32(high)).all(1) | (values <= _float32(low)).all(1)


def _float32(x: float) -> float:
    return float(torch.tensor(x, dtype=torch.float32))
