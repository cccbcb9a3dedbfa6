// Pooling: every kind and direction is exact on integers; ties, NaN and padding for the maximum.
#include <taxon/kernels/pool.h>

#include <algorithm>
#include <string>

#include "row_check.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

struct Case {
  std::int64_t n, h, w, c, r, s, stride, pad;
};
const Case cases[] = {
    {1, 4, 4, 1, 2, 2, 2, 0},    {2, 28, 28, 6, 2, 2, 2, 0},  {3, 7, 5, 3, 3, 3, 2, 1},
    {1, 31, 15, 10, 3, 2, 1, 1}, {2, 9, 9, 17, 3, 3, 3, 1},   {5, 8, 8, 24, 2, 3, 2, 1},
    {1, 3, 3, 33, 3, 3, 1, 0},   {2, 16, 16, 64, 3, 3, 2, 1}, {1, 1, 1, 15, 1, 1, 1, 0},
    {1, 6, 6, 16, 2, 2, 3, 0},   {2, 5, 7, 100, 5, 7, 1, 2},  {4, 32, 32, 31, 2, 2, 2, 0}};

template <class Args>
Args args_of(const Case& k) {
  Args args;
  args.n = k.n;
  args.h = k.h;
  args.w = k.w;
  args.c = k.c;
  args.r = k.r;
  args.s = k.s;
  args.stride_h = args.stride_w = k.stride;
  args.pad_h = args.pad_w = k.pad;
  args.oh = (k.h + 2 * k.pad - k.r) / k.stride + 1;
  args.ow = (k.w + 2 * k.pad - k.s) / k.stride + 1;
  return args;
}
std::string name(const Case& k) {
  std::ostringstream out;
  out << k.n << "x" << k.h << "x" << k.w << "x" << k.c << " window " << k.r << "x" << k.s
      << " stride " << k.stride << " pad " << k.pad;
  return out.str();
}

/// Values, indices and codes of every max_pool row against the reference.
void check_max(const Case& k, const Guarded<float>& x, bool relu) {
  auto args = args_of<PoolArgs>(k);
  args.x = x.data();
  args.relu = relu;
  const std::int64_t count = args.n * args.oh * args.ow * args.c;
  Guarded<std::int32_t> expected_index(count);
  Guarded<std::uint8_t> expected_code(count);
  Guarded<float> expected(count);
  args.index = expected_index.data();
  args.code = expected_code.data();
  args.y = expected.data();
  run_row(reference_of(max_pool_rows(Type::f32)), args);
  for_each_row(max_pool_rows(Type::f32), args, [&](const Row<PoolArgs>& row) {
    for (int threads = 1; threads <= 3; ++threads) {
      INFO(row.name << " threads " << threads);
      Guarded<std::int32_t> index(count);
      Guarded<std::uint8_t> code(count);
      Guarded<float> y(count), with_code(count), alone(count);
      args.index = index.data();
      args.code = nullptr;
      args.y = y.data();
      run_row(row, args, threads);
      CHECK(same_values(index, expected_index));
      CHECK(within(y, expected, 0, 0));
      args.index = nullptr;
      args.code = code.data();
      args.y = with_code.data();
      run_row(row, args, threads);
      CHECK(same_values(code, expected_code));
      CHECK(within(with_code, expected, 0, 0));
      args.code = nullptr;
      args.y = alone.data();
      run_row(row, args, threads);
      CHECK(within(alone, expected, 0, 0));
    }
  });
}

}  // namespace

TEST_CASE("max_pool takes the first maximum; NaN wins", "[pool]") {
  for (const Case& k : cases) {
    for (const bool relu : {false, true}) {
      INFO(name(k) << " relu " << relu);
      const std::int64_t n = k.n * k.h * k.w * k.c;
      check_max(k, integers(n, 1), relu);
      Guarded<float> x = reals(n, 2);
      check_max(k, x, relu);
      for (std::int64_t i = 0; i < n; i += 23) x[i] = std::nanf("");
      check_max(k, x, relu);
      x.fill(-std::numeric_limits<float>::infinity());
      check_max(k, x, relu);
    }
  }
}

TEST_CASE("max_pool with ReLU has no place where it cuts off", "[pool]") {
  PoolArgs args;
  args.n = args.h = args.oh = args.ow = args.c = 1;
  args.w = 2;
  args.s = 2;
  args.relu = true;
  for (const float most : {-1.0f, 0.0f, 3.0f}) {
    const float x[] = {-2, most};
    float y = -7;
    std::int32_t index = 7;
    std::uint8_t code = 7;
    args.x = x;
    args.y = &y;
    args.index = &index;
    args.code = &code;
    run_row(reference_of(max_pool_rows(Type::f32)), args);
    CHECK(y == std::max(most, 0.0f));
    CHECK(index == (most > 0 ? 1 : -1));
    CHECK(code == (most > 0 ? 1 : 255));
  }
}

TEST_CASE("max_pool's gradient goes to the maximum", "[pool]") {
  for (const Case& k : cases) {
    for (const bool relu : {false, true}) {
      INFO(name(k) << " relu " << relu);
      const Guarded<float> x = integers(k.n * k.h * k.w * k.c, 1);
      auto forward = args_of<PoolArgs>(k);
      const std::int64_t count = forward.n * forward.oh * forward.ow * forward.c;
      Guarded<float> y(count);
      Guarded<std::int32_t> index(count);
      Guarded<std::uint8_t> code(count);
      forward.x = x.data();
      forward.y = y.data();
      forward.relu = relu;
      forward.index = index.data();
      forward.code = code.data();
      run_row(reference_of(max_pool_rows(Type::f32)), forward);
      for (const bool exact : {true, false}) {
        const Guarded<float> dy = exact ? integers(count, 2) : reals(count, 2);
        auto by_index = args_of<PoolGradArgs>(k), by_code = by_index;
        by_index.dy = by_code.dy = dy.data();
        by_index.index = index.data();
        by_code.code = code.data();
        Guarded<float> first(x.size()), second(x.size());
        by_index.dx = first.data();
        by_code.dx = second.data();
        run_row(reference_of(max_pool_grad_rows(Type::f32)), by_index);
        run_row(reference_of(max_pool_grad_rows(Type::f32)), by_code);
        CHECK(same_values(first, second));
        for (const PoolGradArgs& args : {by_index, by_code}) {
          // The order of the sum is the reference's, so reals are equal, too.
          check_rows(
              max_pool_grad_rows(Type::f32), args, {Guarded<float>(x.size())},
              [](PoolGradArgs& a, Buffers& out) { a.dx = out[0].data(); }, exactly());
        }
      }
    }
  }
}

TEST_CASE("avg_pool and its gradient", "[pool]") {
  for (const Case& k : cases) {
    for (const bool count_pad : {true, false}) {
      INFO(name(k) << " count_include_pad " << count_pad);
      const Guarded<float> x = integers(k.n * k.h * k.w * k.c, 1);
      auto args = args_of<PoolArgs>(k);
      args.count_include_pad = count_pad;
      args.x = x.data();
      const std::int64_t count = args.n * args.oh * args.ow * args.c;
      check_rows(
          avg_pool_rows(Type::f32), args, {Guarded<float>(count)},
          [](PoolArgs& a, Buffers& out) { a.y = out[0].data(); }, exactly());
      const Guarded<float> dy = integers(count, 2);
      auto grad = args_of<PoolGradArgs>(k);
      grad.count_include_pad = count_pad;
      grad.dy = dy.data();
      check_rows(
          avg_pool_grad_rows(Type::f32), grad, {Guarded<float>(x.size())},
          [](PoolGradArgs& a, Buffers& out) { a.dx = out[0].data(); }, exactly());
    }
  }
}

TEST_CASE("adaptive_avg_pool and its gradient", "[pool]") {
  struct Adaptive {
    std::int64_t n, h, w, c, oh, ow;
  };
  const Adaptive shapes[] = {{128, 4, 4, 512, 1, 1}, {2, 7, 7, 3, 1, 1},    {1, 10, 7, 17, 3, 5},
                             {3, 8, 8, 10, 4, 4},    {2, 3, 2, 24, 5, 7},   {1, 1, 1, 1, 1, 1},
                             {2, 31, 15, 33, 6, 6},  {1, 224, 224, 5, 7, 7}};
  for (const Adaptive& k : shapes) {
    INFO(k.n << "x" << k.h << "x" << k.w << "x" << k.c << " to " << k.oh << "x" << k.ow);
    const std::int64_t inputs = k.n * k.h * k.w * k.c, outputs = k.n * k.oh * k.ow * k.c;
    const Guarded<float> x = integers(inputs, 1), dy = integers(outputs, 2);
    AdaptiveAvgPoolArgs args;
    args.n = k.n;
    args.h = k.h;
    args.w = k.w;
    args.c = k.c;
    args.oh = k.oh;
    args.ow = k.ow;
    const auto bind = [](AdaptiveAvgPoolArgs& a, Buffers& out) { a.y = out[0].data(); };
    args.x = x.data();
    check_rows(adaptive_avg_pool_rows(Type::f32), args, {Guarded<float>(outputs)}, bind, exactly());
    args.x = dy.data();
    check_rows(adaptive_avg_pool_grad_rows(Type::f32), args, {Guarded<float>(inputs)}, bind,
               exactly());
  }
}

TEST_CASE("averages of reals", "[pool]") {
  AdaptiveAvgPoolArgs args;
  args.n = 3;
  args.h = args.w = 56;
  args.c = 17;
  const Guarded<float> x = reals(3 * 56 * 56 * 17, 1);
  args.x = x.data();
  // Sums of 56 sums of 56 numbers.
  check_rows(
      adaptive_avg_pool_rows(Type::f32), args, {Guarded<float>(3 * 17)},
      [](AdaptiveAvgPoolArgs& a, Buffers& out) { a.y = out[0].data(); },
      nearly(2 * sum_tolerance<float>(56, 1) / 56, 1e-7));
}
