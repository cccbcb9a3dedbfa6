// Convolution with few filters and the maximum over 2x2: the tables and the references.
#include <taxon/kernels/conv_pool.h>

#include "conv_pool/planes.h"

namespace taxon::kernels {
namespace {

/// Calls f(weight index, input index) for each tap of image n's output (y, x) that lies in it.
template <class F>
void each_tap(const ConvPoolArgs& g, int64_t n, int64_t y, int64_t x, F f) {
  for (int64_t r = 0; r < g.r; ++r) {
    const int64_t h = y + r - g.pad_h;
    for (int64_t s = 0; s < g.s && h >= 0 && h < g.h; ++s) {
      const int64_t w = x + s - g.pad_w;
      for (int64_t c = 0; c < g.c && w >= 0 && w < g.w; ++c) {
        f((r * g.s + s) * g.c + c, ((n * g.h + h) * g.w + w) * g.c + c);
      }
    }
  }
}

/// Output (n, i, j, k) of the maxima, and where its code lies.
struct Cell {
  int64_t n, i, j, k, code;
};
template <class Args>
Cell cell_at(const Args& g, int64_t at) {
  const int64_t k = at % g.k, j = at / g.k % g.ow, i = at / (g.k * g.ow) % g.oh;
  const int64_t n = at / (g.k * g.ow * g.oh);
  return {n, i, j, k, ((n * g.k + k) * g.oh + i) * g.ow + j};
}

template <class T>
void reference(const ConvPoolArgs& g, const Exec&) {
  const auto* x = static_cast<const T*>(g.x);
  const auto* weight = static_cast<const T*>(g.weight);
  const auto* bias = static_cast<const T*>(g.bias);
  for (int64_t at = 0; at < g.n * g.oh * g.ow * g.k; ++at) {
    const Cell cell = cell_at(g, at);
    T best = 0;
    int code = -1;
    for (int q = 0; q < 4; ++q) {
      double sum = bias != nullptr ? static_cast<double>(bias[cell.k]) : 0;
      each_tap(g, cell.n, 2 * cell.i + q / 2, 2 * cell.j + q % 2, [&](int64_t tap, int64_t pixel) {
        sum += static_cast<double>(weight[cell.k * g.r * g.s * g.c + tap]) *
               static_cast<double>(x[pixel]);
      });
      const T v = static_cast<T>(sum);
      if (code < 0 || v > best || (v != v && best == best)) {
        best = v;
        code = q;
      }
    }
    if (g.relu && !(best > 0)) code = 4;
    if (g.relu && best < 0) best = 0;
    static_cast<T*>(g.y)[at] = best;
    if (g.code != nullptr) g.code[cell.code] = static_cast<uint8_t>(code);
  }
}

template <class T>
void reference_backward_weight(const ConvPoolArgs& g, const Exec&) {
  const auto* x = static_cast<const T*>(g.x);
  const auto* dy = static_cast<const T*>(g.y);
  const int64_t size = g.r * g.s * g.c;
  const int64_t outputs = g.n * g.oh * g.ow * g.k;
  for (int64_t i = 0; i < g.k * size + g.k; ++i) {
    const int64_t filter = i < g.k * size ? i / size : i - g.k * size;
    double sum = 0;
    for (int64_t at = filter; at < outputs; at += g.k) {
      const Cell cell = cell_at(g, at);
      const int q = g.code[cell.code];
      if (q > 3) continue;
      const auto d = static_cast<double>(dy[at]);
      if (i >= g.k * size) sum += d;
      each_tap(g, cell.n, 2 * cell.i + q / 2, 2 * cell.j + q % 2, [&](int64_t tap, int64_t pixel) {
        if (filter * size + tap == i) sum += d * static_cast<double>(x[pixel]);
      });
    }
    if (i < g.k * size) {
      static_cast<T*>(g.weight)[i] = static_cast<T>(sum);
    } else if (g.bias != nullptr) {
      static_cast<T*>(g.bias)[filter] = static_cast<T>(sum);
    }
  }
}

template <class T>
void reference_spread(const ConvPoolSpreadArgs& g, const Exec&) {
  auto* dx = static_cast<T*>(g.dx);
  for (int64_t i = 0; i < g.n * g.h * g.w * g.k; ++i) dx[i] = 0;
  for (int64_t at = 0; at < g.n * g.oh * g.ow * g.k; ++at) {
    const Cell cell = cell_at(g, at);
    const int q = g.code[cell.code];
    if (q > 3) continue;
    const int64_t h = cell.n * g.h + 2 * cell.i + q / 2, w = 2 * cell.j + q % 2;
    dx[(h * g.w + w) * g.k + cell.k] = static_cast<const T*>(g.dy)[at];
  }
}

const char* declines(const ConvPoolArgs& g) {
  if (g.c < 1 || g.k < 1) return "no channels or no filters";
  if (g.c > 4) return "many channels";
  if (g.k > 8) return "many filters";
  // A filter's plane of sums should stay in the first-level cache.
  if (g.oh > 32 || g.ow > 32) return "large image";
  return nullptr;
}

template <bool backward>
size_t scratch(const ConvPoolArgs& g, int threads) {
  const PlaneScratch m = scratch_of(g, planes_of(g), backward);
  return static_cast<size_t>(m.slots + threads * m.slot) * sizeof(float);
}

}  // namespace

bool conv_pool_fits(const ConvPoolArgs& args) {
  return declines(args) == nullptr;
}

Rows<ConvPoolArgs> conv_pool_rows(Type type) {
  static const Row<ConvPoolArgs> f32[] = {
      TAXON_VECTOR_ROWS("conv_pool", true, declines, scratch<false>, conv_pool),
      {"conv_pool/reference", Needs::baseline, true, nullptr, nullptr, reference<float>}};
  static const Row<ConvPoolArgs> f64[] = {
      {"conv_pool/reference", Needs::baseline, true, nullptr, nullptr, reference<double>}};
  return pick(type, f32, f64);
}

Rows<ConvPoolArgs> conv_pool_backward_weight_rows(Type type) {
  static const Row<ConvPoolArgs> f32[] = {
      TAXON_VECTOR_ROWS("conv_pool_backward_weight", true, declines, scratch<true>,
                        conv_pool_backward_weight),
      {"conv_pool_backward_weight/reference", Needs::baseline, true, nullptr, nullptr,
       reference_backward_weight<float>}};
  static const Row<ConvPoolArgs> f64[] = {{"conv_pool_backward_weight/reference", Needs::baseline,
                                           true, nullptr, nullptr,
                                           reference_backward_weight<double>}};
  return pick(type, f32, f64);
}

Rows<ConvPoolSpreadArgs> conv_pool_spread_rows(Type type) {
  static const Row<ConvPoolSpreadArgs> f32[] = {{"conv_pool_spread/reference", Needs::baseline,
                                                 true, nullptr, nullptr, reference_spread<float>}};
  static const Row<ConvPoolSpreadArgs> f64[] = {{"conv_pool_spread/reference", Needs::baseline,
                                                 true, nullptr, nullptr, reference_spread<double>}};
  return pick(type, f32, f64);
}

}  // namespace taxon::kernels
