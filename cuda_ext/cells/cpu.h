// Cells and corners of one level of a sparse grid, on the CPU. See gen3d/ops/cells.py.
#pragma once
#include <cstdint>

#include "cells/math.h"

namespace gen3d::cells {

// Asks for the unknown corners of cells.
void ask_corners(const Cells& cells, const Bricks& bricks, uint8_t* flags, int threads);

// Corners to evaluate, per brick; then their indices and slots, which become known.
void count_wanted(const Bricks& bricks, const uint8_t* flags, int32_t* counts, int threads);
void take_wanted(const Bricks& bricks, uint8_t* flags, const int64_t* first, int32_t* index,
                 int64_t* slots, int threads);

// Values at the corners of cells; NaN where a corner is not known.
void gather_corners(const Cells& cells, const Bricks& bricks, const float* values, float* out,
                    int threads);

// For each cell, which of its eight children may hold a sign change.
void live_children(const float* values, int64_t count, const Bound& bound, uint8_t* live,
                   int threads);

// Notes for the 27 corners of each cell's children what the cell's own corners prove.
void mark_sure(const Cells& cells, const float* corner_values, const Bricks& bricks, float reach,
               uint8_t* flags, int threads);

// For each cell, which of its live children are crossed; asks for the corners of those.
void crossed_children(const Cells& cells, const uint8_t* live, const Bricks& bricks,
                      const float* values, uint8_t* flags, uint8_t* crossed, int threads);

// Notes cells (each named once) as visited and tells which were not yet.
void claim_cells(const Cells& cells, const Bricks& bricks, uint8_t* flags, uint8_t* fresh,
                 int threads);

// For each cell, the crossed faces behind which lies a cell below `limit` not yet visited.
void open_faces(const Cells& cells, const float* corner_values, int64_t limit,
                const Bricks& bricks, const uint8_t* flags, uint8_t* faces, int threads);

}  // namespace gen3d::cells
