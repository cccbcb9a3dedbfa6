// Cross-entropy and binary cross-entropy, with all their options.
#include <taxon/kernels/softmax.h>

#include <algorithm>
#include <cfloat>
#include <vector>

#include "row_check.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

constexpr double eps = FLT_EPSILON;

struct Case {
  std::int64_t rows, cols;
};
const Case cases[] = {{1, 1}, {128, 10}, {3, 2}, {5, 15}, {7, 16}, {9, 17}, {2, 1000}, {400, 100}};

struct Options {
  bool soft, weighted;
  double smoothing;
};
const Options options[] = {{false, false, 0}, {false, false, 0.1}, {false, true, 0.1},
                           {false, true, 0},  {true, false, 0},    {true, true, 0.2}};

struct Inputs {
  Guarded<float> logits, soft, weight;
  Guarded<std::int64_t> index;
};
Inputs inputs(const Case& s) {
  const std::int64_t n = s.rows * s.cols;
  Inputs in{reals(n, 1, -3, 3), reals(n, 2, 0, 1), reals(s.cols, 3, 0.5, 2),
            Guarded<std::int64_t>(s.rows)};
  for (std::int64_t r = 0; r < s.rows; ++r) in.index[r] = r % 5 == 3 ? -100 : r * 7 % s.cols;
  return in;
}

CrossEntropyArgs cross_entropy_of(const Case& s, const Options& o, const Inputs& in) {
  CrossEntropyArgs args;
  args.rows = s.rows;
  args.cols = s.cols;
  args.smoothing = o.smoothing;
  args.logits = in.logits.data();
  args.index = o.soft ? nullptr : in.index.data();
  args.soft = o.soft ? in.soft.data() : nullptr;
  args.class_weight = o.weighted ? in.weight.data() : nullptr;
  return args;
}

/// Logits, targets and so on of extreme values.
Guarded<float> extremes() {
  const float v[] = {0,     -0.0f, 1,      -1,     88, -88, 104,      -104,      1e4f,
                     -1e4f, 3e38f, -3e38f, 1e-30f, 17, -17, INFINITY, -INFINITY, NAN};
  Guarded<float> x(18);
  std::copy(std::begin(v), std::end(v), x.begin());
  return x;
}

}  // namespace

TEST_CASE("cross_entropy and its gradient", "[softmax]") {
  for (const Case& s : cases) {
    const Inputs in = inputs(s);
    for (const Options& o : options) {
      for (const bool mean : {false, true}) {
        INFO(s.rows << " x " << s.cols << " soft " << o.soft << " weighted " << o.weighted
                    << " smoothing " << o.smoothing << " mean " << mean);
        CrossEntropyArgs args = cross_entropy_of(s, o, in);
        args.mean = mean;
        const auto rows = static_cast<double>(s.rows), cols = static_cast<double>(s.cols);
        // log p lies above -13; a soft target weighs up to `cols` of them, each by at most 2.
        const double terms = o.soft ? cols : 2, log_error = eps * (16 + cols / 4);
        const double error = 2 * terms * (log_error + eps * 13 * (4 + terms / 4));
        // p * sum(g) - g: a soft row's g add up to at most 2 cols.
        const double total = o.soft ? 2 * cols : 3;
        // At least 4 of 5 rows count, by weights of at least 1/2.
        const double scale = mean ? 2.5 / rows : 1;
        check_rows(
            cross_entropy_rows(Type::f32), args,
            {Guarded<float>(s.rows), Guarded<float>(1), Guarded<float>(s.rows * s.cols)},
            [](CrossEntropyArgs& a, Buffers& out) {
              a.loss = out[0].data();
              a.result = out[1].data();
              a.dlogits = out[2].data();
            },
            [&](const Buffers& out, const Buffers& expected, const auto&) {
              CHECK(within(out[0], expected[0], error, 4 * eps));
              CHECK(within(out[1], expected[1], scale * rows * error, eps * (8 + rows / 4)));
              CHECK(within(out[2], expected[2], scale * eps * (8 + total / 4) * total, 16 * eps));
            });
      }
    }
  }
}

TEST_CASE("cross_entropy without a gradient gives the same losses", "[softmax]") {
  for (const Case& s : cases) {
    const Inputs in = inputs(s);
    for (const Options& o : options) {
      CrossEntropyArgs args = cross_entropy_of(s, o, in);
      for_each_row(cross_entropy_rows(Type::f32), [&](const auto& row) {
        INFO(row.name << ' ' << s.rows << " x " << s.cols);
        Guarded<float> with(s.rows), without(s.rows), gradient(s.rows * s.cols);
        args.loss = with.data();
        args.dlogits = gradient.data();
        run_row(row, args);
        args.loss = without.data();
        args.dlogits = nullptr;
        run_row(row, args);
        CHECK(same_bits(without, with));
      });
    }
  }
}

