// Unary functions: accuracy in units in the last place over the whole range of float, special
// values, gradients, exactness of the operations that round at most once.
#include <taxon/kernels/pointwise.h>

#include <cfloat>
#include <string>

#include "row_check.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

constexpr double eps = FLT_EPSILON;
constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

UnaryArgs unary_args(Unary op, const Guarded<float>& x, double a = 0, double b = 0) {
  UnaryArgs args;
  args.op = op;
  args.n = x.size();
  args.a = a;
  args.b = b;
  args.x = x.data();
  return args;
}

const auto bind_y = [](UnaryArgs& args, Buffers& out) { args.y = out[0].data(); };
const auto bind_dx = [](UnaryGradArgs& args, Buffers& out) { args.dx = out[0].data(); };

/// The distance to `truth` in units of the last place of float there, or in units of `least` where
/// that is more.
double ulps(float y, double truth, double least) {
  if (std::isnan(truth) || std::isnan(y)) {
    return std::isnan(truth) && std::isnan(y) ? 0 : HUGE_VAL;
  }
  const auto rounded = static_cast<float>(truth);
  if (std::isinf(rounded) || std::isinf(y)) return y == rounded ? 0 : HUGE_VAL;
  int exponent = 0;
  std::frexp(truth, &exponent);
  const double unit = std::max(std::ldexp(1.0, exponent - 24), least);
  return std::abs(static_cast<double>(y) - truth) / unit;
}

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}
double gelu(double x) {
  return x * 0.5 * std::erfc(-x / std::sqrt(2.0));
}
double silu(double x) {
  return x * sigmoid(x);
}

/// All magnitudes, both signs, and the values where formulas break.
Guarded<float> all_magnitudes(std::int64_t n) {
  Guarded<float> x(n);
  for (std::int64_t i = 0; i < n; ++i) {
    const auto h = hash(1, static_cast<std::uint64_t>(i));
    const auto word = static_cast<std::uint32_t>(h);
    if (i % 2 == 0) {
      std::memcpy(&x[i], &word, 4);  // any bits
    } else {
      x[i] = static_cast<float>(static_cast<std::int32_t>(word)) * 0x1p-31f * 20;  // [-20, 20]
    }
  }
  const float special[] = {0,       -0.0f,    1,       -1,       inf,      -inf,    not_a_number,
                           FLT_MIN, -FLT_MIN, FLT_MAX, -FLT_MAX, 1e-45f,   -1e-45f, 88.72f,
                           88.73f,  -87.4f,   -103.9f, -104.1f,  0.625f,   -0.625f, -13.f,
                           -14.4f,  -14.6f,   700,     -700,     1.00001f, 0.99999f};
  std::copy(std::begin(special), std::end(special), x.begin());
  return x;
}

struct Function {
  Unary op;
  const char* name;
  double (*truth)(double);
};

}  // namespace

TEST_CASE("unary functions are within 4 units in the last place everywhere", "[unary]") {
  const Function functions[] = {{Unary::exp, "exp", [](double x) { return std::exp(x); }},
                                {Unary::log, "log", [](double x) { return std::log(x); }},
                                {Unary::sqrt, "sqrt", [](double x) { return std::sqrt(x); }},
                                {Unary::tanh, "tanh", [](double x) { return std::tanh(x); }},
                                {Unary::sigmoid, "sigmoid", sigmoid},
                                {Unary::gelu, "gelu", gelu},
                                {Unary::silu, "silu", silu}};
  const Guarded<float> x = all_magnitudes(100003);
  for (const Function& f : functions) {
    for_each_row(unary_rows(Type::f32), [&](const Row<UnaryArgs>& row) {
      Guarded<float> y(x.size());
      UnaryArgs args = unary_args(f.op, x);
      args.y = y.data();
      run_row(row, args);
      double worst = 0;
      float at = 0;
      for (std::int64_t i = 0; i < x.size(); ++i) {
        const auto at_x = static_cast<double>(x[i]);
        // gelu and silu multiply x by a probability, which below 1e-38 is a multiple of 2^-149.
        const bool product = f.op == Unary::gelu || f.op == Unary::silu;
        const double least = 0x1p-149 * (product ? std::max(1.0, std::abs(at_x)) : 1.0);
        const double error = ulps(y[i], f.truth(at_x), least);
        if (error > worst) {
          worst = error;
          at = x[i];
        }
      }
      INFO(f.name << " by " << row.name << ", worst at " << at);
      CHECK(worst <= 4);
    });
  }
}

TEST_CASE("unary operations that round once equal the reference", "[unary]") {
  const Unary ops[] = {Unary::add_scalar, Unary::mul_scalar, Unary::rsub_scalar, Unary::rdiv_scalar,
                       Unary::relu,       Unary::clamp,      Unary::sqrt};
  for (const Unary op : ops) {
    for (const std::int64_t n : odd_sizes()) {
      INFO("op " << static_cast<int>(op) << " n " << n);
      const Guarded<float> x = op == Unary::rdiv_scalar ? integers(n, 3, 1, 9) : integers(n, 3);
      check_rows(unary_rows(Type::f32), unary_args(op, x, -2, 3), {Guarded<float>(n)}, bind_y,
                 nearly(0, 0));
    }
    const Guarded<float> x = all_magnitudes(70001);
    check_rows(unary_rows(Type::f32), unary_args(op, x, -0.37, 1.93), {Guarded<float>(x.size())},
               bind_y, nearly(0, 0));
  }
}

