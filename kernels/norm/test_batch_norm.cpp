// Batch normalisation: both directions against the reference, variance where digits cancel, null
// parameters, many shapes.
#include <taxon/kernels/norm.h>

#include <cfloat>

#include "row_check.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

constexpr double eps = FLT_EPSILON;

struct Case {
  std::int64_t rows, channels;
};
const Case cases[] = {{1, 1},     {2, 3},     {7, 10},   {31, 17},   {33, 24},  {100, 1},
                      {64, 16},   {65, 15},   {1000, 3}, {129, 64},  {700, 65}, {3001, 33},
                      {4000, 64}, {70000, 3}, {49, 512}, {2000, 130}};

const auto bind_forward = [](BatchNormArgs& args, Buffers& out) {
  args.y = out[0].data();
  args.mean = out[1].data();
  args.var = out[2].data();
};
Buffers outputs(const Case& s) {
  return {Guarded<float>(s.rows * s.channels), Guarded<float>(s.channels),
          Guarded<float>(s.channels)};
}

}  // namespace

TEST_CASE("batch_norm in training", "[norm]") {
  for (const Case& s : cases) {
    for (const bool affine : {false, true}) {
      INFO(s.rows << " rows of " << s.channels << " channels, affine " << affine);
      const Guarded<float> x = reals(s.rows * s.channels, 1, -2, 4);
      const Guarded<float> weight = reals(s.channels, 2), bias = reals(s.channels, 3);
      BatchNormArgs args;
      args.rows = s.rows;
      args.channels = s.channels;
      args.x = x.data();
      args.weight = affine ? weight.data() : nullptr;
      args.bias = affine ? bias.data() : nullptr;
      // A block of 64 rows is summed in f32 about the running mean; |x - mean| is at most 6. The
      // variance decides 1 / sqrt(var + eps), whose error weighs most where the variance is small.
      const double sum_error = sum_tolerance<float>(64, 6) / 64;
      const double rstd_error = s.rows < 3 ? 1 : 40;  // rows == 2 may lie close together
      check_rows(batch_norm_rows(Type::f32), args, outputs(s), bind_forward,
                 [&](const Buffers& out, const Buffers& expected, const auto&) {
                   CHECK(within(out[1], expected[1], sum_error, eps));
                   CHECK(within(out[2], expected[2], sum_error, 64 * eps));
                   if (rstd_error > 1) CHECK(within(out[0], expected[0], 64 * eps, 64 * eps));
                   if (s.rows == 1) CHECK(within(out[0], expected[0], 0, 0));
                 });
    }
  }
}

TEST_CASE("batch_norm's variance survives a large mean", "[norm]") {
  const std::int64_t rows = 5000, channels = 17;
  for (const double offset : {100.0, 1e4, -3e5}) {
    INFO("offset " << offset);
    Guarded<float> x = reals(rows * channels, 1, offset - 1, offset + 1);
    // The first row lies far from all others: it must not serve as the only shift.
    for (std::int64_t c = 0; c < channels; ++c) x[c] = 0;
    BatchNormArgs args;
    args.rows = rows;
    args.channels = channels;
    args.x = x.data();
    check_rows(batch_norm_rows(Type::f32), args, outputs({rows, channels}), bind_forward,
               [&](const Buffers& out, const Buffers& expected, const auto&) {
                 CHECK(within(out[1], expected[1], 0, 4 * eps));
                 CHECK(within(out[2], expected[2], 0, 64 * eps));
               });
  }
}

TEST_CASE("batch_norm of a constant has variance 0", "[norm]") {
  Guarded<float> x(1000 * 3);
  x.fill(0.1f);
  BatchNormArgs args;
  args.rows = 1000;
  args.channels = 3;
  args.x = x.data();
  check_rows(batch_norm_rows(Type::f32), args, outputs({1000, 3}), bind_forward,
             [&](const Buffers& out, const Buffers&, const auto&) {
               for (const float v : out[2]) CHECK((v >= 0 && v < 1e-15f));
               for (const float m : out[1]) CHECK(std::abs(m - 0.1f) <= 1e-8f);
             });
}

