// How the tail's block divides its shared memory, for the kernel and for its launch.
#pragma once

namespace gen3d::volume_decode {

inline constexpr int kUnitPieces = 128;  // of 16 bytes: a warp's unit of weights
inline constexpr int kWarpColumns = 64;

// A block of the tail has 64 rows, and every warp a ring of 4 units; or 32 rows and rings of 3,
// where x is too wide for the registers or the GPU short of shared memory.
constexpr int tail_ring(int row_tiles) {
    return row_tiles == 4 ? 4 : 3;
}

// Where the parts of the tail's shared memory lie, in pieces of 16 bytes.
struct TailLayout {
    int row_pieces;     // of the rows of attention output and normed x
    int hidden_pieces;  // of the rows of a chunk of hidden channels; 0 without a last norm
    int hidden_start, ring_start, total;
};

inline __host__ __device__ TailLayout tail_layout(int rows, int ring, int width, int inner,
                                                  bool post_norm) {
    const int warps = width / kWarpColumns;
    TailLayout layout;
    layout.row_pieces = (inner > width ? inner : width) / 8;
    layout.hidden_pieces = post_norm ? (width / 16 + 7) / 8 * 8 : 0;
    const int partials = 2 * rows * warps / 4;  // they share the room of the hidden channels
    const int hidden = rows * layout.hidden_pieces;
    layout.hidden_start = rows * layout.row_pieces;
    layout.ring_start = layout.hidden_start + (hidden > partials ? hidden : partials);
    layout.total = layout.ring_start + warps * ring * kUnitPieces;
    return layout;
}

}  // namespace gen3d::volume_decode
