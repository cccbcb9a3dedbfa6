// Optimizer updates: the tables and the references.
#include <taxon/kernels/optim.h>

#include <cmath>

#include "optim/vector.h"

namespace taxon::kernels {
namespace {

template <class T>
void reference_sgd(const SgdArgs& a, const Exec&) {
  auto* p = static_cast<T*>(a.p);
  const auto* grad = static_cast<const T*>(a.g);
  auto* v = static_cast<T*>(a.v);
  const T lr = static_cast<T>(a.lr), decay = static_cast<T>(a.weight_decay);
  const T momentum = static_cast<T>(a.momentum), fresh = static_cast<T>(1 - a.dampening);
  for (int64_t i = 0; i < a.n; ++i) {
    T g = grad[i] + decay * p[i];
    if (v != nullptr && a.momentum != 0) {
      v[i] = a.first ? g : momentum * v[i] + fresh * g;
      g = a.nesterov ? g + momentum * v[i] : v[i];
    }
    p[i] -= lr * g;
  }
}

template <class T>
void reference_adamw(const AdamWArgs& a, const Exec&) {
  auto* p = static_cast<T*>(a.p);
  const auto* g = static_cast<const T*>(a.g);
  auto* m = static_cast<T*>(a.m);
  auto* v = static_cast<T*>(a.v);
  const auto t = static_cast<double>(a.step);
  const T step = static_cast<T>(a.lr / (1 - std::pow(a.beta1, t)));
  const T root = static_cast<T>(std::sqrt(1 - std::pow(a.beta2, t)));
  const T keep = static_cast<T>(1 - a.lr * a.weight_decay), eps = static_cast<T>(a.eps);
  const T b1 = static_cast<T>(a.beta1), b2 = static_cast<T>(a.beta2);
  const T c1 = static_cast<T>(1 - a.beta1), c2 = static_cast<T>(1 - a.beta2);
  for (int64_t i = 0; i < a.n; ++i) {
    m[i] = b1 * m[i] + c1 * g[i];
    v[i] = b2 * v[i] + c2 * (g[i] * g[i]);
    p[i] = p[i] * keep - step * (m[i] / (std::sqrt(v[i]) / root + eps));
  }
}

template <class T>
void reference_lerp(const LerpArgs& a, const Exec&) {
  const auto* x = static_cast<const T*>(a.x);
  auto* y = static_cast<T*>(a.y);
  const T weight = static_cast<T>(a.weight);
  for (int64_t i = 0; i < a.n; ++i) y[i] += weight * (x[i] - y[i]);
}

}  // namespace

Rows<SgdArgs> sgd_rows(Type type) {
  static const Row<SgdArgs> f32[] = {
      TAXON_VECTOR_ROWS("sgd", true, nullptr, nullptr, sgd),
      {"sgd/reference", Needs::baseline, true, nullptr, nullptr, reference_sgd<float>}};
  static const Row<SgdArgs> f64[] = {
      {"sgd/reference", Needs::baseline, true, nullptr, nullptr, reference_sgd<double>}};
  return pick(type, f32, f64);
}

Rows<AdamWArgs> adamw_rows(Type type) {
  static const Row<AdamWArgs> f32[] = {
      TAXON_VECTOR_ROWS("adamw", false, nullptr, nullptr, adamw),
      {"adamw/reference", Needs::baseline, false, nullptr, nullptr, reference_adamw<float>}};
  static const Row<AdamWArgs> f64[] = {
      {"adamw/reference", Needs::baseline, false, nullptr, nullptr, reference_adamw<double>}};
  return pick(type, f32, f64);
}

Rows<LerpArgs> lerp_rows(Type type) {
  static const Row<LerpArgs> f32[] = {
      TAXON_VECTOR_ROWS("lerp", true, nullptr, nullptr, lerp),
      {"lerp/reference", Needs::baseline, true, nullptr, nullptr, reference_lerp<float>}};
  static const Row<LerpArgs> f64[] = {
      {"lerp/reference", Needs::baseline, true, nullptr, nullptr, reference_lerp<double>}};
  return pick(type, f32, f64);
}

}  // namespace taxon::kernels
