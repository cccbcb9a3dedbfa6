// Batch and layer normalisation under the shim.
#include <taxon/kernels/norm.h>

#include <cfloat>

#include "shim_test.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

const Covers covers({"batch_norm", "batch_norm_grad", "layer_norm", "layer_norm_grad"}, true);

struct View {
  std::int64_t rows, cols;
};
// Channels narrow and wide, packed or not; rows that one block takes and that are cut.
const View views[] = {{1, 1},    {2, 3},    {7, 8},    {64, 16}, {33, 17}, {300, 24},
                      {5000, 3}, {3000, 8}, {40, 264}, {0, 4},   {4, 0}};

/// Errors grow with the rows that a chain of additions takes (rows / 64 + 64, see columns.h), and
/// are divided by standard deviations, of 0.5 or more where there are several rows.
Tolerance norm_tolerance(std::int64_t n) {
  const double sum = sum_tolerance<float>(n / 64 + 64, 4);
  return {8 * sum, 8 * sum};
}

struct Options {
  bool training = true, affine = true, residual = false, relu = false;
};
const Options options[] = {{},
                           {.affine = false},
                           {.relu = true},
                           {.residual = true},
                           {.residual = true, .relu = true},
                           {.training = false},
                           {.training = false, .residual = true, .relu = true},
                           {.training = false, .affine = false}};

template <class T>
Guarded<T> image(const View& v, std::uint64_t seed, double low = -1, double high = 1) {
  return reals_of<T>(v.rows * v.cols, seed, low, high);
}

/// Parameters as both directions use them: weight, bias, mean, var.
struct Parameters {
  explicit Parameters(std::int64_t n)
      : weight(reals(n, 11, 0.5, 2)),
        bias(reals(n, 12)),
        mean(reals(n, 13)),
        var(reals(n, 14, 0.3, 2)) {}
  Guarded<float> weight, bias, mean, var;
};

template <class T>
void check_batch_norm(const View& v, const Options& o, const Guarded<T>& x) {
  const Parameters p(v.cols);
  const Guarded<T> residual = image<T>(v, 2);
  BatchNormArgs args;
  args.rows = v.rows;
  args.channels = v.cols;
  args.training = o.training;
  args.x = x.data();
  args.weight = o.affine ? p.weight.data() : nullptr;
  args.bias = o.affine ? p.bias.data() : nullptr;
  args.residual = o.residual ? residual.data() : nullptr;
  args.relu = o.relu;
  Outputs<T> fresh{{Guarded<T>(v.rows * v.cols)}, {p.mean, p.var}};
  if (o.training) fresh.others = {Guarded<float>(v.cols), Guarded<float>(v.cols)};
  const auto bind = [](BatchNormArgs& g, Outputs<T>& out) {
    g.y = out.images[0].data();
    g.mean = out.others[0].data();
    g.var = out.others[1].data();
  };
  check_cuda<T>(cuda_tables().batch_norm(type_of_elements<T>), batch_norm_rows(type_of_elements<T>),
                args, fresh, bind, norm_tolerance(v.rows));
}

/// What of the gradient is wanted.
struct Wanted {
  bool dx = true, parameters = true, residual = false, y = true;
};

template <class T>
void check_batch_norm_grad(const View& v, const Options& o, const Wanted& w) {
  const Parameters p(v.cols);
  const Guarded<T> x = image<T>(v, 1, -2, 2), dy = image<T>(v, 3), y = image<T>(v, 4);
  BatchNormGradArgs args;
  args.rows = v.rows;
  args.channels = v.cols;
  args.training = o.training;
  args.x = x.data();
  args.weight = o.affine ? p.weight.data() : nullptr;
  args.bias = o.affine ? p.bias.data() : nullptr;
  args.mean = p.mean.data();
  args.var = p.var.data();
  args.relu = o.relu;
  args.y = w.y ? y.data() : nullptr;
  args.dy = dy.data();
  const std::int64_t n = v.rows * v.cols;
  Outputs<T> fresh{{Guarded<T>(n), Guarded<T>(n)},
                   {Guarded<float>(v.cols), Guarded<float>(v.cols)}};
  const auto bind = [&](BatchNormGradArgs& g, Outputs<T>& out) {
    g.dx = w.dx ? out.images[0].data() : nullptr;
    g.dresidual = w.residual ? out.images[1].data() : nullptr;
    g.dweight = w.parameters ? out.others[0].data() : nullptr;
    g.dbias = w.parameters ? out.others[1].data() : nullptr;
  };
  Tolerance t = norm_tolerance(v.rows);
  t.absolute *= 1 + static_cast<double>(v.rows) / 64;  // sums over all rows
  check_cuda<T>(cuda_tables().batch_norm_grad(type_of_elements<T>),
                batch_norm_grad_rows(type_of_elements<T>), args, fresh, bind, t);
}

