#include "common/simd.h"

#if defined(_MSC_VER) && defined(_M_X64)
#include <immintrin.h>
#include <intrin.h>
#endif

namespace gen3d {

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
bool has_avx2() {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
bool has_avx512() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}
bool has_avx512_bf16() {
    return has_avx512() && __builtin_cpu_supports("avx512bf16");
}
#elif defined(_MSC_VER) && defined(_M_X64)
namespace {

// Bit `bit` of register `which` (0 to 3: eax to edx) of a CPUID leaf.
bool cpuid_bit(int leaf, int part, int which, int bit) {
    int info[4];
    __cpuidex(info, leaf, part);
    return (info[which] >> bit & 1) != 0;
}

bool system_saves(unsigned long long state) {
    return cpuid_bit(1, 0, 2, 27) && (_xgetbv(0) & state) == state;
}

}  // namespace

bool has_avx2() {
    return system_saves(0x6) && cpuid_bit(1, 0, 2, 12) && cpuid_bit(7, 0, 1, 5);
}
bool has_avx512() {
    return system_saves(0xe6) && cpuid_bit(7, 0, 1, 16) && cpuid_bit(7, 0, 1, 30);
}
bool has_avx512_bf16() {
    return has_avx512() && cpuid_bit(7, 1, 0, 5);
}
#else
bool has_avx2() {
    return false;
}
bool has_avx512() {
    return false;
}
bool has_avx512_bf16() {
    return false;
}
#endif

const char* simd_level() {
    if (has_avx512()) return "avx512";
    if (has_avx2()) return "avx2";
#if defined(__aarch64__) || defined(_M_ARM64)
    return "neon";
#else
    return "portable";
#endif
}

}  // namespace gen3d
