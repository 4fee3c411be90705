// Z-buffered triangle rasterisation on the CPU.
#pragma once
#include <cstdint>

#include "raster/math.h"

namespace gen3d::raster {

// Writes per pixel the nearest face (-1: none), its depth along z (infinity: none) and the
// perspective-correct barycentric coordinates of the pixel centre in it (zeros: none).
// Where depths are equal the lower face id wins. Both sides of a face are drawn.
void rasterize(const float* vertices, const int64_t* faces, int64_t face_count, const View& view,
               int32_t* face_id, float* depth, float* barycentric, int threads);

}  // namespace gen3d::raster