TEST_CASE("cross_entropy counts the first of the largest logits as a hit", "[softmax]") {
  for (const Case& s : cases) {
    const Guarded<float> logits = integers(s.rows * s.cols, 5, 0, 2);  // ties in most rows
    Guarded<std::int64_t> index(s.rows);
    std::vector<std::uint8_t> expected;
    for (std::int64_t r = 0; r < s.rows; ++r) {
      const float* x = logits.data() + r * s.cols;
      const auto first = std::max_element(x, x + s.cols) - x;
      const std::int64_t targets[] = {first, s.cols - 1, -100, 0};
      index[r] = targets[r % 4];
      expected.push_back(index[r] == first ? 1 : 0);
    }
    Guarded<float> loss(s.rows);
    CrossEntropyArgs args;
    args.rows = s.rows;
    args.cols = s.cols;
    args.logits = logits.data();
    args.index = index.data();
    args.loss = loss.data();
    for_each_row(cross_entropy_rows(Type::f32), [&](const auto& row) {
      for (int threads = 1; threads <= 3; ++threads) {
        INFO(row.name << ' ' << s.rows << " x " << s.cols << " threads " << threads);
        Guarded<std::uint8_t> hits(s.rows);
        args.hits = hits.data();
        run_row(row, args, threads);
        CHECK(std::vector<std::uint8_t>(hits.begin(), hits.end()) == expected);
      }
    });
  }
}

TEST_CASE("cross_entropy ignores a class that does not take part", "[softmax]") {
  Guarded<float> logits(3);
  logits[0] = 1;
  logits[1] = -std::numeric_limits<float>::infinity();
  logits[2] = 2;
  const std::int64_t target = 2;
  CrossEntropyArgs args;
  args.rows = 1;
  args.cols = 3;
  args.logits = logits.data();
  args.index = &target;
  check_rows(
      cross_entropy_rows(Type::f32), args, {Guarded<float>(1), Guarded<float>(3)},
      [](CrossEntropyArgs& a, Buffers& out) {
        a.loss = out[0].data();
        a.dlogits = out[1].data();
      },
      [](const Buffers& out, const Buffers&, const auto&) {
        // torch: F.cross_entropy(tensor([[1, -inf, 2]]), tensor([2]))
        CHECK(static_cast<double>(out[0][0]) == Approx(0.31326168751822286).epsilon(1e-6));
        CHECK(static_cast<double>(out[1][0]) == Approx(0.26894142136999512).epsilon(1e-6));
        CHECK(out[1][1] == 0);
        CHECK(static_cast<double>(out[1][2]) == Approx(-0.26894142136999512).epsilon(1e-6));
      });
}

TEST_CASE("binary cross-entropy", "[softmax]") {
  for (const Case& s : cases) {
    for (const bool weighted : {false, true}) {
      INFO(s.rows << " x " << s.cols << " weighted " << weighted);
      const std::int64_t n = s.rows * s.cols;
      const Guarded<float> x = reals(n, 1, -12, 12), weight = reals(s.cols, 2, 0.5, 4);
      const Guarded<float> dloss = reals(n, 3);
      Guarded<float> target = integers(n, 4, 0, 1);
      for (std::int64_t i = 0; i < n; i += 3) target[i] = 0.3f;
      BceArgs args;
      args.rows = s.rows;
      args.cols = s.cols;
      args.x = x.data();
      args.target = target.data();
      args.pos_weight = weighted ? weight.data() : nullptr;
      // Two terms of at most 12 and 48, each within a few ulp.
      check_rows(
          bce_rows(Type::f32), args, {Guarded<float>(n)},
          [](BceArgs& a, Buffers& out) { a.loss = out[0].data(); }, nearly(8 * eps, 8 * eps));
      BceGradArgs grad;
      grad.rows = s.rows;
      grad.cols = s.cols;
      grad.x = x.data();
      grad.target = target.data();
      grad.pos_weight = args.pos_weight;
      grad.dloss = dloss.data();
      check_rows(
          bce_grad_rows(Type::f32), grad, {Guarded<float>(n)},
          [](BceGradArgs& a, Buffers& out) { a.dx = out[0].data(); }, nearly(24 * eps, 8 * eps));
    }
  }
}

TEST_CASE("binary cross-entropy of extreme logits", "[softmax]") {
  const Guarded<float> x = extremes();
  for (const float t : {0.0f, 1.0f, 0.5f}) {
    Guarded<float> target(x.size());
    target.fill(t);
    BceArgs args;
    args.rows = 1;
    args.cols = x.size();
    args.x = x.data();
    args.target = target.data();
    check_rows(
        bce_rows(Type::f32), args, {Guarded<float>(x.size())},
        [](BceArgs& a, Buffers& out) { a.loss = out[0].data(); }, nearly(0x1p-148, 8 * eps));
    Guarded<float> one(x.size());
    one.fill(1);
    BceGradArgs grad;
    grad.rows = 1;
    grad.cols = x.size();
    grad.x = x.data();
    grad.target = target.data();
    grad.dloss = one.data();
    check_rows(
        bce_grad_rows(Type::f32), grad, {Guarded<float>(x.size())},
        [](BceGradArgs& a, Buffers& out) { a.dx = out[0].data(); }, nearly(2 * eps, 8 * eps));
  }
}
