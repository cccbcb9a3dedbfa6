// Max pooling: the tables and the references.
#include <taxon/kernels/pool.h>

#include <limits>

#include "pool/vector.h"
#include "pool/window.h"

namespace taxon::kernels {
namespace {

template <class T>
void reference(const PoolArgs& g, const Exec&) {
  const auto* x = static_cast<const T*>(g.x);
  auto* y = static_cast<T*>(g.y);
  for (int64_t at = 0; at < g.n * g.oh * g.ow * g.c; ++at) {
    const int64_t c = at % g.c, j = at / g.c % g.ow, i = at / (g.c * g.ow) % g.oh;
    const int64_t image = at / (g.c * g.ow * g.oh) * g.h * g.w;
    const Range rows = window(i, g.r, g.stride_h, g.pad_h, g.h);
    const Range cols = window(j, g.s, g.stride_w, g.pad_w, g.w);
    T best = -std::numeric_limits<T>::infinity();
    int64_t index = -1;
    for (int64_t h = rows.first; h < rows.last; ++h) {
      for (int64_t w = cols.first; w < cols.last; ++w) {
        const T v = x[(image + h * g.w + w) * g.c + c];
        if (index < 0 || v > best || (v != v && best == best)) {
          best = v;
          index = h * g.w + w;
        }
      }
    }
    y[at] = best;
    if (g.index != nullptr) g.index[at] = static_cast<int32_t>(index);
  }
}

template <class T>
void reference_grad(const PoolGradArgs& g, const Exec&) {
  const auto* dy = static_cast<const T*>(g.dy);
  auto* dx = static_cast<T*>(g.dx);
  for (int64_t i = 0; i < g.n * g.h * g.w * g.c; ++i) dx[i] = 0;
  for (int64_t at = 0; at < g.n * g.oh * g.ow * g.c; ++at) {
    const int64_t image = at / (g.c * g.ow * g.oh) * g.h * g.w;
    if (g.index[at] >= 0) dx[(image + g.index[at]) * g.c + at % g.c] += dy[at];
  }
}

const char* declines(const PoolArgs& g) {
  return g.h * g.w > INT32_MAX ? "image of more than 2^31 pixels" : nullptr;
}
const char* declines_grad(const PoolGradArgs& g) {
  return g.h * g.w > INT32_MAX ? "image of more than 2^31 pixels" : nullptr;
}

}  // namespace

Rows<PoolArgs> max_pool_rows(Type type) {
  static const Row<PoolArgs> f32[] = {
      TAXON_VECTOR_ROWS("max_pool", true, declines, nullptr, max_pool),
      {"max_pool/reference", Needs::baseline, true, nullptr, nullptr, reference<float>}};
  static const Row<PoolArgs> f64[] = {
      {"max_pool/reference", Needs::baseline, true, nullptr, nullptr, reference<double>}};
  return pick(type, f32, f64);
}

Rows<PoolGradArgs> max_pool_grad_rows(Type type) {
  static const Row<PoolGradArgs> f32[] = {
      TAXON_VECTOR_ROWS("max_pool_grad", true, declines_grad, nullptr, max_pool_grad),
      {"max_pool_grad/reference", Needs::baseline, true, nullptr, nullptr, reference_grad<float>}};
  static const Row<PoolGradArgs> f64[] = {
      {"max_pool_grad/reference", Needs::baseline, true, nullptr, nullptr, reference_grad<double>}};
  return pick(type, f32, f64);
}

}  // namespace taxon::kernels
