#include "cells/cpu.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <vector>

#include "common/thread_pool.h"

namespace gen3d::cells {
namespace {

constexpr int64_t kGrain = 4096;
constexpr int kLattice = 8;  // finest lattice on which a cell is tested, per edge

// Cells and bricks are shared between threads at their seams only; bits are only ever added, so the
// result does not depend on who comes first.
void add_flag(uint8_t& flags, uint8_t bit) {
    const std::atomic_ref<uint8_t> shared(flags);
    if ((shared.load(std::memory_order_relaxed) & bit) == 0) {
        shared.fetch_or(bit, std::memory_order_relaxed);
    }
}

uint8_t read_flags(uint8_t& flags) {
    return std::atomic_ref<uint8_t>(flags).load(std::memory_order_relaxed);
}

// Finds the storage of corners near a cell. Cells come in Morton order, so most share a brick with
// the cell before, and the rows of its 27 neighbours are looked up once.
class Finder {
  public:
    explicit Finder(const Bricks& bricks) : bricks_(bricks) {}

    // Position of a corner in arrays of [bricks][kSlots], -1 where its brick is not there.
    int64_t operator()(int64_t x, int64_t y, int64_t z) {
        const int64_t brick[3] = {x >> 3, y >> 3, z >> 3};
        int64_t offset[3];
        for (int a = 0; a < 3; ++a) offset[a] = brick[a] - centre_[a] + 1;
        if (offset[0] < 0 || offset[0] > 2 || offset[1] < 0 || offset[1] > 2 || offset[2] < 0 ||
            offset[2] > 2) {
            move_to(brick);
            std::fill_n(offset, 3, 1);
        }
        const int64_t row = row_of(offset[0], offset[1], offset[2]);
        if (row < 0) return -1;
        return row * kSlots +
               slot_of(static_cast<int>(x & 7), static_cast<int>(y & 7), static_cast<int>(z & 7));
    }

    // The positions of a cell's eight corners.
    void corners(int64_t x, int64_t y, int64_t z, int64_t* slots) {
        const int64_t brick[3] = {x >> 3, y >> 3, z >> 3};
        if (brick[0] != centre_[0] || brick[1] != centre_[1] || brick[2] != centre_[2]) {
            move_to(brick);
        }
        const int low[3] = {static_cast<int>(x & 7), static_cast<int>(y & 7),
                            static_cast<int>(z & 7)};
        int part[3][2];
        for (int side = 0; side < 2; ++side) {
            part[0][side] = slot_of((low[0] + side) & 7, 0, 0);
            part[1][side] = slot_of(0, (low[1] + side) & 7, 0);
            part[2][side] = slot_of(0, 0, (low[2] + side) & 7);
        }
        // Only from the last place of a brick does a corner lie in the next one.
        const int64_t next[3] = {low[0] / 7, low[1] / 7, low[2] / 7};
        for (int c = 0; c < 8; ++c) {
            const int i = c >> 2, j = c >> 1 & 1, k = c & 1;
            const int64_t row = row_of(1 + i * next[0], 1 + j * next[1], 1 + k * next[2]);
            slots[c] = row < 0 ? -1 : row * kSlots + part[0][i] + part[1][j] + part[2][k];
        }
    }

  private:
    void move_to(const int64_t* brick) {
        std::copy_n(brick, 3, centre_);
        std::fill_n(rows_, 27, -2);
    }

    int64_t row_of(int64_t i, int64_t j, int64_t k) {
        int64_t& row = rows_[9 * i + 3 * j + k];
        if (row == -2) {
            row = find_brick(bricks_, centre_[0] + i - 1, centre_[1] + j - 1, centre_[2] + k - 1);
        }
        return row;
    }

