// AVX-512 with products of bfloat16 pairs, summed in float.
#include "volume_decode/vector_avx512.h"

namespace gen3d::volume_decode {
namespace {

struct Avx512Bf16 : Avx512 {
    static constexpr const char* kName = "avx512_bf16";
    static constexpr bool kPairs = true;

    // sum + the two products of the pairs in each lane.
    static F dot(F pairs, uint32_t word, F sum) {
        const __m512i both = _mm512_set1_epi32(static_cast<int32_t>(word));
        return _mm512_dpbf16_ps(sum, (__m512bh)_mm512_castps_si512(pairs), (__m512bh)both);
    }
    // Rounds to bfloat16: a into the lower halves, b into the upper.
    static F pair(F a, F b) {
        const __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(a));
        const __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(b));
        return _mm512_castsi512_ps(_mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
    }
};

}  // namespace

const Build* avx512_bf16_build() {
    static constexpr Build build = make_build<Avx512Bf16>();
    return &build;
}

}  // namespace gen3d::volume_decode
