// The gradients of weight and bias: the gradient of the maxima is spread over the windows, one
// plane a filter, and multiplied with the shifted planes of the input. Sums stay vectors over the
// images of a chunk; chunks are added in order.
#include "conv_pool/quads.h"

namespace taxon::kernels {
namespace {

#if TAXON_ISA_avx512
constexpr int kFilters = 3;  // a tile's, whose sums fit the registers with those of kTaps
#else
constexpr int kFilters = 2;
#endif
constexpr int kTaps = 5;

/// A filter's plane of the convolution's gradient; `bias` adds it up.
void spread(const ConvPoolArgs& g, const Planes& p, const float* cells, const uint8_t* codes,
            float* plane, float* bias) {
  Vec sum = load(bias);
  for (int64_t i = 0; i < g.oh; ++i) {
    float* upper = plane + 2 * i * p.width;
    float* lower = upper + p.width;
    for (int64_t j = 0; j < g.ow; j += lanes) {
      const Int code = load_bytes(codes + i * g.ow + j);
      Vec dy = load(cells + i * g.ow + j);
      if (j + lanes > g.ow) dy = Tail{g.ow - j}.or_else(dy, Vec{});
      Vec part[4];
      for (int q = 0; q < 4; ++q) part[q] = select(code == q, dy, Vec{});
      sum += (part[0] + part[1]) + (part[2] + part[3]);
      store(upper + 2 * j, low_pairs(part[0], part[1]));
      store(upper + 2 * j + lanes, high_pairs(part[0], part[1]));
      store(lower + 2 * j, low_pairs(part[2], part[3]));
      store(lower + 2 * j + lanes, high_pairs(part[2], part[3]));
    }
  }
  store(bias, sum);
}

/// K filters' sums of T taps that lie side by side.
template <int K, int T>
void correlate(const Planes& p, const float* in, const float* out, float* sums) {
  Vec sum[K][T];
  for (int k = 0; k < K; ++k) {
    for (int t = 0; t < T; ++t) sum[k][t] = load(sums + (k * p.taps + t) * kPlaneLanes);
  }
  for (int64_t y = 0; y < p.rows; ++y) {
    for (int64_t x = 0; x < p.cols; x += lanes) {
      Vec dy[K];
      for (int k = 0; k < K; ++k) dy[k] = load(out + (k * p.rows + y) * p.width + x);
      for (int t = 0; t < T; ++t) {
        const Vec pixels = kept(load(in + y * p.in_width + x + t));
        for (int k = 0; k < K; ++k) sum[k][t] = fma(dy[k], pixels, sum[k][t]);
      }
    }
  }
  for (int k = 0; k < K; ++k) {
    for (int t = 0; t < T; ++t) store(sums + (k * p.taps + t) * kPlaneLanes, sum[k][t]);
  }
}

// One instantiation a number of filters and of taps.
template <int K, int T = kTaps>
TAXON_INLINE void correlate_taps(const Planes& p, const float* in, const float* out, float* sums,
                                 int64_t taps) {
  if constexpr (T > 1) {
    if (taps < T) return correlate_taps<K, T - 1>(p, in, out, sums, taps);
  }
  correlate<K, T>(p, in, out, sums);
}
template <int K = kFilters>
TAXON_INLINE void correlate_filters(const Planes& p, const float* in, const float* out, float* sums,
                                    int64_t filters, int64_t taps) {
  if constexpr (K > 1) {
    if (filters < K) return correlate_filters<K - 1>(p, in, out, sums, filters, taps);
  }
  correlate_taps<K>(p, in, out, sums, taps);
}

/// Adds an image's part to the sums [filter][channel][row][column][lane].
void add_image(const ConvPoolArgs& g, const Planes& p, const float* in, const float* out,
               float* sums) {
  for (int64_t k = 0; k < g.k; k += kFilters) {
    for (int64_t c = 0; c < g.c; ++c) {
      for (int64_t r = 0; r < g.r; ++r) {
        for (int64_t s = 0; s < g.s; s += kTaps) {
          const int64_t tap = (c * g.r + r) * g.s + s;
          correlate_filters(p, in + (c * p.in_rows + r) * p.in_width + s,
                            out + k * p.rows * p.width, sums + (k * p.taps + tap) * kPlaneLanes,
                            g.k - k, g.s - s);
        }
      }
    }
  }
}

/// A chunk's sums over their lanes, laid out as the weights, then the biases.
void reduce_lanes(const ConvPoolArgs& g, const Planes& p, const float* sums, float* to) {
  for (int64_t k = 0; k < g.k; ++k) {
    for (int64_t tap = 0; tap < g.r * g.s; ++tap) {
      for (int64_t c = 0; c < g.c; ++c) {
        *to++ = sum_of(load(sums + (k * p.taps + c * g.r * g.s + tap) * kPlaneLanes));
      }
    }
  }
  const float* bias = sums + g.k * p.taps * kPlaneLanes;
  for (int64_t k = 0; k < g.k; ++k) to[k] = sum_of(load(bias + k * kPlaneLanes));
}

}  // namespace

namespace TAXON_ISA {

void conv_pool_backward_weight(const ConvPoolArgs& g, const Exec& exec) {
  const Planes p = planes_of(g);
  const PlaneScratch m = scratch_of(g, p, true);
  float* memory = static_cast<float*>(exec.scratch);
  const int64_t chunks = g.n < kWeightChunks ? g.n : kWeightChunks;
  const int64_t weights = g.k * p.taps, partial = weights + g.k;
  parallel(exec, chunks, [&](int64_t chunk, int slot) {
    float* mine = memory + m.slots + slot * m.slot;
    float* sums = mine + m.sums;
    uint8_t* codes = reinterpret_cast<uint8_t*>(mine + m.codes);
    clear(mine + m.in, p.in_elements(g.c));
    clear(sums, partial * kPlaneLanes);
    for (int64_t n = g.n * chunk / chunks; n < g.n * (chunk + 1) / chunks; ++n) {
      fill_planes(g, p, n, mine + m.in);
      pixels_to_planes(g, p, static_cast<const float*>(g.y) + n * p.cells * g.k, mine + m.cells);
      __builtin_memcpy(codes, g.code + n * g.k * p.cells, static_cast<size_t>(g.k * p.cells));
      for (int64_t k = 0; k < g.k; ++k) {
        spread(g, p, mine + m.cells + k * p.cell_plane, codes + k * p.cells,
               mine + m.out + k * p.rows * p.width, sums + (weights + k) * kPlaneLanes);
      }
      add_image(g, p, mine + m.in, mine + m.out, sums);
    }
    reduce_lanes(g, p, sums, memory + m.partial + chunk * partial);
  });
  for (int64_t i = 0; i < partial; ++i) {
    float sum = 0;
    for (int64_t chunk = 0; chunk < chunks; ++chunk) sum += memory[m.partial + chunk * partial + i];
    if (i < weights) {
      static_cast<float*>(g.weight)[i] = sum;
    } else if (g.bias != nullptr) {
      static_cast<float*>(g.bias)[i - weights] = sum;
    }
  }
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels
