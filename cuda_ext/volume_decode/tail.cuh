// What follows attention, for all channels of a block of queries: output projection and residual,
// norm, MLP, last norm, head.
//
// A warp owns 64 columns, so a block has width / 64 warps and x stays in their accumulators
// (64 rows x 64 columns = 128 registers) from the projection to the head. A weight is then needed
// by one warp only. The weights are packed in the order of use and in the layout of the matrix
// instruction: a "unit" of 2 KB per warp is 4 pieces of 16 bytes per lane, and every lane copies
// (through its own ring in shared memory, kRing - 1 units ahead) the very bytes that it will read.
// So the stream of weights needs no barrier and runs on through norms and activations.
//
// Weights come from L2 once per 64 rows: 64 FLOP per byte, which at 5.5 TB/s allows 350 TFLOP/s.
#pragma once
#include "common/mma.h"
#include "volume_decode/tail_layout.h"
#include "volume_decode/tiles.cuh"

namespace gen3d::volume_decode {

template <int kRing>
struct WeightStream {
    const uint4* next;  // this lane's first piece of the next unit to copy
    uint4* ring;        // this lane's first piece of slot 0
    int stride;         // pieces from a warp's unit to its next
    int left;           // units not yet started
    int put, get;       // slots

    __device__ __forceinline__ void start() {
        if (left > 0) {
#pragma unroll
            for (int p = 0; p < 4; ++p) {
                copy_async(ring + put * kUnitPieces + 32 * p, next + 32 * p);
            }
            next += stride;
            --left;
        }
        commit_copies();
        put = put + 1 == kRing ? 0 : put + 1;
    }

    // The next unit; its slot is copied into again one call later.
    __device__ __forceinline__ void take(uint4 (&unit)[4]) {
        wait_copies<kRing - 2>();
#pragma unroll
        for (int p = 0; p < 4; ++p) unit[p] = ring[get * kUnitPieces + 32 * p];
        get = get + 1 == kRing ? 0 : get + 1;
        start();
    }
};

// sums (16 kRowTiles x 16 kPairs) += a (., columns 16 k to 16 k + 15) weights.
template <typename T, int kRowTiles, int kPairs, int kColumnTiles>
__device__ __forceinline__ void multiply_step(float (&sums)[kRowTiles][kColumnTiles][4],
                                              const uint4* a, int pieces, int k,
                                              const uint4* weights, int lane) {
    uint32_t rows[kRowTiles][4];
#pragma unroll
    for (int m = 0; m < kRowTiles; ++m) {
        const int row = 16 * m + 8 * (lane / 8 % 2) + lane % 8;
        load_matrices(rows[m], a + turned(row, 2 * k + lane / 16, pieces));
    }
#pragma unroll
    for (int pair = 0; pair < kPairs; ++pair) {
        const uint4 w = weights[pair];
#pragma unroll
        for (int m = 0; m < kRowTiles; ++m) {
            multiply_add<T>(sums[m][2 * pair], rows[m], w.x, w.y);
            multiply_add<T>(sums[m][2 * pair + 1], rows[m], w.z, w.w);
        }
    }
}

// Adds up, in place, every row's parts over the lanes and warps that share it. Calls in a row must
// alternate between two halves of `partial`, each (rows, warps).
template <int kRowTiles>
__device__ __forceinline__ void add_across(float (&part)[kRowTiles][2], float* partial, int warps) {
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
#pragma unroll
    for (int m = 0; m < kRowTiles; ++m) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            float sum = part[m][half];
            sum += __shfl_xor_sync(0xffffffffu, sum, 1);
            sum += __shfl_xor_sync(0xffffffffu, sum, 2);
            const int row = 16 * m + 8 * half + lane / 4;
            if (lane % 4 == 0) partial[row * warps + warp] = sum;
        }
    }
    __syncthreads();
#pragma unroll
    for (int m = 0; m < kRowTiles; ++m) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            const int row = 16 * m + 8 * half + lane / 4;
            float sum = 0.0f;
            for (int w = 0; w < warps; ++w) sum += partial[row * warps + w];
            part[m][half] = sum;
        }
    }
}