TEST_CASE("powers", "[unary]") {
  for (const double a : {2.0, 3.0, 0.5, -1.0, 0.0, 1.7}) {
    INFO("exponent " << a);
    const Guarded<float> x = reals(1003, 5, 0.1, 4);
    check_rows(unary_rows(Type::f32), unary_args(Unary::pow_scalar, x, a),
               {Guarded<float>(x.size())}, bind_y, nearly(0, 4 * eps));
    UnaryGradArgs grad;
    const Guarded<float> dy = reals(x.size(), 6);
    grad.op = Unary::pow_scalar;
    grad.n = x.size();
    grad.a = a;
    grad.x = x.data();
    grad.dy = dy.data();
    check_rows(unary_grad_rows(Type::f32), grad, {Guarded<float>(x.size())}, bind_dx,
               nearly(0, 8 * eps));
  }
}

TEST_CASE("unary gradients", "[unary]") {
  for (int op = 0; op < unary_count; ++op) {
    const auto f = static_cast<Unary>(op);
    for (const std::int64_t n : {1, 15, 16, 17, 33, 1000, 70001}) {
      INFO("op " << op << " n " << n);
      const bool positive = f == Unary::log || f == Unary::sqrt || f == Unary::rdiv_scalar;
      const Guarded<float> x = positive ? reals(n, 1, 0.5, 4) : reals(n, 1, -6, 6);
      const Guarded<float> dy = reals(n, 2);
      Guarded<float> y(n);
      UnaryArgs forward = unary_args(f, x, 1.5, 2.5);
      forward.y = y.data();
      run_row(reference_of(unary_rows(Type::f32)), forward);
      UnaryGradArgs args;
      args.op = f;
      args.n = n;
      args.a = 1.5;
      args.b = 2.5;
      args.dy = dy.data();
      const bool from_y = f == Unary::exp || f == Unary::sqrt || f == Unary::tanh ||
                          f == Unary::sigmoid || f == Unary::relu;
      (from_y ? args.y : args.x) = from_y ? y.data() : x.data();
      // Slopes such as Phi(x) + x phi(x) are sums of terms of at most about 1, each within 4 ulp.
      check_rows(unary_grad_rows(Type::f32), args, {Guarded<float>(n)}, bind_dx,
                 nearly(10 * eps, 10 * eps));
    }
  }
}

TEST_CASE("relu's gradient passes where y is positive, whatever dy is", "[unary]") {
  Guarded<float> y(4), dy(4);
  const float ys[] = {1, 0, -0.0f, 2}, dys[] = {5, inf, not_a_number, -3};
  std::copy(ys, ys + 4, y.begin());
  std::copy(dys, dys + 4, dy.begin());
  UnaryGradArgs args;
  args.op = Unary::relu;
  args.n = 4;
  args.y = y.data();
  args.dy = dy.data();
  for_each_row(unary_grad_rows(Type::f32), [&](const Row<UnaryGradArgs>& row) {
    INFO(row.name);
    Guarded<float> dx(4);
    args.dx = dx.data();
    run_row(row, args);
    CHECK(dx[0] == 5);
    CHECK(dx[1] == 0);
    CHECK(dx[2] == 0);
    CHECK(dx[3] == -3);
  });
}

TEST_CASE("unary functions in double", "[unary]") {
  Guarded<double> x(3), y(3);
  x[0] = -1;
  x[1] = 0.5;
  x[2] = 2;
  UnaryArgs args;
  args.op = Unary::gelu;
  args.n = 3;
  args.x = x.data();
  args.y = y.data();
  run_row(reference_of(unary_rows(Type::f64)), args);
  // torch.nn.functional.gelu(torch.tensor([-1., .5, 2.], dtype=torch.float64))
  CHECK(y[0] == Approx(-0.15865525393145707).epsilon(1e-14));
  CHECK(y[1] == Approx(0.34573123063700656).epsilon(1e-14));
  CHECK(y[2] == Approx(1.9544997361036416).epsilon(1e-14));
}

TEST_CASE("results that go past the caches", "[unary]") {
  const std::int64_t n = (6 << 20) + 21;
  const Guarded<float> x = reals(n, 1), dy = reals(n, 2);
  check_rows(unary_rows(Type::f32), unary_args(Unary::relu, x), {Guarded<float>(n, 64)}, bind_y,
             nearly(0, 0));
  UnaryGradArgs args;
  args.op = Unary::relu;
  args.n = n;
  args.y = x.data();
  args.dy = dy.data();
  check_rows(unary_grad_rows(Type::f32), args, {Guarded<float>(n, 64)}, bind_dx, nearly(0, 0));
}
