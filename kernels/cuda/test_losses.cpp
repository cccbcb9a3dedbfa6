// Softmax and the losses under the shim.
#include <taxon/kernels/softmax.h>

#include <cfloat>

#include "shim_test.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

const Covers covers({"softmax", "softmax_grad", "cross_entropy", "bce", "bce_grad"}, false);

struct View {
  std::int64_t outer, axis, inner;
};
const View views[] = {{1, 1, 1},    {5, 10, 1}, {9, 33, 1},  {3, 1000, 1}, {2, 1025, 1},
                      {1, 3000, 1}, {2, 7, 3},  {3, 10, 40}, {0, 10, 1},   {4, 0, 1}};

/// Sums of `n` numbers in (0, 1], exponentials of a few ulps, divisions.
Tolerance sums_of(std::int64_t n) {
  const double eps = FLT_EPSILON;
  return {sum_tolerance<float>(n / 32 + 64, 1), 16 * eps + sum_tolerance<float>(n / 32 + 64, 1)};
}

void check_softmax(const View& v, const Guarded<float>& x, bool log) {
  SoftmaxArgs args;
  args.outer = v.outer;
  args.axis = v.axis;
  args.inner = v.inner;
  args.log = log;
  args.x = x.data();
  Outputs<float> fresh;
  fresh.images.emplace_back(x.size());
  const auto bind = [](SoftmaxArgs& g, Outputs<float>& out) { g.y = out.images[0].data(); };
  check_cuda<float>(cuda_tables().softmax(Type::f32), softmax_rows(Type::f32), args, fresh, bind,
                    sums_of(v.axis));
}

void check_softmax_grad(const View& v, bool log) {
  const std::int64_t n = v.outer * v.axis * v.inner;
  const Guarded<float> y = log ? reals(n, 1, -5, 0) : reals(n, 1, 0, 1), dy = reals(n, 2);
  SoftmaxGradArgs args;
  args.outer = v.outer;
  args.axis = v.axis;
  args.inner = v.inner;
  args.log = log;
  args.y = y.data();
  args.dy = dy.data();
  Outputs<float> fresh;
  fresh.images.emplace_back(n);
  const auto bind = [](SoftmaxGradArgs& g, Outputs<float>& out) { g.dx = out.images[0].data(); };
  Tolerance t = sums_of(v.axis);
  t.absolute *= 1 + static_cast<double>(v.axis) / 64;  // of terms that do not add up to 1
  check_cuda<float>(cuda_tables().softmax_grad(Type::f32), softmax_grad_rows(Type::f32), args,
                    fresh, bind, t);
}

struct Options {
  bool soft = false, weights = false, mean = false, grad = true, hits = false, result = true;
  double smoothing = 0;
};
const Options options[] = {{},
                           {.hits = true},
                           {.mean = true, .hits = true},
                           {.weights = true, .mean = true},
                           {.weights = true, .grad = false},
                           {.mean = true, .smoothing = 0.1},
                           {.weights = true, .mean = true, .hits = true, .smoothing = 0.1},
                           {.soft = true, .mean = true},
                           {.soft = true, .weights = true, .mean = true, .smoothing = 0.2},
                           {.soft = true, .result = false}};

void check_cross_entropy(std::int64_t rows, std::int64_t cols, const Options& o,
                         const Guarded<float>& logits) {
  Guarded<std::int64_t> index(rows);
  fill_integers(index, 2, 0, static_cast<int>(cols) - 1);
  for (std::int64_t r = 1; r < rows; r += 4) index[r] = -100;
  const Guarded<float> soft = reals(rows * cols, 3, 0, 1), weight = reals(cols, 4, 0.5, 2);
  CrossEntropyArgs args;
  args.rows = rows;
  args.cols = cols;
  args.smoothing = o.smoothing;
  args.mean = o.mean;
  args.logits = logits.data();
  args.index = o.soft ? nullptr : index.data();
  args.soft = o.soft ? soft.data() : nullptr;
  args.class_weight = o.weights ? weight.data() : nullptr;
  Guarded<std::uint8_t> expected_hits(rows), hits(rows);
  Outputs<float> fresh;
  fresh.images = {Guarded<float>(rows), Guarded<float>(o.result ? 1 : 0),
                  Guarded<float>(o.grad ? rows * cols : 0)};
  bool first = true;
  const auto bind = [&](CrossEntropyArgs& g, Outputs<float>& out) {
    g.loss = out.images[0].data();
    g.result = o.result ? out.images[1].data() : nullptr;
    g.dlogits = o.grad ? out.images[2].data() : nullptr;
    g.hits = !o.hits ? nullptr : first ? expected_hits.data() : hits.data();
    first = false;
  };
  Tolerance t = sums_of(cols);
  t.absolute *= 8 * (o.soft ? 1 + static_cast<double>(cols) / 8 : 1);  // the weights' sum
  t.relative *= 8;
  check_cuda<float>(cuda_tables().cross_entropy(Type::f32), cross_entropy_rows(Type::f32), args,
                    fresh, bind, t);
  if (o.hits) CHECK(same_values(hits, expected_hits));
}

}  // namespace

