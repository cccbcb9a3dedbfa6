// Binary cross-entropy of logits: the tables and the references, which work in double.
#include <taxon/kernels/softmax.h>

#include <cmath>

#include "softmax/vector.h"

namespace taxon::kernels {
namespace {

template <class T, class Args>
double positive_weight(const Args& g, int64_t i) {
  return g.pos_weight != nullptr
             ? static_cast<double>(static_cast<const T*>(g.pos_weight)[i % g.cols])
             : 1;
}

template <class T>
void reference(const BceArgs& g, const Exec&) {
  for (int64_t i = 0; i < g.rows * g.cols; ++i) {
    const auto x = static_cast<double>(static_cast<const T*>(g.x)[i]);
    const auto t = static_cast<double>(static_cast<const T*>(g.target)[i]);
    const double w = 1 + (positive_weight<T>(g, i) - 1) * t;
    // The linear terms first: for a negative that is sure (t = 0, x << 0) they cancel exactly.
    const double linear = (1 - t) * x + w * (x < 0 ? -x : 0);
    static_cast<T*>(g.loss)[i] = static_cast<T>(linear + w * std::log1p(std::exp(-std::fabs(x))));
  }
}

template <class T>
void reference_grad(const BceGradArgs& g, const Exec&) {
  for (int64_t i = 0; i < g.rows * g.cols; ++i) {
    const auto x = static_cast<double>(static_cast<const T*>(g.x)[i]);
    const auto t = static_cast<double>(static_cast<const T*>(g.target)[i]);
    const auto dloss = static_cast<double>(static_cast<const T*>(g.dloss)[i]);
    const double e = std::exp(-std::fabs(x));
    const double sigmoid = x < 0 ? 1 / (1 + e) : e / (1 + e);  // of -x
    const double w = 1 + (positive_weight<T>(g, i) - 1) * t;
    static_cast<T*>(g.dx)[i] = static_cast<T>(dloss * ((1 - t) - w * sigmoid));
  }
}

}  // namespace

Rows<BceArgs> bce_rows(Type type) {
  static const Row<BceArgs> f32[] = {
      TAXON_VECTOR_ROWS("bce", false, nullptr, nullptr, bce),
      {"bce/reference", Needs::baseline, false, nullptr, nullptr, reference<float>}};
  static const Row<BceArgs> f64[] = {
      {"bce/reference", Needs::baseline, false, nullptr, nullptr, reference<double>}};
  return pick(type, f32, f64);
}

Rows<BceGradArgs> bce_grad_rows(Type type) {
  static const Row<BceGradArgs> f32[] = {
      TAXON_VECTOR_ROWS("bce_grad", false, nullptr, nullptr, bce_grad),
      {"bce_grad/reference", Needs::baseline, false, nullptr, nullptr, reference_grad<float>}};
  static const Row<BceGradArgs> f64[] = {
      {"bce_grad/reference", Needs::baseline, false, nullptr, nullptr, reference_grad<double>}};
  return pick(type, f32, f64);
}

}  // namespace taxon::kernels