template <class T>
void check_layer_norm(const View& v, bool affine) {
  const Parameters p(v.cols);
  const Guarded<T> x = image<T>(v, 1, -3, 2);
  LayerNormArgs args;
  args.rows = v.rows;
  args.cols = v.cols;
  args.x = x.data();
  args.weight = affine ? p.weight.data() : nullptr;
  args.bias = affine ? p.bias.data() : nullptr;
  Outputs<T> fresh{{Guarded<T>(v.rows * v.cols)}, {Guarded<float>(v.rows), Guarded<float>(v.rows)}};
  const auto bind = [](LayerNormArgs& g, Outputs<T>& out) {
    g.y = out.images[0].data();
    g.mean = out.others[0].data();
    g.rstd = out.others[1].data();
  };
  Tolerance t = norm_tolerance(v.cols);
  if (v.cols < 8) t.absolute = t.relative = 1e-3;  // deviations may be small
  check_cuda<T>(cuda_tables().layer_norm(type_of_elements<T>), layer_norm_rows(type_of_elements<T>),
                args, fresh, bind, t);
}

template <class T>
void check_layer_norm_grad(const View& v, bool affine, bool dx, bool parameters) {
  const Parameters p(v.cols);
  const Guarded<T> x = image<T>(v, 1, -3, 2), dy = image<T>(v, 2);
  const Guarded<float> mean = reals(v.rows, 5), rstd = reals(v.rows, 6, 0.5, 2);
  LayerNormGradArgs args;
  args.rows = v.rows;
  args.cols = v.cols;
  args.x = x.data();
  args.weight = affine ? p.weight.data() : nullptr;
  args.mean = mean.data();
  args.rstd = rstd.data();
  args.dy = dy.data();
  Outputs<T> fresh{{Guarded<T>(v.rows * v.cols)}, {Guarded<float>(v.cols), Guarded<float>(v.cols)}};
  const auto bind = [&](LayerNormGradArgs& g, Outputs<T>& out) {
    g.dx = dx ? out.images[0].data() : nullptr;
    g.dweight = parameters ? out.others[0].data() : nullptr;
    g.dbias = parameters ? out.others[1].data() : nullptr;
  };
  Tolerance t = norm_tolerance(std::max(v.rows, v.cols));
  t.absolute *= 4 * (1 + static_cast<double>(v.rows) / 64);
  check_cuda<T>(cuda_tables().layer_norm_grad(type_of_elements<T>),
                layer_norm_grad_rows(type_of_elements<T>), args, fresh, bind, t);
}

template <class T>
void check_batch_norm_all() {
  for (const View& v : views) {
    for (const Options& o : options) {
      INFO(v.rows << " x " << v.cols << " training " << o.training << " affine " << o.affine
                  << " residual " << o.residual << " relu " << o.relu);
      if (v.rows > 2 || !o.training) check_batch_norm<T>(v, o, image<T>(v, 1, -1, 3));
      check_batch_norm_grad<T>(v, o, {.residual = o.residual});
      if (v.rows > 64) continue;
      check_batch_norm_grad<T>(v, o, {.y = false});  // y's sign is recomputed
      check_batch_norm_grad<T>(v, o, {.parameters = false});
      check_batch_norm_grad<T>(v, o, {.dx = false});
      check_batch_norm_grad<T>(v, o, {.dx = false, .parameters = false, .residual = true});
    }
  }
}
template <class T>
void check_layer_norm_all() {
  for (const View& v :
       {View{1, 8}, {5, 10}, {9, 64}, {3, 1000}, {2, 1500}, {300, 7}, {700, 16}, {0, 8}}) {
    for (bool affine : {false, true}) {
      INFO(v.rows << " x " << v.cols << " affine " << affine);
      check_layer_norm<T>(v, affine);
      check_layer_norm_grad<T>(v, affine, true, true);
      check_layer_norm_grad<T>(v, affine, true, false);
      check_layer_norm_grad<T>(v, affine, false, true);
    }
  }
}

}  // namespace

TEST_CASE("cuda: batch norm, f32", "[norm]") {
  check_batch_norm_all<float>();
}
TEST_CASE("cuda: batch norm, bf16", "[norm]") {
  check_batch_norm_all<bf16>();
}
TEST_CASE("cuda: layer norm", "[norm]") {
  check_layer_norm_all<float>();
  check_layer_norm_all<bf16>();
}

TEST_CASE("cuda: statistics far from zero keep their digits", "[norm]") {
  // The variance is 1/3 around a mean of 1000, whose square has no digits left for it.
  const View v{2000, 4};
  const Guarded<float> x = reals(v.rows * v.cols, 1, 999, 1001);
  Guarded<float> mean(v.cols), var(v.cols), y(v.rows * v.cols);
  BatchNormArgs args;
  args.rows = v.rows;
  args.channels = v.cols;
  args.x = x.data();
  args.mean = mean.data();
  args.var = var.data();
  args.y = y.data();
  run_checked(*cuda_tables().batch_norm(Type::f32).first, args);
  for (std::int64_t c = 0; c < v.cols; ++c) {
    double sum = 0, squares = 0;
    for (std::int64_t r = 0; r < v.rows; ++r) sum += static_cast<double>(x[r * v.cols + c]);
    sum /= static_cast<double>(v.rows);
    for (std::int64_t r = 0; r < v.rows; ++r) {
      squares += std::pow(static_cast<double>(x[r * v.cols + c]) - sum, 2);
    }
    // The mean is off by an ulp of 1000, whose square counts.
    CHECK(std::abs(static_cast<double>(mean[c]) - sum) < 1000 * 4 * FLT_EPSILON);
    CHECK(std::abs(static_cast<double>(var[c]) * static_cast<double>(v.rows) / squares - 1) < 1e-4);
  }
}
