#include "cells/cuda.h"
#include "common/launch.h"

namespace gen3d::cells {
namespace {

constexpr int kBlock = 256;
constexpr int kLattice = 8;  // finest lattice on which a cell is tested, per edge
constexpr int kMaxPoints = (kLattice + 1) * (kLattice + 1) * (kLattice + 1);
constexpr unsigned kAllLanes = 0xffffffffu;

__device__ __forceinline__ int64_t thread_index() {
    return static_cast<int64_t>(blockIdx.x) * kBlock + threadIdx.x;
}

// Bits are only ever added, so the result does not depend on who comes first. Atomics work on
// words; the flags of a level start at a multiple of four bytes.
__device__ void add_flag(uint8_t* flags, int64_t slot, unsigned bit) {
    if ((flags[slot] & bit) != 0) return;
    unsigned* word = reinterpret_cast<unsigned*>(flags) + slot / 4;
    atomicOr(word, bit << (8 * (slot % 4)));
}

// Position of a corner in arrays of [bricks][kSlots], -1 where its brick is not there.
__device__ int64_t find_slot(const Bricks& bricks, int64_t x, int64_t y, int64_t z) {
    const int64_t row = find_brick(bricks, x >> 3, y >> 3, z >> 3);
    if (row < 0) return -1;
    return row * kSlots +
           slot_of(static_cast<int>(x & 7), static_cast<int>(y & 7), static_cast<int>(z & 7));
}

__device__ int64_t find_corner(const Bricks& bricks, const int32_t* at, int c) {
    return find_slot(bricks, at[0] + (c >> 2), at[1] + (c >> 1 & 1), at[2] + (c & 1));
}

// Distances, in units of the value, from the corners of a cell to the points of a lattice in it;
// as the CPU's, and made by every block for itself.
struct Lattice {
    int side;
    const float* table;  // [side^3][8]

    __device__ const float* spread(int x, int y, int z) const {
        return table + 8 * ((x * side + y) * side + z);
    }

