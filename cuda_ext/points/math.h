// What both twins compute on points. Sums keep one order and are not contracted to FMA, so the CPU,
// CUDA and plain torch agree to the bit, ties included.
#pragma once
#include <cstdint>
#ifndef __CUDACC__
#include <bit>
#endif

#include "common/host_device.h"

namespace gen3d::points {

// Points per leaf of a tree and children per node.
inline constexpr int kFan = 16;

// Fills places of a result that nothing reached; sorts after every point at any distance.
inline constexpr uint64_t kNothing = 0x7f8000007fffffffull;

GEN3D_HD float squared_distance(const float* a, const float* b) {
    const float x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
    return (x * x + y * y) + z * z;
}

#ifdef __CUDACC__
GEN3D_HD uint32_t float_bits(float value) {
    return __float_as_uint(value);
}
GEN3D_HD float bits_float(uint32_t bits) {
    return __uint_as_float(bits);
}
#else
GEN3D_HD uint32_t float_bits(float value) {
    return std::bit_cast<uint32_t>(value);
}
GEN3D_HD float bits_float(uint32_t bits) {
    return std::bit_cast<float>(bits);
}
#endif

// Bits of floats from zero up sort like the floats: the nearer point first, of equally near ones
// that of the lower index.
GEN3D_HD uint64_t near_key(float distance, int32_t index) {
    return static_cast<uint64_t>(float_bits(distance)) << 32 | static_cast<uint32_t>(index);
}

// The greater key is the farther point, of equally far ones that of the lower index.
GEN3D_HD uint64_t far_key(float distance, int32_t index) {
    return static_cast<uint64_t>(float_bits(distance)) << 32 |
           (0xffffffffu - static_cast<uint32_t>(index));
}

// The greater key is the higher bid, of equal ones that of the lower bidder; none is zero.
GEN3D_HD uint64_t bid_key(float increment, int32_t bidder) {
    return far_key(increment, bidder);
}

GEN3D_HD int32_t key_index(uint64_t key) {
    return static_cast<int32_t>(0xffffffffu - static_cast<uint32_t>(key));
}

GEN3D_HD float key_value(uint64_t key) {
    return bits_float(static_cast<uint32_t>(key >> 32));
}

// How far a bidder raises the price of the object that is best for it; costs are distance and
// price.
GEN3D_HD float bid_increment(float best, float second, float eps) {
    return second <= 3.402823466e38f ? (second - best) + eps : eps;
}

}  // namespace gen3d::points
