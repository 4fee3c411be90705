#include "volume_decode/vector_avx512.h"

namespace gen3d::volume_decode {

const Build* avx512_build() {
    static constexpr Build build = make_build<Avx512>();
    return &build;
}

}  // namespace gen3d::volume_decode
