// The one-dimensional transforms of F(4, 3) for the interpolation points 0, +-a, +-b, infinity, on
// vectors. With p = a^2 b^2 and s = a^2 + b^2:
//
//   B^T = [ p  0 -s  0  1  0 ]      A^T = [ 1  1   1   1   1   0 ]
//         [ 0 -a b^2 -b^2 a 1 0 ]         [ 0  a  -a   b  -b   0 ]
//         [ .. -a ..            ]         [ 0 a^2 a^2 b^2 b^2  0 ]
//         [ 0 -b a^2 -a^2 b 1 0 ]         [ 0 a^3 -a^3 b^3 -b^3 1 ]
//         [ .. -b ..            ]
//         [ 0  p  0 -s  0  1 ]
//
// and rows of G: n0 (1 0 0), na (1 +-a a^2), nb (1 +-b b^2), (0 0 1), where n0 = 1 / p,
// na = 1 / (2 a^2 (a^2 - b^2)), nb = 1 / (2 b^2 (b^2 - a^2)) (Toom-Cook, as in Barabasz et al.).
#pragma once

#include "simd/simd.h"

namespace taxon::kernels {
namespace {

/// Points +-a and +-b. `integer`: divisions instead of products with rounded inverses, so that
/// integers divisible by 9 stay exact.
struct LowError {
  static constexpr double a = 0.75, b = 1.5;
  static constexpr bool integer = false;
};
struct Integer {
  static constexpr double a = 1, b = 2;
  static constexpr bool integer = true;
};

template <class P>
struct Transform1d {
  static constexpr double a = P::a, b = P::b;
  static constexpr float a1 = static_cast<float>(a), a2 = static_cast<float>(a * a);
  static constexpr float a3 = static_cast<float>(a * a * a), b1 = static_cast<float>(b);
  static constexpr float b2 = static_cast<float>(b * b), b3 = static_cast<float>(b * b * b);
  static constexpr float s = static_cast<float>(a * a + b * b);
  static constexpr float p = static_cast<float>(a * a * b * b);
  // 1 / n0, 1 / na, 1 / nb
  static constexpr double d0 = a * a * b * b;
  static constexpr double da = 2 * a * a * (a * a - b * b), db = 2 * b * b * (b * b - a * a);

  /// x / d
  TAXON_INLINE static Vec divide(Vec x, double d) {
    if constexpr (P::integer) return x / static_cast<float>(d);
    return x * static_cast<float>(1 / d);
  }

  /// Rows 1 and 2 (points +-a) of B^T d from elements 1 to 4; with a and b exchanged, 3 and 4.
  TAXON_INLINE static void pair(Vec d1, Vec d2, Vec d3, Vec d4, float point, float other2,
                                Vec& plus, Vec& minus) {
    const Vec even = d4 - other2 * d2, odd = d3 - other2 * d1;
    plus = even + point * odd;
    minus = even - point * odd;
  }
  /// Rows 0 and 5 of B^T d: from elements 0, 2, 4, or 1, 3, 5.
  TAXON_INLINE static Vec outer(Vec d0_, Vec d2, Vec d4) { return p * d0_ + (d4 - s * d2); }

  TAXON_INLINE static void input(const Vec* d, Vec* o) {
    o[0] = outer(d[0], d[2], d[4]);
    pair(d[1], d[2], d[3], d[4], a1, b2, o[1], o[2]);
    pair(d[1], d[2], d[3], d[4], b1, a2, o[3], o[4]);
    o[5] = outer(d[1], d[3], d[5]);
  }

  /// A^T m: 6 -> 4.
  TAXON_INLINE static void output(const Vec* m, Vec* o) {
    const Vec sum_a = m[1] + m[2], sum_b = m[3] + m[4], diff_a = m[1] - m[2], diff_b = m[3] - m[4];
    o[0] = m[0] + (sum_a + sum_b);
    o[1] = b1 * diff_b + a1 * diff_a;
    o[2] = b2 * sum_b + a2 * sum_a;
    o[3] = b3 * diff_b + (a3 * diff_a + m[5]);
  }

  /// A y: 4 -> 6.
  TAXON_INLINE static void output_grad(const Vec* y, Vec* o) {
    const Vec even_a = a2 * y[2] + y[0], odd_a = a3 * y[3] + a1 * y[1];
    const Vec even_b = b2 * y[2] + y[0], odd_b = b3 * y[3] + b1 * y[1];
    o[0] = y[0];
    o[1] = even_a + odd_a;
    o[2] = even_a - odd_a;
    o[3] = even_b + odd_b;
    o[4] = even_b - odd_b;
    o[5] = y[3];
  }

  /// G g: 3 -> 6.
  TAXON_INLINE static void weight(Vec g0, Vec g1, Vec g2, Vec* o) {
    const Vec even_a = divide(a2 * g2 + g0, da), odd_a = divide(a1 * g1, da);
    const Vec even_b = divide(b2 * g2 + g0, db), odd_b = divide(b1 * g1, db);
    o[0] = divide(g0, d0);
    o[1] = even_a + odd_a;
    o[2] = even_a - odd_a;
    o[3] = even_b + odd_b;
    o[4] = even_b - odd_b;
    o[5] = g2;
  }

  /// G^T m: 6 -> 3, over the common denominator db.
  TAXON_INLINE static void weight_grad(const Vec* m, Vec* o) {
    constexpr float r0 = static_cast<float>(db / d0), ra = static_cast<float>(db / da);
    const Vec sum_a = ra * (m[1] + m[2]), sum_b = m[3] + m[4];
    o[0] = divide(r0 * m[0] + (sum_a + sum_b), db);
    o[1] = divide((ra * a1) * (m[1] - m[2]) + b1 * (m[3] - m[4]), db);
    o[2] = divide(a2 * sum_a + b2 * sum_b, db) + m[5];
  }
};

}  // namespace
}  // namespace taxon::kernels
