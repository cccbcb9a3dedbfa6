// Layer normalisation (Ba, Kiros and Hinton 2016): the tables and the references. Sums are taken in
// double.
#include <taxon/kernels/norm.h>

#include <cmath>

#include "norm/vector.h"

namespace taxon::kernels {
namespace {

template <class T>
void reference(const LayerNormArgs& g, const Exec&) {
  const auto* weight = static_cast<const T*>(g.weight);
  const auto* bias = static_cast<const T*>(g.bias);
  const auto n = static_cast<double>(g.cols);
  for (int64_t r = 0; r < g.rows; ++r) {
    const T* x = static_cast<const T*>(g.x) + r * g.cols;
    T* y = static_cast<T*>(g.y) + r * g.cols;
    double mean = 0, squares = 0;
    for (int64_t c = 0; c < g.cols; ++c) mean += static_cast<double>(x[c]);
    mean /= n;
    for (int64_t c = 0; c < g.cols; ++c) {
      const double d = static_cast<double>(x[c]) - mean;
      squares += d * d;
    }
    const double rstd = 1 / std::sqrt(squares / n + g.eps);
    static_cast<T*>(g.mean)[r] = static_cast<T>(mean);
    static_cast<T*>(g.rstd)[r] = static_cast<T>(rstd);
    for (int64_t c = 0; c < g.cols; ++c) {
      const double xhat = (static_cast<double>(x[c]) - mean) * rstd;
      y[c] = static_cast<T>(xhat * (weight != nullptr ? static_cast<double>(weight[c]) : 1) +
                            (bias != nullptr ? static_cast<double>(bias[c]) : 0));
    }
  }
}

/// The gradient of x within one row.
template <class T>
void row_grad(const LayerNormGradArgs& g, int64_t r) {
  const T* x = static_cast<const T*>(g.x) + r * g.cols;
  const T* dy = static_cast<const T*>(g.dy) + r * g.cols;
  const auto* weight = static_cast<const T*>(g.weight);
  const auto mean = static_cast<double>(static_cast<const T*>(g.mean)[r]);
  const auto rstd = static_cast<double>(static_cast<const T*>(g.rstd)[r]);
  const auto scaled = [&](int64_t c) {
    return static_cast<double>(dy[c]) * (weight != nullptr ? static_cast<double>(weight[c]) : 1);
  };
  double sum = 0, dot = 0;
  for (int64_t c = 0; c < g.cols; ++c) {
    sum += scaled(c);
    dot += scaled(c) * ((static_cast<double>(x[c]) - mean) * rstd);
  }
  const double n = static_cast<double>(g.cols);
  for (int64_t c = 0; c < g.cols; ++c) {
    const double xhat = (static_cast<double>(x[c]) - mean) * rstd;
    static_cast<T*>(g.dx)[r * g.cols + c] =
        static_cast<T>(rstd * (scaled(c) - (sum + xhat * dot) / n));
  }
}

template <class T>
void reference_grad(const LayerNormGradArgs& g, const Exec&) {
  if (g.dx != nullptr) {
    for (int64_t r = 0; r < g.rows; ++r) row_grad<T>(g, r);
  }
  for (int64_t c = 0; c < g.cols; ++c) {
    double sum = 0, dot = 0;
    for (int64_t r = 0; r < g.rows; ++r) {
      const auto dy = static_cast<double>(static_cast<const T*>(g.dy)[r * g.cols + c]);
      const auto x = static_cast<double>(static_cast<const T*>(g.x)[r * g.cols + c]);
      sum += dy;
      dot += dy * ((x - static_cast<double>(static_cast<const T*>(g.mean)[r])) *
                   static_cast<double>(static_cast<const T*>(g.rstd)[r]));
    }
    if (g.dweight != nullptr) static_cast<T*>(g.dweight)[c] = static_cast<T>(dot);
    if (g.dbias != nullptr) static_cast<T*>(g.dbias)[c] = static_cast<T>(sum);
  }
}

size_t scratch_grad(const LayerNormGradArgs& g, int) {
  return static_cast<size_t>(norm_scratch(g.rows, g.cols));
}

}  // namespace

Rows<LayerNormArgs> layer_norm_rows(Type type) {
  static const Row<LayerNormArgs> f32[] = {
      TAXON_VECTOR_ROWS("layer_norm", false, nullptr, nullptr, layer_norm),
      {"layer_norm/reference", Needs::baseline, false, nullptr, nullptr, reference<float>}};
  static const Row<LayerNormArgs> f64[] = {
      {"layer_norm/reference", Needs::baseline, false, nullptr, nullptr, reference<double>}};
  return pick(type, f32, f64);
}

Rows<LayerNormGradArgs> layer_norm_grad_rows(Type type) {
  static const Row<LayerNormGradArgs> f32[] = {
      TAXON_VECTOR_ROWS("layer_norm_grad", false, nullptr, scratch_grad, layer_norm_grad),
      {"layer_norm_grad/reference", Needs::baseline, false, nullptr, nullptr,
       reference_grad<float>}};
  static const Row<LayerNormGradArgs> f64[] = {{"layer_norm_grad/reference", Needs::baseline, false,
                                                nullptr, nullptr, reference_grad<double>}};
  return pick(type, f32, f64);
}

}  // namespace taxon::kernels
