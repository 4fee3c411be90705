// Chooses the walks over a tree for this machine.
#pragma once
#include "points/search.h"

namespace gen3d::points {

const Build& best_build();

// Another choice, for tests: "portable", "avx2", "avx512", or "best". False where this machine or
// this module does not have it.
bool choose_build(const char* name);

}  // namespace gen3d::points
