// Sparse marching cubes: what the CPU and the CUDA twin both compute.
//
// A cell is named by its key (i * R + j) * R + k. Cells come sorted by key, so that neighbours are
// found without a hash table. Every cut edge is owned by the first cell, in that order, that
// touches it and sees it cut; the owner makes the vertex, the other cells look it up.
#pragma once
#include <cmath>
#include <cstdint>

#include "common/host_device.h"
#include "isosurface/table.h"

namespace gen3d::isosurface {

// The neighbours that precede a cell and share an edge with it, and their offsets (x, y, z).
inline constexpr int kNeighbours = 9;
GEN3D_TABLE(int8_t, kNeighbourOffset, [kNeighbours][3]) = {
    {-1, -1, 0}, {-1, 0, -1}, {-1, 0, 0}, {-1, 0, 1}, {-1, 1, 0},
    {0, -1, -1}, {0, -1, 0},  {0, -1, 1}, {0, 0, -1},
};

struct OtherOwner {
    int8_t neighbour;  // index into kNeighbourOffset
    int8_t edge;       // the same edge as that neighbour numbers it
};

// For each edge, the preceding cells that share it, first in key order first. -1 ends a row.
// Edge 4*axis + 2*u + v: a neighbour one step back along an axis sees that axis' bit as 1.
GEN3D_TABLE(OtherOwner, kSharers, [12][4]) = {
    {{5, 3}, {6, 2}, {8, 1}, {-1, -1}},    // x edge at y=0 z=0
    {{6, 3}, {7, 2}, {-1, -1}, {-1, -1}},  // x edge at y=0 z=1
    {{8, 3}, {-1, -1}, {-1, -1}, {-1, -1}},
    {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}},
    {{1, 7}, {2, 6}, {8, 5}, {-1, -1}},  // y edge at x=0 z=0
    {{2, 7}, {3, 6}, {-1, -1}, {-1, -1}},
    {{8, 7}, {-1, -1}, {-1, -1}, {-1, -1}},
    {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}},
    {{0, 11}, {2, 10}, {6, 9}, {-1, -1}},  // z edge at x=0 y=0
    {{2, 11}, {4, 10}, {-1, -1}, {-1, -1}},
    {{6, 11}, {-1, -1}, {-1, -1}, {-1, -1}},
    {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}},
};

// Crossings stay this far (in cells) from the corners, so that a value exactly at the level does
// not put several vertices on one point: tools that weld by position would break the mesh there.
inline constexpr double kCornerMargin = 1.0 / 4096.0;

// Inside is strictly above the level; NaN counts as outside.
GEN3D_HD int cell_case(const float* values, float level) {
    int bits = 0;
    for (int c = 0; c < 8; ++c) bits |= static_cast<int>(values[c] > level) << c;
    return bits;
}

// Where the level lies between the lower (a) and upper (b) end of an edge.
GEN3D_HD double crossing(float a, float b, float level) {
    const double t = (static_cast<double>(level) - a) / (static_cast<double>(b) - a);
    if (!(t >= 0.0 && t <= 1.0)) return 0.5;  // an infinite or NaN end
    return t < kCornerMargin ? kCornerMargin : t > 1.0 - kCornerMargin ? 1.0 - kCornerMargin : t;
}

// The vertex on an edge of a cell: v = lo + index * (hi - lo) / R, rounded to float once.
GEN3D_HD void edge_vertex(const int32_t* cell, const float* values, int edge, float level,
                          double lo, double step, float* out) {
    const int low = kEdgeCorners[edge][0];
    const double t = crossing(values[low], values[kEdgeCorners[edge][1]], level);
    const int axis = edge >> 2;
    for (int a = 0; a < 3; ++a) {
        const double index =
            cell[a] + static_cast<double>(low >> (2 - a) & 1) + (a == axis ? t : 0.0);
        out[a] = static_cast<float>(lo + index * step);
    }
}

// The position of neighbour n of `cell` as a key, or -1 when it lies outside the grid.
GEN3D_HD int64_t neighbour_key(const int32_t* cell, int n, int64_t resolution) {
    const int64_t i = cell[0] + kNeighbourOffset[n][0];
    const int64_t j = cell[1] + kNeighbourOffset[n][1];
    const int64_t k = cell[2] + kNeighbourOffset[n][2];
    if (i < 0 || j < 0 || k < 0 || j >= resolution || k >= resolution) return -1;
    return (i * resolution + j) * resolution + k;
}

// Edges that the cell owns: cut ones that no preceding neighbour also sees cut.
// neighbours[n] is the index of neighbour n, or -1.
GEN3D_HD int owned_edges(int bits, const int64_t* neighbours, const uint8_t* cases) {
    int owned = kEdgeMask[bits];
    for (int e = 0; e < 12; ++e) {
        if ((owned >> e & 1) == 0) continue;
        for (int s = 0; s < 3 && kSharers[e][s].neighbour >= 0; ++s) {
            const int64_t other = neighbours[kSharers[e][s].neighbour];
            if (other >= 0 && (kEdgeMask[cases[other]] >> kSharers[e][s].edge & 1) != 0) {
                owned &= ~(1 << e);
                break;
            }
        }
    }
    return owned;
}

GEN3D_HD int bit_count(int x) {
    int n = 0;
    for (; x != 0; x &= x - 1) ++n;
    return n;
}

// The id of the vertex on a cut edge: its owner's first vertex plus its rank among that owner's.
GEN3D_HD int64_t vertex_id(int64_t self, int edge, const int64_t* neighbours, const int16_t* owned,
                           const int64_t* first_vertex) {
    int64_t owner = self;
    int name = edge;
    if ((owned[self] >> edge & 1) == 0) {
        for (int s = 0; s < 3 && kSharers[edge][s].neighbour >= 0; ++s) {
            const int64_t other = neighbours[kSharers[edge][s].neighbour];
            if (other >= 0 && (owned[other] >> kSharers[edge][s].edge & 1) != 0) {
                owner = other;
                name = kSharers[edge][s].edge;
                break;
            }
        }
    }
    return first_vertex[owner] + bit_count(owned[owner] & ((1 << name) - 1));
}

}  // namespace gen3d::isosurface
