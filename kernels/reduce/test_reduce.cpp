// Sums, means, maxima and their positions along an axis.
#include <taxon/kernels/reduce.h>

#include "row_check.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

struct View {
  std::int64_t outer, n, inner;
};
const View views[] = {{1, 1, 1},     {1, 17, 1},   {1, 1000, 1},  {3, 10, 1},     {128, 10, 1},
                      {9, 257, 1},   {5, 3, 7},    {2, 100, 15},  {1, 65, 17},    {4, 33, 31},
                      {1, 130, 64},  {20, 7, 24},  {1, 70000, 3}, {1, 300000, 1}, {2, 40000, 1},
                      {1, 5000, 65}, {1, 3, 5000}, {7, 9, 2049},  {1000, 33, 1}};

ReduceArgs reduce_args(Reduce op, const View& v, const Guarded<float>& x) {
  ReduceArgs args;
  args.op = op;
  args.outer = v.outer;
  args.n = v.n;
  args.inner = v.inner;
  args.x = x.data();
  return args;
}
const auto bind_y = [](ReduceArgs& args, Buffers& out) { args.y = out[0].data(); };

void check_argmax(const View& v, const Guarded<float>& x) {
  ArgmaxArgs args;
  args.outer = v.outer;
  args.n = v.n;
  args.inner = v.inner;
  args.x = x.data();
  Guarded<std::int64_t> expected(v.outer * v.inner);
  args.index = expected.data();
  run_row(reference_of(argmax_rows(Type::f32)), args);
  for_each_row(argmax_rows(Type::f32), args, [&](const Row<ArgmaxArgs>& row) {
    for (int threads = 1; threads <= 3; ++threads) {
      INFO(row.name << " threads " << threads);
      Guarded<std::int64_t> index(v.outer * v.inner);
      args.index = index.data();
      run_row(row, args, threads);
      CHECK(same_values(index, expected));
    }
  });
}

}  // namespace

TEST_CASE("reductions of integers are exact", "[reduce]") {
  for (const View& v : views) {
    const Guarded<float> x = integers(v.outer * v.n * v.inner, 1);
    for (int op = 0; op < reduce_count; ++op) {
      INFO(v.outer << " x " << v.n << " x " << v.inner << " op " << op);
      check_rows(reduce_rows(Type::f32), reduce_args(static_cast<Reduce>(op), v, x),
                 {Guarded<float>(v.outer * v.inner)}, bind_y, exactly());
    }
  }
}

TEST_CASE("reductions of reals", "[reduce]") {
  for (const View& v : views) {
    INFO(v.outer << " x " << v.n << " x " << v.inner);
    const Guarded<float> x = reals(v.outer * v.n * v.inner, 1);
    const auto n = static_cast<double>(v.n);
    // f32 only within blocks of 64: the error grows like that of 64 terms for each block.
    const double tolerance = sum_tolerance<float>(64, 1) * (1 + n / 64);
    check_rows(reduce_rows(Type::f32), reduce_args(Reduce::sum, v, x),
               {Guarded<float>(v.outer * v.inner)}, bind_y, nearly(tolerance, 1e-7));
    check_rows(reduce_rows(Type::f32), reduce_args(Reduce::mean, v, x),
               {Guarded<float>(v.outer * v.inner)}, bind_y, nearly(tolerance / n, 1e-7));
    check_rows(reduce_rows(Type::f32), reduce_args(Reduce::max, v, x),
               {Guarded<float>(v.outer * v.inner)}, bind_y, nearly(0, 0));
  }
}

TEST_CASE("long sums keep their digits", "[reduce]") {
  const std::int64_t n = 3000000;
  Guarded<float> x(n), y(1);
  x.fill(0.1f);
  ReduceArgs args = reduce_args(Reduce::sum, {1, n, 1}, x);
  args.y = y.data();
  for_each_row(reduce_rows(Type::f32), args, [&](const Row<ReduceArgs>& row) {
    INFO(row.name);
    run_row(row, args);
    CHECK(static_cast<double>(y[0]) == Approx(static_cast<double>(0.1f) * n).epsilon(1e-6));
  });
}

TEST_CASE("argmax takes the first of equal maxima", "[reduce]") {
  for (const View& v : views) {
    INFO(v.outer << " x " << v.n << " x " << v.inner);
    check_argmax(v, integers(v.outer * v.n * v.inner, 2));
    Guarded<float> x = reals(v.outer * v.n * v.inner, 3);
    check_argmax(v, x);
    for (std::int64_t i = 0; i < x.size(); i += 37) x[i] = std::nanf("");
    check_argmax(v, x);
    x.fill(-std::numeric_limits<float>::infinity());
    check_argmax(v, x);
  }
}

TEST_CASE("NaN wins a maximum", "[reduce]") {
  for (const View& v : {View{3, 50, 1}, View{2, 9, 20}, View{1, 200000, 1}}) {
    Guarded<float> x = reals(v.outer * v.n * v.inner, 3);
    x[x.size() / 2] = std::nanf("");
    check_rows(reduce_rows(Type::f32), reduce_args(Reduce::max, v, x),
               {Guarded<float>(v.outer * v.inner)}, bind_y, nearly(0, 0));
  }
}

TEST_CASE("the gradient of a maximum goes to its place", "[reduce]") {
  const View v{3, 5, 7};
  const Guarded<float> dy = integers(v.outer * v.inner, 1);
  Guarded<std::int64_t> index(v.outer * v.inner);
  for (std::int64_t i = 0; i < index.size(); ++i) index[i] = i % v.n;
  SpreadArgs args;
  args.outer = v.outer;
  args.n = v.n;
  args.inner = v.inner;
  args.index = index.data();
  args.dy = dy.data();
  check_rows(
      spread_rows(Type::f32), args, {Guarded<float>(v.outer * v.n * v.inner)},
      [](SpreadArgs& a, Buffers& out) { a.dx = out[0].data(); },
      [&](const Buffers& out, const Buffers&, const auto&) {
        for (std::int64_t i = 0; i < out[0].size(); ++i) {
          const std::int64_t at = i / (v.n * v.inner) * v.inner + i % v.inner;
          CHECK(out[0][i] == (index[at] == i / v.inner % v.n ? dy[at] : 0.0f));
        }
      });
}
