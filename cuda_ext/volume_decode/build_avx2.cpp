// Eight lanes with AVX2 and FMA. Only this file's own functions may be compiled for them.
#include <immintrin.h>

#include "volume_decode/tile.h"

namespace gen3d::volume_decode {
namespace {

struct Avx2 {
    using F = __m256;
    static constexpr const char* kName = "avx2";
    static constexpr int kLanes = 8, kVectors = 3, kRows = 4;
    static constexpr bool kPairs = false;

    static F load(const float* p) { return _mm256_loadu_ps(p); }
    static void store(float* p, F x) { _mm256_storeu_ps(p, x); }
    static F set1(float x) { return _mm256_set1_ps(x); }
    static F add(F a, F b) { return _mm256_add_ps(a, b); }
    static F sub(F a, F b) { return _mm256_sub_ps(a, b); }
    static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
    static F div(F a, F b) { return _mm256_div_ps(a, b); }
    static F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
    static F max(F a, F b) { return _mm256_max_ps(a, b); }
    static F min(F a, F b) { return _mm256_min_ps(a, b); }
    static F pick_greater(F a, F b, F yes, F no) {
        return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_GT_OQ));
    }
    static F sqrt(F x) { return _mm256_sqrt_ps(x); }
    static F round(F x) {
        return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    }
    static F scale(F p, F n) {
        const __m256i power = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
        return _mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_slli_epi32(power, 23)));
    }
};

}  // namespace

const Build* avx2_build() {
    static constexpr Build build = make_build<Avx2>();
    return &build;
}

}  // namespace gen3d::volume_decode
