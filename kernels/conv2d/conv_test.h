// What the tests of convolution share: a convolution with its operands in guarded buffers, run by
// any row of the three tables.
#pragma once

#include "kernel_test.h"

#include <taxon/base/dtype.h>

#include <taxon/kernels/conv2d.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <type_traits>

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

/// A convolution with its operands: images of T, weights and biases of P.
template <class T, class P = T>
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
    weight = Guarded<P>(c.k * c.r * c.s * (c.c / c.groups));
    bias = Guarded<P>(c.k);
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
  std::vector<P> run(const Row<Conv2dArgs>& row, Direction direction, int threads,
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
      return values_of(out);
    }
    if (direction == Direction::data) {
      Guarded<T> out(x.size());
      a.x = out.data();
      run_row(row, a, threads);
      return values_of(out);
    }
    Guarded<P> out(weight.size()), sums(bias.size());
    a.weight = out.data();
    if (bias_too) a.bias = sums.data();
    run_row(row, a, threads);
    std::vector<P> both(out.begin(), out.end());
    if (bias_too) both.insert(both.end(), sums.begin(), sums.end());
    return both;
  }
  /// The same operands in double.
  Conv<double> widened(const Case& c) const {
    Conv<double> wide(c);
    copy_to(wide);
    return wide;
  }
  /// The same operands, images rounded to bf16.
  Conv<bf16, float> narrowed(const Case& c) const {
    Conv<bf16, float> narrow(c);
    copy_to(narrow);
    return narrow;
  }
  std::int64_t length(Direction direction) const {
    if (direction == Direction::weight) return args.n * args.oh * args.ow;
    return args.r * args.s * (direction == Direction::forward ? args.c : args.k) / args.groups;
  }
  Conv2dArgs args;
  Guarded<T> x, y, residual;
  Guarded<P> weight, bias;

 private:
  static std::vector<P> values_of(const Guarded<T>& out) {
    std::vector<P> values;
    for (const T& v : out) values.push_back(static_cast<P>(v));
    return values;
  }
  template <class Other>
  void copy_to(Other& to) const {
    const auto copy = [](const auto& from, auto& out) {
      using Value = std::remove_reference_t<decltype(out[0])>;
      std::transform(from.begin(), from.end(), out.begin(),
                     [](auto v) { return static_cast<Value>(v); });
    };
    copy(x, to.x);
    copy(weight, to.weight);
    copy(bias, to.bias);
    copy(y, to.y);
    copy(residual, to.residual);
  }
};

inline Compared same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return taxon::test::same_bits(a.data(), b.data(), static_cast<std::int64_t>(b.size()));
}

/// Most that a value may differ by where fewer products are formed than the definition has
/// (Winograd): a share of the largest value.
inline double winograd_tolerance(const std::vector<float>& expected, double share = 2e-5) {
  double largest = 0;
  for (const float v : expected) largest = std::max(largest, std::abs(static_cast<double>(v)));
  return share * largest;
}

/// With transformed values rounded to bf16.
inline double winograd_dots_tolerance(const std::vector<float>& expected) {
  return winograd_tolerance(expected, 0.03);
}

}  // namespace taxon::test
