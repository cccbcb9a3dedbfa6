// Unary functions and their gradients on vectors. T is how elements lie in memory: float, or Bf16.
#include "pointwise/vector.h"
#include "simd/math.h"

namespace taxon::kernels {
namespace {

template <class T, class F>
TAXON_INLINE void map(const UnaryArgs& g, const Exec& exec, F f) {
  const T* x = static_cast<const T*>(g.x);
  T* y = static_cast<T*>(g.y);
  const auto step = [&](int64_t i, auto part) { part.store(y + i, f(part.load(x + i))); };
  if (x != y) return parallel_map(exec, y, g.n, step);
  parallel_elements(exec, g.n, [&](int64_t begin, int64_t end) { each(begin, end, step); });
}

/// dx = f(dy, s), s being x or y.
template <class T, class F>
TAXON_INLINE void map_grad(const UnaryGradArgs& g, const Exec& exec, const void* source, F f) {
  const T* s = static_cast<const T*>(source);
  const T* dy = static_cast<const T*>(g.dy);
  T* dx = static_cast<T*>(g.dx);
  const auto step = [&](int64_t i, auto part) {
    part.store(dx + i, f(part.load(dy + i), part.load(s + i)));
  };
  if (dx != dy && dx != s) return parallel_map(exec, dx, g.n, step);
  parallel_elements(exec, g.n, [&](int64_t begin, int64_t end) { each(begin, end, step); });
}

TAXON_INLINE Vec power(Vec x, float a) {
  for (int64_t i = 0; i < lanes; ++i) x[i] = __builtin_powf(x[i], a);
  return x;
}

template <class T>
void pow_scalar(const UnaryArgs& g, const Exec& exec) {
  const float a = static_cast<float>(g.a);
  if (a == 2) return map<T>(g, exec, [](Vec x) { return x * x; });
  map<T>(g, exec, [=](Vec x) { return power(x, a); });
}

template <class T>
void pow_scalar_grad(const UnaryGradArgs& g, const Exec& exec) {
  const float a = static_cast<float>(g.a);
  if (a == 2) return map_grad<T>(g, exec, g.x, [](Vec d, Vec x) { return d * (2.0f * x); });
  if (a == 0) return map_grad<T>(g, exec, g.x, [](Vec d, Vec) { return d * 0.0f; });
  map_grad<T>(g, exec, g.x, [=](Vec d, Vec x) { return d * (a * power(x, a - 1)); });
}

TAXON_INLINE Vec gelu(Vec x) {
  Vec density;
  return x * normal_cdf(x, &density);
}
TAXON_INLINE Vec gelu_slope(Vec x) {
  Vec density;
  const Vec cdf = normal_cdf(x, &density);
  return fma(x, density * 0.398942280401432678f, cdf);
}
TAXON_INLINE Vec silu_slope(Vec x) {
  const Vec s = sigmoid(x);
  return s * fma(x, 1.0f - s, broadcast(1.0f));
}

template <class T>
void values(const UnaryArgs& g, const Exec& exec) {
  const float a = static_cast<float>(g.a), b = static_cast<float>(g.b);
  switch (g.op) {
    case Unary::add_scalar:
      return map<T>(g, exec, [=](Vec x) { return x + a; });
    case Unary::mul_scalar:
      return map<T>(g, exec, [=](Vec x) { return x * a; });
    case Unary::rsub_scalar:
      return map<T>(g, exec, [=](Vec x) { return a - x; });
    case Unary::rdiv_scalar:
      return map<T>(g, exec, [=](Vec x) { return a / x; });
    case Unary::pow_scalar:
      return pow_scalar<T>(g, exec);
    case Unary::exp:
      return map<T>(g, exec, [](Vec x) { return exp(x); });
    case Unary::log:
      return map<T>(g, exec, [](Vec x) { return log(x); });
    case Unary::sqrt:
      return map<T>(g, exec, [](Vec x) { return sqrt(x); });
    case Unary::tanh:
      return map<T>(g, exec, [](Vec x) { return tanh(x); });
    case Unary::sigmoid:
      return map<T>(g, exec, [](Vec x) { return sigmoid(x); });
    case Unary::relu:
      return map<T>(g, exec, [](Vec x) { return max(Vec{}, x); });
    case Unary::gelu:
      return map<T>(g, exec, [](Vec x) { return gelu(x); });
    case Unary::silu:
      return map<T>(g, exec, [](Vec x) { return x * sigmoid(x); });
    case Unary::clamp:
      return map<T>(g, exec, [=](Vec x) { return min(broadcast(b), max(broadcast(a), x)); });
  }
}

template <class T>
void gradients(const UnaryGradArgs& g, const Exec& exec) {
  const float a = static_cast<float>(g.a), b = static_cast<float>(g.b);
  switch (g.op) {
    case Unary::add_scalar:
      return map_grad<T>(g, exec, g.dy, [](Vec d, Vec) { return d; });
    case Unary::mul_scalar:
      return map_grad<T>(g, exec, g.dy, [=](Vec d, Vec) { return d * a; });
    case Unary::rsub_scalar:
      return map_grad<T>(g, exec, g.dy, [](Vec d, Vec) { return -d; });
    case Unary::rdiv_scalar:
      return map_grad<T>(g, exec, g.x, [=](Vec d, Vec x) { return d * (-a / (x * x)); });
    case Unary::pow_scalar:
      return pow_scalar_grad<T>(g, exec);
    case Unary::exp:
      return map_grad<T>(g, exec, g.y, [](Vec d, Vec y) { return d * y; });
    case Unary::log:
      return map_grad<T>(g, exec, g.x, [](Vec d, Vec x) { return d / x; });
    case Unary::sqrt:
      return map_grad<T>(g, exec, g.y, [](Vec d, Vec y) { return d * (0.5f / y); });
    case Unary::tanh:
      return map_grad<T>(g, exec, g.y,
                         [](Vec d, Vec y) { return d * fma(-y, y, broadcast(1.0f)); });
    case Unary::sigmoid:
      return map_grad<T>(g, exec, g.y, [](Vec d, Vec y) { return d * (y * (1.0f - y)); });
    case Unary::relu:
      return map_grad<T>(g, exec, g.y, [](Vec d, Vec y) { return select(y > 0.0f, d, Vec{}); });
    case Unary::gelu:
      return map_grad<T>(g, exec, g.x, [](Vec d, Vec x) { return d * gelu_slope(x); });
    case Unary::silu:
      return map_grad<T>(g, exec, g.x, [](Vec d, Vec x) { return d * silu_slope(x); });
    case Unary::clamp:
      return map_grad<T>(g, exec, g.x,
                         [=](Vec d, Vec x) { return select((x >= a) & (x <= b), d, Vec{}); });
  }
}

}  // namespace

namespace TAXON_ISA {

void unary(const UnaryArgs& g, const Exec& exec) {
  values<float>(g, exec);
}
void unary_bf16(const UnaryArgs& g, const Exec& exec) {
  values<Bf16>(g, exec);
}
void unary_grad(const UnaryGradArgs& g, const Exec& exec) {
  gradients<float>(g, exec);
}
void unary_grad_bf16(const UnaryGradArgs& g, const Exec& exec) {
  gradients<Bf16>(g, exec);
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels
