// The walks over a tree for one set of vector instructions: included once by each build. Nothing
// here comes from the standard library, whose functions would be shared between builds.
//
// Lanes: a type with F (a vector of floats), kLanes (a divisor of sixteen), load, store, set1, add,
// sub, mul, sqrt, min, max, pick_less(a, b, yes, no), and the masks at_most(a, b), less(a, b) and
// equal(a, b), a bit per lane.
//
// A node is left out where its box is farther than needed. The box's distance is computed like a
// point's, and rounding is monotonic, so this never leaves out a point that is near enough.
#pragma once
#include <math.h>

#include "points/math.h"
#include "points/search.h"

namespace gen3d::points {
namespace {

inline constexpr int kSorted = 32;  // longer lists are heaps
inline constexpr int kStack = kMaxLevels * kFan;

inline int lowest_bit(uint32_t mask) {
    return std::countr_zero(mask);
}

// The least keys seen so far, `size` of them, all below a bound.
class Least {
  public:
    Least(uint64_t* keys, int64_t size, uint64_t bound = kNothing)
        : keys_(keys), size_(size), bound_(bound) {
        for (int64_t i = 0; i < size; ++i) keys[i] = kNothing;
    }

    uint64_t worst() const {
        const uint64_t last = keys_[size_ <= kSorted ? size_ - 1 : 0];
        return last < bound_ ? last : bound_;
    }

    void offer(uint64_t key) {
        if (key >= worst()) return;
        if (size_ > kSorted) {
            sink(key, 0, size_);
            return;
        }
        int64_t i = size_ - 1;
        for (; i > 0 && keys_[i - 1] > key; --i) keys_[i] = keys_[i - 1];
        keys_[i] = key;
    }

    void sort() {
        if (size_ <= kSorted) return;
        for (int64_t end = size_ - 1; end > 0; --end) {
            const uint64_t last = keys_[end];
            keys_[end] = keys_[0];
            sink(last, 0, end);
        }
    }

  private:
    // Puts a key into the heap in place of the one at `hole`.
    void sink(uint64_t key, int64_t hole, int64_t size) {
        for (int64_t child = 2 * hole + 1; child < size; child = 2 * hole + 1) {
            if (child + 1 < size && keys_[child + 1] > keys_[child]) ++child;
            if (keys_[child] <= key) break;
            keys_[hole] = keys_[child];
            hole = child;
        }
        keys_[hole] = key;
    }

    uint64_t* keys_;
    int64_t size_;
    uint64_t bound_;
};

// What the k-th neighbour of a query cannot exceed, given that of another query: the way there and
// that distance, a little increased for rounding.
inline uint64_t neighbour_bound(float kth, float moved) {
    const float reach = sqrtf(kth) + sqrtf(moved);
    return near_key(reach * reach * 1.00001f + 1e-36f, 0x7fffffff);
}

template <typename L>
struct Walks {
    using F = typename L::F;
    static constexpr int kStep = L::kLanes;

    struct Point {
        explicit Point(const float* p) : x(L::set1(p[0])), y(L::set1(p[1])), z(L::set1(p[2])) {}
        F x, y, z;
    };

    static F norm(F x, F y, F z) {
        return L::add(L::add(L::mul(x, x), L::mul(y, y)), L::mul(z, z));
    }

    static F to_points(const float* block, const Point& p) {
        return norm(L::sub(L::load(block), p.x), L::sub(L::load(block + kFan), p.y),
                    L::sub(L::load(block + 2 * kFan), p.z));
    }

    static F outside(const float* low, F p) {
        const F below = L::sub(L::load(low), p), above = L::sub(p, L::load(low + 3 * kFan));
        return L::max(L::max(below, above), L::set1(0));
    }

    static F to_boxes(const float* boxes, const Point& p) {
        return norm(outside(boxes, p.x), outside(boxes + kFan, p.y),
                    outside(boxes + 2 * kFan, p.z));
    }

    // Distances of a leaf's points; the mask tells which are at most `limit`, or less than it.
    template <bool strict>
    static uint32_t near_points(const float* block, const Point& p, float limit, float* out) {
        uint32_t mask = 0;
        for (int i = 0; i < kFan; i += kStep) {
            const F distance = to_points(block + i, p), most = L::set1(limit);
            L::store(out + i, distance);
            mask |= (strict ? L::less(distance, most) : L::at_most(distance, most)) << i;
        }
        return mask;
    }

    static uint32_t near_boxes(const Level& level, int64_t parent, const Point& p, float limit,
                               float* out) {
        const float* boxes = level.boxes + parent * 6 * kFan;
        uint32_t mask = 0;
        for (int i = 0; i < kFan; i += kStep) {
            const F distance = to_boxes(boxes + i, p);
            L::store(out + i, distance);
            mask |= L::at_most(distance, L::set1(limit)) << i;
        }
        const int64_t children = level.count - parent * kFan;
        return children < kFan ? mask & ((1u << children) - 1) : mask;
    }

