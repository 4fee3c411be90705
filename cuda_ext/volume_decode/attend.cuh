// Attention of query tiles over shared keys: online softmax in the manner of FlashAttention-2
// (Dao 2023, arXiv 2307.08691), for heads of 64.
//
// A block of 4 warps takes 128 queries of one head, 32 rows per warp: two row tiles share every
// fragment of keys and values, which halves the reads of shared memory per product (with one, they
// would be the limit). Registers per thread: 32 for q, 64 for the output, 64 for the scores.
// Keys already carry log2(e) / 8, so that the scores are exponents of two.
#pragma once
#include "common/mma.h"
#include "volume_decode/tiles.cuh"

namespace gen3d::volume_decode {

inline constexpr int kAttendThreads = 128;
inline constexpr int kKeyTile = 64;
inline constexpr int kStages = 3;
inline constexpr int kPieces = kHeadDim / 8;  // 16-byte pieces of a row of 64
inline constexpr int kStagePieces = 2 * kKeyTile * kPieces;
inline constexpr int kAttendBytes = (kStages * kStagePieces + kTile * kPieces) * 16;

// Copies tiles of keys and values into the ring, every thread a piece of four rows of each.
struct KeyReader {
    const uint4* keys;
    const uint4* values;
    const int32_t* chosen;  // null: all
    int count;              // keys in all

    // Which tokens this thread copies next: read one tile ahead, as the copies wait for them.
    __device__ __forceinline__ void look_up(int (&tokens)[4], int tile) const {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const int key = tile * kKeyTile + threadIdx.x / kPieces + 16 * i;
            tokens[i] = key >= count ? -1 : chosen == nullptr ? key : chosen[key];
        }
    }

    // Keys past the last are zeros: their scores are masked, their values must not be NaN.
    __device__ __forceinline__ void start(uint4* stage, const int (&tokens)[4]) const {
        const int piece = threadIdx.x % kPieces;
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const int slot = turned(threadIdx.x / kPieces + 16 * i, piece, kPieces);
            const bool valid = tokens[i] >= 0;
            const int64_t from = static_cast<int64_t>(valid ? tokens[i] : 0) * kPieces + piece;
            copy_async(stage + slot, keys + from, valid);
            copy_async(stage + kKeyTile * kPieces + slot, values + from, valid);
        }
    }
};

// scores (32 x 64) = q (32 x 64) keys^T. All 16 tiles of scores are under way at once, so that no
// product waits for the one before.
template <typename T>
__device__ __forceinline__ void score(float (&scores)[2][8][4], const uint32_t (&q)[2][4][4],
                                      const uint4* keys, int lane) {
    const int matrix = lane / 8, row = lane % 8;
#pragma unroll
    for (int m = 0; m < 2; ++m) {
#pragma unroll
        for (int n = 0; n < 8; ++n) {
#pragma unroll
            for (int i = 0; i < 4; ++i) scores[m][n][i] = 0.0f;
        }
    }
#pragma unroll
    for (int k = 0; k < 4; ++k) {
#pragma unroll
        for (int pair = 0; pair < 4; ++pair) {
            uint32_t b[4];
            load_matrices(
                b, keys + turned(16 * pair + 8 * (matrix / 2) + row, 2 * k + matrix % 2, kPieces));
#pragma unroll
            for (int m = 0; m < 2; ++m) {
                multiply_add<T>(scores[m][2 * pair], q[m][k], b[0], b[1]);
                multiply_add<T>(scores[m][2 * pair + 1], q[m][k], b[2], b[3]);
            }
        }
    }
}

