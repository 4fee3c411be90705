// The walks over a tree, in plain numbers, so that a file compiled for one set of vector
// instructions can hold them without sharing code with the others.
#pragma once
#include <cstdint>

#include "points/tree.h"

namespace gen3d::points {

// Queries (rows of three floats) that one call answers: those that order[begin : end] names.
struct Queries {
    const float* points;
    const int32_t* order;
    int64_t begin, end;
};

// Distances of a level's nodes or leaves to the samples so far: the greatest below each node, and
// the least index that has it. Padded to a multiple of sixteen with -1.
struct FarLevel {
    float* distance;
    int32_t* index;
};

// Objects of an auction in blocks of sixteen (x, y, z, price), the last filled up with infinity.
struct Objects {
    const float* blocks;
    int64_t count;
};

struct Bid {
    float best, second;  // least and second least cost: distance and price
    int32_t object;      // of the least cost, of equal ones the lowest
};

using Visit = void (*)(void* context, const int32_t* ids, const float* distances, uint32_t mask);

// One set of vector instructions.
struct Build {
    // The `k` nearest points of each query, ascending; `keys` has room for k. With `skip_self`,
    // point i is none of query i's.
    void (*nearest)(const TreeView& tree, const Queries& queries, int64_t k, bool skip_self,
                    uint64_t* keys, float* distances, int64_t* indices);
    // Of the points closer than the root of `limit`, the `k` of the lowest index, ascending.
    void (*ball)(const TreeView& tree, const Queries& queries, int64_t k, float limit,
                 uint64_t* keys, int64_t* indices);
    // Calls visit for each leaf with points closer to `point` than the root of `limit`; the mask
    // tells which of its sixteen.
    void (*within)(const TreeView& tree, const float* point, float limit, Visit visit,
                   void* context);
    // `per_point` is padded as the tree's ids and starts at infinity, -1 in the padding.
    void (*farthest)(const TreeView& tree, const float* points, float* per_point,
                     const FarLevel* levels, int64_t first, int64_t count, int64_t* samples);
    Bid (*bid)(const Objects& objects, const float* point);
};

const Build& portable_build();
const Build& avx2_build();
const Build& avx512_build();

}  // namespace gen3d::points