    struct Entry {
        uint64_t key;  // no point below has a lesser one
        int32_t level;
        int32_t node;
    };

    // Pushes the children that are worth a visit, the nearest on top.
    static int push_children(const TreeView& tree, Entry from, const Point& p, uint64_t worst,
                             Entry* stack, int size) {
        alignas(64) float distance[kFan];
        const Level& level = tree.levels[from.level - 1];
        uint32_t mask = near_boxes(level, from.node, p, key_value(worst), distance);
        const int base = size;
        for (; mask != 0; mask &= mask - 1) {
            const int lane = lowest_bit(mask);
            const int32_t node = from.node * kFan + lane;
            const uint64_t key = near_key(distance[lane], level.lowest[node]);
            if (key > worst) continue;
            int i = size++;
            for (; i > base && stack[i - 1].key < key; --i) stack[i] = stack[i - 1];
            stack[i] = {key, from.level - 1, node};
        }
        return size;
    }

    static void nearest_to(const TreeView& tree, const float* query, int32_t self, Least& least) {
        Entry stack[kStack];
        alignas(64) float distance[kFan];
        const Point p(query);
        int size = 1;
        stack[0] = {0, tree.height - 1, 0};
        while (size > 0) {
            const Entry top = stack[--size];
            if (top.key > least.worst()) continue;
            if (top.level > 0) {
                size = push_children(tree, top, p, least.worst(), stack, size);
                continue;
            }
            const float* block = tree.blocks + int64_t{top.node} * 3 * kFan;
            const int32_t* ids = tree.ids + int64_t{top.node} * kFan;
            uint32_t mask = near_points<false>(block, p, key_value(least.worst()), distance);
            for (; mask != 0; mask &= mask - 1) {
                const int lane = lowest_bit(mask);
                if (ids[lane] != self) least.offer(near_key(distance[lane], ids[lane]));
            }
        }
    }

    static void nearest(const TreeView& tree, const Queries& queries, int64_t k, bool skip_self,
                        uint64_t* keys, float* distances, int64_t* indices) {
        uint64_t bound = kNothing;
        for (int64_t i = queries.begin; i < queries.end; ++i) {
            const int32_t q = queries.order[i];
            const float* query = queries.points + 3 * int64_t{q};
            Least least(keys, k, bound);
            nearest_to(tree, query, skip_self ? q : -1, least);
            least.sort();
            if (i + 1 < queries.end) {
                const float* next = queries.points + 3 * int64_t{queries.order[i + 1]};
                bound = neighbour_bound(key_value(keys[k - 1]), squared_distance(query, next));
            }
            for (int64_t j = 0; j < k; ++j) {
                const bool found = keys[j] != kNothing;
                distances[q * k + j] = key_value(keys[j]);
                indices[q * k + j] = found ? static_cast<int64_t>(keys[j] & 0x7fffffff) : 0;
            }
        }
    }

    // Calls body(leaf, distances, mask) for each leaf with points closer than the root of `limit`,
    // and skips what enters(lowest index) does not want.
    template <typename Enters, typename Body>
    static void for_close(const TreeView& tree, const float* point, float limit,
                          const Enters& enters, const Body& body) {
        Entry stack[kStack];
        alignas(64) float distance[kFan];
        const Point p(point);
        int size = 1;
        stack[0] = {0, tree.height - 1, 0};
        while (size > 0) {
            const Entry top = stack[--size];
            if (!enters(tree.levels[top.level].lowest[top.node])) continue;
            uint32_t mask;
            if (top.level > 0) {
                mask = near_boxes(tree.levels[top.level - 1], top.node, p, limit, distance);
                // The first child goes on top.
                while (mask != 0) {
                    const int lane = 31 - std::countl_zero(mask);
                    mask &= ~(1u << lane);
                    stack[size++] = {0, top.level - 1, top.node * kFan + lane};
                }
                continue;
            }
            const float* block = tree.blocks + int64_t{top.node} * 3 * kFan;
            mask = near_points<true>(block, p, limit, distance);
            if (mask != 0) body(tree.ids + int64_t{top.node} * kFan, distance, mask);
        }
    }

    static void ball(const TreeView& tree, const Queries& queries, int64_t k, float limit,
                     uint64_t* keys, int64_t* indices) {
        for (int64_t i = queries.begin; i < queries.end; ++i) {
            const int32_t q = queries.order[i];
            Least least(keys, k);
            for_close(
                tree, queries.points + 3 * int64_t{q}, limit,
                [&](int32_t lowest) { return static_cast<uint64_t>(lowest) < least.worst(); },
                [&](const int32_t* ids, const float*, uint32_t mask) {
                    for (; mask != 0; mask &= mask - 1) {
                        least.offer(static_cast<uint64_t>(ids[lowest_bit(mask)]));
                    }
                });
            least.sort();
            const int64_t pad = keys[0] == kNothing ? 0 : static_cast<int64_t>(keys[0]);
            for (int64_t j = 0; j < k; ++j) {
                indices[q * k + j] = keys[j] == kNothing ? pad : static_cast<int64_t>(keys[j]);
            }
        }
    }

