// Sixteen lanes with AVX-512F, for the two builds that use it.
#pragma once
#include <immintrin.h>

#include "volume_decode/tile.h"

namespace gen3d::volume_decode {
namespace {

struct Avx512 {
    using F = __m512;
    static constexpr const char* kName = "avx512";
    static constexpr int kLanes = 16, kVectors = 3, kRows = 8;
    static constexpr bool kPairs = false;

    static F load(const float* p) { return _mm512_loadu_ps(p); }
    static void store(float* p, F x) { _mm512_storeu_ps(p, x); }
    static F set1(float x) { return _mm512_set1_ps(x); }
    static F add(F a, F b) { return _mm512_add_ps(a, b); }
    static F sub(F a, F b) { return _mm512_sub_ps(a, b); }
    static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
    static F div(F a, F b) { return _mm512_div_ps(a, b); }
    static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
    static F max(F a, F b) { return _mm512_max_ps(a, b); }
    static F min(F a, F b) { return _mm512_min_ps(a, b); }
    static F pick_greater(F a, F b, F yes, F no) {
        return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ), no, yes);
    }
    static F sqrt(F x) { return _mm512_sqrt_ps(x); }
    static F round(F x) {
        return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    }
    static F scale(F p, F n) { return _mm512_scalef_ps(p, n); }
};

}  // namespace
}  // namespace gen3d::volume_decode
