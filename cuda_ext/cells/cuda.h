// Sparse grids on CUDA: the operations of cpu.h, with the same results to the bit. Pointers are
// device pointers, `stream` is a cudaStream_t as an integer. Throw std::runtime_error when a launch
// fails.
#pragma once
#include <cstdint>

#include "cells/math.h"

namespace gen3d::cells {

void brick_needs_cuda(const Cells& cells, int scale, uint8_t* needs, int64_t stream);
void ask_corners_cuda(const Cells& cells, const Bricks& bricks, uint8_t* flags, int64_t stream);
void count_wanted_cuda(const Bricks& bricks, const uint8_t* flags, int32_t* counts, int64_t stream);
void take_wanted_cuda(const Bricks& bricks, uint8_t* flags, const int64_t* first, int32_t* index,
                      int64_t* slots, int64_t stream);
void gather_corners_cuda(const Cells& cells, const Bricks& bricks, const float* values, float* out,
                         int64_t stream);
void live_children_cuda(const float* values, int64_t count, const Bound& bound, uint8_t* live,
                        int64_t stream);
void mark_sure_cuda(const Cells& cells, const float* corner_values, const Bricks& bricks,
                    float reach, uint8_t* flags, int64_t stream);
void crossed_children_cuda(const Cells& cells, const uint8_t* live, const Bricks& bricks,
                           const float* values, uint8_t* flags, uint8_t* crossed, int64_t stream);
void claim_cells_cuda(const Cells& cells, const Bricks& bricks, uint8_t* flags, uint8_t* fresh,
                      int64_t stream);
void open_faces_cuda(const Cells& cells, const float* corner_values, int64_t limit,
                     const Bricks& bricks, const uint8_t* flags, uint8_t* faces, int64_t stream);

}  // namespace gen3d::cells
