// Cross-entropy over classes: the tables and the references, which work in double. With g[c] the
// weight that a row gives to -log p[c], the loss is sum_c g[c] * -log p[c] and its gradient p[c] *
// sum(g) - g[c].
#include <taxon/kernels/softmax.h>

#include <cmath>

#include "softmax/vector.h"

namespace taxon::kernels {
namespace {

/// g[c] of row r.
template <class T, class Args>
double coefficient(const Args& g, int64_t r, int64_t c) {
  const auto* weight = static_cast<const T*>(g.class_weight);
  const double w = weight != nullptr ? static_cast<double>(weight[c]) : 1;
  const double uniform = g.smoothing / static_cast<double>(g.cols);
  if (g.soft != nullptr) {
    const auto q = static_cast<double>(static_cast<const T*>(g.soft)[r * g.cols + c]);
    return w * ((1 - g.smoothing) * q + uniform);
  }
  return w * ((g.index[r] == c ? 1 - g.smoothing : 0) + uniform);
}

template <class Args>
bool ignored(const Args& g, int64_t r) {
  return g.soft == nullptr && g.index[r] == g.ignore_index;
}

template <class T>
void log_softmax(const T* x, T* y, int64_t cols) {
  double most = -HUGE_VAL, sum = 0;
  for (int64_t c = 0; c < cols; ++c) {
    const auto v = static_cast<double>(x[c]);
    if (v > most || v != v) most = v;
  }
  for (int64_t c = 0; c < cols; ++c) sum += std::exp(static_cast<double>(x[c]) - most);
  for (int64_t c = 0; c < cols; ++c) {
    y[c] = static_cast<T>(static_cast<double>(x[c]) - most - std::log(sum));
  }
}

template <class T>
void reference(const CrossEntropyArgs& g, const Exec&) {
  for (int64_t r = 0; r < g.rows; ++r) {
    T* log_prob = static_cast<T*>(g.log_prob) + r * g.cols;
    log_softmax(static_cast<const T*>(g.logits) + r * g.cols, log_prob, g.cols);
    double loss = 0, weight = 1;
    if (ignored(g, r)) {
      weight = 0;
    } else {
      for (int64_t c = 0; c < g.cols; ++c) {
        // A class that does not take part must not turn an infinite log p into NaN.
        if (g.soft == nullptr && g.smoothing == 0 && g.index[r] != c) continue;
        loss -= coefficient<T>(g, r, c) * static_cast<double>(log_prob[c]);
      }
      if (g.soft == nullptr && g.class_weight != nullptr) {
        weight = static_cast<double>(static_cast<const T*>(g.class_weight)[g.index[r]]);
      }
    }
    static_cast<T*>(g.loss)[r] = static_cast<T>(loss);
    static_cast<T*>(g.weight)[r] = static_cast<T>(weight);
  }
}

template <class T>
void reference_grad(const CrossEntropyGradArgs& g, const Exec&) {
  for (int64_t r = 0; r < g.rows; ++r) {
    const T* log_prob = static_cast<const T*>(g.log_prob) + r * g.cols;
    T* dlogits = static_cast<T*>(g.dlogits) + r * g.cols;
    const auto scale = static_cast<double>(static_cast<const T*>(g.scale)[r]);
    double total = 0;
    for (int64_t c = 0; c < g.cols; ++c) total += coefficient<T>(g, r, c);
    for (int64_t c = 0; c < g.cols; ++c) {
      const double p = std::exp(static_cast<double>(log_prob[c]));
      dlogits[c] =
          ignored(g, r) ? T(0) : static_cast<T>(scale * (p * total - coefficient<T>(g, r, c)));
    }
  }
}

}  // namespace

Rows<CrossEntropyArgs> cross_entropy_rows(Type type) {
  static const Row<CrossEntropyArgs> f32[] = {
      TAXON_VECTOR_ROWS("cross_entropy", false, nullptr, nullptr, cross_entropy),
      {"cross_entropy/reference", Needs::baseline, false, nullptr, nullptr, reference<float>}};
  static const Row<CrossEntropyArgs> f64[] = {
      {"cross_entropy/reference", Needs::baseline, false, nullptr, nullptr, reference<double>}};
  return pick(type, f32, f64);
}

Rows<CrossEntropyGradArgs> cross_entropy_grad_rows(Type type) {
  static const Row<CrossEntropyGradArgs> f32[] = {
      TAXON_VECTOR_ROWS("cross_entropy_grad", false, nullptr, nullptr, cross_entropy_grad),
      {"cross_entropy_grad/reference", Needs::baseline, false, nullptr, nullptr,
       reference_grad<float>}};
  static const Row<CrossEntropyGradArgs> f64[] = {{"cross_entropy_grad/reference", Needs::baseline,
                                                   false, nullptr, nullptr,
                                                   reference_grad<double>}};
  return pick(type, f32, f64);
}

}  // namespace taxon::kernels
