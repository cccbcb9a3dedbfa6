// Elementary functions on vectors, within 4 units in the last place of float. exp, log and tanh use
// the argument reductions and polynomials of S. Moshier's Cephes library (expf, logf, tanhf).
#pragma once

#include "simd/simd.h"

namespace taxon::kernels {
namespace {

/// x * 2^n for n in [-252, 254], in two steps so that results that are subnormal or just below
/// overflow round once.
TAXON_INLINE Vec scale_by_power(Vec x, Int n) {
  const Int half = n >> 1;
  const Vec a = from_bits((half + 127) << 23), b = from_bits((n - half + 127) << 23);
  return x * a * b;
}

/// exp(x + low) for |low| << 1: 0 below -104, infinity from 88.73, NaN for NaN.
TAXON_INLINE Vec exp(Vec x, Vec low) {
  x = min(broadcast(89.0f), max(broadcast(-104.0f), x));
  const Vec magic = broadcast(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const Vec n = fma(x + low, broadcast(1.44269504088896341f), magic) - magic;
  Vec r = fma(n, broadcast(-0.693359375f), x);
  r = fma(n, broadcast(2.12194440e-4f), r) + low;
  Vec p = broadcast(1.9875691500e-4f);
  p = fma(p, r, broadcast(1.3981999507e-3f));
  p = fma(p, r, broadcast(8.3334519073e-3f));
  p = fma(p, r, broadcast(4.1665795894e-2f));
  p = fma(p, r, broadcast(1.6666665459e-1f));
  p = fma(p, r, broadcast(5.0000001201e-1f));
  p = fma(p, r * r, r) + 1.0f;
  return scale_by_power(p, to_int(n));
}
TAXON_INLINE Vec exp(Vec x) {
  return exp(x, Vec{});
}

/// -infinity at 0, NaN below 0.
TAXON_INLINE Vec log(Vec x) {
  const Int subnormal = x < 1.17549435e-38f;
  const Vec scaled = select(subnormal, x * 33554432.0f, x);  // 2^25
  // Unsigned, because the bits of a negative number wrap around (its result is replaced below).
  const Bits pattern = reinterpret_cast<Bits>(scaled);
  const Int exponent = reinterpret_cast<Int>(pattern - 0x3f3504f3u) >> 23;  // less sqrt(1/2)
  const Bits mantissa = pattern - (reinterpret_cast<Bits>(exponent) << 23);
  const Vec f = reinterpret_cast<Vec>(mantissa) - 1.0f;  // in [sqrt(1/2), sqrt(2)) - 1
  const Vec e = to_float(exponent - (subnormal & 25));
  const Vec z = f * f;
  Vec p = broadcast(7.0376836292e-2f);
  p = fma(p, f, broadcast(-1.1514610310e-1f));
  p = fma(p, f, broadcast(1.1676998740e-1f));
  p = fma(p, f, broadcast(-1.2420140846e-1f));
  p = fma(p, f, broadcast(1.4249322787e-1f));
  p = fma(p, f, broadcast(-1.6668057665e-1f));
  p = fma(p, f, broadcast(2.0000714765e-1f));
  p = fma(p, f, broadcast(-2.4999993993e-1f));
  p = fma(p, f, broadcast(3.3333331174e-1f));
  Vec y = fma(e, broadcast(-2.12194440e-4f), p * (f * z));
  y = fma(z, broadcast(-0.5f), y);
  y = fma(e, broadcast(0.693359375f), f + y);
  const Vec infinity = broadcast(__builtin_inff());
  y = select(x == infinity, infinity, y);
  y = select(x == 0.0f, -infinity, y);
  return select((x < 0.0f) | is_nan(x), broadcast(__builtin_nanf("")), y);
}

/// log(1 + x) for x in [0, 1]: the logarithm of the rounded sum, corrected by what the rounding
/// lost.
TAXON_INLINE Vec log1p(Vec x) {
  const Vec u = x + 1.0f;
  return log(u) + (x - (u - 1.0f)) / u;
}

TAXON_INLINE Vec tanh(Vec x) {
  const Vec a = abs(x), z = x * x;
  Vec p = broadcast(-5.70498872745e-3f);
  p = fma(p, z, broadcast(2.06390887954e-2f));
  p = fma(p, z, broadcast(-5.37397155531e-2f));
  p = fma(p, z, broadcast(1.33314422036e-1f));
  p = fma(p, z, broadcast(-3.33332819422e-1f));
  const Vec small = fma(p * z, x, x);
  const Vec large = 1.0f - 2.0f / (exp(a + a) + 1.0f);
  return select(a < 0.625f, small, copy_sign(large, x));
}

/// 1 / (1 + exp(-x)), by exp of a negative number so that tiny results keep their digits.
TAXON_INLINE Vec sigmoid(Vec x) {
  const Vec e = exp(-abs(x));
  return select(x < 0.0f, e, broadcast(1.0f)) / (1.0f + e);
}

/// exp(-a^2/2) for 0 <= a <= 14.5: a^2 is split into an exact part and a small rest.
TAXON_INLINE Vec gauss(Vec a) {
  const Vec high = from_bits(bits(a) & ~0xfff);  // 12 bits: its square is exact
  return exp(high * high * -0.5f, (a - high) * (a + high) * -0.5f);
}

/// Phi(-a) for a >= 0, the upper tail of the normal distribution: exp(-a^2/2) * P(q) / (1 + a),
/// q = (a - 4) / (a + 4), P a least-squares fit on [0, 14.5] with relative error 2e-8. `density`:
/// gauss(a).
TAXON_INLINE Vec normal_tail(Vec a, Vec density) {
  const Vec q = (a - 4.0f) / (a + 4.0f);
  Vec p = broadcast(-7.286278560e-5f);
  p = fma(p, q, broadcast(-6.341558765e-5f));
  p = fma(p, q, broadcast(6.918377476e-4f));
  p = fma(p, q, broadcast(-3.020253789e-4f));
  p = fma(p, q, broadcast(-5.003289785e-3f));
  p = fma(p, q, broadcast(1.793988235e-2f));
  p = fma(p, q, broadcast(-3.219753504e-2f));
  p = fma(p, q, broadcast(2.859999985e-2f));
  p = fma(p, q, broadcast(1.399961580e-2f));
  p = fma(p, q, broadcast(-9.670346975e-2f));
  p = fma(p, q, broadcast(4.720532000e-1f));
  return density * p / (1.0f + a);
}

/// The normal distribution function at x; *density gets exp(-x^2/2).
TAXON_INLINE Vec normal_cdf(Vec x, Vec* density) {
  const Vec a = min(broadcast(14.5f), abs(x));
  *density = gauss(a);
  const Vec tail = normal_tail(a, *density);
  return select(x < 0.0f, tail, 1.0f - tail);
}

}  // namespace
}  // namespace taxon::kernels
