// Sixteen lanes in plain C++, for the compiler to put into whatever vectors there are.
#include <cmath>

#include "points/walks.h"

namespace gen3d::points {
namespace {

struct Portable {
    struct F {
        float lane[kFan];
    };
    static constexpr int kLanes = kFan;

    template <typename Each>
    static F map(const Each& each) {
        F out;
        for (int i = 0; i < kFan; ++i) out.lane[i] = each(i);
        return out;
    }
    template <typename Test>
    static uint32_t mask(const Test& test) {
        uint32_t out = 0;
        for (int i = 0; i < kFan; ++i) out |= static_cast<uint32_t>(test(i)) << i;
        return out;
    }

    static F load(const float* p) {
        return map([&](int i) { return p[i]; });
    }
    static void store(float* p, const F& x) {
        for (int i = 0; i < kFan; ++i) p[i] = x.lane[i];
    }
    static F set1(float x) {
        return map([&](int) { return x; });
    }
    static F add(const F& a, const F& b) {
        return map([&](int i) { return a.lane[i] + b.lane[i]; });
    }
    static F sub(const F& a, const F& b) {
        return map([&](int i) { return a.lane[i] - b.lane[i]; });
    }
    static F mul(const F& a, const F& b) {
        return map([&](int i) { return a.lane[i] * b.lane[i]; });
    }
    static F sqrt(const F& x) {
        return map([&](int i) { return std::sqrt(x.lane[i]); });
    }
    static F min(const F& a, const F& b) {
        return map([&](int i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
    }
    static F max(const F& a, const F& b) {
        return map([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
    }
    static F pick_less(const F& a, const F& b, const F& yes, const F& no) {
        return map([&](int i) { return a.lane[i] < b.lane[i] ? yes.lane[i] : no.lane[i]; });
    }
    static uint32_t at_most(const F& a, const F& b) {
        return mask([&](int i) { return a.lane[i] <= b.lane[i]; });
    }
    static uint32_t less(const F& a, const F& b) {
        return mask([&](int i) { return a.lane[i] < b.lane[i]; });
    }
    static uint32_t equal(const F& a, const F& b) {
        return mask([&](int i) { return a.lane[i] == b.lane[i]; });
    }
};

}  // namespace

const Build& portable_build() {
    static constexpr Build build = Walks<Portable>::build();
    return build;
}

}  // namespace gen3d::points
