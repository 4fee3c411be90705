// Sparse grids in bricks of 8^3 corners, and which of a cell's corners need no evaluation: what the
// CPU and the CUDA twin both compute.
//
// A level's corners are kept in bricks, sorted by Morton key (bits x, y, z interleaved, z lowest).
// Within a brick a corner's slot is the Morton code of its place, so keys and slots together walk
// the corners in Morton order, and the even corners of a fine brick are an eighth of a coarse one.
// A cell is named by its lowest corner and shares that corner's slot.
#pragma once
#include <cmath>
#include <cstdint>

#include "common/host_device.h"

namespace gen3d::cells {

inline constexpr int kSlots = 512;

// What is known of a corner (or, kVisited, of the cell whose lowest corner it is).
enum Flag : uint8_t {
    kSureOut = 1,   // a bound proves the value negative
    kSureIn = 2,    // a bound proves it positive
    kAsked = 4,     // must be evaluated
    kKnown = 8,     // evaluated
    kVisited = 16,  // the cell is in the list of this level
    kDoubt = 32,    // some cell could not tell its sign
};

struct Cells {
    const int32_t* at;  // [count][3], the lowest corner
    int64_t count;
};

struct Bricks {
    const int64_t* keys;  // [count], strictly increasing
    int64_t count;
};

// The bound: a value changes by at most `reach` over the edge of a cell of the final grid. Cells
// whose eight values all lie beyond `low` or beyond `high` are taken to hold no surface.
struct Bound {
    float reach;
    float low;
    float high;
    int32_t steps;  // final cells per edge of the cell in question
};

GEN3D_HD int64_t spread(int64_t v) {
    v &= 0x1fffff;
    v = (v | v << 32) & 0x1f00000000ffff;
    v = (v | v << 16) & 0x1f0000ff0000ff;
    v = (v | v << 8) & 0x100f00f00f00f00f;
    v = (v | v << 4) & 0x10c30c30c30c30c3;
    return (v | v << 2) & 0x1249249249249249;
}

GEN3D_HD int64_t compact(int64_t v) {
    v &= 0x1249249249249249;
    v = (v | v >> 2) & 0x10c30c30c30c30c3;
    v = (v | v >> 4) & 0x100f00f00f00f00f;
    v = (v | v >> 8) & 0x1f0000ff0000ff;
    v = (v | v >> 16) & 0x1f00000000ffff;
    return (v | v >> 32) & 0x1fffff;
}

GEN3D_HD int64_t morton(int64_t x, int64_t y, int64_t z) {
    return spread(x) << 2 | spread(y) << 1 | spread(z);
}

GEN3D_HD int slot_of(int x, int y, int z) {
    return (x & 1) << 2 | (y & 1) << 1 | (z & 1) | (x & 2) << 4 | (y & 2) << 3 | (z & 2) << 2 |
           (x & 4) << 6 | (y & 4) << 5 | (z & 4) << 4;
}

// Row of a brick, -1 where it is not there.
GEN3D_HD int64_t find_brick(const Bricks& bricks, int64_t x, int64_t y, int64_t z) {
    if (x < 0 || y < 0 || z < 0) return -1;
    const int64_t key = morton(x, y, z);
    int64_t low = 0, high = bricks.count;
    while (low < high) {
        const int64_t middle = (low + high) >> 1;
        if (bricks.keys[middle] < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < bricks.count && bricks.keys[low] == key ? low : -1;
}

// Bricks (bit 4x + 2y + z: one further along that axis) that hold the corners of a cell of `scale`
// edges with its lowest corner at `at`.
GEN3D_HD int bricks_needed(const int32_t* at, int scale) {
    int mask = 1;
    if ((at[0] * scale & 7) + scale > 7) mask |= mask << 4;
    if ((at[1] * scale & 7) + scale > 7) mask |= mask << 2;
    if ((at[2] * scale & 7) + scale > 7) mask |= mask << 1;
    return mask;
}

// Whether a corner must be evaluated: asked for, or in doubt with no bound (or both) to settle it.
GEN3D_HD bool is_wanted(uint8_t flags) {
    if (flags & kKnown) return false;
    if (flags & kAsked) return true;
    const bool settled = ((flags & kSureOut) != 0) != ((flags & kSureIn) != 0);
    return (flags & kDoubt) != 0 ? !settled : (flags & kSureOut) && (flags & kSureIn);
}

GEN3D_HD bool crosses(const float* values, int corners) {
    int inside = 0;
    for (int i = 0; i < corners; ++i) inside += static_cast<int>(values[i] > 0);
    return inside != 0 && inside != corners;
}

// Whether a face (bit 2 * axis + side) of a cell with these corner values is crossed.
GEN3D_HD bool face_crosses(const float* values, int face) {
    const int axis = face >> 1, bit = 4 >> axis, side = (face & 1) ? bit : 0;
    bool some = false, every = true;
    for (int c = 0; c < 8; ++c) {
        if ((c & bit) != side) continue;
        some = some || values[c] > 0;
        every = every && values[c] > 0;
    }
    return some && !every;
}

// Sign of a point that lies spread[c] (in units of the value) from corner c, as far as the corners
// tell: -1 or 1 where proven, 0 where not, or where the corners contradict each other.
GEN3D_HD int proven_sign(const float* values, const float* spread) {
    int out = 0, in = 0;
    for (int c = 0; c < 8; ++c) {
        out |= static_cast<int>(values[c] + spread[c] < 0);
        in |= static_cast<int>(values[c] - spread[c] > 0);
    }
    return in - out;
}

// Whether a cell may be skipped before any closer look.
GEN3D_HD bool is_far(const float* values, const Bound& bound) {
    int above = 1, below = 1, beyond_high = 1, beyond_low = 1;
    const float half_diagonal = 0.8660254f * bound.reach * static_cast<float>(bound.steps);
    for (int c = 0; c < 8; ++c) {
        above &= static_cast<int>(values[c] > half_diagonal);
        below &= static_cast<int>(values[c] < -half_diagonal);
        beyond_high &= static_cast<int>(values[c] >= bound.high);
        beyond_low &= static_cast<int>(values[c] <= bound.low);
    }
    return (above | below | beyond_high | beyond_low) != 0;
}

}  // namespace gen3d::cells
