// One call of the decoder, as the translation units of its kernels share it: one for each 16-bit
// format, so that they compile side by side.
#pragma once
#include "common/mma.h"
#include "volume_decode/cuda.h"

namespace gen3d::volume_decode {

struct Decode {
    const Sizes& sizes;
    const Tiles& tiles;
    const Queries& queries;
    const Keys& keys;
    const Tail& tail;
    const Workspace& work;
    float* out;
    int64_t stream;
    int tail_row_tiles;  // 4 or 2
};

// T: Half or BFloat16.
template <typename T>
void launch(const Decode& call);

}  // namespace gen3d::volume_decode