    __device__ bool settles(const float* values, int child) const {
        const int half = (side - 1) / 2;
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
};

// Fills `table` (shared, room for side^3 points) with the whole block.
__device__ Lattice make_lattice(const Bound& bound, float* table) {
    const int side = (bound.steps < kLattice ? bound.steps : kLattice) + 1;
    const double step = static_cast<double>(bound.steps) / (side - 1);
    const double slack = bound.steps > kLattice ? sqrt(0.75) * step : 0.0;
    for (int i = threadIdx.x; i < 8 * side * side * side; i += kBlock) {
        const int c = i % 8, p = i / 8;
        const int at[3] = {p / (side * side), p / side % side, p % side};
        double square = 0;
        for (int a = 0; a < 3; ++a) {
            const double d = (at[a] - ((c >> (2 - a)) & 1) * (side - 1)) * step;
            square += d * d;
        }
        table[i] = static_cast<float>((sqrt(square) + slack) * bound.reach);
    }
    __syncthreads();
    return {side, table};
}

// One bit from each of eight neighbouring lanes. All lanes of the warp must come here.
__device__ int gather_bits(bool bit) {
    return static_cast<int>(__ballot_sync(kAllLanes, bit) >> (threadIdx.x & 24) & 0xffu);
}

__global__ void brick_needs_kernel(Cells cells, int scale, uint8_t* needs) {
    const int64_t i = thread_index();
    if (i >= cells.count) return;
    const int32_t* at = cells.at + 3 * i;
    int mask = bricks_needed(at, scale);
    if (i > 0) {
        // What the cell before needs, that cell or an earlier one has named.
        const int32_t* before = at - 3;
        bool same = true;
        for (int a = 0; a < 3; ++a) same = same && (at[a] * scale) >> 3 == (before[a] * scale) >> 3;
        if (same) mask &= ~bricks_needed(before, scale);
    }
    needs[i] = static_cast<uint8_t>(mask);
}

// Eight lanes per cell.
__global__ void ask_corners_kernel(Cells cells, Bricks bricks, uint8_t* flags) {
    const int64_t i = thread_index();
    if (i >= 8 * cells.count) return;
    const int64_t slot = find_corner(bricks, cells.at + 3 * (i / 8), static_cast<int>(i % 8));
    if (slot >= 0) add_flag(flags, slot, kAsked);
}

// One warp per brick.
__global__ void count_wanted_kernel(Bricks bricks, const uint8_t* flags, int32_t* counts) {
    const int64_t b = thread_index() / 32;
    if (b >= bricks.count) return;
    const int lane = static_cast<int>(threadIdx.x % 32);
    int count = 0;
    for (int s = 0; s < kSlots; s += 32) {
        count += __popc(__ballot_sync(kAllLanes, is_wanted(flags[b * kSlots + s + lane])));
    }
    if (lane == 0) counts[b] = count;
}

__global__ void take_wanted_kernel(Bricks bricks, uint8_t* flags, const int64_t* first,
                                   int32_t* index, int64_t* slots) {
    const int64_t b = thread_index() / 32;
    if (b >= bricks.count) return;
    const int lane = static_cast<int>(threadIdx.x % 32);
    const int64_t key = bricks.keys[b];
    int64_t out = first[b];
    for (int s = lane; s < kSlots; s += 32) {
        uint8_t* flag = flags + b * kSlots + s;
        const bool wanted = is_wanted(*flag);
        const unsigned all = __ballot_sync(kAllLanes, wanted);
        if (wanted) {
            const int64_t place = out + __popc(all & ((1u << lane) - 1u));
            *flag = static_cast<uint8_t>(*flag | kKnown);
            for (int a = 0; a < 3; ++a) {
                index[3 * place + a] =
                    static_cast<int32_t>(8 * compact(key >> (2 - a)) + compact(s >> (2 - a)));
            }
            slots[place] = b * kSlots + s;
        }
        out += __popc(all);
    }
}

__global__ void gather_corners_kernel(Cells cells, Bricks bricks, const float* values, float* out) {
    const int64_t i = thread_index();
    if (i >= 8 * cells.count) return;
    const int64_t slot = find_corner(bricks, cells.at + 3 * (i / 8), static_cast<int>(i % 8));
    out[i] = slot >= 0 ? values[slot] : nanf("");
}

__global__ void live_children_kernel(const float* values, int64_t count, Bound bound,
                                     uint8_t* live) {
    __shared__ float table[8 * kMaxPoints];
    const Lattice lattice = make_lattice(bound, table);
    const int64_t i = thread_index();
    bool alive = false;
    if (i < 8 * count) {
        float corners[8];
        for (int c = 0; c < 8; ++c) corners[c] = values[i / 8 * 8 + c];
        alive = !is_far(corners, bound) && !lattice.settles(corners, static_cast<int>(i % 8));
    }
    const int mask = gather_bits(alive);
    if (i < 8 * count && i % 8 == 0) live[i / 8] = static_cast<uint8_t>(mask);
}

__global__ void mark_sure_kernel(Cells cells, const float* corner_values, Bricks bricks,
                                 Bound bound, uint8_t* flags) {
    __shared__ float table[8 * 27];
    const Lattice lattice = make_lattice(bound, table);
    const int64_t i = thread_index();
    if (i >= 27 * cells.count) return;
    const int64_t cell = i / 27;
    const int p = static_cast<int>(i % 27), x = p / 9, y = p / 3 % 3, z = p % 3;
    const int32_t* at = cells.at + 3 * cell;
    const int64_t slot = find_slot(bricks, 2 * at[0] + x, 2 * at[1] + y, 2 * at[2] + z);
    if (slot < 0) return;
    const int sign = proven_sign(corner_values + 8 * cell, lattice.spread(x, y, z));
    add_flag(flags, slot, sign < 0 ? kSureOut : sign > 0 ? kSureIn : kDoubt);
}

// Eight lanes per cell, one per child. Others add kAsked meanwhile, which is not read here.
__global__ void crossed_children_kernel(Cells cells, const uint8_t* live, Bricks bricks,
                                        const float* values, uint8_t* flags, uint8_t* crossed) {
    const int64_t i = thread_index(), cell = i / 8;
    const int child = static_cast<int>(i % 8);
    bool cut = false;
    if (cell < cells.count && (live[cell] >> child & 1) != 0) {
        const int32_t* at = cells.at + 3 * cell;
        const int32_t low[3] = {2 * at[0] + (child >> 2), 2 * at[1] + (child >> 1 & 1),
                                2 * at[2] + (child & 1)};
        int64_t slots[8];
        float signs[8];
        for (int c = 0; c < 8; ++c) {
            slots[c] = find_corner(bricks, low, c);
            const unsigned flag = slots[c] < 0 ? 0u : flags[slots[c]];
            const float sure = (flag & kSureIn) != 0 ? 1.0f : -1.0f;
            signs[c] = (flag & kKnown) != 0 ? values[slots[c]] : sure;
        }
        cut = crosses(signs, 8);
        for (int c = 0; c < 8 && cut; ++c) {
            if (slots[c] >= 0) add_flag(flags, slots[c], kAsked);
        }
    }
    const int mask = gather_bits(cut);
    if (cell < cells.count && child == 0) crossed[cell] = static_cast<uint8_t>(mask);
}

__global__ void claim_cells_kernel(Cells cells, Bricks bricks, uint8_t* flags, uint8_t* fresh) {
    const int64_t i = thread_index();
    if (i >= cells.count) return;
    const int64_t slot = find_corner(bricks, cells.at + 3 * i, 0);
    const bool is_fresh = slot >= 0 && (flags[slot] & kVisited) == 0;
    if (is_fresh) add_flag(flags, slot, kVisited);
    fresh[i] = is_fresh;
}

__global__ void open_faces_kernel(Cells cells, const float* corner_values, int64_t limit,
                                  Bricks bricks, const uint8_t* flags, uint8_t* faces) {
    const int64_t i = thread_index();
    if (i >= cells.count) return;
    const int32_t* at = cells.at + 3 * i;
    const float* corners = corner_values + 8 * i;
    int mask = 0;
    if (crosses(corners, 8)) {
        for (int face = 0; face < 6; ++face) {
            if (!face_crosses(corners, face)) continue;
            const int axis = face >> 1, way = (face & 1) * 2 - 1;
            if (at[axis] + way < 0 || at[axis] + way >= limit) continue;
            int64_t next[3];
            for (int a = 0; a < 3; ++a) next[a] = at[a] + (a == axis ? way : 0);
            const int64_t slot = find_slot(bricks, next[0], next[1], next[2]);
            if (slot < 0 || (flags[slot] & kVisited) == 0) mask |= 1 << face;
        }
    }
    faces[i] = static_cast<uint8_t>(mask);
}

}  // namespace

void brick_needs_cuda(const Cells& cells, int scale, uint8_t* needs, int64_t stream) {
    if (cells.count == 0) return;
    brick_needs_kernel<<<blocks_for(cells.count, kBlock), kBlock, 0, as_stream(stream)>>>(
        cells, scale, needs);
    check_launch("cells, brick needs");
}

void ask_corners_cuda(const Cells& cells, const Bricks& bricks, uint8_t* flags, int64_t stream) {
    if (cells.count == 0) return;
    ask_corners_kernel<<<blocks_for(8 * cells.count, kBlock), kBlock, 0, as_stream(stream)>>>(
        cells, bricks, flags);
    check_launch("cells, ask corners");
}

void count_wanted_cuda(const Bricks& bricks, const uint8_t* flags, int32_t* counts,
                       int64_t stream) {
    if (bricks.count == 0) return;
    count_wanted_kernel<<<blocks_for(32 * bricks.count, kBlock), kBlock, 0, as_stream(stream)>>>(
        bricks, flags, counts);
    check_launch("cells, count wanted");
}

void take_wanted_cuda(const Bricks& bricks, uint8_t* flags, const int64_t* first, int32_t* index,
                      int64_t* slots, int64_t stream) {
    if (bricks.count == 0) return;
    take_wanted_kernel<<<blocks_for(32 * bricks.count, kBlock), kBlock, 0, as_stream(stream)>>>(
        bricks, flags, first, index, slots);
    check_launch("cells, take wanted");
}

void gather_corners_cuda(const Cells& cells, const Bricks& bricks, const float* values, float* out,
                         int64_t stream) {
    if (cells.count == 0) return;
    gather_corners_kernel<<<blocks_for(8 * cells.count, kBlock), kBlock, 0, as_stream(stream)>>>(
        cells, bricks, values, out);
    check_launch("cells, gather corners");
}

void live_children_cuda(const float* values, int64_t count, const Bound& bound, uint8_t* live,
                        int64_t stream) {
    if (count == 0) return;
    live_children_kernel<<<blocks_for(8 * count, kBlock), kBlock, 0, as_stream(stream)>>>(
        values, count, bound, live);
    check_launch("cells, live children");
}

void mark_sure_cuda(const Cells& cells, const float* corner_values, const Bricks& bricks,
                    float reach, uint8_t* flags, int64_t stream) {
    if (cells.count == 0) return;
    const Bound bound{reach, 0, 0, 2};
    mark_sure_kernel<<<blocks_for(27 * cells.count, kBlock), kBlock, 0, as_stream(stream)>>>(
        cells, corner_values, bricks, bound, flags);
    check_launch("cells, mark sure");
}

void crossed_children_cuda(const Cells& cells, const uint8_t* live, const Bricks& bricks,
                           const float* values, uint8_t* flags, uint8_t* crossed, int64_t stream) {
    if (cells.count == 0) return;
    crossed_children_kernel<<<blocks_for(8 * cells.count, kBlock), kBlock, 0, as_stream(stream)>>>(
        cells, live, bricks, values, flags, crossed);
    check_launch("cells, crossed children");
}

void claim_cells_cuda(const Cells& cells, const Bricks& bricks, uint8_t* flags, uint8_t* fresh,
                      int64_t stream) {
    if (cells.count == 0) return;
    claim_cells_kernel<<<blocks_for(cells.count, kBlock), kBlock, 0, as_stream(stream)>>>(
        cells, bricks, flags, fresh);
    check_launch("cells, claim cells");
}

void open_faces_cuda(const Cells& cells, const float* corner_values, int64_t limit,
                     const Bricks& bricks, const uint8_t* flags, uint8_t* faces, int64_t stream) {
    if (cells.count == 0) return;
    open_faces_kernel<<<blocks_for(cells.count, kBlock), kBlock, 0, as_stream(stream)>>>(
        cells, corner_values, limit, bricks, flags, faces);
    check_launch("cells, open faces");
}

}  // namespace gen3d::cells
