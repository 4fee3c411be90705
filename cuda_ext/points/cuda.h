// Searches among points on CUDA: the same results as the CPU twin. Pointers are device pointers,
// `stream` is a cudaStream_t as an integer. Throw std::runtime_error when a launch fails.
#pragma once
#include <cstdint>

#include "points/cpu.h"

namespace gen3d::points {

// Farthest point sampling. With `whole`, one block treats a cloud; otherwise all multiprocessors
// do, with a launch per sample. `distance` (batch, count) starts at infinity, `best` (batch,
// wanted) at zero.
void farthest_cuda(const Clouds& clouds, int64_t wanted, int64_t first, bool whole, float* distance,
                   uint64_t* best, int64_t* samples, int64_t stream);

// Points of each cloud in the order of the side^3 cells of a cube, z fastest; `starts` has
// batch * side^3 + 1 places for all clouds in a row.
struct Grid {
    const double* low;   // (batch, 3)
    const double* size;  // (batch)
    const int64_t* starts;
    const float* points;
    const int32_t* ids;
    int side;
};

// As nearest() and ball().
void nearest_cuda(const Clouds& queries, const Grid& grid, int64_t k, bool skip_self,
                  float* distances, int64_t* indices, int64_t stream);
void ball_cuda(const Clouds& queries, const Grid& grid, int64_t k, float limit, int64_t* indices,
               int64_t stream);

// As auction(), one block per cloud; each array has a place per bidder or object of all clouds, and
// `price` and `highest` start at zero.
struct Market {
    float* price;
    float* increment;
    int32_t* object_of;
    int32_t* owner_of;
    int32_t* wanted;
    uint64_t* highest;
};
void auction_cuda(const Clouds& bidders, const Clouds& objects, const Auction& how,
                  const Market& market, int64_t* assignment, bool* matched, int64_t stream);

}  // namespace gen3d::points