// Mean of every row, and 1 / sqrt(variance + eps).
template <int kRowTiles>
struct Moments {
    float mean[kRowTiles][2], inverse[kRowTiles][2];

    // Passes two barriers.
    __device__ __forceinline__ Moments(const float (&x)[kRowTiles][8][4], float* partial, int warps,
                                       float eps) {
        const float wide = static_cast<float>(kWarpColumns * warps);
#pragma unroll
        for (int m = 0; m < kRowTiles; ++m) {
            mean[m][0] = mean[m][1] = inverse[m][0] = inverse[m][1] = 0.0f;
#pragma unroll
            for (int n = 0; n < 8; ++n) {
                mean[m][0] += x[m][n][0] + x[m][n][1];
                mean[m][1] += x[m][n][2] + x[m][n][3];
            }
        }
        add_across(mean, partial, warps);
#pragma unroll
        for (int m = 0; m < kRowTiles; ++m) {
            mean[m][0] /= wide;
            mean[m][1] /= wide;
#pragma unroll
            for (int n = 0; n < 8; ++n) {
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    const float centred = x[m][n][i] - mean[m][i / 2];
                    inverse[m][i / 2] += centred * centred;
                }
            }
        }
        add_across(inverse, partial + 16 * kRowTiles * warps, warps);
#pragma unroll
        for (int m = 0; m < kRowTiles; ++m) {
            inverse[m][0] = 1.0f / sqrtf(inverse[m][0] / wide + eps);
            inverse[m][1] = 1.0f / sqrtf(inverse[m][1] / wide + eps);
        }
    }
};

// Rounds (x - mean) * scale of a warp's columns (from `column` on) into rows of shared memory.
template <typename T, int kRowTiles, int kColumnTiles>
__device__ __forceinline__ void store_rows(const float (&x)[kRowTiles][kColumnTiles][4],
                                           const float (&mean)[kRowTiles][2],
                                           const float (&scale)[kRowTiles][2], uint4* target,
                                           int pieces, int column, int lane) {
#pragma unroll
    for (int m = 0; m < kRowTiles; ++m) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            const int row = 16 * m + 8 * half + lane / 4;
#pragma unroll
            for (int n = 0; n < kColumnTiles; ++n) {
                uint4* piece = target + turned(row, column / 8 + n, pieces);
                reinterpret_cast<uint32_t*>(piece)[lane % 4] =
                    pack<T>((x[m][n][2 * half] - mean[m][half]) * scale[m][half],
                            (x[m][n][2 * half + 1] - mean[m][half]) * scale[m][half]);
            }
        }
    }
}

// The same of x as it is.
template <typename T, int kRowTiles, int kColumnTiles>
__device__ __forceinline__ void store_rows(const float (&x)[kRowTiles][kColumnTiles][4],
                                           uint4* target, int pieces, int column, int lane) {
    float zero[kRowTiles][2], one[kRowTiles][2];
#pragma unroll
    for (int m = 0; m < kRowTiles; ++m) {
        zero[m][0] = zero[m][1] = 0.0f;
        one[m][0] = one[m][1] = 1.0f;
    }
    store_rows<T>(x, zero, one, target, pieces, column, lane);
}

// part[row] += sum over a warp's columns of weights * x.
template <int kRowTiles>
__device__ __forceinline__ void add_products(float (&part)[kRowTiles][2],
                                             const float (&x)[kRowTiles][8][4],
                                             const float* weights, int lane) {
#pragma unroll
    for (int n = 0; n < 8; ++n) {
        const float2 w = *reinterpret_cast<const float2*>(weights + 8 * n + 2 * (lane % 4));
#pragma unroll
        for (int m = 0; m < kRowTiles; ++m) {
            part[m][0] += x[m][n][0] * w.x + x[m][n][1] * w.y;
            part[m][1] += x[m][n][2] * w.x + x[m][n][3] * w.y;
        }
    }
}

template <int kRowTiles>
__device__ __forceinline__ void centre(float (&x)[kRowTiles][8][4],
                                       const float (&mean)[kRowTiles][2]) {
#pragma unroll
    for (int m = 0; m < kRowTiles; ++m) {
#pragma unroll
        for (int n = 0; n < 8; ++n) {
#pragma unroll
            for (int i = 0; i < 4; ++i) x[m][n][i] -= mean[m][i / 2];
        }
    }
}

