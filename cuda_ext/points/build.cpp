#include "points/build.h"

#include <atomic>
#include <cstring>

#include "common/simd.h"

namespace gen3d::points {
namespace {

const Build* find_build(const char* name) {
    const bool best = std::strcmp(name, "best") == 0;
#ifdef GEN3D_X86_BUILDS
    if ((best || std::strcmp(name, "avx512") == 0) && has_avx512()) return &avx512_build();
    if ((best || std::strcmp(name, "avx2") == 0) && has_avx2()) return &avx2_build();
#endif
    return best || std::strcmp(name, "portable") == 0 ? &portable_build() : nullptr;
}

std::atomic<const Build*> chosen{nullptr};

}  // namespace

const Build& best_build() {
    const Build* build = chosen.load();
    if (build == nullptr) chosen.store(build = find_build("best"));
    return *build;
}

bool choose_build(const char* name) {
    const Build* build = find_build(name);
    if (build != nullptr) chosen.store(build);
    return build != nullptr;
}

}  // namespace gen3d::points
