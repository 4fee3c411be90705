#include "cells/lists.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "common/thread_pool.h"

namespace gen3d::cells {

int64_t brick_keys(const Cells& cells, int scale, int64_t* keys) {
    int32_t brick[3] = {-1, -1, -1};
    int named = 0;
    int64_t count = 0;
    for (int64_t i = 0; i < cells.count; ++i) {
        const int32_t* at = cells.at + 3 * i;
        bool same = true;
        for (int a = 0; a < 3; ++a) {
            same = same && brick[a] == (at[a] * scale) >> 3;
            brick[a] = (at[a] * scale) >> 3;
        }
        if (!same) named = 0;
        const int mask = bricks_needed(at, scale);
        const int fresh = mask & ~named;
        named |= mask;
        for (int b = 0; b < 8 && fresh != 0; ++b) {
            if ((fresh >> b & 1) == 0) continue;
            keys[count++] =
                morton(brick[0] + (b >> 2), brick[1] + (b >> 1 & 1), brick[2] + (b & 1));
        }
    }
    std::sort(keys, keys + count);
    return std::unique(keys, keys + count) - keys;
}

void fill_bricks(const Bricks& bricks, const Bricks& coarser, const uint8_t* coarse_flags,
                 const float* coarse_values, uint8_t* flags, float* values, int threads) {
    parallel_for(bricks.count, 16, threads, [&](int64_t begin, int64_t end) {
        std::fill(flags + begin * kSlots, flags + end * kSlots, static_cast<uint8_t>(0));
        std::fill(values + begin * kSlots, values + end * kSlots,
                  std::numeric_limits<float>::quiet_NaN());
        for (int64_t b = begin; b < end; ++b) {
            const int64_t parent = bricks.keys[b] >> 3;
            const int64_t* last = coarser.keys + coarser.count;
            const int64_t* found = std::lower_bound(coarser.keys, last, parent);
            if (found == last || *found != parent) continue;
            const int64_t from = (found - coarser.keys) * kSlots + (bricks.keys[b] & 7) * 64;
            for (int64_t m = 0; m < 64; ++m) {
                flags[b * kSlots + 8 * m] = coarse_flags[from + m] & kKnown;
                values[b * kSlots + 8 * m] = coarse_values[from + m];
            }
        }
    });
}

int64_t take_children(const Cells& cells, const uint8_t* mask, int32_t limit, int32_t* out) {
    int32_t* end = out;
    for (int64_t i = 0; i < cells.count; ++i) {
        if (mask[i] == 0) continue;
        const int32_t* at = cells.at + 3 * i;
        for (int child = 0; child < 8; ++child) {
            const int32_t x = 2 * at[0] + (child >> 2), y = 2 * at[1] + (child >> 1 & 1),
                          z = 2 * at[2] + (child & 1);
            if ((mask[i] >> child & 1) == 0 || x >= limit || y >= limit || z >= limit) continue;
            end[0] = x;
            end[1] = y;
            end[2] = z;
            end += 3;
        }
    }
    return (end - out) / 3;
}

int64_t crossed_rows(const Cells& cells, const float* corner_values, int32_t side, int64_t* rows) {
    int64_t count = 0;
    for (int64_t i = 0; i < cells.count; ++i) {
        rows[count] = i;
        count += static_cast<int64_t>(crosses(corner_values + 8 * i, 8));
    }
    // A stable counting sort per axis, the last axis first.
    std::vector<int64_t> other(static_cast<size_t>(count));
    int64_t *from = rows, *to = other.data();
    for (int axis = 2; axis >= 0; --axis) {
        std::vector<int64_t> first(static_cast<size_t>(side) + 1, 0);
        for (int64_t i = 0; i < count; ++i) ++first[cells.at[3 * from[i] + axis] + 1];
        for (int32_t s = 0; s < side; ++s) first[s + 1] += first[s];
        for (int64_t i = 0; i < count; ++i) to[first[cells.at[3 * from[i] + axis]]++] = from[i];
        std::swap(from, to);
    }
    if (from != rows) std::copy_n(from, count, rows);
    return count;
}

}  // namespace gen3d::cells
