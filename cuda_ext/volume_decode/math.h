// Elementary functions over vectors, one query per lane. V supplies the arithmetic: see vector_*.h.
#pragma once

namespace gen3d::volume_decode {

// 2^x to 1e-7 relative, for x clamped to [-126, 126].
template <class V>
inline typename V::F exp2(typename V::F x) {
    // The second operand wins where one is not a number, so that those pass through.
    x = V::min(V::set1(126.0f), V::max(V::set1(-126.0f), x));
    const typename V::F n = V::round(x);
    const typename V::F f = V::sub(x, n);
    // Minimax in relative error on [-1/2, 1/2]: 7.5e-8.
    typename V::F p = V::set1(1.327647196e-3f);
    p = V::fma(p, f, V::set1(9.675541503e-3f));
    p = V::fma(p, f, V::set1(5.550713275e-2f));
    p = V::fma(p, f, V::set1(2.402211972e-1f));
    p = V::fma(p, f, V::set1(6.931469671e-1f));
    p = V::fma(p, f, V::set1(1.000000072f));
    return V::scale(p, n);
}

// Sine and cosine for |x| < 8192: reduction by pi / 2 in three parts (Cody and Waite 1980), then
// the polynomials of Cephes. The first two parts times n are exact, with or without FMA.
template <class V>
inline void sin_cos(typename V::F x, typename V::F& sine, typename V::F& cosine) {
    using F = typename V::F;
    const F n = V::round(V::mul(x, V::set1(0.636619772f)));
    F r = V::fma(n, V::set1(-1.5703125f), x);
    r = V::fma(n, V::set1(-4.837512969970703125e-4f), r);
    r = V::fma(n, V::set1(-7.54978995489188216e-8f), r);
    const F square = V::mul(r, r);
    F s = V::set1(-1.9515295891e-4f);
    s = V::fma(s, square, V::set1(8.3321608736e-3f));
    s = V::fma(s, square, V::set1(-1.6666654611e-1f));
    s = V::fma(V::mul(s, square), r, r);
    F c = V::set1(2.443315711809948e-5f);
    c = V::fma(c, square, V::set1(-1.388731625493765e-3f));
    c = V::fma(c, square, V::set1(4.166664568298827e-2f));
    c = V::fma(V::mul(c, square), square, V::fma(square, V::set1(-0.5f), V::set1(1.0f)));
    // n mod 4 as one of -2, -1, 0, 1, 2.
    const F quarter = V::fma(V::round(V::mul(n, V::set1(0.25f))), V::set1(-4.0f), n);
    const F magnitude = V::max(quarter, V::sub(V::set1(0.0f), quarter));
    const F one = V::set1(1.0f), half = V::set1(0.5f), most = V::set1(1.5f);
    const F sign = V::pick_greater(magnitude, most, V::set1(-1.0f), one);
    const F swapped_sine = V::mul(quarter, c);
    const F swapped_cosine = V::sub(V::set1(0.0f), V::mul(quarter, s));
    const F odd = V::pick_greater(magnitude, half, V::pick_greater(most, magnitude, one,
                                                                   V::set1(0.0f)),
                                  V::set1(0.0f));
    sine = V::pick_greater(odd, half, swapped_sine, V::mul(sign, s));
    cosine = V::pick_greater(odd, half, swapped_cosine, V::mul(sign, c));
}

// GELU in its tanh form: x / (1 + exp(-2 u)) with u = sqrt(2 / pi) (x + 0.044715 x^3).
template <class V>
inline typename V::F gelu_tanh(typename V::F x) {
    const typename V::F square = V::mul(x, x);
    // -2 log2(e) sqrt(2 / pi) and the same times 0.044715.
    const typename V::F slope =
        V::fma(square, V::set1(-0.10294324f), V::set1(-2.3022082f));
    const typename V::F e = exp2<V>(V::mul(x, slope));
    return V::div(x, V::add(V::set1(1.0f), e));
}

// GELU by the error function: x - x q(|x|) for x > 0 and x q(|x|) otherwise, where q = erfc / 2 by
// Abramowitz and Stegun 7.1.26 (1.5e-7 absolute).
template <class V>
inline typename V::F gelu_exact(typename V::F x) {
    using F = typename V::F;
    const F zero = V::set1(0.0f);
    const F z = V::mul(V::max(x, V::sub(zero, x)), V::set1(0.70710678f));
    const F t = V::div(V::set1(1.0f), V::fma(z, V::set1(0.3275911f), V::set1(1.0f)));
    F p = V::set1(0.5307027145f);
    p = V::fma(p, t, V::set1(-0.7265760135f));
    p = V::fma(p, t, V::set1(0.7107068705f));
    p = V::fma(p, t, V::set1(-0.1422483680f));
    p = V::fma(p, t, V::set1(0.1274147960f));
    const F e = exp2<V>(V::mul(V::mul(z, z), V::set1(-1.44269504f)));
    const F q = V::mul(x, V::mul(V::mul(p, t), e));
    return V::pick_greater(x, zero, V::sub(x, q), q);
}

}  // namespace gen3d::volume_decode
