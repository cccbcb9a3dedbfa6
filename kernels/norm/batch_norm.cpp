// Batch normalisation (Ioffe and Szegedy 2015): the tables and the references. Statistics are taken
// in double, in two passes.
#include <taxon/kernels/norm.h>

#include <cmath>

#include "norm/vector.h"

namespace taxon::kernels {
namespace {

template <class T>
void statistics(const BatchNormArgs& g, int64_t c, const T* x) {
  double mean = 0, squares = 0;
  for (int64_t i = 0; i < g.rows; ++i) mean += static_cast<double>(x[i * g.channels + c]);
  mean /= static_cast<double>(g.rows);
  for (int64_t i = 0; i < g.rows; ++i) {
    const double d = static_cast<double>(x[i * g.channels + c]) - mean;
    squares += d * d;
  }
  static_cast<T*>(g.mean)[c] = static_cast<T>(mean);
  static_cast<T*>(g.var)[c] = static_cast<T>(squares / static_cast<double>(g.rows));
}

template <class T>
void reference(const BatchNormArgs& g, const Exec&) {
  const auto* x = static_cast<const T*>(g.x);
  const auto* weight = static_cast<const T*>(g.weight);
  const auto* bias = static_cast<const T*>(g.bias);
  const auto* residual = static_cast<const T*>(g.residual);
  auto* y = static_cast<T*>(g.y);
  for (int64_t c = 0; c < g.channels; ++c) {
    if (g.training) statistics(g, c, x);
    const T mean = static_cast<const T*>(g.mean)[c];
    const double rstd = 1 / std::sqrt(static_cast<double>(static_cast<const T*>(g.var)[c]) + g.eps);
    const T scale = static_cast<T>(rstd * (weight != nullptr ? static_cast<double>(weight[c]) : 1));
    const T shift = bias != nullptr ? bias[c] : T(0);
    for (int64_t i = 0; i < g.rows; ++i) {
      const int64_t at = i * g.channels + c;
      const T value = (x[at] - mean) * scale + shift + (residual != nullptr ? residual[at] : T(0));
      y[at] = g.relu && value < 0 ? T(0) : value;
    }
  }
}

/// dy where y > 0, if there was a ReLU.
template <class T>
double masked(const BatchNormGradArgs& g, int64_t at, int64_t c, double rstd) {
  const auto dy = static_cast<double>(static_cast<const T*>(g.dy)[at]);
  if (!g.relu) return dy;
  if (g.y != nullptr) return static_cast<const T*>(g.y)[at] > 0 ? dy : 0;
  const auto* weight = static_cast<const T*>(g.weight);
  const auto* bias = static_cast<const T*>(g.bias);
  const T scale = static_cast<T>(rstd * (weight != nullptr ? static_cast<double>(weight[c]) : 1));
  const T centred = static_cast<const T*>(g.x)[at] - static_cast<const T*>(g.mean)[c];
  return centred * scale + (bias != nullptr ? bias[c] : T(0)) > 0 ? dy : 0;
}

template <class T>
void reference_grad(const BatchNormGradArgs& g, const Exec&) {
  const auto* x = static_cast<const T*>(g.x);
  const auto* weight = static_cast<const T*>(g.weight);
  auto* dx = static_cast<T*>(g.dx);
  for (int64_t c = 0; c < g.channels; ++c) {
    const auto mean = static_cast<double>(static_cast<const T*>(g.mean)[c]);
    const double rstd = 1 / std::sqrt(static_cast<double>(static_cast<const T*>(g.var)[c]) + g.eps);
    double sum = 0, dot = 0;  // of dy, and of dy * (x - mean) * rstd
    for (int64_t i = 0; i < g.rows; ++i) {
      const int64_t at = i * g.channels + c;
      const double d = masked<T>(g, at, c, rstd);
      sum += d;
      dot += d * ((static_cast<double>(x[at]) - mean) * rstd);
      if (g.dresidual != nullptr) static_cast<T*>(g.dresidual)[at] = static_cast<T>(d);
    }
    if (g.dweight != nullptr) static_cast<T*>(g.dweight)[c] = static_cast<T>(dot);
    if (g.dbias != nullptr) static_cast<T*>(g.dbias)[c] = static_cast<T>(sum);
    if (dx == nullptr) continue;
    const double scale = rstd * (weight != nullptr ? static_cast<double>(weight[c]) : 1);
    const double through = g.training ? 1 / static_cast<double>(g.rows) : 0;
    for (int64_t i = 0; i < g.rows; ++i) {
      const int64_t at = i * g.channels + c;
      const double xhat = (static_cast<double>(x[at]) - mean) * rstd;
      dx[at] = static_cast<T>(scale * (masked<T>(g, at, c, rstd) - through * (sum + xhat * dot)));
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
  return pick(type, f32, f64);
}

Rows<BatchNormGradArgs> batch_norm_grad_rows(Type type) {
  static const Row<BatchNormGradArgs> f32[] = {
      TAXON_VECTOR_ROWS("batch_norm_grad", false, declines_grad, scratch_grad, batch_norm_grad),
      {"batch_norm_grad/reference", Needs::baseline, false, nullptr, nullptr,
       reference_grad<float>}};
  static const Row<BatchNormGradArgs> f64[] = {{"batch_norm_grad/reference", Needs::baseline, false,
                                                nullptr, nullptr, reference_grad<double>}};
  return pick(type, f32, f64);
}

}  // namespace taxon::kernels
