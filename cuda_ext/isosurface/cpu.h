// Sparse marching cubes on the CPU: two passes with a prefix sum (made by the caller) between them.
#pragma once
#include <cstdint>

namespace gen3d::isosurface {

struct Cells {
    const int32_t* cells;  // [count][3], sorted by key
    const int64_t* keys;   // [count], strictly increasing
    const float* values;   // [count][8], corner values
    int64_t count;
    int64_t resolution;
    float level;
};

// Pass 1: the case of each cell, the edges that it owns, and how many vertices and triangles it
// makes (counts[0][i], counts[1][i]).
void count(const Cells& in, uint8_t* cases, int16_t* owned, int32_t* counts, int threads);

// Pass 2: writes every cell's vertices and faces at the offsets that the prefix sum gave.
// sources[v] = 12 * cell + edge that made vertex v.
void emit(const Cells& in, const uint8_t* cases, const int16_t* owned, const int64_t* first_vertex,
          const int64_t* first_face, double lo, double hi, float* vertices, int64_t* faces,
          int64_t* sources, int threads);

}  // namespace gen3d::isosurface
