// Convolution with few filters and the maximum over 2x2. A step multiplies vectors of pixels of
// several rows with a weight of each filter; the image of each filter stays in the first-level
// cache until its windows are reduced.
#include "conv_pool/quads.h"

namespace taxon::kernels {
namespace {

#if TAXON_ISA_avx512
constexpr int kSums = 24;  // accumulators that fit the registers
#else
constexpr int kSums = 12;
#endif

/// R rows from y of the K filters.
template <int K, int R>
void convolve_rows(const ConvPoolArgs& g, const Planes& p, const float* in, const float* weights,
                   int64_t y, float* out) {
  const float* bias = static_cast<const float*>(g.bias);
  for (int64_t x = 0; x < p.cols; x += lanes) {
    Vec sum[K][R];
    for (int k = 0; k < K; ++k) {
      for (int i = 0; i < R; ++i) sum[k][i] = broadcast(bias != nullptr ? bias[k] : 0);
    }
    const float* weight = weights;
    for (int64_t c = 0; c < g.c; ++c) {
      for (int64_t r = 0; r < g.r; ++r) {
        const float* row = in + (c * p.in_rows + y + r) * p.in_width + x;
        for (int64_t s = 0; s < g.s; ++s, weight += K) {
          Vec pixels[R];
          for (int i = 0; i < R; ++i) pixels[i] = kept(load(row + i * p.in_width + s));
          for (int k = 0; k < K; ++k) {
            const Vec factor = broadcast(weight[k]);
            for (int i = 0; i < R; ++i) sum[k][i] = fma(factor, pixels[i], sum[k][i]);
          }
        }
      }
    }
    for (int k = 0; k < K; ++k) {
      for (int i = 0; i < R; ++i) store(out + (k * p.rows + y + i) * p.width + x, sum[k][i]);
    }
  }
}

template <int K>
void convolve(const ConvPoolArgs& g, const Planes& p, const float* in, const float* weights,
              float* out) {
  constexpr int R = kSums / K < 4 ? kSums / K : 4;
  int64_t y = 0;
  for (; y + R <= p.rows; y += R) convolve_rows<K, R>(g, p, in, weights, y, out);
  for (; y < p.rows; ++y) convolve_rows<K, 1>(g, p, in, weights, y, out);
}

template <int K = 8>
void convolve_filters(const ConvPoolArgs& g, const Planes& p, const float* in, const float* weights,
                      float* out) {
  if constexpr (K > 1) {
    if (g.k < K) return convolve_filters<K - 1>(g, p, in, weights, out);
  }
  convolve<K>(g, p, in, weights, out);
}

/// The windows of one filter.
void reduce_windows(const ConvPoolArgs& g, const Planes& p, const float* plane, float* cells,
                    uint8_t* codes) {
  for (int64_t i = 0; i < g.oh; ++i) {
    const float* upper = plane + 2 * i * p.width;
    const float* lower = upper + p.width;
    for (int64_t j = 0; j < g.ow; j += lanes) {
      const Vec a = load(upper + 2 * j), b = load(upper + 2 * j + lanes);
      const Vec c = load(lower + 2 * j), d = load(lower + 2 * j + lanes);
      Vec best = even(a, b);
      Int code = {};
      take_larger(odd(a, b), 1, best, code);
      take_larger(even(c, d), 2, best, code);
      take_larger(odd(c, d), 3, best, code);
      if (g.relu) {
        code = select(best > Vec{}, code, broadcast_int(4));
        best = select(best < Vec{}, Vec{}, best);  // NaN stays
      }
      store(cells + i * g.ow + j, best);  // what lies behind the row's end is overwritten
      store_bytes(codes + i * g.ow + j, code);
    }
  }
}

}  // namespace

namespace TAXON_ISA {

void conv_pool(const ConvPoolArgs& g, const Exec& exec) {
  const Planes p = planes_of(g);
  const PlaneScratch m = scratch_of(g, p, false);
  float* memory = static_cast<float*>(exec.scratch);
  float* weights = memory + m.weights;
  const float* weight = static_cast<const float*>(g.weight);
  for (int64_t k = 0; k < g.k; ++k) {
    for (int64_t tap = 0; tap < g.r * g.s; ++tap) {
      for (int64_t c = 0; c < g.c; ++c) weights[(c * g.r * g.s + tap) * g.k + k] = *weight++;
    }
  }
  const int64_t size = 1 + g.n / 32;  // images a chunk
  parallel(exec, (g.n + size - 1) / size, [&](int64_t chunk, int slot) {
    float* mine = memory + m.slots + slot * m.slot;
    uint8_t* codes = reinterpret_cast<uint8_t*>(mine + m.codes);
    clear(mine + m.in, p.in_elements(g.c));
    const int64_t end = (chunk + 1) * size < g.n ? (chunk + 1) * size : g.n;
    for (int64_t n = chunk * size; n < end; ++n) {
      fill_planes(g, p, n, mine + m.in);
      convolve_filters(g, p, mine + m.in, weights, mine + m.out);
      for (int64_t k = 0; k < g.k; ++k) {
        reduce_windows(g, p, mine + m.out + k * p.rows * p.width, mine + m.cells + k * p.cell_plane,
                       codes + k * p.cells);
      }
      planes_to_pixels(g, p, mine + m.cells, static_cast<float*>(g.y) + n * p.cells * g.k);
      if (g.code != nullptr) {
        __builtin_memcpy(g.code + n * g.k * p.cells, codes, static_cast<size_t>(g.k * p.cells));
      }
    }
  });
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels
