// Average pooling with a fixed window and adaptive average pooling: the tables and the references.
#include <taxon/kernels/pool.h>

#include "pool/vector.h"
#include "pool/window.h"

namespace taxon::kernels {
namespace {

/// The sum over a window of one channel, in double.
template <class T, class Args>
double sum_of(const Args& g, const T* image, Range rows, Range cols, int64_t c) {
  double sum = 0;
  for (int64_t h = rows.first; h < rows.last; ++h) {
    for (int64_t w = cols.first; w < cols.last; ++w) {
      sum += static_cast<double>(image[(h * g.w + w) * g.c + c]);
    }
  }
  return sum;
}

template <class T>
void reference(const PoolArgs& g, const Exec&) {
  for (int64_t at = 0; at < g.n * g.oh * g.ow * g.c; ++at) {
    const int64_t c = at % g.c, j = at / g.c % g.ow, i = at / (g.c * g.ow) % g.oh;
    const T* image = static_cast<const T*>(g.x) + at / (g.c * g.ow * g.oh) * g.h * g.w * g.c;
    const double sum = sum_of(g, image, window(i, g.r, g.stride_h, g.pad_h, g.h),
                              window(j, g.s, g.stride_w, g.pad_w, g.w), c);
    static_cast<T*>(g.y)[at] = static_cast<T>(sum / static_cast<double>(divisor(g, i, j)));
  }
}

template <class T>
void reference_grad(const PoolGradArgs& g, const Exec&) {
  auto* dx = static_cast<T*>(g.dx);
  for (int64_t i = 0; i < g.n * g.h * g.w * g.c; ++i) dx[i] = 0;
  for (int64_t at = 0; at < g.n * g.oh * g.ow * g.c; ++at) {
    const int64_t c = at % g.c, j = at / g.c % g.ow, i = at / (g.c * g.ow) % g.oh;
    T* image = dx + at / (g.c * g.ow * g.oh) * g.h * g.w * g.c;
    const T share = static_cast<const T*>(g.dy)[at] / static_cast<T>(divisor(g, i, j));
    const Range rows = window(i, g.r, g.stride_h, g.pad_h, g.h);
    const Range cols = window(j, g.s, g.stride_w, g.pad_w, g.w);
    for (int64_t h = rows.first; h < rows.last; ++h) {
      for (int64_t w = cols.first; w < cols.last; ++w) image[(h * g.w + w) * g.c + c] += share;
    }
  }
}

template <class T>
void reference_adaptive(const AdaptiveAvgPoolArgs& g, const Exec&) {
  for (int64_t at = 0; at < g.n * g.oh * g.ow * g.c; ++at) {
    const int64_t c = at % g.c, j = at / g.c % g.ow, i = at / (g.c * g.ow) % g.oh;
    const T* image = static_cast<const T*>(g.x) + at / (g.c * g.ow * g.oh) * g.h * g.w * g.c;
    const Range rows = cell(i, g.h, g.oh), cols = cell(j, g.w, g.ow);
    const int64_t size = (rows.last - rows.first) * (cols.last - cols.first);
    static_cast<T*>(g.y)[at] =
        static_cast<T>(sum_of(g, image, rows, cols, c) / static_cast<double>(size));
  }
}

template <class T>
void reference_adaptive_grad(const AdaptiveAvgPoolArgs& g, const Exec&) {
  auto* dx = static_cast<T*>(g.y);
  for (int64_t i = 0; i < g.n * g.h * g.w * g.c; ++i) dx[i] = 0;
  for (int64_t at = 0; at < g.n * g.oh * g.ow * g.c; ++at) {
    const int64_t c = at % g.c, j = at / g.c % g.ow, i = at / (g.c * g.ow) % g.oh;
    T* image = dx + at / (g.c * g.ow * g.oh) * g.h * g.w * g.c;
    const Range rows = cell(i, g.h, g.oh), cols = cell(j, g.w, g.ow);
    const int64_t size = (rows.last - rows.first) * (cols.last - cols.first);
    const T share = static_cast<const T*>(g.x)[at] / static_cast<T>(size);
    for (int64_t h = rows.first; h < rows.last; ++h) {
      for (int64_t w = cols.first; w < cols.last; ++w) image[(h * g.w + w) * g.c + c] += share;
    }
  }
}

}  // namespace

Rows<PoolArgs> avg_pool_rows(Type type) {
  static const Row<PoolArgs> f32[] = {
      TAXON_VECTOR_ROWS("avg_pool", true, nullptr, nullptr, avg_pool),
      {"avg_pool/reference", Needs::baseline, true, nullptr, nullptr, reference<float>}};
  static const Row<PoolArgs> f64[] = {
      {"avg_pool/reference", Needs::baseline, true, nullptr, nullptr, reference<double>}};
  return pick(type, f32, f64);
}

Rows<PoolGradArgs> avg_pool_grad_rows(Type type) {
  static const Row<PoolGradArgs> f32[] = {
      TAXON_VECTOR_ROWS("avg_pool_grad", true, nullptr, nullptr, avg_pool_grad),
      {"avg_pool_grad/reference", Needs::baseline, true, nullptr, nullptr, reference_grad<float>}};
  static const Row<PoolGradArgs> f64[] = {
      {"avg_pool_grad/reference", Needs::baseline, true, nullptr, nullptr, reference_grad<double>}};
  return pick(type, f32, f64);
}

Rows<AdaptiveAvgPoolArgs> adaptive_avg_pool_rows(Type type) {
  static const Row<AdaptiveAvgPoolArgs> f32[] = {
      TAXON_VECTOR_ROWS("adaptive_avg_pool", true, nullptr, nullptr, adaptive_avg_pool),
      {"adaptive_avg_pool/reference", Needs::baseline, true, nullptr, nullptr,
       reference_adaptive<float>}};
  static const Row<AdaptiveAvgPoolArgs> f64[] = {{"adaptive_avg_pool/reference", Needs::baseline,
                                                  true, nullptr, nullptr,
                                                  reference_adaptive<double>}};
  return pick(type, f32, f64);
}

Rows<AdaptiveAvgPoolArgs> adaptive_avg_pool_grad_rows(Type type) {
  static const Row<AdaptiveAvgPoolArgs> f32[] = {
      TAXON_VECTOR_ROWS("adaptive_avg_pool_grad", true, nullptr, nullptr, adaptive_avg_pool_grad),
      {"adaptive_avg_pool_grad/reference", Needs::baseline, true, nullptr, nullptr,
       reference_adaptive_grad<float>}};
  static const Row<AdaptiveAvgPoolArgs> f64[] = {{"adaptive_avg_pool_grad/reference",
                                                  Needs::baseline, true, nullptr, nullptr,
                                                  reference_adaptive_grad<double>}};
  return pick(type, f32, f64);
}

}  // namespace taxon::kernels
