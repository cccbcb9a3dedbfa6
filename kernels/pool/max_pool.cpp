// Max pooling: the tables and the references. T is the type of the arithmetic, S how elements lie
// in memory.
#include <taxon/base/dtype.h>
#include <taxon/kernels/pool.h>

#include <limits>

#include "pool/vector.h"
#include "pool/window.h"

namespace taxon::kernels {
namespace {

template <class T, class S = T>
void reference(const PoolArgs& g, const Exec&) {
  const auto* x = static_cast<const S*>(g.x);
  auto* y = static_cast<S*>(g.y);
  for (int64_t at = 0; at < g.n * g.oh * g.ow * g.c; ++at) {
    const int64_t c = at % g.c, j = at / g.c % g.ow, i = at / (g.c * g.ow) % g.oh;
    const int64_t image = at / (g.c * g.ow * g.oh) * g.h * g.w;
    const Range rows = window(i, g.r, g.stride_h, g.pad_h, g.h);
    const Range cols = window(j, g.s, g.stride_w, g.pad_w, g.w);
    T best = -std::numeric_limits<T>::infinity();
    int64_t index = -1;
    for (int64_t h = rows.first; h < rows.last; ++h) {
      for (int64_t w = cols.first; w < cols.last; ++w) {
        const T v = static_cast<T>(x[(image + h * g.w + w) * g.c + c]);
        if (index < 0 || v > best || (v != v && best == best)) {
          best = v;
          index = h * g.w + w;
        }
      }
    }
    if (g.relu && !(best > 0)) index = -1;
    y[at] = static_cast<S>(g.relu && best < 0 ? 0 : best);
    if (g.index != nullptr) g.index[at] = static_cast<int32_t>(index);
    if (g.code != nullptr) {
      const int64_t row = index / g.w - (i * g.stride_h - g.pad_h);
      const int64_t col = index % g.w - (j * g.stride_w - g.pad_w);
      g.code[at] = index < 0 ? kNowhere : static_cast<uint8_t>(row * g.s + col);
    }
  }
}

/// Where in its image the maximum of output `at` lies, or -1.
int64_t place_of(const PoolGradArgs& g, int64_t at) {
  if (g.index != nullptr) return g.index[at];
  if (g.code[at] == kNowhere) return -1;
  const int64_t j = at / g.c % g.ow, i = at / (g.c * g.ow) % g.oh;
  const int64_t h = i * g.stride_h - g.pad_h + g.code[at] / g.s;
  return h * g.w + j * g.stride_w - g.pad_w + g.code[at] % g.s;
}

// Each input's sum is taken in the order of the outputs, then rounded.
template <class T, class S = T>
void reference_grad(const PoolGradArgs& g, const Exec&) {
  const auto* dy = static_cast<const S*>(g.dy);
  auto* dx = static_cast<S*>(g.dx);
  for (int64_t at = 0; at < g.n * g.h * g.w * g.c; ++at) {
    const int64_t c = at % g.c, pixel = at / g.c % (g.h * g.w), n = at / (g.c * g.h * g.w);
    const Range rows = outputs_over(pixel / g.w, g.r, g.stride_h, g.pad_h, g.oh);
    const Range cols = outputs_over(pixel % g.w, g.s, g.stride_w, g.pad_w, g.ow);
    T sum = 0;
    for (int64_t i = rows.first; i < rows.last; ++i) {
      for (int64_t j = cols.first; j < cols.last; ++j) {
        const int64_t from = ((n * g.oh + i) * g.ow + j) * g.c + c;
        if (place_of(g, from) == pixel) sum += static_cast<T>(dy[from]);
      }
    }
    dx[at] = static_cast<S>(sum);
  }
}

template <class Args>
const char* declines(const Args& g) {
  return g.h * g.w > INT32_MAX ? "image of more than 2^31 pixels" : nullptr;
}

}  // namespace

Rows<PoolArgs> max_pool_rows(Type type) {
  static const Row<PoolArgs> f32[] = {
      TAXON_VECTOR_ROWS("max_pool", true, declines, nullptr, max_pool),
      {"max_pool/reference", Needs::baseline, true, nullptr, nullptr, reference<float>}};
  static const Row<PoolArgs> f64[] = {
      {"max_pool/reference", Needs::baseline, true, nullptr, nullptr, reference<double>}};
  static const Row<PoolArgs> narrow[] = {
      TAXON_VECTOR_ROWS("max_pool", true, declines, nullptr, max_pool_bf16),
      {"max_pool/reference", Needs::baseline, true, nullptr, nullptr, reference<float, bf16>}};
  return pick(type, f32, f64, narrow);
}

Rows<PoolGradArgs> max_pool_grad_rows(Type type) {
  static const Row<PoolGradArgs> f32[] = {
      TAXON_VECTOR_ROWS("max_pool_grad", true, declines, nullptr, max_pool_grad),
      {"max_pool_grad/reference", Needs::baseline, true, nullptr, nullptr, reference_grad<float>}};
  static const Row<PoolGradArgs> f64[] = {
      {"max_pool_grad/reference", Needs::baseline, true, nullptr, nullptr, reference_grad<double>}};
  static const Row<PoolGradArgs> narrow[] = {
      TAXON_VECTOR_ROWS("max_pool_grad", true, declines, nullptr, max_pool_grad_bf16),
      {"max_pool_grad/reference", Needs::baseline, true, nullptr, nullptr,
       reference_grad<float, bf16>}};
  return pick(type, f32, f64, narrow);
}

}  // namespace taxon::kernels