TEST_CASE("cuda: softmax", "[softmax]") {
  for (const View& v : views) {
    for (bool log : {false, true}) {
      INFO(v.outer << " x " << v.axis << " x " << v.inner << " log " << log);
      const std::int64_t n = v.outer * v.axis * v.inner;
      check_softmax(v, reals(n, 1, -5, 5), log);
      check_softmax(v, reals(n, 2, 50, 100), log);
      check_softmax_grad(v, log);
    }
  }
  for (bool log : {false, true}) {
    const float infinity = INFINITY;
    Guarded<float> x = reals(6 * 10, 1);
    x[3] = NAN;
    x[13] = infinity;
    x[23] = -infinity;
    for (std::int64_t i = 40; i < 50; ++i) x[i] = -infinity;
    x[50] = NAN;
    x[59] = infinity;
    check_softmax({6, 10, 1}, x, log);
  }
}

TEST_CASE("cuda: cross-entropy", "[losses]") {
  for (const Options& o : options) {
    for (const auto& [rows, cols] :
         {std::pair<int, int>{1, 1}, {1, 10}, {9, 10}, {7, 33}, {5, 1000}, {3, 1100}, {300, 10}}) {
      INFO(rows << " x " << cols << ", soft " << o.soft << ", weights " << o.weights << ", mean "
                << o.mean << ", smoothing " << o.smoothing);
      check_cross_entropy(rows, cols, o, reals(rows * cols, 1, -4, 4));
      check_cross_entropy(rows, cols, o, integers(rows * cols, 1, 0, 2));  // ties
    }
  }
}

TEST_CASE("cuda: cross-entropy of what is not finite, and of nothing", "[losses]") {
  Guarded<float> x = reals(8 * 10, 1);
  for (std::int64_t i : {3, 17, 41}) x[i] = NAN;
  for (std::int64_t i : {25, 52}) x[i] = -INFINITY;
  x[68] = INFINITY;
  check_cross_entropy(8, 10, {.hits = true}, x);
  check_cross_entropy(0, 10, {.mean = false, .hits = true}, x);
  check_cross_entropy(0, 10, {.mean = true}, x);
}

TEST_CASE("cuda: binary cross-entropy", "[losses]") {
  constexpr Tolerance t{8 * FLT_EPSILON, 16 * FLT_EPSILON};
  for (const auto& [rows, cols] :
       {std::pair<int, int>{0, 3}, {1, 1}, {3, 5}, {40, 20}, {1000, 3}}) {
    for (bool weights : {false, true}) {
      INFO(rows << " x " << cols << " weights " << weights);
      const std::int64_t n = std::int64_t{rows} * cols;
      const Guarded<float> x = reals(n, 1, -20, 20), target = reals(n, 2, 0, 1);
      const Guarded<float> weight = reals(cols, 3, 0.5, 4), dloss = reals(n, 4);
      BceArgs args;
      BceGradArgs grad;
      args.rows = grad.rows = rows;
      args.cols = grad.cols = cols;
      args.x = grad.x = x.data();
      args.target = grad.target = target.data();
      args.pos_weight = grad.pos_weight = weights ? weight.data() : nullptr;
      grad.dloss = dloss.data();
      Outputs<float> fresh;
      fresh.images.emplace_back(n);
      // The linear terms are as large as 80 and may cancel.
      const auto bind = [](BceArgs& g, Outputs<float>& out) { g.loss = out.images[0].data(); };
      check_cuda<float>(cuda_tables().bce(Type::f32), bce_rows(Type::f32), args, fresh, bind,
                        {80 * 4 * FLT_EPSILON, t.relative});
      const auto bind_grad = [](BceGradArgs& g, Outputs<float>& out) {
        g.dx = out.images[0].data();
      };
      check_cuda<float>(cuda_tables().bce_grad(Type::f32), bce_grad_rows(Type::f32), grad, fresh,
                        bind_grad, {4 * t.absolute, t.relative});
    }
  }
}
