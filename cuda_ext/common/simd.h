// Which vector instructions this machine offers; kernels with several builds choose by it.
#pragma once

namespace gen3d {

// "avx512", "avx2", "neon" or "portable".
const char* simd_level();

}  // namespace gen3d
