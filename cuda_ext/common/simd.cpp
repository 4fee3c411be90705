#include "common/simd.h"

#if defined(_MSC_VER) && defined(_M_X64)
#include <immintrin.h>
#include <intrin.h>
#endif

namespace gen3d {

const char* simd_level() {
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")) return "avx512";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "avx2";
    return "portable";
#elif defined(_MSC_VER) && defined(_M_X64)
    int info[4];
    __cpuid(info, 1);
    const bool os_saves_ymm = (info[2] >> 27 & 1) != 0 && (_xgetbv(0) & 6) == 6;
    __cpuidex(info, 7, 0);
    return os_saves_ymm && (info[1] >> 5 & 1) != 0 ? "avx2" : "portable";
#elif defined(__aarch64__) || defined(_M_ARM64)
    return "neon";
#else
    return "portable";
#endif
}

}  // namespace gen3d
