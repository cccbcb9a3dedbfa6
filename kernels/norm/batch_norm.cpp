// Batch normalisation (Ioffe and Szegedy 2015): the tables and the references. Statistics are taken
// in double, in two passes. S is how images lie in memory, T the type of all else.
#include <taxon/base/dtype.h>
#include <taxon/kernels/norm.h>

#include <cmath>

#include "norm/vector.h"

namespace taxon::kernels {
namespace {

template <class T, class S>
void statistics(const BatchNormArgs& g, int64_t c, const S* x) {
  const auto element = [&](int64_t i) {
    return static_cast<double>(static_cast<T>(x[i * g.channels + c]));
  };
  double mean = 0, squares = 0;
  for (int64_t i = 0; i < g.rows; ++i) mean += element(i);
  mean /= static_cast<double>(g.rows);
  for (int64_t i = 0; i < g.rows; ++i) {
    const double d = element(i) - mean;
    squares += d * d;
  }
  static_cast<T*>(g.mean)[c] = static_cast<T>(mean);
  static_cast<T*>(g.var)[c] = static_cast<T>(squares / static_cast<double>(g.rows));
}

template <class T, class S = T>
void reference(const BatchNormArgs& g, const Exec&) {
  const auto* x = static_cast<const S*>(g.x);
  const auto* weight = static_cast<const T*>(g.weight);
  const auto* bias = static_cast<const T*>(g.bias);
  const auto* residual = static_cast<const S*>(g.residual);
  auto* y = static_cast<S*>(g.y);
  for (int64_t c = 0; c < g.channels; ++c) {
    if (g.training) statistics<T>(g, c, x);
    const T mean = static_cast<const T*>(g.mean)[c];
    const double rstd = 1 / std::sqrt(static_cast<double>(static_cast<const T*>(g.var)[c]) + g.eps);
    const T scale = static_cast<T>(rstd * (weight != nullptr ? static_cast<double>(weight[c]) : 1));
    const T shift = bias != nullptr ? bias[c] : T(0);
    for (int64_t i = 0; i < g.rows; ++i) {
      const int64_t at = i * g.channels + c;
      const T value = (static_cast<T>(x[at]) - mean) * scale + shift +
                      (residual != nullptr ? static_cast<T>(residual[at]) : T(0));
      y[at] = static_cast<S>(g.relu && value < 0 ? T(0) : value);
    }
  }
}

/// dy where y > 0, if there was a ReLU.
template <class T, class S>
double masked(const BatchNormGradArgs& g, int64_t at, int64_t c, double rstd) {
  const auto element = [at](const void* p) { return static_cast<T>(static_cast<const S*>(p)[at]); };
  const auto dy = static_cast<double>(element(g.dy));
  if (!g.relu) return dy;
  if (g.y != nullptr) return element(g.y) > 0 ? dy : 0;
  const auto* weight = static_cast<const T*>(g.weight);
  const auto* bias = static_cast<const T*>(g.bias);
  const T scale = static_cast<T>(rstd * (weight != nullptr ? static_cast<double>(weight[c]) : 1));
  const T centred = element(g.x) - static_cast<const T*>(g.mean)[c];
  return centred * scale + (bias != nullptr ? bias[c] : T(0)) > 0 ? dy : 0;
}

template <class T, class S = T>
void reference_grad(const BatchNormGradArgs& g, const Exec&) {
  const auto* x = static_cast<const S*>(g.x);
  const auto* weight = static_cast<const T*>(g.weight);
  auto* dx = static_cast<S*>(g.dx);
  auto* dresidual = static_cast<S*>(g.dresidual);
  for (int64_t c = 0; c < g.channels; ++c) {
    const auto mean = static_cast<double>(static_cast<const T*>(g.mean)[c]);
    const double rstd = 1 / std::sqrt(static_cast<double>(static_cast<const T*>(g.var)[c]) + g.eps);
    double sum = 0, dot = 0;  // of dy, and of dy * (x - mean) * rstd
    for (int64_t i = 0; i < g.rows; ++i) {
      const int64_t at = i * g.channels + c;
      const double d = masked<T, S>(g, at, c, rstd);
      sum += d;
      dot += d * ((static_cast<double>(static_cast<T>(x[at])) - mean) * rstd);
      if (dresidual != nullptr) dresidual[at] = static_cast<S>(static_cast<T>(d));
    }
    if (g.dweight != nullptr) static_cast<T*>(g.dweight)[c] = static_cast<T>(dot);
    if (g.dbias != nullptr) static_cast<T*>(g.dbias)[c] = static_cast<T>(sum);
    if (dx == nullptr) continue;
    const double scale = rstd * (weight != nullptr ? static_cast<double>(weight[c]) : 1);
    const double through = g.training ? 1 / static_cast<double>(g.rows) : 0;
    for (int64_t i = 0; i < g.rows; ++i) {
      const int64_t at = i * g.channels + c;
      const double xhat = (static_cast<double>(static_cast<T>(x[at])) - mean) * rstd;
      const double d = masked<T, S>(g, at, c, rstd);
      dx[at] = static_cast<S>(static_cast<T>(scale * (d - through * (sum + xhat * dot))));
    }
  }
}

size_t scratch(const BatchNormArgs& g, int) {
  return static_cast<size_t>(norm_scratch(g.rows, g.channels));
}
size_t scratch_grad(const BatchNormGradArgs& g, int) {
  return static_cast<size_t>(norm_scratch(g.rows, g.channels));
}
const char* declines(const BatchNormArgs& g) {
  return g.rows < 1 ? "no rows" : nullptr;
}
const char* declines_grad(const BatchNormGradArgs& g) {
  return g.rows < 1 ? "no rows" : nullptr;
}

}  // namespace

Rows<BatchNormArgs> batch_norm_rows(Type type) {
  static const Row<BatchNormArgs> f32[] = {
      TAXON_VECTOR_ROWS("batch_norm", false, declines, scratch, batch_norm),
      {"batch_norm/reference", Needs::baseline, false, nullptr, nullptr, reference<float>}};
  static const Row<BatchNormArgs> f64[] = {
      {"batch_norm/reference", Needs::baseline, false, nullptr, nullptr, reference<double>}};
  static const Row<BatchNormArgs> narrow[] = {
      TAXON_VECTOR_ROWS("batch_norm", false, declines, scratch, batch_norm_bf16),
      {"batch_norm/reference", Needs::baseline, false, nullptr, nullptr, reference<float, bf16>}};
  return pick(type, f32, f64, narrow);
}

Rows<BatchNormGradArgs> batch_norm_grad_rows(Type type) {
  static const Row<BatchNormGradArgs> f32[] = {
      TAXON_VECTOR_ROWS("batch_norm_grad", false, declines_grad, scratch_grad, batch_norm_grad),
      {"batch_norm_grad/reference", Needs::baseline, false, nullptr, nullptr,
       reference_grad<float>}};
  static const Row<BatchNormGradArgs> f64[] = {{"batch_norm_grad/reference", Needs::baseline, false,
                                                nullptr, nullptr, reference_grad<double>}};
  static const Row<BatchNormGradArgs> narrow[] = {
      TAXON_VECTOR_ROWS("batch_norm_grad", false, declines_grad, scratch_grad,
                        batch_norm_grad_bf16),
      {"batch_norm_grad/reference", Needs::baseline, false, nullptr, nullptr,
       reference_grad<float, bf16>}};
  return pick(type, f32, f64, narrow);
}

}  // namespace taxon::kernels
