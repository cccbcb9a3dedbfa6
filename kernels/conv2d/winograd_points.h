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

  // Each transform in pieces: `inner` gives the two results of the points +-a, or with `b` those of
  // +-b; `first` and `last` those of the points 0 and infinity. A two-dimensional transform takes
  // one piece of the rows at a time, so that its values stay in registers.

  /// B^T d: 6 -> 6.
  struct Input {
    static constexpr int taken = 6;
    template <bool b_>
    TAXON_INLINE static void inner(const Vec* d, Vec& plus, Vec& minus) {
      const float point = b_ ? b1 : a1, other = b_ ? a2 : b2;
      const Vec even = d[4] - other * d[2], odd = d[3] - other * d[1];
      plus = even + point * odd;
      minus = even - point * odd;
    }
    TAXON_INLINE static Vec first(const Vec* d) { return p * d[0] + (d[4] - s * d[2]); }
    TAXON_INLINE static Vec last(const Vec* d) { return p * d[1] + (d[5] - s * d[3]); }
  };

  /// A y: 4 -> 6.
  struct OutputGrad {
    static constexpr int taken = 4;
    template <bool b_>
    TAXON_INLINE static void inner(const Vec* y, Vec& plus, Vec& minus) {
      const Vec even = (b_ ? b2 : a2) * y[2] + y[0];
      const Vec odd = (b_ ? b3 : a3) * y[3] + (b_ ? b1 : a1) * y[1];
      plus = even + odd;
      minus = even - odd;
    }
    TAXON_INLINE static Vec first(const Vec* y) { return y[0]; }
    TAXON_INLINE static Vec last(const Vec* y) { return y[3]; }
  };

  /// G g: 3 -> 6.
  struct Weight {
    static constexpr int taken = 3;
    template <bool b_>
    TAXON_INLINE static void inner(const Vec* g, Vec& plus, Vec& minus) {
      const Vec even = divide((b_ ? b2 : a2) * g[2] + g[0], b_ ? db : da);
      const Vec odd = divide((b_ ? b1 : a1) * g[1], b_ ? db : da);
      plus = even + odd;
      minus = even - odd;
    }
    TAXON_INLINE static Vec first(const Vec* g) { return divide(g[0], d0); }
    TAXON_INLINE static Vec last(const Vec* g) { return g[2]; }
  };

  /// A^T m: 6 -> 4.
  TAXON_INLINE static void output(const Vec* m, Vec* o) {
    const Vec sum_a = m[1] + m[2], sum_b = m[3] + m[4], diff_a = m[1] - m[2], diff_b = m[3] - m[4];
    o[0] = m[0] + (sum_a + sum_b);
    o[1] = b1 * diff_b + a1 * diff_a;
    o[2] = b2 * sum_b + a2 * sum_a;
    o[3] = b3 * diff_b + (a3 * diff_a + m[5]);
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
