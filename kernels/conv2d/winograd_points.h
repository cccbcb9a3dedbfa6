// The one-dimensional transforms of F(4, 3) for the interpolation points 0, +-a, +-b, infinity, on
// vectors, and of F(4, 2) and F(4, 1), which leave out 0, or 0 and infinity. With p = a^2 b^2 and
// s = a^2 + b^2, those of F(4, 3) are
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
// Without 0 the first row and column of B^T and the first column of A^T fall away, and the rows of
// G are +-na (1 +-a), +-nb (1 +-b), (0 1), where na = 1 / (2 a (a^2 - b^2)), nb the like.
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
/// The best without 0: several times the accuracy of the above.
struct LowErrorNoZero {
  static constexpr double a = 0.5, b = 1.25;
  static constexpr bool integer = false;
};
struct Integer {
  static constexpr double a = 1, b = 2;
  static constexpr bool integer = true;
};

/// Three taps; two without the point 0.
template <class P, bool with_zero>
struct Transform1d {
  static constexpr double a = P::a, b = P::b;
  static constexpr float a1 = static_cast<float>(a), a2 = static_cast<float>(a * a);
  static constexpr float a3 = static_cast<float>(a * a * a), b1 = static_cast<float>(b);
  static constexpr float b2 = static_cast<float>(b * b), b3 = static_cast<float>(b * b * b);
  static constexpr float s = static_cast<float>(a * a + b * b);
  static constexpr float p = static_cast<float>(a * a * b * b);
  // 1 / n0, 1 / na, 1 / nb
  static constexpr double d0 = a * a * b * b;
  static constexpr double da = 2 * a * (with_zero ? a : 1) * (a * a - b * b);
  static constexpr double db = 2 * b * (with_zero ? b : 1) * (b * b - a * a);
  static constexpr int z = with_zero ? 1 : 0;

  /// x / d
  TAXON_INLINE static Vec divide(Vec x, double d) {
    if constexpr (P::integer) return x / static_cast<float>(d);
    return x * static_cast<float>(1 / d);
  }

  // Each transform in pieces: `inner` gives the two results of the points +-a, or with `b` those of
  // +-b; `first` and `last` those of the points 0 and infinity. A two-dimensional transform takes
  // one piece of the rows at a time, so that its values stay in registers.
  struct Points {
    static constexpr bool zero = with_zero, finite = true, infinity = true;
  };

  /// B^T d: 6 -> 6, or 5 -> 5.
  struct Input : Points {
    static constexpr int taken = 5 + z;
    template <bool b_>
    TAXON_INLINE static void inner(const Vec* d, Vec& plus, Vec& minus) {
      const float point = b_ ? b1 : a1, other = b_ ? a2 : b2;
      const Vec even = d[3 + z] - other * d[1 + z], odd = d[2 + z] - other * d[z];
      plus = even + point * odd;
      minus = even - point * odd;
    }
    TAXON_INLINE static Vec first(const Vec* d) { return p * d[0] + (d[4] - s * d[2]); }
    TAXON_INLINE static Vec last(const Vec* d) { return p * d[z] + (d[4 + z] - s * d[2 + z]); }
  };

  /// A y: 4 -> 6, or 4 -> 5.
  struct OutputGrad : Points {
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

  /// G g: 3 -> 6, or 2 -> 5.
  struct Weight : Points {
    static constexpr int taken = 2 + z;
    template <bool b_>
    TAXON_INLINE static void inner(const Vec* g, Vec& plus, Vec& minus) {
      const float point = b_ ? b1 : a1;
      const double d = b_ ? db : da;
      if constexpr (with_zero) {
        const Vec even = divide((b_ ? b2 : a2) * g[2] + g[0], d), odd = divide(point * g[1], d);
        plus = even + odd;
        minus = even - odd;
      } else {
        const Vec even = divide(g[0], d), odd = divide(point * g[1], d);
        plus = odd + even;
        minus = odd - even;
      }
    }
    TAXON_INLINE static Vec first(const Vec* g) { return divide(g[0], d0); }
    TAXON_INLINE static Vec last(const Vec* g) { return g[1 + z]; }
  };

