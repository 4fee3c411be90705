#include "isosurface/cpu.h"

#include <algorithm>

#include "common/thread_pool.h"
#include "isosurface/math.h"

namespace gen3d::isosurface {
namespace {

constexpr int64_t kGrain = 16384;

// Finds the preceding neighbours of cells visited in order. Each neighbour's key grows with the
// cell's, so one cursor per neighbour walks the list once: no search, no hash.
class NeighbourWalk {
  public:
    explicit NeighbourWalk(const Cells& in) : in_(in) { std::fill_n(cursor_, kNeighbours, -1); }

    void find(int64_t self, int64_t* neighbours) {
        for (int n = 0; n < kNeighbours; ++n) {
            neighbours[n] = -1;
            const int64_t key = neighbour_key(in_.cells + 3 * self, n, in_.resolution);
            if (key < 0) continue;
            int64_t at = cursor_[n];
            if (at < 0) at = std::lower_bound(in_.keys, in_.keys + self, key) - in_.keys;
            while (at < self && in_.keys[at] < key) ++at;
            cursor_[n] = at;
            if (at < self && in_.keys[at] == key) neighbours[n] = at;
        }
    }

  private:
    const Cells& in_;
    int64_t cursor_[kNeighbours];
};

}  // namespace

void count(const Cells& in, uint8_t* cases, int16_t* owned, int32_t* counts, int threads) {
    parallel_for(in.count, kGrain, threads, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
            cases[i] = static_cast<uint8_t>(cell_case(in.values + 8 * i, in.level));
        }
    });
    parallel_for(in.count, kGrain, threads, [&](int64_t begin, int64_t end) {
        NeighbourWalk walk(in);
        int64_t neighbours[kNeighbours];
        for (int64_t i = begin; i < end; ++i) {
            int mask = 0;
            if (kEdgeMask[cases[i]] != 0) {
                walk.find(i, neighbours);
                mask = owned_edges(cases[i], neighbours, cases);
            }
            owned[i] = static_cast<int16_t>(mask);
            counts[i] = bit_count(mask);
            counts[in.count + i] = kTriangleCount[cases[i]];
        }
    });
}

void emit(const Cells& in, const uint8_t* cases, const int16_t* owned, const int64_t* first_vertex,
          const int64_t* first_face, double lo, double hi, float* vertices, int64_t* faces,
          int64_t* sources, int threads) {
    const double step = (hi - lo) / static_cast<double>(in.resolution);
    parallel_for(in.count, kGrain, threads, [&](int64_t begin, int64_t end) {
        NeighbourWalk walk(in);
        int64_t neighbours[kNeighbours];
        for (int64_t i = begin; i < end; ++i) {
            const int bits = cases[i];
            if (kEdgeMask[bits] == 0) continue;
            walk.find(i, neighbours);
            int64_t ids[12];
            int64_t vertex = first_vertex[i];
            for (int e = 0; e < 12; ++e) {
                if ((kEdgeMask[bits] >> e & 1) == 0) continue;
                if ((owned[i] >> e & 1) == 0) {
                    ids[e] = vertex_id(i, e, neighbours, owned, first_vertex);
                    continue;
                }
                edge_vertex(in.cells + 3 * i, in.values + 8 * i, e, in.level, lo, step,
                            vertices + 3 * vertex);
                sources[vertex] = 12 * i + e;
                ids[e] = vertex++;
            }
            int64_t* face = faces + 3 * first_face[i];
            for (int t = 0; t < 3 * kTriangleCount[bits]; ++t) face[t] = ids[kTriangles[bits][t]];
        }
    });
}

}  // namespace gen3d::isosurface
