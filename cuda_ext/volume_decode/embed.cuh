// From coordinates to e (with the attention's bias already added) and to the query.
//
// On a grid both are sums of three table rows, one per axis, divided by the deviation of e: no
// matrix product is left. The tables of R = 384 are 4.7 MB at width 512 and stay in L2; sorted
// queries share two of their three rows, which stay in L1.
#pragma once
#include "common/mma.h"
#include "volume_decode/tiles.cuh"

namespace gen3d::volume_decode {

inline constexpr int kEmbedThreads = 256;
inline constexpr int kEmbedRows = 32;  // per block
inline constexpr int kMaxFeatures = 3 * (2 * 16 + 1);
inline constexpr unsigned kAllLanes = 0xffffffffu;

__device__ __forceinline__ float warp_sum(float x) {
#pragma unroll
    for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(kAllLanes, x, step);
    return x;
}

// Rows of e (stride width) or of the raw query (stride inner) of one query: three to be added,
// or one.
struct Rows {
    const float* row[3];

    __device__ __forceinline__ float2 at(int column) const {
        float2 sum = *reinterpret_cast<const float2*>(row[0] + column);
        if (row[1] != nullptr) {
            const float2 y = *reinterpret_cast<const float2*>(row[1] + column);
            const float2 z = *reinterpret_cast<const float2*>(row[2] + column);
            sum.x += y.x + z.x;
            sum.y += y.y + z.y;
        }
        return sum;
    }
};

__device__ __forceinline__ Rows table_rows(const float* table, const int32_t* index, int64_t side,
                                           int stride) {
    Rows rows;
    for (int axis = 0; axis < 3; ++axis) {
        rows.row[axis] = table + (axis * side + index[axis]) * stride;
    }
    return rows;
}

// The norm of one head of a query; the lane holds channels 2 * lane and 2 * lane + 1.
__device__ __forceinline__ float2 normed_head(float2 q, const Queries& in, int lane) {
    const float wide = static_cast<float>(in.head_dim);
    const bool real = 2 * lane < in.head_dim;  // heads have an even number of channels
    float mean = 0.0f;
    if (in.norm == 1) mean = warp_sum(q.x + q.y) / wide;
    const float x = real ? q.x - mean : 0.0f, y = real ? q.y - mean : 0.0f;
    const float inverse = 1.0f / sqrtf(warp_sum(x * x + y * y) / wide + in.norm_eps);
    const float2 scale = *reinterpret_cast<const float2*>(in.norm_scale + 2 * lane);
    const float2 offset = *reinterpret_cast<const float2*>(in.norm_offset + 2 * lane);
    return {x * inverse * scale.x + offset.x, y * inverse * scale.y + offset.y};
}

// One warp per query. Rows of a ragged tile past its end repeat the last query.
template <typename T>
__global__ void __launch_bounds__(kEmbedThreads)
    embed_kernel(Sizes sizes, Tiles tiles, Queries in, Workspace out, int64_t first_tile) {
    constexpr int kBlocks = kMaxWidth / 64;  // of 64 channels
    constexpr int kPerWarp = kEmbedRows / (kEmbedThreads / 32);
    const int64_t local = blockIdx.x / (kTile / kEmbedRows);
    const Tile tile = find_tile(tiles, first_tile + local);
    if (tile.count == 0) return;
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const int inner = sizes.inner, blocks = sizes.width / 64;
    const int start = static_cast<int>(blockIdx.x % (kTile / kEmbedRows)) * kEmbedRows;
    for (int i = 0; i < kPerWarp; ++i) {
        const int inside = start + warp * kPerWarp + i;
        const int64_t row = local * kTile + inside;
        float* kept = out.embed + row * sizes.width;
        Rows embed{{kept, nullptr, nullptr}};
        Rows query{{out.raw + row * inner, nullptr, nullptr}};
        if (in.index != nullptr) {
            const int64_t name = tile.first + (inside < tile.count ? inside : tile.count - 1);
            embed = table_rows(in.embed, in.index + 3 * name, in.side, sizes.width);
            query = table_rows(in.query, in.index + 3 * name, in.side, inner);
        }
        float2 e[kBlocks];
        float sum = 0.0f, square = 0.0f;
#pragma unroll
        for (int b = 0; b < kBlocks; ++b) {
            e[b] = b < blocks ? embed.at(64 * b + 2 * lane) : float2{0.0f, 0.0f};
            sum += e[b].x + e[b].y;
        }
        const float mean = warp_sum(sum) / static_cast<float>(sizes.width);
#pragma unroll
        for (int b = 0; b < kBlocks; ++b) {
            if (b >= blocks) continue;
            const float x = e[b].x - mean, y = e[b].y - mean;
            square += x * x + y * y;
            const int column = 64 * b + 2 * lane;
            const float2 bias = *reinterpret_cast<const float2*>(in.residual_bias + column);
            *reinterpret_cast<float2*>(kept + column) = {e[b].x + bias.x, e[b].y + bias.y};
        }
        const float variance = warp_sum(square) / static_cast<float>(sizes.width);
        const float inverse = 1.0f / sqrtf(variance + in.eps);
        uint32_t* packed = reinterpret_cast<uint32_t*>(out.heads + row * inner);
        for (int h = 0; h < sizes.heads; ++h) {
            const int column = kHeadDim * h + 2 * lane;
            const float2 raw = query.at(column);
            const float2 shift = *reinterpret_cast<const float2*>(in.shift + column);
            float2 q = {raw.x * inverse + shift.x, raw.y * inverse + shift.y};
            if (in.norm != 0) q = normed_head(q, in, lane);
            packed[column / 2] = pack<T>(q.x, q.y);
        }
    }
}

// For points: e and the raw query as products with Fourier features, all in float32. A block takes
// 32 queries, a thread one column at a time.
static __global__ void __launch_bounds__(kEmbedThreads)
    features_kernel(Sizes sizes, Tiles tiles, Queries in, Workspace out, int64_t first_tile) {
    __shared__ float4 features[kMaxFeatures][kEmbedRows / 4];
    const int64_t local = blockIdx.x / (kTile / kEmbedRows);
    const Tile tile = find_tile(tiles, first_tile + local);
    if (tile.count == 0) return;
    const int start = static_cast<int>(blockIdx.x % (kTile / kEmbedRows)) * kEmbedRows;
    const int lane = threadIdx.x % kEmbedRows;
    const int count = 3 * (2 * in.octaves + 1);
    const int inside = start + lane;
    const int64_t name = tile.first + (inside < tile.count ? inside : tile.count - 1);
    for (int f = threadIdx.x / kEmbedRows; f < count; f += kEmbedThreads / kEmbedRows) {
        float value;
        if (f < 3) {
            value = in.points[3 * name + f];
        } else {
            const int wave = (f - 3) % (3 * in.octaves);
            const float angle =
                in.points[3 * name + wave / in.octaves] * in.frequencies[wave % in.octaves];
            value = f - 3 < 3 * in.octaves ? sinf(angle) : cosf(angle);
        }
        reinterpret_cast<float*>(features[f])[lane] = value;
    }
    __syncthreads();
    const int inner = sizes.inner;
    const int64_t row = local * kTile + start;
    for (int column = threadIdx.x; column < sizes.width + inner; column += kEmbedThreads) {
        const bool is_query = column >= sizes.width;
        const int c = is_query ? column - sizes.width : column;
        const int stride = is_query ? inner : sizes.width;
        const float* matrix = is_query ? in.query : in.embed;
        float sum[kEmbedRows];
        const float bias = is_query ? in.query_bias[c] : in.embed_bias[c];
#pragma unroll
        for (int r = 0; r < kEmbedRows; ++r) sum[r] = bias;
        for (int f = 0; f < count; ++f) {
            const float w = matrix[static_cast<int64_t>(f) * stride + c];
#pragma unroll
            for (int r = 0; r < kEmbedRows / 4; ++r) {
                const float4 x = features[f][r];
                sum[4 * r] += x.x * w;
                sum[4 * r + 1] += x.y * w;
                sum[4 * r + 2] += x.z * w;
                sum[4 * r + 3] += x.w * w;
            }
        }
        float* target = (is_query ? out.raw : out.embed) + row * stride + c;
#pragma unroll
        for (int r = 0; r < kEmbedRows; ++r) target[static_cast<int64_t>(r) * stride] = sum[r];
    }
}

}  // namespace gen3d::volume_decode