template <int kRowTiles, int kColumnTiles>
__device__ __forceinline__ void fill_columns(float (&x)[kRowTiles][kColumnTiles][4],
                                             const float* row, int lane) {
#pragma unroll
    for (int n = 0; n < kColumnTiles; ++n) {
        const float2 v = *reinterpret_cast<const float2*>(row + 8 * n + 2 * (lane % 4));
#pragma unroll
        for (int m = 0; m < kRowTiles; ++m) {
            x[m][n][0] = x[m][n][2] = v.x;
            x[m][n][1] = x[m][n][3] = v.y;
        }
    }
}

__device__ __forceinline__ float gelu(float x, bool tanh_form) {
    if (!tanh_form) return 0.5f * x * (1.0f + erff(x * 0.7071067811865476f));
    // x (1 + tanh(u)) / 2 = x / (1 + exp(-2u)), u = sqrt(2 / pi) (x + 0.044715 x^3)
    constexpr float kScale = -2.302208198f;  // -2 log2(e) sqrt(2 / pi)
    return __fdividef(x, 1.0f + exp2_fast(kScale * (x + 0.044715f * x * x * x)));
}

template <int kRowTiles, int kColumnTiles>
__device__ __forceinline__ void activate(float (&x)[kRowTiles][kColumnTiles][4], bool tanh_form) {
#pragma unroll
    for (int m = 0; m < kRowTiles; ++m) {
#pragma unroll
        for (int n = 0; n < kColumnTiles; ++n) {
#pragma unroll
            for (int i = 0; i < 4; ++i) x[m][n][i] = gelu(x[m][n][i], tanh_form);
        }
    }
}

// Without a last norm the value is head . x + (head fc_out) . gelu(fc_in norm(x)): no product with
// fc_out is left, and the accumulators of x serve the hidden channels.
template <typename T, int kRowTiles, int kRing, bool kPostNorm>
__global__ void __launch_bounds__(kRowTiles == 4 ? 256 : 512, 1)
    tail_kernel(Sizes sizes, Tiles tiles, Tail in, Workspace work, float* out, int64_t first_tile) {
    constexpr int kRows = 16 * kRowTiles;
    const int64_t local = blockIdx.x / (kTile / kRows);
    const int start = static_cast<int>(blockIdx.x % (kTile / kRows)) * kRows;
    const Tile tile = find_tile(tiles, first_tile + local);
    if (start >= tile.count) return;
    extern __shared__ uint4 shared[];
    const int width = sizes.width, inner = sizes.inner, warps = width / kWarpColumns;
    const TailLayout layout = tail_layout(kRows, kRing, width, inner, kPostNorm);
    uint4* rows = shared;
    uint4* hidden = shared + layout.hidden_start;
    float* partial = reinterpret_cast<float*>(hidden);
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const int64_t first_row = local * kTile + start;
    const int column = kWarpColumns * warp;

    const uint4* from = reinterpret_cast<const uint4*>(work.heads) + first_row * (inner / 8);
    for (int i = threadIdx.x; i < kRows * (inner / 8); i += blockDim.x) {
        copy_async(rows + turned(i / (inner / 8), i % (inner / 8), layout.row_pieces), from + i);
    }
    commit_copies();
    const int chunk = kPostNorm ? width / 2 : width;  // hidden channels at a time
    const int chunk_units = width / 16;               // of both products together
    WeightStream<kRing> stream;
    stream.next = reinterpret_cast<const uint4*>(in.stream) + warp * kUnitPieces + lane;
    stream.ring = shared + layout.ring_start + warp * kRing * kUnitPieces + lane;
    stream.stride = warps * kUnitPieces;
    stream.left = inner / 16 + in.hidden / chunk * chunk_units;
    stream.put = stream.get = 0;
#pragma unroll
    for (int i = 0; i < kRing - 1; ++i) stream.start();

    float x[kRowTiles][8][4];
    const float* embed = work.embed + first_row * width + column + 2 * (lane % 4);
#pragma unroll
    for (int m = 0; m < kRowTiles; ++m) {
#pragma unroll
        for (int n = 0; n < 8; ++n) {
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const int64_t row = 16 * m + 8 * half + lane / 4;
                const float2 e = *reinterpret_cast<const float2*>(embed + row * width + 8 * n);
                x[m][n][2 * half] = e.x;
                x[m][n][2 * half + 1] = e.y;
            }
        }
    }
    wait_copies<kRing - 1>();
    __syncthreads();
    uint4 unit[4];
