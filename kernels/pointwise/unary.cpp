// Unary functions and their gradients: the tables and the reference, which evaluates transcendental
// functions in double whatever the element type.
#include <taxon/kernels/pointwise.h>

#include <cmath>

#include "pointwise/vector.h"

namespace taxon::kernels {
namespace {

double sigmoid_of(double x) {
  const double e = std::exp(-std::fabs(x));
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}
double normal_cdf(double x) {
  return 0.5 * std::erfc(-x * 0.70710678118654752440);
}
double normal_pdf(double x) {
  return 0.39894228040143267794 * std::exp(-0.5 * x * x);
}

template <class T>
T value(Unary op, T x, T a, T b) {
  const auto d = static_cast<double>(x);
  switch (op) {
    case Unary::add_scalar:
      return x + a;
    case Unary::mul_scalar:
      return x * a;
    case Unary::rsub_scalar:
      return a - x;
    case Unary::rdiv_scalar:
      return a / x;
    case Unary::pow_scalar:
      return static_cast<T>(std::pow(d, static_cast<double>(a)));
    case Unary::exp:
      return static_cast<T>(std::exp(d));
    case Unary::log:
      return static_cast<T>(std::log(d));
    case Unary::sqrt:
      return std::sqrt(x);
    case Unary::tanh:
      return static_cast<T>(std::tanh(d));
    case Unary::sigmoid:
      return static_cast<T>(sigmoid_of(d));
    case Unary::relu:
      return x < 0 ? T(0) : x;  // NaN stays NaN
    case Unary::gelu:
      return static_cast<T>(d * normal_cdf(d));
    case Unary::silu:
      return static_cast<T>(d * sigmoid_of(d));
    case Unary::clamp: {
      const T low = x < a ? a : x;
      return low > b ? b : low;
    }
  }
  return x;
}

double pow_slope(double x, double a) {
  return a == 0 ? 0 : a * std::pow(x, a - 1);
}

/// f'(x), from x or y as the header says; exact operations stay in T.
template <class T>
T slope(Unary op, T x, T y, T a, T b) {
  const auto d = static_cast<double>(x);
  switch (op) {
    case Unary::add_scalar:
      return 1;
    case Unary::mul_scalar:
      return a;
    case Unary::rsub_scalar:
      return -1;
    case Unary::rdiv_scalar:
      return -a / (x * x);
    case Unary::pow_scalar:
      return static_cast<T>(pow_slope(d, static_cast<double>(a)));
    case Unary::exp:
      return y;
    case Unary::log:
      return 1 / x;
    case Unary::sqrt:
      return T(0.5) / y;
    case Unary::tanh:
      return 1 - y * y;
    case Unary::sigmoid:
      return y * (1 - y);
    case Unary::relu:
      return y > 0 ? T(1) : T(0);
    case Unary::gelu:
      return static_cast<T>(normal_cdf(d) + d * normal_pdf(d));
    case Unary::silu: {
      const double s = sigmoid_of(d);
      return static_cast<T>(s * (1 + d * (1 - s)));
    }
    case Unary::clamp:
      return x >= a && x <= b ? T(1) : T(0);
  }
  return 0;
}

template <class T>
void reference(const UnaryArgs& g, const Exec&) {
  const auto* x = static_cast<const T*>(g.x);
  auto* y = static_cast<T*>(g.y);
  const T a = static_cast<T>(g.a), b = static_cast<T>(g.b);
  for (int64_t i = 0; i < g.n; ++i) y[i] = value(g.op, x[i], a, b);
}

template <class T>
void reference_grad(const UnaryGradArgs& g, const Exec&) {
  const auto* x = static_cast<const T*>(g.x);
  const auto* y = static_cast<const T*>(g.y);
  const auto* dy = static_cast<const T*>(g.dy);
  auto* dx = static_cast<T*>(g.dx);
  const T a = static_cast<T>(g.a), b = static_cast<T>(g.b);
  const bool gate = g.op == Unary::relu || g.op == Unary::clamp;  // chooses, does not multiply
  for (int64_t i = 0; i < g.n; ++i) {
    const T s = slope(g.op, x != nullptr ? x[i] : T(0), y != nullptr ? y[i] : T(0), a, b);
    dx[i] = gate ? (s != 0 ? dy[i] : T(0)) : dy[i] * s;
  }
}

}  // namespace

Rows<UnaryArgs> unary_rows(Type type) {
  static const Row<UnaryArgs> f32[] = {
      TAXON_VECTOR_ROWS("unary", false, nullptr, nullptr, unary),
      {"unary/reference", Needs::baseline, false, nullptr, nullptr, reference<float>}};
  static const Row<UnaryArgs> f64[] = {
      {"unary/reference", Needs::baseline, false, nullptr, nullptr, reference<double>}};
  return pick(type, f32, f64);
}

Rows<UnaryGradArgs> unary_grad_rows(Type type) {
  static const Row<UnaryGradArgs> f32[] = {
      TAXON_VECTOR_ROWS("unary_grad", false, nullptr, nullptr, unary_grad),
      {"unary_grad/reference", Needs::baseline, false, nullptr, nullptr, reference_grad<float>}};
  static const Row<UnaryGradArgs> f64[] = {
      {"unary_grad/reference", Needs::baseline, false, nullptr, nullptr, reference_grad<double>}};
  return pick(type, f32, f64);
}

}  // namespace taxon::kernels