    const Bricks bricks_;
    int64_t centre_[3] = {-8, -8, -8};
    int64_t rows_[27];
};

template <typename Body>
void for_cells(int64_t count, int threads, const Body& body) {
    parallel_for(count, kGrain, threads, [&](int64_t begin, int64_t end) { body(begin, end); });
}

// Distances, in units of the value, from the corners of a cell to the points of a lattice in it.
class Lattice {
  public:
    Lattice(const Bound& bound)
        : side_(std::min(bound.steps, kLattice) + 1), spread_(8 * side_ * side_ * side_) {
        const double step = static_cast<double>(bound.steps) / (side_ - 1);
        // Points of the final grid between those of the lattice are at most this far from one.
        const double slack = bound.steps > kLattice ? std::sqrt(0.75) * step : 0.0;
        float* out = spread_.data();
        for (int p = 0; p < side_ * side_ * side_; ++p) {
            const int at[3] = {p / (side_ * side_), p / side_ % side_, p % side_};
            for (int c = 0; c < 8; ++c) {
                double square = 0;
                for (int a = 0; a < 3; ++a) {
                    const double d = (at[a] - ((c >> (2 - a)) & 1) * (side_ - 1)) * step;
                    square += d * d;
                }
                *out++ = static_cast<float>((std::sqrt(square) + slack) * bound.reach);
            }
        }
    }

    int side() const { return side_; }
    const float* spread(int x, int y, int z) const {
        return spread_.data() + 8 * ((x * side_ + y) * side_ + z);
    }

    // Whether all points of one child have one and the same proven sign.
    bool settles(const float* values, int child) const {
        const int half = (side_ - 1) / 2;
        const int x0 = (child >> 2) * half, y0 = (child >> 1 & 1) * half, z0 = (child & 1) * half;
        const int first = proven_sign(values, spread(x0 + half / 2, y0 + half / 2, z0 + half / 2));
        if (first == 0) return false;
        for (int x = x0; x <= x0 + half; ++x) {
            for (int y = y0; y <= y0 + half; ++y) {
                for (int z = z0; z <= z0 + half; ++z) {
                    if (proven_sign(values, spread(x, y, z)) != first) return false;
                }
            }
        }
        return true;
    }

  private:
    int side_;
    std::vector<float> spread_;
};

}  // namespace

void ask_corners(const Cells& cells, const Bricks& bricks, uint8_t* flags, int threads) {
    for_cells(cells.count, threads, [&](int64_t begin, int64_t end) {
        Finder find(bricks);
        for (int64_t i = begin; i < end; ++i) {
            const int32_t* at = cells.at + 3 * i;
            int64_t slots[8];
            find.corners(at[0], at[1], at[2], slots);
            for (const int64_t slot : slots) {
                if (slot >= 0) add_flag(flags[slot], kAsked);
            }
        }
    });
}

void count_wanted(const Bricks& bricks, const uint8_t* flags, int32_t* counts, int threads) {
    parallel_for(bricks.count, 16, threads, [&](int64_t begin, int64_t end) {
        for (int64_t b = begin; b < end; ++b) {
            int32_t count = 0;
            for (int s = 0; s < kSlots; ++s) count += is_wanted(flags[b * kSlots + s]);
            counts[b] = count;
        }
    });
}

void take_wanted(const Bricks& bricks, uint8_t* flags, const int64_t* first, int32_t* index,
                 int64_t* slots, int threads) {
    parallel_for(bricks.count, 16, threads, [&](int64_t begin, int64_t end) {
        for (int64_t b = begin; b < end; ++b) {
            const int64_t key = bricks.keys[b];
            const int64_t base[3] = {8 * compact(key >> 2), 8 * compact(key >> 1),
                                     8 * compact(key)};
            int64_t out = first[b];
            for (int s = 0; s < kSlots; ++s) {
                uint8_t& flag = flags[b * kSlots + s];
                if (!is_wanted(flag)) continue;
                flag = static_cast<uint8_t>(flag | kKnown);
                for (int a = 0; a < 3; ++a) {
                    index[3 * out + a] = static_cast<int32_t>(base[a] + compact(s >> (2 - a)));
                }
                slots[out++] = b * kSlots + s;
            }
        }
    });
}

void gather_corners(const Cells& cells, const Bricks& bricks, const float* values, float* out,
                    int threads) {
    for_cells(cells.count, threads, [&](int64_t begin, int64_t end) {
        Finder find(bricks);
        for (int64_t i = begin; i < end; ++i) {
            const int32_t* at = cells.at + 3 * i;
            int64_t slots[8];
            find.corners(at[0], at[1], at[2], slots);
            for (int c = 0; c < 8; ++c) {
                out[8 * i + c] =
                    slots[c] >= 0 ? values[slots[c]] : std::numeric_limits<float>::quiet_NaN();
            }
        }
    });
}

void live_children(const float* values, int64_t count, const Bound& bound, uint8_t* live,
                   int threads) {
    const Lattice lattice(bound);
    for_cells(count, threads, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
            int mask = 0;
            if (!is_far(values + 8 * i, bound)) {
                for (int child = 0; child < 8; ++child) {
                    mask |= static_cast<int>(!lattice.settles(values + 8 * i, child)) << child;
                }
            }
            live[i] = static_cast<uint8_t>(mask);
        }
    });
}

