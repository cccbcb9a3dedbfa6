// cuDNN's rows of batch normalisation, computed by the stand-in, against the CPU's reference:
// training, inference and gradients, with residual and ReLU, f32 and bf16.
#include <taxon/base/dtype.h>
#include <taxon/kernels/norm.h>

#include <cfloat>

#include "row_check.h"
#include "test_vendor.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

using Names = std::vector<std::string>;
constexpr double eps = FLT_EPSILON;

struct Case {
  std::int64_t rows, channels;
};
const Case kCases[] = {{1, 1}, {2, 3}, {7, 10}, {33, 24}, {65, 15}, {300, 7}};

template <class T>
Guarded<T> reals_of(std::int64_t n, std::uint64_t seed, double low = -1, double high = 1) {
  Guarded<float> values(n);
  fill_reals(values, seed, low, high);
  Guarded<T> out(n);
  for (std::int64_t i = 0; i < n; ++i) out[i] = T(values[i]);
  return out;
}
template <class T>
Guarded<float> wide(const Guarded<T>& x) {
  Guarded<float> out(x.size());
  for (std::int64_t i = 0; i < x.size(); ++i) out[i] = static_cast<float>(x[i]);
  return out;
}

/// How far elements of T may differ that were formed in f32 by another order: bf16 may round to the
/// other neighbour.
template <class T>
double rounding() {
  return sizeof(T) == 2 ? 1.0 / 128 : 0;
}

template <class T>
void check_forward(const Case& c, Type type, bool training, bool relu, bool add) {
  INFO(c.rows << " rows of " << c.channels << " channels, training " << training << " relu " << relu
              << " add " << add);
  const std::int64_t n = c.rows * c.channels;
  const Guarded<T> x = reals_of<T>(n, 1, -2, 4), residual = reals_of<T>(n, 2);
  const Guarded<float> weight = reals(c.channels, 3), bias = reals(c.channels, 4);
  const Guarded<float> mean = reals(c.channels, 5), var = reals(c.channels, 6, 0.1, 2);
  BatchNormArgs args;
  args.rows = c.rows;
  args.channels = c.channels;
  args.training = training;
  args.relu = relu;
  args.x = x.data();
  args.weight = weight.data();
  args.bias = bias.data();
  args.residual = add ? residual.data() : nullptr;
  const auto run = [&](const Row<BatchNormArgs>& row, bool vendor, Guarded<T>& y, Buffers& stats) {
    stats = {mean, var};
    args.mean = stats[0].data();
    args.var = stats[1].data();
    args.y = y.data();
    vendor ? run_vendor(row, args) : run_row(row, args);
  };
  Guarded<T> y(n), expected(n);
  Buffers stats, expected_stats;
  run(reference_of(batch_norm_rows(type)), false, expected, expected_stats);
  run(cuda::batch_norm_cudnn(type), true, y, stats);
  CHECK(within(stats[0], expected_stats[0], eps, eps));
  CHECK(within(stats[1], expected_stats[1], 1e-5 * 8 * eps, 8 * eps));
  CHECK(within(wide(y), wide(expected), 64 * eps, 64 * eps + rounding<T>()));
}

template <class T>
void check_backward(const Case& c, Type type, bool relu, bool saved, bool all) {
  INFO(c.rows << " rows of " << c.channels << " channels, relu " << relu << " saved " << saved
              << " all " << all);
  const std::int64_t n = c.rows * c.channels;
  const Guarded<T> x = reals_of<T>(n, 1), dy = reals_of<T>(n, 2), y = reals_of<T>(n, 3);
  const Guarded<float> weight = reals(c.channels, 4), bias = reals(c.channels, 5, 3, 4);
  const Guarded<float> mean = reals(c.channels, 6, -0.1, 0.1), var = reals(c.channels, 7, 0.3, 1);
  BatchNormGradArgs args;
  args.rows = c.rows;
  args.channels = c.channels;
  args.relu = relu;
  args.x = x.data();
  args.dy = dy.data();
  args.y = saved ? y.data() : nullptr;
  args.weight = weight.data();
  args.bias = bias.data();
  args.mean = mean.data();
  args.var = var.data();
  struct Out {
    Out(std::int64_t size, std::int64_t channels)
        : dx(size), dresidual(size), dweight(channels), dbias(channels) {}
    Guarded<T> dx, dresidual;
    Guarded<float> dweight, dbias;
  };
  Out out(n, c.channels), expected(n, c.channels);
  const auto bind = [&](Out& o) {
    args.dx = o.dx.data();
    args.dweight = all ? o.dweight.data() : nullptr;
    args.dbias = all ? o.dbias.data() : nullptr;
    args.dresidual = all && relu ? o.dresidual.data() : nullptr;
  };
  bind(expected);
  run_row(reference_of(batch_norm_grad_rows(type)), args);
  bind(out);
  run_vendor(cuda::batch_norm_grad_cudnn(type), args);
  CHECK(within(wide(out.dx), wide(expected.dx), 64 * eps, 64 * eps + rounding<T>()));
  if (!all) return;
  const double sums = sum_tolerance<float>(c.rows, 2);
  CHECK(within(out.dweight, expected.dweight, sums, eps));
  CHECK(within(out.dbias, expected.dbias, sums, eps));
  if (relu) CHECK(same_values(wide(out.dresidual), wide(expected.dresidual)));
}

