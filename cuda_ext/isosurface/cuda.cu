#include <stdexcept>
#include <string>

#include "isosurface/cuda.h"
#include "isosurface/math.h"

namespace gen3d::isosurface {
namespace {

constexpr int kBlock = 256;

// Position of `key` among the first `count` sorted keys, or -1.
__device__ int64_t find_key(const int64_t* keys, int64_t count, int64_t key) {
    int64_t low = 0, high = count;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (keys[middle] < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && keys[low] == key ? low : -1;
}

__device__ void find_neighbours(const Cells& in, int64_t self, int64_t* neighbours) {
    for (int n = 0; n < kNeighbours; ++n) {
        const int64_t key = neighbour_key(in.cells + 3 * self, n, in.resolution);
        neighbours[n] = key < 0 ? -1 : find_key(in.keys, self, key);
    }
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

unsigned blocks_for(int64_t count) {
    return static_cast<unsigned>((count + kBlock - 1) / kBlock);
}

void check_launch(const char* kernel) {
    const cudaError_t status = cudaGetLastError();
    if (status != cudaSuccess) {
        throw std::runtime_error(std::string(kernel) + ": " + cudaGetErrorString(status));
    }
}

cudaStream_t as_stream(int64_t stream) {
    return reinterpret_cast<cudaStream_t>(stream);
}

}  // namespace

void count_cuda(const Cells& in, uint8_t* cases, int16_t* owned, int32_t* counts, int64_t stream) {
    if (in.count == 0) return;
    classify_kernel<<<blocks_for(in.count), kBlock, 0, as_stream(stream)>>>(in, cases);
    check_launch("isosurface classify");
    count_kernel<<<blocks_for(in.count), kBlock, 0, as_stream(stream)>>>(in, cases, owned, counts);
    check_launch("isosurface count");
}

void emit_cuda(const Cells& in, const uint8_t* cases, const int16_t* owned,
               const int64_t* first_vertex, const int64_t* first_face, double lo, double hi,
               float* vertices, int64_t* faces, int64_t* sources, int64_t stream) {
    if (in.count == 0) return;
    const double step = (hi - lo) / static_cast<double>(in.resolution);
    emit_kernel<<<blocks_for(in.count), kBlock, 0, as_stream(stream)>>>(
        in, cases, owned, first_vertex, first_face, lo, step, vertices, faces, sources);
    check_launch("isosurface emit");
}

}  // namespace gen3d::isosurface
