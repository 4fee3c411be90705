#include "common/launch.h"
#include "isosurface/cuda.h"
#include "isosurface/math.h"

namespace gen3d::isosurface {
namespace {

constexpr int kBlock = 256;

// The first of keys[low : high], which are sorted, that is not less than `key`; or `high`.
__device__ int64_t lower_bound(const int64_t* keys, int64_t low, int64_t high, int64_t key) {
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (keys[middle] < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// Finds `count` neighbours (1 or 3), whose keys follow each other, in one search. Their keys are at
// most `window` less than the cell's own.
__device__ void find_row(const Cells& in, int64_t self, int first, int count, int64_t window,
                         int64_t* neighbours) {
    const int32_t* cell = in.cells + 3 * self;
    const int64_t middle = neighbour_key(cell, first + count / 2, in.resolution);
    int64_t at = self;
    if (middle >= 0) {
        const int64_t low = self > window ? self - window : 0;
        at = lower_bound(in.keys, low, self, middle - count / 2);
    }
    for (int n = first; n < first + count; ++n) {
        const int64_t key = neighbour_key(cell, n, in.resolution);
        while (at < self && in.keys[at] < key) ++at;
        neighbours[n] = key >= 0 && at < self && in.keys[at] == key ? at : -1;
    }
}

__device__ void find_neighbours(const Cells& in, int64_t self, int64_t* neighbours) {
    const int64_t row = in.resolution + 1, layer = in.resolution * in.resolution + row;
    find_row(in, self, 0, 1, layer, neighbours);  // (-1, -1, 0)
    find_row(in, self, 1, 3, layer, neighbours);  // (-1, 0, -1 to 1)
    find_row(in, self, 4, 1, layer, neighbours);  // (-1, 1, 0)
    find_row(in, self, 5, 3, row, neighbours);    // (0, -1, -1 to 1)
    find_row(in, self, 8, 1, 1, neighbours);      // (0, 0, -1)
}

__global__ void classify_kernel(Cells in, uint8_t* cases) {
    const int64_t i = static_cast<int64_t>(blockIdx.x) * kBlock + threadIdx.x;
    if (i < in.count) cases[i] = static_cast<uint8_t>(cell_case(in.values + 8 * i, in.level));
}

__global__ void count_kernel(Cells in, const uint8_t* cases, int16_t* owned, int32_t* counts) {
    const int64_t i = static_cast<int64_t>(blockIdx.x) * kBlock + threadIdx.x;
    if (i >= in.count) return;
    int mask = 0;
    if (kEdgeMask[cases[i]] != 0) {
        int64_t neighbours[kNeighbours];
        find_neighbours(in, i, neighbours);
        mask = owned_edges(cases[i], neighbours, cases);
    }
    owned[i] = static_cast<int16_t>(mask);
    counts[i] = __popc(mask);
    counts[in.count + i] = kTriangleCount[cases[i]];
}

__global__ void emit_kernel(Cells in, const uint8_t* cases, const int16_t* owned,
                            const int64_t* first_vertex, const int64_t* first_face, double lo,
                            double step, float* vertices, int64_t* faces, int64_t* sources) {
    const int64_t i = static_cast<int64_t>(blockIdx.x) * kBlock + threadIdx.x;
    if (i >= in.count) return;
    const int bits = cases[i];
    if (kEdgeMask[bits] == 0) return;
    int64_t neighbours[kNeighbours];
    find_neighbours(in, i, neighbours);
    int64_t vertex = first_vertex[i];
    for (int e = 0; e < 12; ++e) {
        if ((owned[i] >> e & 1) == 0) continue;
        edge_vertex(in.cells + 3 * i, in.values + 8 * i, e, in.level, lo, step,
                    vertices + 3 * vertex);
        sources[vertex++] = 12 * i + e;
    }
    int64_t* face = faces + 3 * first_face[i];
    for (int t = 0; t < 3 * kTriangleCount[bits]; ++t) {
        face[t] = vertex_id(i, kTriangles[bits][t], neighbours, owned, first_vertex);
    }
}

}  // namespace

void count_cuda(const Cells& in, uint8_t* cases, int16_t* owned, int32_t* counts, int64_t stream) {
    if (in.count == 0) return;
    classify_kernel<<<blocks_for(in.count, kBlock), kBlock, 0, as_stream(stream)>>>(in, cases);
    check_launch("isosurface classify");
    count_kernel<<<blocks_for(in.count, kBlock), kBlock, 0, as_stream(stream)>>>(in, cases, owned,
                                                                                 counts);
    check_launch("isosurface count");
}

void emit_cuda(const Cells& in, const uint8_t* cases, const int16_t* owned,
               const int64_t* first_vertex, const int64_t* first_face, double lo, double hi,
               float* vertices, int64_t* faces, int64_t* sources, int64_t stream) {
    if (in.count == 0) return;
    const double step = (hi - lo) / static_cast<double>(in.resolution);
    emit_kernel<<<blocks_for(in.count, kBlock), kBlock, 0, as_stream(stream)>>>(
        in, cases, owned, first_vertex, first_face, lo, step, vertices, faces, sources);
    check_launch("isosurface emit");
}

}  // namespace gen3d::isosurface
