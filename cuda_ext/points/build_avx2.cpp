// Eight lanes with AVX2. Only this file's own functions may be compiled for them.
#include <immintrin.h>

#include "points/walks.h"

namespace gen3d::points {
namespace {

struct Avx2 {
    using F = __m256;
    static constexpr int kLanes = 8;

    static F load(const float* p) { return _mm256_loadu_ps(p); }
    static void store(float* p, F x) { _mm256_storeu_ps(p, x); }
    static F set1(float x) { return _mm256_set1_ps(x); }
    static F add(F a, F b) { return _mm256_add_ps(a, b); }
    static F sub(F a, F b) { return _mm256_sub_ps(a, b); }
    static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
    static F sqrt(F x) { return _mm256_sqrt_ps(x); }
    static F min(F a, F b) { return _mm256_min_ps(a, b); }
    static F max(F a, F b) { return _mm256_max_ps(a, b); }
    static F pick_less(F a, F b, F yes, F no) {
        return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
    }
    static uint32_t mask(F x) { return static_cast<uint32_t>(_mm256_movemask_ps(x)); }
    static uint32_t at_most(F a, F b) { return mask(_mm256_cmp_ps(a, b, _CMP_LE_OQ)); }
    static uint32_t less(F a, F b) { return mask(_mm256_cmp_ps(a, b, _CMP_LT_OQ)); }
    static uint32_t equal(F a, F b) { return mask(_mm256_cmp_ps(a, b, _CMP_EQ_OQ)); }
};

}  // namespace

const Build& avx2_build() {
    static constexpr Build build = Walks<Avx2>::build();
    return build;
}

}  // namespace gen3d::points
