// Softmax and log-softmax: the tables and the references, which work in double.
#include <taxon/kernels/softmax.h>

#include <cmath>

#include "softmax/vector.h"

namespace taxon::kernels {
namespace {

template <class T>
void reference(const SoftmaxArgs& g, const Exec&) {
  for (int64_t at = 0; at < g.outer * g.inner; ++at) {
    const int64_t first = at / g.inner * g.axis * g.inner + at % g.inner;
    const T* x = static_cast<const T*>(g.x) + first;
    T* y = static_cast<T*>(g.y) + first;
    double most = -HUGE_VAL, sum = 0;
    for (int64_t c = 0; c < g.axis; ++c) {
      const auto v = static_cast<double>(x[c * g.inner]);
      if (v > most || v != v) most = v;
    }
    for (int64_t c = 0; c < g.axis; ++c) {
      sum += std::exp(static_cast<double>(x[c * g.inner]) - most);
    }
    for (int64_t c = 0; c < g.axis; ++c) {
      const double d = static_cast<double>(x[c * g.inner]) - most;
      y[c * g.inner] = static_cast<T>(g.log ? d - std::log(sum) : std::exp(d) / sum);
    }
  }
}

template <class T>
void reference_grad(const SoftmaxGradArgs& g, const Exec&) {
  for (int64_t at = 0; at < g.outer * g.inner; ++at) {
    const int64_t first = at / g.inner * g.axis * g.inner + at % g.inner;
    const T* y = static_cast<const T*>(g.y) + first;
    const T* dy = static_cast<const T*>(g.dy) + first;
    T* dx = static_cast<T*>(g.dx) + first;
    double sum = 0;  // of dy, or of dy * y
    for (int64_t c = 0; c < g.axis; ++c) {
      const auto d = static_cast<double>(dy[c * g.inner]);
      sum += g.log ? d : d * static_cast<double>(y[c * g.inner]);
    }
    for (int64_t c = 0; c < g.axis; ++c) {
      const auto d = static_cast<double>(dy[c * g.inner]);
      const auto v = static_cast<double>(y[c * g.inner]);
      dx[c * g.inner] = static_cast<T>(g.log ? d - std::exp(v) * sum : v * (d - sum));
    }
  }
}

const char* declines(const SoftmaxArgs& g) {
  return g.inner != 1 ? "not the last axis" : nullptr;
}
const char* declines_grad(const SoftmaxGradArgs& g) {
  return g.inner != 1 ? "not the last axis" : nullptr;
}

}  // namespace

Rows<SoftmaxArgs> softmax_rows(Type type) {
  static const Row<SoftmaxArgs> f32[] = {
      TAXON_VECTOR_ROWS("softmax", false, declines, nullptr, softmax),
      {"softmax/reference", Needs::baseline, false, nullptr, nullptr, reference<float>}};
  static const Row<SoftmaxArgs> f64[] = {
      {"softmax/reference", Needs::baseline, false, nullptr, nullptr, reference<double>}};
  return pick(type, f32, f64);
}

Rows<SoftmaxGradArgs> softmax_grad_rows(Type type) {
  static const Row<SoftmaxGradArgs> f32[] = {
      TAXON_VECTOR_ROWS("softmax_grad", false, declines_grad, nullptr, softmax_grad),
      {"softmax_grad/reference", Needs::baseline, false, nullptr, nullptr, reference_grad<float>}};
  static const Row<SoftmaxGradArgs> f64[] = {
      {"softmax_grad/reference", Needs::baseline, false, nullptr, nullptr, reference_grad<double>}};
  return pick(type, f32, f64);
}

}  // namespace taxon::kernels
