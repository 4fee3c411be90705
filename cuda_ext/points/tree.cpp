#include "points/tree.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "common/thread_pool.h"

namespace gen3d::points {
namespace {

constexpr int kBits = 21;  // per axis
constexpr int64_t kGrain = 4096;
constexpr int kDigit = 11;
// Below, comparisons are quicker than six passes over 2048 counters.
constexpr int64_t kRadixFrom = 4096;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Keyed {
    uint64_t key;
    int32_t id;
};

uint64_t spread_bits(uint64_t v) {
    v &= 0x1fffff;
    v = (v | v << 32) & 0x1f00000000ffffull;
    v = (v | v << 16) & 0x1f0000ff0000ffull;
    v = (v | v << 8) & 0x100f00f00f00f00full;
    v = (v | v << 4) & 0x10c30c30c30c30c3ull;
    return (v | v << 2) & 0x1249249249249249ull;
}

// Place on the curve: Skilling (2004), "Programming the Hilbert curve", doi 10.1063/1.1751381.
uint64_t hilbert_key(uint32_t x, uint32_t y, uint32_t z) {
    uint32_t at[3] = {x, y, z};
    for (int bit = kBits - 1; bit > 0; --bit) {
        const uint32_t below = (1u << bit) - 1;
        for (int a = 0; a < 3; ++a) {
            const uint32_t set = 0u - (at[a] >> bit & 1);
            const uint32_t swap = (at[0] ^ at[a]) & below & ~set;
            at[0] ^= swap | (below & set);
            at[a] ^= swap;
        }
    }
    at[1] ^= at[0];
    at[2] ^= at[1];
    uint32_t flip = 0;
    for (int bit = kBits - 1; bit > 0; --bit) flip ^= ((1u << bit) - 1) & (0u - (at[2] >> bit & 1));
    for (uint32_t& a : at) a ^= flip;
    return spread_bits(at[0]) << 2 | spread_bits(at[1]) << 1 | spread_bits(at[2]);
}

// A stable radix sort, which skips digits that are the same everywhere.
void sort_by_key(std::vector<Keyed>& items) {
    std::vector<Keyed> other(items.size());
    std::vector<int64_t> first(1 << kDigit);
    for (int shift = 0; shift < 3 * kBits; shift += kDigit) {
        const auto digit = [shift](const Keyed& item) {
            return item.key >> shift & ((1 << kDigit) - 1);
        };
        std::fill(first.begin(), first.end(), 0);
        for (const Keyed& item : items) ++first[digit(item)];
        if (first[digit(items[0])] == static_cast<int64_t>(items.size())) continue;
        int64_t sum = 0;
        for (int64_t& slot : first) sum += std::exchange(slot, sum);
        for (const Keyed& item : items) other[first[digit(item)]++] = item;
        items.swap(other);
    }
}

}  // namespace

std::vector<int32_t> hilbert_order(const float* points, int64_t count, int threads) {
    double low[3], extent = 0;
    for (int a = 0; a < 3; ++a) {
        float least = kInfinity, most = -kInfinity;
        for (int64_t i = 0; i < count; ++i) {
            least = std::min(least, points[3 * i + a]);
            most = std::max(most, points[3 * i + a]);
        }
        low[a] = least;
        extent = std::max(extent, static_cast<double>(most) - least);
    }
    const double scale = extent > 0 ? ((1 << kBits) - 1) / extent : 0.0;
    std::vector<Keyed> items(count);
    parallel_for(count, kGrain, threads, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
            uint32_t at[3];
            for (int a = 0; a < 3; ++a) {
                at[a] = static_cast<uint32_t>((points[3 * i + a] - low[a]) * scale);
            }
            items[i] = {hilbert_key(at[0], at[1], at[2]), static_cast<int32_t>(i)};
        }
    });
    if (count < kRadixFrom) {
        std::sort(items.begin(), items.end(), [](const Keyed& a, const Keyed& b) {
            return a.key != b.key ? a.key < b.key : a.id < b.id;
        });
    } else {
        sort_by_key(items);
    }
    std::vector<int32_t> order(count);
    for (int64_t i = 0; i < count; ++i) order[i] = items[i].id;
    return order;
}

Tree::Tree(const float* points, int64_t count, int threads)
    : order_(hilbert_order(points, count, threads)), view_{} {
    view_.count = count;
    pack_leaves(points, threads);
    stack_levels();
}

void Tree::pack_leaves(const float* points, int threads) {
    const int64_t leaves = (view_.count + kFan - 1) / kFan, groups = (leaves + kFan - 1) / kFan;
    blocks_.assign(leaves * 3 * kFan, kInfinity);
    ids_.assign(leaves * kFan, static_cast<int32_t>(kNothing & 0x7fffffff));
    boxes_[0].assign(groups * 6 * kFan, kInfinity);
    lowest_[0].resize(leaves);
    parallel_for(leaves, kGrain / kFan, threads, [&](int64_t begin, int64_t end) {
        for (int64_t leaf = begin; leaf < end; ++leaf) {
            int32_t* ids = ids_.data() + leaf * kFan;
            const int64_t size = std::min<int64_t>(kFan, view_.count - leaf * kFan);
            std::copy_n(order_.data() + leaf * kFan, size, ids);
            std::sort(ids, ids + size);
            lowest_[0][leaf] = ids[0];
            float* box = boxes_[0].data() + leaf / kFan * 6 * kFan + leaf % kFan;
            for (int a = 0; a < 3; ++a) {
                float* line = blocks_.data() + (leaf * 3 + a) * kFan;
                for (int64_t i = 0; i < size; ++i) line[i] = points[3 * int64_t{ids[i]} + a];
                box[a * kFan] = *std::min_element(line, line + size);
                box[(3 + a) * kFan] = *std::max_element(line, line + size);
            }
        }
    });
    view_.blocks = blocks_.data();
    view_.ids = ids_.data();
    view_.levels[0] = {boxes_[0].data(), lowest_[0].data(), leaves};
    view_.height = 1;
}

void Tree::stack_levels() {
    for (int level = 1; view_.levels[level - 1].count > 1; ++level) {
        const Level below = view_.levels[level - 1];
        const int64_t count = (below.count + kFan - 1) / kFan;
        boxes_[level].assign((count + kFan - 1) / kFan * 6 * kFan, kInfinity);
        lowest_[level].resize(count);
        for (int64_t node = 0; node < count; ++node) {
            const int64_t size = std::min<int64_t>(kFan, below.count - node * kFan);
            float* box = boxes_[level].data() + node / kFan * 6 * kFan + node % kFan;
            for (int a = 0; a < 3; ++a) {
                const float* low = below.boxes + node * 6 * kFan + a * kFan;
                const float* high = low + 3 * kFan;
                box[a * kFan] = *std::min_element(low, low + size);
                box[(3 + a) * kFan] = *std::max_element(high, high + size);
            }
            const int32_t* lowest = below.lowest + node * kFan;
            lowest_[level][node] = *std::min_element(lowest, lowest + size);
        }
        view_.levels[level] = {boxes_[level].data(), lowest_[level].data(), count};
        view_.height = level + 1;
    }
}

}  // namespace gen3d::points
