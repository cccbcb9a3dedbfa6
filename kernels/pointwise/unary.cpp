// Unary functions and their gradients: the tables and the reference, which evaluates transcendental
// functions in double whatever the element type. T is the type of the arithmetic, S how elements
// lie in memory.
#include <taxon/base/dtype.h>
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

template <class T, class S = T>
void reference(const UnaryArgs& g, const Exec&) {
  const auto* x = static_cast<const S*>(g.x);
  auto* y = static_cast<S*>(g.y);
  const T a = static_cast<T>(g.a), b = static_cast<T>(g.b);
  for (int64_t i = 0; i < g.n; ++i) {
    y[i] = static_cast<S>(value(g.op, static_cast<T>(x[i]), a, b));
  }
}

template <class T, class S = T>
void reference_grad(const UnaryGradArgs& g, const Exec&) {
  const auto element = [](const void* p, int64_t i) {
    return p != nullptr ? static_cast<T>(static_cast<const S*>(p)[i]) : T(0);
  };
  auto* dx = static_cast<S*>(g.dx);
  const T a = static_cast<T>(g.a), b = static_cast<T>(g.b);
  const bool gate = g.op == Unary::relu || g.op == Unary::clamp;  // chooses, does not multiply
  for (int64_t i = 0; i < g.n; ++i) {
    const T s = slope(g.op, element(g.x, i), element(g.y, i), a, b), dy = element(g.dy, i);
    dx[i] = static_cast<S>(gate ? (s != 0 ? dy : T(0)) : dy * s);
  }
}

}  // namespace

Rows<UnaryArgs> unary_rows(Type type) {
  static const Row<UnaryArgs> f32[] = {
      TAXON_VECTOR_ROWS("unary", false, nullptr, nullptr, unary),
      {"unary/reference", Needs::baseline, false, nullptr, nullptr, reference<float>}};
  static const Row<UnaryArgs> f64[] = {
      {"unary/reference", Needs::baseline, false, nullptr, nullptr, reference<double>}};
  static const Row<UnaryArgs> narrow[] = {
      TAXON_VECTOR_ROWS("unary", false, nullptr, nullptr, unary_bf16),
      {"unary/reference", Needs::baseline, false, nullptr, nullptr, reference<float, bf16>}};
  return pick(type, f32, f64, narrow);
}

Rows<UnaryGradArgs> unary_grad_rows(Type type) {
  static const Row<UnaryGradArgs> f32[] = {
      TAXON_VECTOR_ROWS("unary_grad", false, nullptr, nullptr, unary_grad),
      {"unary_grad/reference", Needs::baseline, false, nullptr, nullptr, reference_grad<float>}};
  static const Row<UnaryGradArgs> f64[] = {
      {"unary_grad/reference", Needs::baseline, false, nullptr, nullptr, reference_grad<double>}};
  static const Row<UnaryGradArgs> narrow[] = {
      TAXON_VECTOR_ROWS("unary_grad", false, nullptr, nullptr, unary_grad_bf16),
      {"unary_grad/reference", Needs::baseline, false, nullptr, nullptr,
       reference_grad<float, bf16>}};
  return pick(type, f32, f64, narrow);
}

}  // namespace taxon::kernels
