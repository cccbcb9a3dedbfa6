// Optimizer updates: the tables and the references.
#include <taxon/kernels/optim.h>

#include <cmath>

#include "optim/vector.h"

namespace taxon::kernels {
namespace {

template <class T>
void update(const SgdArgs& a, const SgdTensor& t) {
  auto* p = static_cast<T*>(t.p);
  const auto* grad = static_cast<const T*>(t.g);
  auto* v = static_cast<T*>(t.v);
  const T lr = static_cast<T>(t.lr), decay = static_cast<T>(t.weight_decay);
  const T momentum = static_cast<T>(a.momentum), fresh = static_cast<T>(1 - a.dampening);
  for (int64_t i = 0; i < t.n; ++i) {
    T g = grad[i] + decay * p[i];
    if (a.momentum != 0) {
      v[i] = t.first ? g : momentum * v[i] + fresh * g;
      g = a.nesterov ? g + momentum * v[i] : v[i];
    }
    p[i] -= lr * g;
  }
}

template <class T>
void update(const AdamWArgs& a, const AdamWTensor& t) {
  auto* p = static_cast<T*>(t.p);
  const auto* g = static_cast<const T*>(t.g);
  auto* m = static_cast<T*>(t.m);
  auto* v = static_cast<T*>(t.v);
  const T rate = static_cast<T>(t.rate), root = static_cast<T>(t.root);
  const T keep = static_cast<T>(t.keep), eps = static_cast<T>(a.eps);
  const T b1 = static_cast<T>(a.beta1), b2 = static_cast<T>(a.beta2);
  const T c1 = static_cast<T>(1 - a.beta1), c2 = static_cast<T>(1 - a.beta2);
  for (int64_t i = 0; i < t.n; ++i) {
    m[i] = b1 * m[i] + c1 * g[i];
    v[i] = b2 * v[i] + c2 * (g[i] * g[i]);
    p[i] = p[i] * keep - rate * (m[i] / (std::sqrt(v[i]) / root + eps));
  }
}

template <class T>
void update(const LerpArgs& a, const LerpTensor& t) {
  const auto* x = static_cast<const T*>(t.x);
  auto* y = static_cast<T*>(t.y);
  const T weight = static_cast<T>(a.weight);
  for (int64_t i = 0; i < t.n; ++i) y[i] += weight * (x[i] - y[i]);
}

template <class T, class Args>
void reference(const Args& a, const Exec&) {
  for (int64_t i = 0; i < a.count; ++i) update<T>(a, a.tensors[i]);
}

}  // namespace

Rows<SgdArgs> sgd_rows(Type type) {
  static const Row<SgdArgs> f32[] = {
      TAXON_VECTOR_ROWS("sgd", true, nullptr, nullptr, sgd),
      {"sgd/reference", Needs::baseline, true, nullptr, nullptr, reference<float>}};
  static const Row<SgdArgs> f64[] = {
      {"sgd/reference", Needs::baseline, true, nullptr, nullptr, reference<double>}};
  return pick(type, f32, f64);
}

Rows<AdamWArgs> adamw_rows(Type type) {
  static const Row<AdamWArgs> f32[] = {
      TAXON_VECTOR_ROWS("adamw", false, nullptr, nullptr, adamw),
      {"adamw/reference", Needs::baseline, false, nullptr, nullptr, reference<float>}};
  static const Row<AdamWArgs> f64[] = {
      {"adamw/reference", Needs::baseline, false, nullptr, nullptr, reference<double>}};
  return pick(type, f32, f64);
}

Rows<LerpArgs> lerp_rows(Type type) {
  static const Row<LerpArgs> f32[] = {
      TAXON_VECTOR_ROWS("lerp", true, nullptr, nullptr, lerp),
      {"lerp/reference", Needs::baseline, true, nullptr, nullptr, reference<float>}};
  static const Row<LerpArgs> f64[] = {
      {"lerp/reference", Needs::baseline, true, nullptr, nullptr, reference<double>}};
  return pick(type, f32, f64);
}

}  // namespace taxon::kernels