// Raises the largest score of each row to those of this tile, and brings sums and output to the new
// scale.
__device__ __forceinline__ void rescale(const float (&scores)[2][8][4], float (&output)[2][8][4],
                                        float (&largest)[2][2], float (&sum)[2][2]) {
    float factor[2][2];
    bool changed = false;
#pragma unroll
    for (int m = 0; m < 2; ++m) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            float top = largest[m][half];
#pragma unroll
            for (int n = 0; n < 8; ++n) {
                top = fmaxf(top, fmaxf(scores[m][n][2 * half], scores[m][n][2 * half + 1]));
            }
            top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 1));
            top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 2));
            factor[m][half] = exp2_fast(largest[m][half] - top);
            changed = changed || top != largest[m][half];
            largest[m][half] = top;
        }
    }
    // Mostly no row of the warp has a new largest score. Rows without one have a factor of 1, which
    // changes no bit, so that a row's result does not depend on the others'.
    if (!__any_sync(0xffffffffu, changed)) return;
#pragma unroll
    for (int m = 0; m < 2; ++m) {
        sum[m][0] *= factor[m][0];
        sum[m][1] *= factor[m][1];
#pragma unroll
        for (int n = 0; n < 8; ++n) {
            output[m][n][0] *= factor[m][0];
            output[m][n][1] *= factor[m][0];
            output[m][n][2] *= factor[m][1];
            output[m][n][3] *= factor[m][1];
        }
    }
}

// output (32 x 64) += exp2(scores - largest) values. The exponentials of 16 keys come just before
// their products, so that those of the next 16 can run beside them. Each lane sums its own columns.
template <typename T>
__device__ __forceinline__ void average(float (&output)[2][8][4], float (&sum)[2][2],
                                        const float (&scores)[2][8][4],
                                        const float (&largest)[2][2], const uint4* values,
                                        int lane) {
    const int matrix = lane / 8, row = lane % 8;
#pragma unroll
    for (int k = 0; k < 4; ++k) {
        uint32_t a[2][4];
#pragma unroll
        for (int m = 0; m < 2; ++m) {
#pragma unroll
            for (int n = 0; n < 2; ++n) {
                const float (&s)[4] = scores[m][2 * k + n];
                const float w0 = exp2_fast(s[0] - largest[m][0]);
                const float w1 = exp2_fast(s[1] - largest[m][0]);
                const float w2 = exp2_fast(s[2] - largest[m][1]);
                const float w3 = exp2_fast(s[3] - largest[m][1]);
                sum[m][0] += w0 + w1;
                sum[m][1] += w2 + w3;
                a[m][2 * n] = pack<T>(w0, w1);
                a[m][2 * n + 1] = pack<T>(w2, w3);
            }
        }
#pragma unroll
        for (int pair = 0; pair < 4; ++pair) {
            uint32_t b[4];
            load_matrices_transposed(b, values + turned(16 * k + 8 * (matrix % 2) + row,
                                                        2 * pair + matrix / 2, kPieces));
#pragma unroll
            for (int m = 0; m < 2; ++m) {
                multiply_add<T>(output[m][2 * pair], a[m], b[0], b[1]);
                multiply_add<T>(output[m][2 * pair + 1], a[m], b[2], b[3]);
            }
        }
    }
}

