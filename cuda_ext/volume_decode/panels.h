// Products of a panelled matrix with a tile of queries, [columns][queries].
#pragma once
#include <cstdint>
#include <cstring>

#include "volume_decode/cpu.h"

#if defined(__GNUC__)
#define GEN3D_INLINE inline __attribute__((always_inline))
#define GEN3D_UNROLL _Pragma("GCC unroll 8")
#else
#define GEN3D_INLINE inline
#define GEN3D_UNROLL
#endif

namespace gen3d::volume_decode {

// Templates over V only: these files are compiled for several instruction sets, and inline
// functions of the standard library would be shared between them by the linker.
inline constexpr int kPanel = 8;

template <class V>
inline constexpr int kTile = V::kLanes * V::kVectors;

// Columns whose queries stay in the first-level cache while all rows pass: 128 x 48 x 4 B.
inline constexpr int64_t kColumnBlock = 128;

// out[r][:] (+)= sum over `words` of panel row r times x, for `valid` of V::kRows rows. The panel
// starts at the first of those rows, and the next word's rows are kPanel words further.
template <class V, bool pairs>
GEN3D_INLINE void multiply_rows(Words panel, int64_t words, const float* x, float* out,
                                int64_t valid, bool add) {
    constexpr int tile = kTile<V>;
    typename V::F sum[V::kRows][V::kVectors];
    GEN3D_UNROLL
    for (int r = 0; r < V::kRows; ++r) {
        GEN3D_UNROLL
        for (int j = 0; j < V::kVectors; ++j) sum[r][j] = V::set1(0.0f);
    }
    for (int64_t w = 0; w < words; ++w) {
        typename V::F lanes[V::kVectors];
        GEN3D_UNROLL
        for (int j = 0; j < V::kVectors; ++j) lanes[j] = V::load(x + w * tile + j * V::kLanes);
        GEN3D_UNROLL
        for (int r = 0; r < V::kRows; ++r) {
            const uint32_t word = panel[w * kPanel + r];
            if constexpr (pairs) {
                GEN3D_UNROLL
                for (int j = 0; j < V::kVectors; ++j) sum[r][j] = V::dot(lanes[j], word, sum[r][j]);
            } else {
                float value;
                std::memcpy(&value, &word, sizeof value);
                const typename V::F both = V::set1(value);
                GEN3D_UNROLL
                for (int j = 0; j < V::kVectors; ++j) sum[r][j] = V::fma(both, lanes[j], sum[r][j]);
            }
        }
    }
    GEN3D_UNROLL
    for (int r = 0; r < V::kRows; ++r) {
        if (r >= valid) break;
        GEN3D_UNROLL
        for (int j = 0; j < V::kVectors; ++j) {
            float* place = out + r * tile + j * V::kLanes;
            V::store(place, add ? V::add(V::load(place), sum[r][j]) : sum[r][j]);
        }
    }
}

// out (+)= matrix x: `rows` rows, `words` words of each, panels `stride` words apart.
template <class V, bool pairs>
inline void multiply(Words matrix, int64_t stride, int64_t rows, int64_t words, const float* x,
                     float* out, bool add) {
    constexpr int tile = kTile<V>;
    for (int64_t first = 0; first < words; first += kColumnBlock) {
        const int64_t some = words - first < kColumnBlock ? words - first : kColumnBlock;
        for (int64_t row = 0; row < rows; row += V::kRows) {
            Words panel = matrix + row / kPanel * stride + first * kPanel + row % kPanel;
            multiply_rows<V, pairs>(panel, some, x + first * tile, out + row * tile, rows - row,
                                    add || first > 0);
        }
    }
}

// Turns rows of floats into what multiply<V, true> reads, `rows` / 2 rounded up rows of words.
template <class V>
inline void to_pairs(const float* in, int64_t rows, float* out) {
    constexpr int tile = kTile<V>;
    for (int64_t r = 0; r < rows; r += 2) {
        for (int j = 0; j < tile; j += V::kLanes) {
            const typename V::F a = V::load(in + r * tile + j);
            const typename V::F b =
                r + 1 < rows ? V::load(in + (r + 1) * tile + j) : V::set1(0.0f);
            V::store(out + r / 2 * tile + j, V::pair(a, b));
        }
    }
}

}  // namespace gen3d::volume_decode
