// Four lanes in plain C++: vector extensions where the compiler has them (SSE2, NEON).
#include "volume_decode/tile.h"

namespace gen3d::volume_decode {
namespace {

#if defined(__GNUC__)
using Four = float __attribute__((vector_size(16)));
#else
struct Four {
    float lane[4];
    float& operator[](int i) { return lane[i]; }
    float operator[](int i) const { return lane[i]; }
};
#define GEN3D_FOUR(op)                                         \
    inline Four operator op(const Four& a, const Four& b) {    \
        Four c;                                                \
        for (int i = 0; i < 4; ++i) c.lane[i] = a.lane[i] op b.lane[i]; \
        return c;                                              \
    }
GEN3D_FOUR(+)
GEN3D_FOUR(-)
GEN3D_FOUR(*)
GEN3D_FOUR(/)
#undef GEN3D_FOUR
#endif

struct Portable {
    using F = Four;
    static constexpr const char* kName = "portable";
    static constexpr int kLanes = 4, kVectors = 3;
#if defined(__aarch64__)
    static constexpr int kRows = 8;
#else
    static constexpr int kRows = 4;
#endif
    static constexpr bool kPairs = false;

    static F load(const float* p) {
        F x;
        std::memcpy(&x, p, sizeof x);
        return x;
    }
    static void store(float* p, F x) { std::memcpy(p, &x, sizeof x); }
    static F set1(float x) {
        F y;
        for (int i = 0; i < 4; ++i) y[i] = x;
        return y;
    }
    static F add(F a, F b) { return a + b; }
    static F sub(F a, F b) { return a - b; }
    static F mul(F a, F b) { return a * b; }
    static F div(F a, F b) { return a / b; }
    static F fma(F a, F b, F c) { return a * b + c; }
    static F max(F a, F b) { return pick_greater(a, b, a, b); }
    static F min(F a, F b) { return pick_greater(b, a, a, b); }
    static F pick_greater(F a, F b, F yes, F no) {
#if defined(__GNUC__)
        return a > b ? yes : no;
#else
        F y;
        for (int i = 0; i < 4; ++i) y[i] = a[i] > b[i] ? yes[i] : no[i];
        return y;
#endif
    }
    static F sqrt(F x) {
        for (int i = 0; i < 4; ++i) x[i] = ::sqrtf(x[i]);
        return x;
    }
    // To the nearest whole number, for |x| < 2^22.
    static F round(F x) { return sub(add(x, set1(12582912.0f)), set1(12582912.0f)); }
    // p 2^n for a whole n in [-126, 127].
    static F scale(F p, F n) {
        for (int i = 0; i < 4; ++i) {
            const int32_t bits = (static_cast<int32_t>(n[i] == n[i] ? n[i] : 0.0f) + 127) << 23;
            float power;
            std::memcpy(&power, &bits, sizeof power);
            p[i] *= power;
        }
        return p;
    }
};

}  // namespace

const Build* portable_build() {
    static constexpr Build build = make_build<Portable>();
    return &build;
}

}  // namespace gen3d::volume_decode