// Block (head, tile): reads its 128 x 64 of the queries, writes the output in their place.
template <typename T>
__global__ void __launch_bounds__(kAttendThreads, 2)
    attend_kernel(Sizes sizes, Tiles tiles, Keys in, Workspace work, int64_t first_tile) {
    const Tile tile = find_tile(tiles, first_tile + blockIdx.y);
    if (tile.count == 0) return;
    extern __shared__ uint4 shared[];
    uint4* ring = shared;
    uint4* rows = shared + kStages * kStagePieces;
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, head = blockIdx.x;
    const int row_pieces = sizes.inner / 8;
    uint4* mine = reinterpret_cast<uint4*>(work.heads) +
                  static_cast<int64_t>(blockIdx.y) * kTile * row_pieces + head * kPieces;

    KeyReader reader;
    reader.keys = reinterpret_cast<const uint4*>(in.keys) + head * in.tokens * kPieces;
    reader.values = reinterpret_cast<const uint4*>(in.values) + head * in.tokens * kPieces;
    reader.chosen = in.chosen == nullptr
                        ? nullptr
                        : in.chosen + (tile.group * sizes.heads + head) * in.per_query;
    reader.count = static_cast<int>(in.per_query);
    const int key_tiles = (reader.count + kKeyTile - 1) / kKeyTile;

    for (int i = threadIdx.x; i < kTile * kPieces; i += kAttendThreads) {
        const int row = i / kPieces, piece = i % kPieces;
        copy_async(rows + turned(row, piece, kPieces),
                   mine + static_cast<int64_t>(row) * row_pieces + piece);
    }
    commit_copies();
    int tokens[4];
    reader.look_up(tokens, 0);
#pragma unroll
    for (int s = 0; s < kStages - 1; ++s) {
        if (s < key_tiles) reader.start(ring + s * kStagePieces, tokens);
        commit_copies();
        reader.look_up(tokens, s + 1);
    }

    wait_copies<kStages - 1>();
    __syncthreads();
    uint32_t q[2][4][4];
    const int a_row = 8 * (lane / 8 % 2) + lane % 8, a_piece = lane / 16;
#pragma unroll
    for (int m = 0; m < 2; ++m) {
#pragma unroll
        for (int k = 0; k < 4; ++k) {
            load_matrices(q[m][k],
                          rows + turned(32 * warp + 16 * m + a_row, 2 * k + a_piece, kPieces));
        }
    }

    float output[2][8][4] = {};
    float largest[2][2], sum[2][2] = {};
    largest[0][0] = largest[0][1] = largest[1][0] = largest[1][1] = -INFINITY;
    for (int j = 0; j < key_tiles; ++j) {
        wait_copies<kStages - 2>();
        __syncthreads();  // tile j has come, and every warp is done with tile j - 1
        if (j + kStages - 1 < key_tiles) {
            reader.start(ring + (j + kStages - 1) % kStages * kStagePieces, tokens);
        }
        commit_copies();
        reader.look_up(tokens, j + kStages);
        const uint4* stage = ring + j % kStages * kStagePieces;
        float scores[2][8][4];
        score<T>(scores, q, stage, lane);
        const int valid = reader.count - j * kKeyTile;
        if (valid < kKeyTile) {
#pragma unroll
            for (int n = 0; n < 8; ++n) {
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    const bool past = 8 * n + 2 * (lane % 4) + i % 2 >= valid;
                    scores[0][n][i] = past ? -INFINITY : scores[0][n][i];
                    scores[1][n][i] = past ? -INFINITY : scores[1][n][i];
                }
            }
        }
        rescale(scores, output, largest, sum);
        average<T>(output, sum, scores, largest, stage + kKeyTile * kPieces, lane);
    }

    // By way of shared memory to whole 128-byte rows; each warp's rows are its own.
#pragma unroll
    for (int m = 0; m < 2; ++m) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            float total = sum[m][half];
            total += __shfl_xor_sync(0xffffffffu, total, 1);
            total += __shfl_xor_sync(0xffffffffu, total, 2);
            const float inverse = 1.0f / total;
            const int row = 32 * warp + 16 * m + 8 * half + lane / 4;
#pragma unroll
            for (int n = 0; n < 8; ++n) {
                uint32_t* words = reinterpret_cast<uint32_t*>(rows + turned(row, n, kPieces));
                words[lane % 4] =
                    pack<T>(output[m][n][2 * half] * inverse, output[m][n][2 * half + 1] * inverse);
            }
        }
    }
    __syncwarp();
    for (int i = lane; i < 32 * kPieces; i += 32) {
        const int row = 32 * warp + i / kPieces, piece = i % kPieces;
        mine[static_cast<int64_t>(row) * row_pieces + piece] = rows[turned(row, piece, kPieces)];
    }
}

}  // namespace gen3d::volume_decode
