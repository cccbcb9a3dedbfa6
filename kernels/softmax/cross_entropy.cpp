// Cross-entropy over classes: the table and the reference, which works in double. With g[c] the
// weight that a row gives to -log p[c], the loss is sum_c g[c] * -log p[c] and its gradient p[c] *
// sum(g) - g[c].
#include <taxon/kernels/softmax.h>

#include <cmath>

#include "softmax/vector.h"

namespace taxon::kernels {
namespace {

/// g[c] of row r.
template <class T>
double coefficient(const CrossEntropyArgs& g, int64_t r, int64_t c) {
  const auto* weight = static_cast<const T*>(g.class_weight);
  const double w = weight != nullptr ? static_cast<double>(weight[c]) : 1;
  const double uniform = g.smoothing / static_cast<double>(g.cols);
  if (g.soft != nullptr) {
    const auto q = static_cast<double>(static_cast<const T*>(g.soft)[r * g.cols + c]);
    return w * ((1 - g.smoothing) * q + uniform);
  }
  return w * ((g.index[r] == c ? 1 - g.smoothing : 0) + uniform);
}

bool ignored(const CrossEntropyArgs& g, int64_t r) {
  return g.soft == nullptr && g.index[r] == g.ignore_index;
}

/// What the mean divides by.
template <class T>
double weight_of_rows(const CrossEntropyArgs& g) {
  const auto* weight = static_cast<const T*>(g.class_weight);
  double total = 0;
  for (int64_t r = 0; r < g.rows; ++r) {
    if (ignored(g, r)) continue;
    const bool weighted = g.soft == nullptr && weight != nullptr;
    total += weighted ? static_cast<double>(weight[g.index[r]]) : 1;
  }
  return total;
}

/// log sum exp(x) = most + log_sum.
struct LogSum {
  double most = -HUGE_VAL, log_sum = 0;
};
template <class T>
LogSum log_sum_of(const T* x, int64_t cols) {
  LogSum s;
  double sum = 0;
  for (int64_t c = 0; c < cols; ++c) {
    const auto v = static_cast<double>(x[c]);
    if (v > s.most || v != v) s.most = v;
  }
  for (int64_t c = 0; c < cols; ++c) sum += std::exp(static_cast<double>(x[c]) - s.most);
  s.log_sum = std::log(sum);
  return s;
}

template <class T>
bool hit(const CrossEntropyArgs& g, int64_t r) {
  const T* x = static_cast<const T*>(g.logits) + r * g.cols;
  const int64_t t = g.index[r];
  if (ignored(g, r) || x[t] != x[t]) return false;
  for (int64_t c = 0; c < g.cols; ++c) {
    if (c < t ? x[c] >= x[t] : x[c] > x[t]) return false;
  }
  return true;
}

/// The loss of row r, and its gradient times `scale`.
template <class T>
double row(const CrossEntropyArgs& g, int64_t r, double scale) {
  const T* x = static_cast<const T*>(g.logits) + r * g.cols;
  T* dlogits = g.dlogits != nullptr ? static_cast<T*>(g.dlogits) + r * g.cols : nullptr;
  const LogSum s = log_sum_of(x, g.cols);
  double loss = 0, total = 0;
  for (int64_t c = 0; c < g.cols && !ignored(g, r); ++c) {
    total += coefficient<T>(g, r, c);
    // A class that does not take part must not turn an infinite log p into NaN.
    if (g.soft == nullptr && g.smoothing == 0 && g.index[r] != c) continue;
    loss -= coefficient<T>(g, r, c) * ((static_cast<double>(x[c]) - s.most) - s.log_sum);
  }
  for (int64_t c = 0; c < g.cols && dlogits != nullptr; ++c) {
    const double p = std::exp((static_cast<double>(x[c]) - s.most) - s.log_sum);
    dlogits[c] =
        ignored(g, r) ? T(0) : static_cast<T>(scale * (p * total - coefficient<T>(g, r, c)));
  }
  return loss;
}

template <class T>
void reference(const CrossEntropyArgs& g, const Exec&) {
  const double divisor = g.mean ? weight_of_rows<T>(g) : 1;
  double sum = 0;
  for (int64_t r = 0; r < g.rows; ++r) {
    const double loss = row<T>(g, r, 1 / divisor);
    static_cast<T*>(g.loss)[r] = static_cast<T>(loss);
    sum += loss;
    if (g.hits != nullptr) g.hits[r] = hit<T>(g, r) ? 1 : 0;
  }
  if (g.result != nullptr) *static_cast<T*>(g.result) = static_cast<T>(sum / divisor);
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

}  // namespace taxon::kernels
