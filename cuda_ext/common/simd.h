// Which vector instructions this machine offers; kernels with several builds choose by it.
#pragma once

namespace gen3d {

// "avx512", "avx2", "neon" or "portable".
const char* simd_level();

// What the processor has and the system saves.
bool has_avx2();  // with FMA
bool has_avx512();
bool has_avx512_bf16();

}  // namespace gen3d