/// Arguments for what declines and what is fused, with memory behind them.
struct Small {
  Small() {
    args.rows = 6;
    args.channels = 4;
    for (Guarded<float>& b : data) fill_reals(b, 1, 0.5, 1.5);
    args.x = data[0].data();
    args.y = data[1].data();
    args.residual = data[2].data();
    args.weight = data[3].data();
    args.bias = data[4].data();
    args.mean = data[5].data();
    args.var = data[6].data();
    args.relu = true;
  }
  BatchNormArgs args;
  std::vector<Guarded<float>> data = std::vector<Guarded<float>>(7, Guarded<float>(24));
};

}  // namespace

TEST_CASE("cudnn: batch_norm is the reference's") {
  const StandIn standin;
  for (const Case& c : kCases) {
    for (int bits = 0; bits < 8; ++bits) {
      const bool training = (bits & 1) != 0 && c.rows > 1;  // one row: y is the bias
      check_forward<float>(c, Type::f32, training, (bits & 2) != 0, (bits & 4) != 0);
      if (c.rows > 2 || !training)
        check_forward<bf16>(c, Type::bf16, training, (bits & 2) != 0, (bits & 4) != 0);
    }
  }
}

TEST_CASE("cudnn: batch_norm's gradient is the reference's") {
  const StandIn standin;
  for (const Case& c : kCases) {
    for (int bits = 0; bits < 8; ++bits) {
      const bool relu = (bits & 1) != 0, saved = (bits & 2) != 0, all = (bits & 4) != 0;
      check_backward<float>(c, Type::f32, relu, saved, all);
      check_backward<bf16>(c, Type::bf16, relu, saved, all);
    }
  }
}

TEST_CASE("cudnn: what batch_norm is fused with") {
  const StandIn standin;
  const Row<BatchNormArgs>& row = cuda::batch_norm_cudnn(Type::f32);
  Small s;
  ran();
  run_vendor(row, s.args);
  const std::string var = "mul+reciprocal+sub+max";
  CHECK(ran() == Names{"batch_norm+add+relu", var});
  s.args.training = false;
  run_vendor(row, s.args);
  CHECK(ran() == Names{"add+rsqrt+sub+mul+mul+add+add+relu"});
  s.args.training = true;
  vendor::release();
  standin::refuse([](const std::string& operations) {
    return operations.find("batch_norm+") == 0 || operations.find("add+rsqrt+") == 0;
  });
  run_vendor(row, s.args);
  CHECK(ran() == Names{"batch_norm", "add+relu", var});
  s.args.training = false;
  run_vendor(row, s.args);
  CHECK(ran() == Names{"add+rsqrt", "sub+mul+mul+add+add+relu"});
}

TEST_CASE("cudnn: why batch_norm declines") {
  const StandIn standin;
  const auto reason = [](const auto& row, const auto& args) {
    const char* text = row.declines(args);
    return std::string(text == nullptr ? "" : text);
  };
  Small s;
  const Row<BatchNormArgs>& row = cuda::batch_norm_cudnn(Type::f32);
  CHECK(reason(row, s.args).empty());
  s.args.bias = nullptr;
  CHECK(reason(row, s.args) == "no weight or no bias");
  s.args.rows = 0;
  CHECK(reason(row, s.args) == "no rows");
  BatchNormGradArgs grad;
  grad.rows = grad.channels = 2;
  grad.training = false;
  CHECK(reason(cuda::batch_norm_grad_cudnn(Type::f32), grad) ==
        "statistics that do not depend on x");
}