#pragma unroll 2
    for (int k = 0; k < inner / 16; ++k) {
        stream.take(unit);
        multiply_step<T, kRowTiles, 4>(x, rows, layout.row_pieces, k, unit, lane);
    }

    float part[kRowTiles][2] = {};
    if constexpr (kPostNorm) {
        {
            const Moments<kRowTiles> moments(x, partial, warps, in.eps);
            store_rows<T>(x, moments.mean, moments.inverse, rows, layout.row_pieces, column, lane);
        }
        __syncthreads();
        for (int c = 0; c < in.hidden; c += chunk) {
            float h[kRowTiles][4][4];
            const int mine = chunk / warps * warp;  // 32 of the chunk's channels
            fill_columns(h, in.hidden_bias + c + mine, lane);
#pragma unroll 2
            for (int u = 0; u < width / 32; ++u) {
                stream.take(unit);
                multiply_step<T, kRowTiles, 2>(h, rows, layout.row_pieces, 2 * u, unit, lane);
                multiply_step<T, kRowTiles, 2>(h, rows, layout.row_pieces, 2 * u + 1, unit + 2,
                                               lane);
            }
            activate(h, in.tanh_gelu);
            store_rows<T>(h, hidden, layout.hidden_pieces, mine, lane);
            __syncthreads();
#pragma unroll 2
            for (int k = 0; k < chunk / 16; ++k) {
                stream.take(unit);
                multiply_step<T, kRowTiles, 4>(x, hidden, layout.hidden_pieces, k, unit, lane);
            }
            __syncthreads();
        }
#pragma unroll
        for (int n = 0; n < 8; ++n) {
            const float2 bias =
                *reinterpret_cast<const float2*>(in.output_bias + column + 8 * n + 2 * (lane % 4));
#pragma unroll
            for (int m = 0; m < kRowTiles; ++m) {
                x[m][n][0] += bias.x;
                x[m][n][1] += bias.y;
                x[m][n][2] += bias.x;
                x[m][n][3] += bias.y;
            }
        }
        const Moments<kRowTiles> moments(x, partial, warps, in.post_eps);
        centre(x, moments.mean);
        add_products(part, x, in.head + column, lane);
#pragma unroll
        for (int m = 0; m < kRowTiles; ++m) {
            part[m][0] *= moments.inverse[m][0];
            part[m][1] *= moments.inverse[m][1];
        }
    } else {
        add_products(part, x, in.head + column, lane);
        {
            const Moments<kRowTiles> moments(x, partial, warps, in.eps);
            store_rows<T>(x, moments.mean, moments.inverse, rows, layout.row_pieces, column, lane);
        }
        __syncthreads();
        for (int c = 0; c < in.hidden; c += chunk) {
            fill_columns(x, in.hidden_bias + c + column, lane);
#pragma unroll 2
            for (int k = 0; k < chunk_units; ++k) {
                stream.take(unit);
                multiply_step<T, kRowTiles, 4>(x, rows, layout.row_pieces, k, unit, lane);
            }
            activate(x, in.tanh_gelu);
            add_products(part, x, in.hidden_head + c + column, lane);
        }
    }
    add_across(part, partial, warps);
    if (warp == 0 && lane % 4 == 0) {
#pragma unroll
        for (int m = 0; m < kRowTiles; ++m) {
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const int row = start + 16 * m + 8 * half + lane / 4;
                if (row < tile.count) out[tile.first + row] = part[m][half] + in.head_bias[0];
            }
        }
    }
}

}  // namespace gen3d::volume_decode