    static void within(const TreeView& tree, const float* point, float limit, Visit visit,
                       void* context) {
        for_close(
            tree, point, limit, [](int32_t) { return true; },
            [&](const int32_t* ids, const float* distances, uint32_t mask) {
                visit(context, ids, distances, mask);
            });
    }

    // The greatest of sixteen distances, and a bit for each that has it.
    static float greatest(const float* distance, uint32_t* mask) {
        F most = L::load(distance);
        for (int i = kStep; i < kFan; i += kStep) most = L::max(most, L::load(distance + i));
        alignas(64) float lanes[kStep];
        L::store(lanes, most);
        float found = lanes[0];
        for (int i = 1; i < kStep; ++i) found = lanes[i] > found ? lanes[i] : found;
        *mask = 0;
        for (int i = 0; i < kFan; i += kStep) {
            *mask |= L::equal(L::load(distance + i), L::set1(found)) << i;
        }
        return found;
    }

    struct Sampling {
        const TreeView& tree;
        float* per_point;
        const FarLevel* levels;
        Point sample;
    };

    // Lowers distances below a node to those of a new sample, where they change.
    static void lower(const Sampling& s, int level, int64_t node) {
        uint32_t mask = 0;
        if (level == 0) {
            float* distance = s.per_point + node * kFan;
            const float* block = s.tree.blocks + node * 3 * kFan;
            for (int i = 0; i < kFan; i += kStep) {
                const F least = L::min(L::load(distance + i), to_points(block + i, s.sample));
                L::store(distance + i, least);
            }
            s.levels[0].distance[node] = greatest(distance, &mask);
            s.levels[0].index[node] = s.tree.ids[node * kFan + lowest_bit(mask)];
            return;
        }
        const float* boxes = s.tree.levels[level - 1].boxes + node * 6 * kFan;
        const float* distance = s.levels[level - 1].distance + node * kFan;
        for (int i = 0; i < kFan; i += kStep) {
            mask |= L::less(to_boxes(boxes + i, s.sample), L::load(distance + i)) << i;
        }
        for (; mask != 0; mask &= mask - 1) lower(s, level - 1, node * kFan + lowest_bit(mask));
        s.levels[level].distance[node] = greatest(distance, &mask);
        const int32_t* index = s.levels[level - 1].index + node * kFan;
        int32_t first = index[lowest_bit(mask)];
        for (mask &= mask - 1; mask != 0; mask &= mask - 1) {
            const int32_t other = index[lowest_bit(mask)];
            first = other < first ? other : first;
        }
        s.levels[level].index[node] = first;
    }

    static void farthest(const TreeView& tree, const float* points, float* per_point,
                         const FarLevel* levels, int64_t first, int64_t count, int64_t* samples) {
        const int root = tree.height - 1;
        int64_t next = first;
        for (int64_t i = 0; i < count; ++i) {
            samples[i] = next;
            lower({tree, per_point, levels, Point(points + 3 * next)}, root, 0);
            next = levels[root].index[0];
        }
    }

    static Bid bid(const Objects& objects, const float* point) {
        const F far = L::set1(bits_float(0x7f800000u));
        const Point p(point);
        alignas(64) float bests[kFan], seconds[kFan], blocks[kFan];
        for (int i = 0; i < kFan; i += kStep) {
            F best = far, second = far, where = L::set1(0), now = L::set1(0);
            for (const float* b = objects.blocks + i; b < objects.blocks + objects.count * 4 * kFan;
                 b += 4 * kFan) {
                const F cost = L::add(L::sqrt(to_points(b, p)), L::load(b + 3 * kFan));
                where = L::pick_less(cost, best, now, where);
                second = L::min(second, L::max(best, cost));
                best = L::min(best, cost);
                now = L::add(now, L::set1(1));
            }
            L::store(bests + i, best);
            L::store(seconds + i, second);
            L::store(blocks + i, where);
        }
        int at = 0;
        for (int i = 1; i < kFan; ++i) {
            if (bests[i] < bests[at] || (bests[i] == bests[at] && blocks[i] < blocks[at])) at = i;
        }
        float second = seconds[at];
        for (int i = 0; i < kFan; ++i) {
            if (i != at && bests[i] < second) second = bests[i];
        }
        return {bests[at], second, static_cast<int32_t>(blocks[at]) * kFan + at};
    }

    static constexpr Build build() { return {&nearest, &ball, &within, &farthest, &bid}; }
};

}  // namespace
}  // namespace gen3d::points
