// Tiles of queries, and the addresses of 16-byte pieces in shared memory.
#pragma once
#include "volume_decode/cuda.h"

namespace gen3d::volume_decode {

struct Tile {
    int64_t first;  // query
    int64_t group;
    int count;  // queries, 0 for a tile past the last
};

// The queries of a tile: whole tiles from each group's first query on, the last one ragged.
__device__ __forceinline__ Tile find_tile(const Tiles& tiles, int64_t index) {
    int64_t first = 0, last = tiles.queries, group = 0, local = index;
    if (tiles.offsets != nullptr) {
        if (index >= tiles.first_tile[tiles.groups]) return {0, 0, 0};
        // The last group whose first tile is not after this one; empty groups have no tile.
        int64_t low = 0, high = tiles.groups;
        while (high - low > 1) {
            const int64_t middle = (low + high) / 2;
            if (tiles.first_tile[middle] <= index) {
                low = middle;
            } else {
                high = middle;
            }
        }
        group = low;
        first = tiles.offsets[group];
        last = tiles.offsets[group + 1];
        local = index - tiles.first_tile[group];
    }
    first += local * kTile;
    const int64_t left = last - first;
    return {first, group, static_cast<int>(left < 0 ? 0 : left < kTile ? left : kTile)};
}

// Rows of 16-byte pieces whose position is turned by the row, so that the eight rows that one
// matrix load touches lie in different banks. `pieces` (per row) is a multiple of 8.
__device__ __forceinline__ int turned(int row, int piece, int pieces) {
    return row * pieces + (piece ^ (row & 7));
}

}  // namespace gen3d::volume_decode