void mark_sure(const Cells& cells, const float* corner_values, const Bricks& bricks, float reach,
               uint8_t* flags, int threads) {
    const Lattice lattice({reach, 0, 0, 2});
    for_cells(cells.count, threads, [&](int64_t begin, int64_t end) {
        Finder find(bricks);
        for (int64_t i = begin; i < end; ++i) {
            const int32_t* at = cells.at + 3 * i;
            for (int p = 0; p < 27; ++p) {
                const int x = p / 9, y = p / 3 % 3, z = p % 3;
                const int64_t slot = find(2 * at[0] + x, 2 * at[1] + y, 2 * at[2] + z);
                if (slot < 0) continue;
                const int sign = proven_sign(corner_values + 8 * i, lattice.spread(x, y, z));
                add_flag(flags[slot], sign < 0 ? kSureOut : sign > 0 ? kSureIn : kDoubt);
            }
        }
    });
}

void crossed_children(const Cells& cells, const uint8_t* live, const Bricks& bricks,
                      const float* values, uint8_t* flags, uint8_t* crossed, int threads) {
    for_cells(cells.count, threads, [&](int64_t begin, int64_t end) {
        Finder find(bricks);
        for (int64_t i = begin; i < end; ++i) {
            const int32_t* at = cells.at + 3 * i;
            int mask = 0;
            for (int child = 0; child < 8; ++child) {
                if ((live[i] >> child & 1) == 0) continue;
                int64_t slots[8];
                float signs[8];
                find.corners(2 * at[0] + (child >> 2), 2 * at[1] + (child >> 1 & 1),
                             2 * at[2] + (child & 1), slots);
                for (int c = 0; c < 8; ++c) {
                    const uint8_t flag = slots[c] < 0 ? 0 : read_flags(flags[slots[c]]);
                    const float sure = (flag & kSureIn) ? 1.0f : -1.0f;
                    signs[c] = (flag & kKnown) ? values[slots[c]] : sure;
                }
                if (!crosses(signs, 8)) continue;
                mask |= 1 << child;
                for (const int64_t slot : slots) {
                    if (slot >= 0) add_flag(flags[slot], kAsked);
                }
            }
            crossed[i] = static_cast<uint8_t>(mask);
        }
    });
}

void claim_cells(const Cells& cells, const Bricks& bricks, uint8_t* flags, uint8_t* fresh,
                 int threads) {
    for_cells(cells.count, threads, [&](int64_t begin, int64_t end) {
        Finder find(bricks);
        for (int64_t i = begin; i < end; ++i) {
            const int32_t* at = cells.at + 3 * i;
            const int64_t slot = find(at[0], at[1], at[2]);
            fresh[i] = slot >= 0 && (read_flags(flags[slot]) & kVisited) == 0;
            if (fresh[i] != 0) add_flag(flags[slot], kVisited);
        }
    });
}

void open_faces(const Cells& cells, const float* corner_values, int64_t limit,
                const Bricks& bricks, const uint8_t* flags, uint8_t* faces, int threads) {
    for_cells(cells.count, threads, [&](int64_t begin, int64_t end) {
        Finder find(bricks);
        for (int64_t i = begin; i < end; ++i) {
            const int32_t* at = cells.at + 3 * i;
            int mask = 0;
            if (crosses(corner_values + 8 * i, 8)) {
                for (int face = 0; face < 6; ++face) {
                    if (!face_crosses(corner_values + 8 * i, face)) continue;
                    int64_t next[3] = {at[0], at[1], at[2]};
                    next[face >> 1] += (face & 1) ? 1 : -1;
                    if (next[face >> 1] < 0 || next[face >> 1] >= limit) continue;
                    const int64_t slot = find(next[0], next[1], next[2]);
                    if (slot < 0 || (flags[slot] & kVisited) == 0) mask |= 1 << face;
                }
            }
            faces[i] = static_cast<uint8_t>(mask);
        }
    });
}

}  // namespace gen3d::cells
