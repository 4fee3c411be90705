// A hierarchy of bounding boxes over points in the order of a Hilbert curve: sixteen points to a
// leaf, sixteen nodes to the node above. Both are laid out for vectors of sixteen lanes.
#pragma once
#include <cstdint>
#include <vector>

#include "points/math.h"

namespace gen3d::points {

inline constexpr int kMaxLevels = 9;  // 16^9 > 2^31 points

// Nodes of one level: of `boxes`, 96 floats belong to sixteen nodes (lowest x of all sixteen, then
// y, z, then the highest); `lowest` is the least index of a node's points.
struct Level {
    const float* boxes;
    const int32_t* lowest;
    int64_t count;
};

// What searches read. `blocks` has 48 floats per leaf (sixteen x, y, z), `ids` sixteen indices in
// ascending order; what is left of the last leaf is infinitely far, with the index of kNothing.
struct TreeView {
    const float* blocks;
    const int32_t* ids;
    Level levels[kMaxLevels];
    int height;  // the root is node 0 of levels[height - 1]
    int64_t count;
};

class Tree {
  public:
    // Points are (count, 3), finite, at least one.
    Tree(const float* points, int64_t count, int threads);

    const TreeView& view() const { return view_; }
    // The points' indices along the curve.
    const std::vector<int32_t>& order() const { return order_; }

  private:
    void pack_leaves(const float* points, int threads);
    void stack_levels();

    std::vector<int32_t> order_, ids_;
    std::vector<float> blocks_;
    std::vector<float> boxes_[kMaxLevels];
    std::vector<int32_t> lowest_[kMaxLevels];
    TreeView view_;
};

// Indices of points along a Hilbert curve; equal places keep the order of their indices.
std::vector<int32_t> hilbert_order(const float* points, int64_t count, int threads);

}  // namespace gen3d::points
