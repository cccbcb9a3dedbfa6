// Layer normalisation: both directions against the reference.
#include <taxon/kernels/norm.h>

#include <cfloat>

#include "row_check.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

constexpr double eps = FLT_EPSILON;

struct Case {
  std::int64_t rows, cols;
};
const Case cases[] = {{1, 2},   {3, 3},    {5, 10},   {2, 17},    {7, 31},
                      {33, 64}, {9, 1000}, {700, 65}, {5000, 24}, {2000, 15}};

}  // namespace

TEST_CASE("layer_norm", "[norm]") {
  for (const Case& s : cases) {
    for (const bool affine : {false, true}) {
      INFO(s.rows << " x " << s.cols << " affine " << affine);
      const Guarded<float> x = reals(s.rows * s.cols, 1, -2, 4);
      const Guarded<float> weight = reals(s.cols, 2), bias = reals(s.cols, 3);
      LayerNormArgs args;
      args.rows = s.rows;
      args.cols = s.cols;
      args.eps = 1e-2;  // bounds 1 / sqrt(var + eps) by 10 where the columns are few
      args.x = x.data();
      args.weight = affine ? weight.data() : nullptr;
      args.bias = affine ? bias.data() : nullptr;
      const auto bind = [](LayerNormArgs& a, Buffers& out) {
        a.y = out[0].data();
        a.mean = out[1].data();
        a.rstd = out[2].data();
      };
      // The mean is off by at most that of lanes' sums of numbers of at most 4, times rstd <= 10.
      const double error = sum_tolerance<float>(s.cols / 4 + 4, 4) / static_cast<double>(s.cols);
      check_rows(layer_norm_rows(Type::f32), args,
                 {Guarded<float>(x.size()), Guarded<float>(s.rows), Guarded<float>(s.rows)}, bind,
                 nearly(10 * error + 16 * eps, 64 * eps));
    }
  }
}

TEST_CASE("layer_norm's gradient", "[norm]") {
  for (const Case& s : cases) {
    INFO(s.rows << " x " << s.cols);
    const Guarded<float> x = reals(s.rows * s.cols, 1), dy = reals(s.rows * s.cols, 2);
    const Guarded<float> weight = reals(s.cols, 3), mean = reals(s.rows, 4, -0.1, 0.1);
    const Guarded<float> rstd = reals(s.rows, 5, 0.5, 2);
    LayerNormGradArgs args;
    args.rows = s.rows;
    args.cols = s.cols;
    args.x = x.data();
    args.dy = dy.data();
    args.weight = s.cols % 2 == 0 ? weight.data() : nullptr;
    args.mean = mean.data();
    args.rstd = rstd.data();
    const auto bind = [](LayerNormGradArgs& a, Buffers& out) {
      a.dx = out[0].data();
      a.dweight = out[1].data();
      a.dbias = out[2].data();
    };
    const auto cols = static_cast<double>(s.cols), rows = static_cast<double>(s.rows);
    // Terms of at most 2.2; the sums over columns are divided by them, those over rows are not.
    const double mean_error = sum_tolerance<float>(s.cols / 4 + 4, 2.2) / cols;
    const double sum_error =
        sum_tolerance<float>(std::min<std::int64_t>(s.rows, 64), 2.2) * std::max(1.0, rows / 64);
    check_rows(layer_norm_grad_rows(Type::f32), args,
               {Guarded<float>(x.size()), Guarded<float>(s.cols), Guarded<float>(s.cols)}, bind,
               [&](const Buffers& out, const Buffers& expected, const auto&) {
                 CHECK(within(out[0], expected[0], 8 * mean_error + 40 * eps, 8 * eps));
                 CHECK(within(out[1], expected[1], sum_error, 8 * eps));
                 CHECK(within(out[2], expected[2], sum_error, 8 * eps));
               });
  }
}

TEST_CASE("layer_norm's gradient writes only what is asked for", "[norm]") {
  const Guarded<float> x = reals(300 * 17, 1), dy = reals(300 * 17, 2), mean = reals(300, 3);
  const Guarded<float> rstd = reals(300, 4, 0.5, 2);
  LayerNormGradArgs args;
  args.rows = 300;
  args.cols = 17;
  args.x = x.data();
  args.dy = dy.data();
  args.mean = mean.data();
  args.rstd = rstd.data();
  for_each_row(layer_norm_grad_rows(Type::f32), [&](const Row<LayerNormGradArgs>& row) {
    INFO(row.name);
    Guarded<float> dx(x.size()), dx_alone(x.size()), dweight(17), dweight_alone(17);
    args.dx = dx.data();
    args.dweight = dweight.data();
    run_row(row, args);
    args.dx = dx_alone.data();
    args.dweight = nullptr;
    run_row(row, args);
    args.dx = nullptr;
    args.dweight = dweight_alone.data();
    run_row(row, args);
    CHECK(same_bits(dx_alone, dx));
    CHECK(same_bits(dweight_alone, dweight));
  });
}
