// Average pooling with a fixed window and adaptive average pooling: the tables and the references.
// T is the type of the arithmetic, S how elements lie in memory.
#include <taxon/base/dtype.h>
#include <taxon/kernels/pool.h>

#include "pool/vector.h"
#include "pool/window.h"

namespace taxon::kernels {
namespace {

/// The sum over a window of one channel, in double.
template <class T, class S, class Args>
double sum_of(const Args& g, const S* image, Range rows, Range cols, int64_t c) {
  double sum = 0;
  for (int64_t h = rows.first; h < rows.last; ++h) {
    for (int64_t w = cols.first; w < cols.last; ++w) {
      sum += static_cast<double>(static_cast<T>(image[(h * g.w + w) * g.c + c]));
    }
  }
  return sum;
}

/// Calls average(image, i, j, c) for each output.
template <class T, class S, class Args, class F>
void each_output(const Args& g, F average) {
  for (int64_t at = 0; at < g.n * g.oh * g.ow * g.c; ++at) {
    const int64_t c = at % g.c, j = at / g.c % g.ow, i = at / (g.c * g.ow) % g.oh;
    const S* image = static_cast<const S*>(g.x) + at / (g.c * g.ow * g.oh) * g.h * g.w * g.c;
    static_cast<S*>(g.y)[at] = static_cast<S>(static_cast<T>(average(image, i, j, c)));
  }
}

template <class T, class S = T>
void reference(const PoolArgs& g, const Exec&) {
  each_output<T, S>(g, [&](const S* image, int64_t i, int64_t j, int64_t c) {
    return sum_of<T>(g, image, window(i, g.r, g.stride_h, g.pad_h, g.h),
                     window(j, g.s, g.stride_w, g.pad_w, g.w), c) /
           static_cast<double>(divisor(g, i, j));
  });
}

template <class T, class S = T>
void reference_adaptive(const AdaptiveAvgPoolArgs& g, const Exec&) {
  each_output<T, S>(g, [&](const S* image, int64_t i, int64_t j, int64_t c) {
    const Range rows = cell(i, g.h, g.oh), cols = cell(j, g.w, g.ow);
    const int64_t size = (rows.last - rows.first) * (cols.last - cols.first);
    return sum_of<T>(g, image, rows, cols, c) / static_cast<double>(size);
  });
}

/// dx of each input: the sum of dy / size(i, j) over the outputs [rows(h)) x [cols(w)) that read
/// it.
template <class T, class S, class Args, class Rows, class Cols, class Size>
void gather(const Args& g, const void* dy, void* dx, Rows rows_over, Cols cols_over, Size size) {
  for (int64_t at = 0; at < g.n * g.h * g.w * g.c; ++at) {
    const int64_t c = at % g.c, pixel = at / g.c % (g.h * g.w), n = at / (g.c * g.h * g.w);
    const Range rows = rows_over(pixel / g.w), cols = cols_over(pixel % g.w);
    T sum = 0;
    for (int64_t i = rows.first; i < rows.last; ++i) {
      for (int64_t j = cols.first; j < cols.last; ++j) {
        const S d = static_cast<const S*>(dy)[((n * g.oh + i) * g.ow + j) * g.c + c];
        sum += static_cast<T>(d) / static_cast<T>(size(i, j));
      }
    }
    static_cast<S*>(dx)[at] = static_cast<S>(sum);
  }
}

template <class T, class S = T>
void reference_grad(const PoolGradArgs& g, const Exec&) {
  gather<T, S>(
      g, g.dy, g.dx, [&](int64_t h) { return outputs_over(h, g.r, g.stride_h, g.pad_h, g.oh); },
      [&](int64_t w) { return outputs_over(w, g.s, g.stride_w, g.pad_w, g.ow); },
      [&](int64_t i, int64_t j) { return divisor(g, i, j); });
}

template <class T, class S = T>
void reference_adaptive_grad(const AdaptiveAvgPoolArgs& g, const Exec&) {
  gather<T, S>(
      g, g.x, g.y, [&](int64_t h) { return cells_over(h, g.h, g.oh); },
      [&](int64_t w) { return cells_over(w, g.w, g.ow); },
      [&](int64_t i, int64_t j) {
        const Range rows = cell(i, g.h, g.oh), cols = cell(j, g.w, g.ow);
        return (rows.last - rows.first) * (cols.last - cols.first);
      });
}

}  // namespace

Rows<PoolArgs> avg_pool_rows(Type type) {
  static const Row<PoolArgs> f32[] = {
      TAXON_VECTOR_ROWS("avg_pool", true, nullptr, nullptr, avg_pool),
      {"avg_pool/reference", Needs::baseline, true, nullptr, nullptr, reference<float>}};
  static const Row<PoolArgs> f64[] = {
      {"avg_pool/reference", Needs::baseline, true, nullptr, nullptr, reference<double>}};
  static const Row<PoolArgs> narrow[] = {
      TAXON_VECTOR_ROWS("avg_pool", true, nullptr, nullptr, avg_pool_bf16),
      {"avg_pool/reference", Needs::baseline, true, nullptr, nullptr, reference<float, bf16>}};
  return pick(type, f32, f64, narrow);
}

Rows<PoolGradArgs> avg_pool_grad_rows(Type type) {
  static const Row<PoolGradArgs> f32[] = {
      TAXON_VECTOR_ROWS("avg_pool_grad", true, nullptr, nullptr, avg_pool_grad),
      {"avg_pool_grad/reference", Needs::baseline, true, nullptr, nullptr, reference_grad<float>}};
  static const Row<PoolGradArgs> f64[] = {
      {"avg_pool_grad/reference", Needs::baseline, true, nullptr, nullptr, reference_grad<double>}};
  static const Row<PoolGradArgs> narrow[] = {
      TAXON_VECTOR_ROWS("avg_pool_grad", true, nullptr, nullptr, avg_pool_grad_bf16),
      {"avg_pool_grad/reference", Needs::baseline, true, nullptr, nullptr,
       reference_grad<float, bf16>}};
  return pick(type, f32, f64, narrow);
}

Rows<AdaptiveAvgPoolArgs> adaptive_avg_pool_rows(Type type) {
  static const Row<AdaptiveAvgPoolArgs> f32[] = {
      TAXON_VECTOR_ROWS("adaptive_avg_pool", true, nullptr, nullptr, adaptive_avg_pool),
      {"adaptive_avg_pool/reference", Needs::baseline, true, nullptr, nullptr,
       reference_adaptive<float>}};
  static const Row<AdaptiveAvgPoolArgs> f64[] = {{"adaptive_avg_pool/reference", Needs::baseline,
                                                  true, nullptr, nullptr,
                                                  reference_adaptive<double>}};
  static const Row<AdaptiveAvgPoolArgs> narrow[] = {
      TAXON_VECTOR_ROWS("adaptive_avg_pool", true, nullptr, nullptr, adaptive_avg_pool_bf16),
      {"adaptive_avg_pool/reference", Needs::baseline, true, nullptr, nullptr,
       reference_adaptive<float, bf16>}};
  return pick(type, f32, f64, narrow);
}

Rows<AdaptiveAvgPoolArgs> adaptive_avg_pool_grad_rows(Type type) {
  static const Row<AdaptiveAvgPoolArgs> f32[] = {
      TAXON_VECTOR_ROWS("adaptive_avg_pool_grad", true, nullptr, nullptr, adaptive_avg_pool_grad),
      {"adaptive_avg_pool_grad/reference", Needs::baseline, true, nullptr, nullptr,
       reference_adaptive_grad<float>}};
  static const Row<AdaptiveAvgPoolArgs> f64[] = {{"adaptive_avg_pool_grad/reference",
                                                  Needs::baseline, true, nullptr, nullptr,
                                                  reference_adaptive_grad<double>}};
  static const Row<AdaptiveAvgPoolArgs> narrow[] = {
      TAXON_VECTOR_ROWS("adaptive_avg_pool_grad", true, nullptr, nullptr,
                        adaptive_avg_pool_grad_bf16),
      {"adaptive_avg_pool_grad/reference", Needs::baseline, true, nullptr, nullptr,
       reference_adaptive_grad<float, bf16>}};
  return pick(type, f32, f64, narrow);
}

}  // namespace taxon::kernels