  /// A^T m: 6 -> 4, or 5 -> 4.
  struct Output {
    static constexpr int taken = 5 + z, given = 4;
    TAXON_INLINE static void apply(const Vec* m, Vec* o) {
      const Vec sum_a = m[z] + m[1 + z], sum_b = m[2 + z] + m[3 + z];
      const Vec diff_a = m[z] - m[1 + z], diff_b = m[2 + z] - m[3 + z];
      o[0] = sum_a + sum_b;
      if constexpr (with_zero) o[0] = m[0] + o[0];
      o[1] = b1 * diff_b + a1 * diff_a;
      o[2] = b2 * sum_b + a2 * sum_a;
      o[3] = b3 * diff_b + (a3 * diff_a + m[4 + z]);
    }
  };

  /// G^T m: 6 -> 3, or 5 -> 2, over the common denominator db.
  struct WeightGrad {
    static constexpr int taken = 5 + z, given = 2 + z;
    TAXON_INLINE static void apply(const Vec* m, Vec* o) {
      constexpr float r0 = static_cast<float>(db / d0), ra = static_cast<float>(db / da);
      const Vec plus_a = m[z] + m[1 + z], plus_b = m[2 + z] + m[3 + z];
      const Vec minus_a = m[z] - m[1 + z], minus_b = m[2 + z] - m[3 + z];
      if constexpr (with_zero) {
        const Vec sum_a = ra * plus_a;
        o[0] = divide(r0 * m[0] + (sum_a + plus_b), db);
        o[1] = divide((ra * a1) * minus_a + b1 * minus_b, db);
        o[2] = divide(a2 * sum_a + b2 * plus_b, db) + m[5];
      } else {
        o[0] = divide(ra * minus_a + minus_b, db);
        o[1] = divide((ra * a1) * plus_a + b1 * plus_b, db) + m[4];
      }
    }
  };
};

/// One tap at the points +-a, +-b.
template <class P>
struct OneTap {
  using Two = Transform1d<P, false>;
  struct Points {
    static constexpr bool zero = false, finite = true, infinity = false;
  };
  struct Input : Points {
    static constexpr int taken = 4;
    template <bool b_>
    TAXON_INLINE static void inner(const Vec* d, Vec& plus, Vec& minus) {
      Two::Input::template inner<b_>(d, plus, minus);
    }
  };
  struct Weight : Points {
    static constexpr int taken = 1;
    template <bool b_>
    TAXON_INLINE static void inner(const Vec* g, Vec& plus, Vec& minus) {
      plus = Two::divide(g[0], b_ ? Two::db : Two::da);
      minus = -plus;
    }
  };
  struct WeightGrad {
    static constexpr int taken = 4, given = 1;
    TAXON_INLINE static void apply(const Vec* m, Vec* o) {
      constexpr float ra = static_cast<float>(Two::db / Two::da);
      o[0] = Two::divide(ra * (m[0] - m[1]) + (m[2] - m[3]), Two::db);
    }
  };
};

/// One tap on pixels as they are: nothing to transform.
struct Untransformed {
  struct Input {
    static constexpr int taken = 4;
    static constexpr bool zero = false, finite = true, infinity = false;
    template <bool b_>
    TAXON_INLINE static void inner(const Vec* d, Vec& upper, Vec& lower) {
      upper = d[b_ ? 2 : 0];
      lower = d[b_ ? 3 : 1];
    }
  };
  struct Weight {
    static constexpr int taken = 1;
    static constexpr bool zero = false, finite = false, infinity = true;
    TAXON_INLINE static Vec last(const Vec* g) { return g[0]; }
  };
  struct Output {
    static constexpr int taken = 4, given = 4;
    TAXON_INLINE static void apply(const Vec* m, Vec* o) {
      for (int i = 0; i < 4; ++i) o[i] = m[i];
    }
  };
};

}  // namespace
}  // namespace taxon::kernels
