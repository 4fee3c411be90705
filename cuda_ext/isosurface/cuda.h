// Sparse marching cubes on CUDA: same passes and same order of results as the CPU twin.
#pragma once
#include <cstdint>

#include "isosurface/cpu.h"

namespace gen3d::isosurface {

// As count() and emit(); pointers are device pointers, `stream` is a cudaStream_t as an integer.
// Throw std::runtime_error when a launch fails.
void count_cuda(const Cells& in, uint8_t* cases, int16_t* owned, int32_t* counts, int64_t stream);
void emit_cuda(const Cells& in, const uint8_t* cases, const int16_t* owned,
               const int64_t* first_vertex, const int64_t* first_face, double lo, double hi,
               float* vertices, int64_t* faces, int64_t* sources, int64_t stream);

}  // namespace gen3d::isosurface