TEST_CASE("batch_norm in inference reads the statistics", "[norm]") {
  for (const Case& s : cases) {
    INFO(s.rows << " rows of " << s.channels << " channels");
    const Guarded<float> x = reals(s.rows * s.channels, 1), weight = reals(s.channels, 2);
    const Guarded<float> bias = reals(s.channels, 3);
    Buffers state{Guarded<float>(s.rows * s.channels), reals(s.channels, 4),
                  reals(s.channels, 5, 0.1, 2)};
    BatchNormArgs args;
    args.rows = s.rows;
    args.channels = s.channels;
    args.training = false;
    args.x = x.data();
    args.weight = weight.data();
    args.bias = bias.data();
    // (x - mean) * scale + bias: |x - mean| <= 2, scale <= 3.2; one fused step.
    check_rows(batch_norm_rows(Type::f32), args, state, bind_forward, nearly(8 * eps, 2 * eps));
  }
}

TEST_CASE("batch_norm's gradient", "[norm]") {
  for (const Case& s : cases) {
    for (const bool training : {true, false}) {
      INFO(s.rows << " rows of " << s.channels << " channels, training " << training);
      const Guarded<float> x = reals(s.rows * s.channels, 1), dy = reals(s.rows * s.channels, 2);
      const Guarded<float> weight = reals(s.channels, 3), mean = reals(s.channels, 4, -0.1, 0.1);
      const Guarded<float> var = reals(s.channels, 5, 0.3, 1);
      BatchNormGradArgs args;
      args.rows = s.rows;
      args.channels = s.channels;
      args.training = training;
      args.x = x.data();
      args.dy = dy.data();
      args.weight = s.channels % 2 == 0 ? weight.data() : nullptr;
      args.mean = mean.data();
      args.var = var.data();
      const Buffers fresh = outputs(s);
      const auto bind = [](BatchNormGradArgs& a, Buffers& out) {
        a.dx = out[0].data();
        a.dweight = out[1].data();
        a.dbias = out[2].data();
      };
      const auto rows = static_cast<double>(s.rows);
      const double sums = sum_tolerance<float>(std::min<std::int64_t>(s.rows, 64), 2) *
                          std::max(1.0, rows / 64) * 2;  // terms of at most 1.1 * 1.9
      check_rows(batch_norm_grad_rows(Type::f32), args, fresh, bind,
                 [&](const Buffers& out, const Buffers& expected, const auto&) {
                   // dx divides the sums by the rows; its other terms are at most 10.
                   CHECK(within(out[0], expected[0], 40 * eps + 8 * sums / rows, 4 * eps));
                   CHECK(within(out[1], expected[1], sums, 4 * eps));
                   CHECK(within(out[2], expected[2], sums, 4 * eps));
                 });
    }
  }
}

TEST_CASE("batch_norm with what follows it: a residual, ReLU", "[norm]") {
  for (const Case& s : cases) {
    for (const bool relu : {false, true}) {
      for (const bool add : {false, true}) {
        INFO(s.rows << " rows of " << s.channels << " channels, relu " << relu << ", add " << add);
        const Guarded<float> x = reals(s.rows * s.channels, 1), weight = reals(s.channels, 2);
        const Guarded<float> bias = reals(s.channels, 3);
        const Guarded<float> residual = reals(s.rows * s.channels, 6);
        Buffers state{Guarded<float>(s.rows * s.channels), reals(s.channels, 4),
                      reals(s.channels, 5, 0.1, 2)};
        BatchNormArgs args;
        args.rows = s.rows;
        args.channels = s.channels;
        args.training = false;
        args.x = x.data();
        args.weight = weight.data();
        args.bias = bias.data();
        args.residual = add ? residual.data() : nullptr;
        args.relu = relu;
        check_rows(batch_norm_rows(Type::f32), args, state, bind_forward,
                   [&](const Buffers& out, const Buffers& expected, const auto&) {
                     CHECK(within(out[0], expected[0], 10 * eps, 2 * eps));
                     bool negative = false;
                     for (const float v : out[0]) negative = negative || v < 0;
                     if (relu) CHECK_FALSE(negative);
                     if (!relu && s.rows > 60) CHECK(negative);
                   });
      }
    }
  }
}

TEST_CASE("batch_norm's gradient through ReLU, its sign recomputed or saved", "[norm]") {
  for (const Case& s : cases) {
    for (const bool saved : {false, true}) {
      INFO(s.rows << " rows of " << s.channels << " channels, y saved " << saved);
      const Guarded<float> x = reals(s.rows * s.channels, 1), weight = reals(s.channels, 3);
      const Guarded<float> bias = reals(s.channels, 7), mean = reals(s.channels, 4, -0.1, 0.1);
      const Guarded<float> var = reals(s.channels, 5, 0.3, 1);
      const Guarded<float> y = reals(s.rows * s.channels, 8);
      Guarded<float> dy = reals(s.rows * s.channels, 2);
      for (std::int64_t i = 0; i < x.size(); ++i) {  // no gradient where rounding decides the sign
        const std::int64_t c = i % s.channels;
        const double z = (x[i] - mean[c]) / std::sqrt(var[c] + 1e-5) * weight[c] + bias[c];
        if (std::abs(z) < 1e-5) dy[i] = 0;
      }
      BatchNormGradArgs args;
      args.rows = s.rows;
      args.channels = s.channels;
      args.relu = true;
      args.x = x.data();
      args.dy = dy.data();
      args.y = saved ? y.data() : nullptr;
      args.weight = weight.data();
      args.bias = bias.data();
      args.mean = mean.data();
      args.var = var.data();
      Buffers fresh = outputs(s);
      fresh.push_back(Guarded<float>(s.rows * s.channels));
      const auto bind = [](BatchNormGradArgs& a, Buffers& out) {
        a.dx = out[0].data();
        a.dweight = out[1].data();
        a.dbias = out[2].data();
        a.dresidual = out[3].data();
      };
      const auto rows = static_cast<double>(s.rows);
      const double sums = sum_tolerance<float>(std::min<std::int64_t>(s.rows, 64), 2) *
                          std::max(1.0, rows / 64) * 2;
      check_rows(batch_norm_grad_rows(Type::f32), args, fresh, bind,
                 [&](const Buffers& out, const Buffers& expected, const auto&) {
                   CHECK(within(out[0], expected[0], 40 * eps + 8 * sums / rows, 4 * eps));
                   CHECK(within(out[1], expected[1], sums, 4 * eps));
                   CHECK(within(out[2], expected[2], sums, 4 * eps));
                   CHECK(within(out[3], expected[3], 0, 0));
                 });
    }
  }
}

TEST_CASE("batch_norm's gradient writes only what is asked for", "[norm]") {
  const Case s{200, 17};
  const Guarded<float> x = reals(s.rows * s.channels, 1), dy = reals(s.rows * s.channels, 2);
  const Guarded<float> mean = reals(s.channels, 4), var = reals(s.channels, 5, 0.3, 1);
  BatchNormGradArgs args;
  args.rows = s.rows;
  args.channels = s.channels;
  args.x = x.data();
  args.dy = dy.data();
  args.mean = mean.data();
  args.var = var.data();
  for_each_row(batch_norm_grad_rows(Type::f32), [&](const Row<BatchNormGradArgs>& row) {
    INFO(row.name);
    Buffers all = outputs(s), one = outputs(s);
    args.dx = all[0].data();
    args.dweight = all[1].data();
    args.dbias = all[2].data();
    run_row(row, args);
    args.dx = args.dweight = args.dbias = nullptr;
    args.dx = one[0].data();
    run_row(row, args);
    CHECK(same_bits(one[0], all[0]));
    args.dx = nullptr;
    args.dbias = one[2].data();
    run_row(row, args);
    CHECK(same_bits(one[2], all[2]));
  });
}

TEST_CASE("batch_norm carries NaN and infinity into the result", "[norm]") {
  Guarded<float> x = reals(500 * 4, 1);
  x[4 * 300 + 1] = std::nanf("");
  x[4 * 10 + 2] = std::numeric_limits<float>::infinity();
  BatchNormArgs args;
  args.rows = 500;
  args.channels = 4;
  args.x = x.data();
  check_rows(batch_norm_rows(Type::f32), args, outputs({500, 4}), bind_forward,
             [&](const Buffers& out, const Buffers&, const auto&) {
               CHECK(std::isfinite(out[0][0]));
               CHECK(std::isnan(out[0][1]));
               CHECK(std::isnan(out[0][2]));
               CHECK(std::isfinite(out[0][3]));
             });
}

TEST_CASE("batch_norm's results that go past the caches", "[norm]") {
  const Case s{98307, 64};
  const Guarded<float> x = reals(s.rows * s.channels, 1);
  BatchNormArgs args;
  args.rows = s.rows;
  args.channels = s.channels;
  args.x = x.data();
  check_rows(batch_norm_rows(Type::f32), args,
             {Guarded<float>(x.size(), 64), Guarded<float>(64), Guarded<float>(64)}, bind_forward,
             nearly(64 * eps, 64 * eps));
}
