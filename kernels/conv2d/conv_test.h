// What the tests of convolution share: a convolution with its operands in guarded buffers, run by
// any row of the three tables.
#pragma once

#include "kernel_test.h"

#include <taxon/kernels/conv2d.h>

#include <algorithm>
#include <cmath>
#include <ostream>

namespace taxon::test {

using namespace taxon::kernels;

struct Case {
  std::int64_t n, h, w, c, k, r, s;
  std::int64_t stride = 1, pad = 0, dilation = 1, groups = 1;
  std::int64_t stride_w = 0, pad_w = -1;  // where they differ from those of the height
};

inline std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.n << "x" << c.h << "x" << c.w << "x" << c.c << " -> " << c.k << ", " << c.r << "x"
             << c.s << " stride " << c.stride << " pad " << c.pad << " dilation " << c.dilation
             << " groups " << c.groups;
}

enum class Direction { forward, data, weight };
constexpr Direction kDirections[] = {Direction::forward, Direction::data, Direction::weight};

inline Rows<Conv2dArgs> rows_of(Direction direction, Type type) {
  if (direction == Direction::forward) return conv2d_forward_rows(type);
  if (direction == Direction::data) return conv2d_backward_data_rows(type);
  return conv2d_backward_weight_rows(type);
}

/// A convolution with its operands.
template <class T>
struct Conv {
  explicit Conv(const Case& c) {
    args.n = c.n;
    args.h = c.h;
    args.w = c.w;
    args.c = c.c;
    args.k = c.k;
    args.r = c.r;
    args.s = c.s;
    args.stride_h = c.stride;
    args.stride_w = c.stride_w > 0 ? c.stride_w : c.stride;
    args.pad_h = c.pad;
    args.pad_w = c.pad_w >= 0 ? c.pad_w : c.pad;
    args.dilation_h = args.dilation_w = c.dilation;
    args.groups = c.groups;
    args.oh = (c.h + 2 * args.pad_h - (c.r - 1) * c.dilation - 1) / args.stride_h + 1;
    args.ow = (c.w + 2 * args.pad_w - (c.s - 1) * c.dilation - 1) / args.stride_w + 1;
    x = Guarded<T>(c.n * c.h * c.w * c.c);
    weight = Guarded<T>(c.k * c.r * c.s * (c.c / c.groups));
    bias = Guarded<T>(c.k);
    y = Guarded<T>(c.n * args.oh * args.ow * c.k);
    residual = Guarded<T>(y.size());
  }
  void fill_with_integers(int range = 4) {
    fill_integers(x, 1, -range, range);
    fill_integers(weight, 2, -range, range);
    fill_integers(bias, 3, -range, range);
    fill_integers(y, 4, -range, range);
    fill_integers(residual, 5, -range, range);
  }
  void fill_with_reals() {
    fill_reals(x, 1);
    fill_reals(weight, 2);
    fill_reals(bias, 3);
    fill_reals(y, 4);
  }
  /// The result of a row: y, dx, or dw followed by db.
  std::vector<T> run(const Row<Conv2dArgs>& row, Direction direction, int threads,
                     bool bias_too = true, bool relu = false, bool add = false,
                     std::size_t aligned = alignof(T)) {
    Conv2dArgs a = args;
    a.relu = relu;
    a.residual = add ? residual.data() : nullptr;
    a.x = x.data();
    a.weight = weight.data();
    a.bias = bias_too ? bias.data() : nullptr;
    a.y = y.data();
    if (direction == Direction::forward) {
      Guarded<T> out(y.size(), aligned);
      a.y = out.data();
      run_row(row, a, threads);
      return {out.begin(), out.end()};
    }
    if (direction == Direction::data) {
      Guarded<T> out(x.size());
      a.x = out.data();
      run_row(row, a, threads);
      return {out.begin(), out.end()};
    }
    Guarded<T> out(weight.size()), sums(bias.size());
    a.weight = out.data();
    if (bias_too) a.bias = sums.data();
    run_row(row, a, threads);
    std::vector<T> both(out.begin(), out.end());
    if (bias_too) both.insert(both.end(), sums.begin(), sums.end());
    return both;
  }
  /// The same operands in double.
  Conv<double> widened(const Case& c) const {
    Conv<double> wide(c);
    std::copy(x.begin(), x.end(), wide.x.begin());
    std::copy(weight.begin(), weight.end(), wide.weight.begin());
    std::copy(bias.begin(), bias.end(), wide.bias.begin());
    std::copy(y.begin(), y.end(), wide.y.begin());
    return wide;
  }
  std::int64_t length(Direction direction) const {
    if (direction == Direction::weight) return args.n * args.oh * args.ow;
    return args.r * args.s * (direction == Direction::forward ? args.c : args.k) / args.groups;
  }
  Conv2dArgs args;
  Guarded<T> x, weight, bias, y, residual;
};

inline Compared same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return taxon::test::same_bits(a.data(), b.data(), static_cast<std::int64_t>(b.size()));
}

/// Most that a value may differ by where fewer products are formed than the definition has
/// (Winograd): a share of the largest value.
inline double winograd_tolerance(const std::vector<float>& expected) {
  double largest = 0;
  for (const float v : expected) largest = std::max(largest, std::abs(static_cast<double>(v)));
  return 2e-5 * largest;
}

}  // namespace taxon::test
