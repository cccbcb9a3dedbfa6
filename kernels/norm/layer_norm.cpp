// Layer normalisation (Ba, Kiros and Hinton 2016): the tables and the references. Sums are taken in
// double. S is how x, y and their gradients lie in memory, T the type of all else.
#include <taxon/base/dtype.h>
#include <taxon/kernels/norm.h>

#include <cmath>

#include "norm/vector.h"

namespace taxon::kernels {
namespace {

template <class T, class S>
double wide(S x) {
  return static_cast<double>(static_cast<T>(x));
}

template <class T, class S = T>
void reference(const LayerNormArgs& g, const Exec&) {
  const auto* weight = static_cast<const T*>(g.weight);
  const auto* bias = static_cast<const T*>(g.bias);
  const auto n = static_cast<double>(g.cols);
  for (int64_t r = 0; r < g.rows; ++r) {
    const S* x = static_cast<const S*>(g.x) + r * g.cols;
    S* y = static_cast<S*>(g.y) + r * g.cols;
    double mean = 0, squares = 0;
    for (int64_t c = 0; c < g.cols; ++c) mean += wide<T>(x[c]);
    mean /= n;
    for (int64_t c = 0; c < g.cols; ++c) {
      const double d = wide<T>(x[c]) - mean;
      squares += d * d;
    }
    const double rstd = 1 / std::sqrt(squares / n + g.eps);
    static_cast<T*>(g.mean)[r] = static_cast<T>(mean);
    static_cast<T*>(g.rstd)[r] = static_cast<T>(rstd);
    for (int64_t c = 0; c < g.cols; ++c) {
      const double xhat = (wide<T>(x[c]) - mean) * rstd;
      const double scaled = xhat * (weight != nullptr ? static_cast<double>(weight[c]) : 1);
      const double shift = bias != nullptr ? static_cast<double>(bias[c]) : 0;
      y[c] = static_cast<S>(static_cast<T>(scaled + shift));
    }
  }
}

/// The gradient of x within one row.
template <class T, class S>
void row_grad(const LayerNormGradArgs& g, int64_t r) {
  const S* x = static_cast<const S*>(g.x) + r * g.cols;
  const S* dy = static_cast<const S*>(g.dy) + r * g.cols;
  const auto* weight = static_cast<const T*>(g.weight);
  const auto mean = static_cast<double>(static_cast<const T*>(g.mean)[r]);
  const auto rstd = static_cast<double>(static_cast<const T*>(g.rstd)[r]);
  const auto scaled = [&](int64_t c) {
    return wide<T>(dy[c]) * (weight != nullptr ? static_cast<double>(weight[c]) : 1);
  };
  double sum = 0, dot = 0;
  for (int64_t c = 0; c < g.cols; ++c) {
    sum += scaled(c);
    dot += scaled(c) * ((wide<T>(x[c]) - mean) * rstd);
  }
  const double n = static_cast<double>(g.cols);
  for (int64_t c = 0; c < g.cols; ++c) {
    const double xhat = (wide<T>(x[c]) - mean) * rstd;
    static_cast<S*>(g.dx)[r * g.cols + c] =
        static_cast<S>(static_cast<T>(rstd * (scaled(c) - (sum + xhat * dot) / n)));
  }
}

template <class T, class S = T>
void reference_grad(const LayerNormGradArgs& g, const Exec&) {
  if (g.dx != nullptr) {
    for (int64_t r = 0; r < g.rows; ++r) row_grad<T, S>(g, r);
  }
  for (int64_t c = 0; c < g.cols; ++c) {
    double sum = 0, dot = 0;
    for (int64_t r = 0; r < g.rows; ++r) {
      const double dy = wide<T>(static_cast<const S*>(g.dy)[r * g.cols + c]);
      const double x = wide<T>(static_cast<const S*>(g.x)[r * g.cols + c]);
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
  static const Row<LayerNormArgs> narrow[] = {
      TAXON_VECTOR_ROWS("layer_norm", false, nullptr, nullptr, layer_norm_bf16),
      {"layer_norm/reference", Needs::baseline, false, nullptr, nullptr, reference<float, bf16>}};
  return pick(type, f32, f64, narrow);
}

Rows<LayerNormGradArgs> layer_norm_grad_rows(Type type) {
  static const Row<LayerNormGradArgs> f32[] = {
      TAXON_VECTOR_ROWS("layer_norm_grad", false, nullptr, scratch_grad, layer_norm_grad),
      {"layer_norm_grad/reference", Needs::baseline, false, nullptr, nullptr,
       reference_grad<float>}};
  static const Row<LayerNormGradArgs> f64[] = {{"layer_norm_grad/reference", Needs::baseline, false,
                                                nullptr, nullptr, reference_grad<double>}};
  static const Row<LayerNormGradArgs> narrow[] = {
      TAXON_VECTOR_ROWS("layer_norm_grad", false, nullptr, scratch_grad, layer_norm_grad_bf16),
      {"layer_norm_grad/reference", Needs::baseline, false, nullptr, nullptr,
       reference_grad<float, bf16>}};
  return pick(type, f32, f64, narrow);
}

}  // namespace taxon::kernels
