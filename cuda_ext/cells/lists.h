// Lists of cells and bricks on the CPU: what a level holds and in which order. Each is one walk
// over the list, too short for threads. On CUDA, torch does the same; see gen3d/ops/cells.py.
#pragma once
#include <cstdint>

#include "cells/math.h"

namespace gen3d::cells {

// Keys of the bricks that hold the corners of cells `scale` edges wide, sorted. `keys` has room for
// eight per cell; returns how many there are. Fast where cells are in Morton order.
int64_t brick_keys(const Cells& cells, int scale, int64_t* keys);

// Fills new bricks: the even corners of each are an eighth of a coarse brick (slot 8 m is slot m),
// where there is one; the rest is not known.
void fill_bricks(const Bricks& bricks, const Bricks& coarser, const uint8_t* coarse_flags,
                 const float* coarse_values, uint8_t* flags, float* values, int threads);

// The children that a mask names, below `limit` on all axes, in the order of their parents. `out`
// has room for eight per cell; returns how many there are.
int64_t take_children(const Cells& cells, const uint8_t* mask, int32_t limit, int32_t* out);

// Rows of the crossed cells in lexicographic order of their indices, all below `side`. `rows` has
// room for all cells; returns how many there are.
int64_t crossed_rows(const Cells& cells, const float* corner_values, int32_t side, int64_t* rows);

}  // namespace gen3d::cells
