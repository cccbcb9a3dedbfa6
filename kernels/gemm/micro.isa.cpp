// The inner kernels of matrix product and convolution, for one instruction set (see micro.h).
// Accumulators of a whole tile stay in registers: 14 x 32 with AVX-512, 6 x 16 with AVX2, 5 x 8
// without; what a tile reads of A is broadcast from memory, B comes as one or two vectors a step.
#include "gemm/micro.h"
#include "gemm/transpose.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace taxon::kernels::TAXON_ISA {
namespace {

#define TAXON_INLINE inline __attribute__((always_inline))

#if defined(TAXON_ISA_avx512)
constexpr int kWidth = 16;
#elif defined(TAXON_ISA_avx2)
constexpr int kWidth = 8;
#else
constexpr int kWidth = 4;
#endif
using Vec = float __attribute__((vector_size(kWidth * 4)));

// Unaligned; the compilers turn these copies into single moves.
template <class V>
TAXON_INLINE V load_as(const float* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof(V));
  return v;
}
template <class V>
TAXON_INLINE void store(float* p, V v) {
  __builtin_memcpy(p, &v, sizeof(V));
}
TAXON_INLINE Vec load(const float* p) {
  return load_as<Vec>(p);
}
/// Past the caches; p is aligned to the vector.
TAXON_INLINE void stream(float* p, Vec v) {
#if defined(TAXON_ISA_avx512)
  _mm512_stream_ps(p, v);
#elif defined(TAXON_ISA_avx2)
  _mm256_stream_ps(p, v);
#elif defined(__SSE2__)
  _mm_stream_ps(p, v);
#else
  store(p, v);
#endif
}
TAXON_INLINE Vec broadcast(float x) {
#if defined(TAXON_ISA_avx512)
  return _mm512_set1_ps(x);
#elif defined(TAXON_ISA_avx2)
  return _mm256_set1_ps(x);
#else
  return Vec{x, x, x, x};
#endif
}
TAXON_INLINE Vec positive(Vec v) {
  return v < Vec{} ? Vec{} : v;  // NaN stays
}

/// Where the sums of a tile go, and what is done to them on the way.
struct Finish {
  float* c;
  const int64_t* rows;  ///< offset of each row, or null: row i is at i * ldc
  int64_t ldc, cols;
  const float* bias;
  const float* residual;
  bool accumulate, relu, stream;

  TAXON_INLINE int64_t offset(int i) const { return rows != nullptr ? rows[i] : i * ldc; }
  TAXON_INLINE float* row(int i) const { return c + offset(i); }
  /// Fetches the lines to be written while the sums are computed.
  template <int R, int V>
  TAXON_INLINE void prefetch() const {
    for (int i = 0; i < R; ++i) {
      for (int v = 0; v<V; v += 16 / kWidth> V ? V : 16 / kWidth) {
        __builtin_prefetch(row(i) + v * kWidth, 1);
      }
    }
  }
};

/// The first `count` elements of a vector: nothing behind them is touched.
#if defined(TAXON_ISA_avx512)
TAXON_INLINE __mmask16 first_of(int64_t count) {
  return static_cast<__mmask16>(0xFFFFu >> (kWidth - count));
}
TAXON_INLINE Vec load_first(const float* p, int64_t count) {
  return _mm512_maskz_loadu_ps(first_of(count), p);
}
TAXON_INLINE void store_first(float* p, Vec v, int64_t count) {
  _mm512_mask_storeu_ps(p, first_of(count), v);
}
#elif defined(TAXON_ISA_avx2)
TAXON_INLINE __m256i first_of(int64_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
TAXON_INLINE Vec load_first(const float* p, int64_t count) {
  return _mm256_maskload_ps(p, first_of(count));
}
TAXON_INLINE void store_first(float* p, Vec v, int64_t count) {
  _mm256_maskstore_ps(p, first_of(count), v);
}
#else
TAXON_INLINE Vec load_first(const float* p, int64_t count) {
  float part[kWidth] = {};
  for (int64_t i = 0; i < count; ++i) part[i] = p[i];
  return load(part);
}
TAXON_INLINE void store_first(float* p, Vec v, int64_t count) {
  float part[kWidth];
  store(part, v);
  for (int64_t i = 0; i < count; ++i) p[i] = part[i];
}
#endif

/// A tile at the right edge: its sums lie in memory, `stride` apart.
__attribute__((noinline)) void finish_part(const Finish& f, const float* sums, int rows,
                                           int64_t stride) {
  for (int64_t j = 0; j < f.cols; j += kWidth) {
    const int64_t count = f.cols - j < kWidth ? f.cols - j : kWidth;
    const Vec bias = f.bias != nullptr ? load_first(f.bias + j, count) : Vec{};
    for (int i = 0; i < rows; ++i) {
      Vec sum = load(sums + i * stride + j);
      if (f.accumulate) sum += load_first(f.row(i) + j, count);
      if (f.bias != nullptr) sum += bias;
      if (f.residual != nullptr) sum += load_first(f.residual + f.offset(i) + j, count);
      store_first(f.row(i) + j, f.relu ? positive(sum) : sum, count);
    }
  }
}

/// A tile's accumulators.
template <int R, int V>
struct Block {
  Vec acc[R][V];

  // Every loop over the accumulators is unrolled in full, or they would live in memory.
  TAXON_INLINE void clear() {
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i) {
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) acc[i][v] = Vec{};
    }
  }
  TAXON_INLINE void finish(const Finish& f) {
    if (f.cols != V * kWidth) {
      alignas(sizeof(Vec)) float sums[R * V * kWidth];
      put([&](int i) { return sums + i * V * kWidth; });
      finish_part(f, sums, R, V * kWidth);
      return;
    }
    if (f.accumulate) {
      change([&](Vec x, int i, int v) { return x + load(f.row(i) + v * kWidth); });
    }
    if (f.bias != nullptr) {
      change([&](Vec x, int, int v) { return x + load(f.bias + v * kWidth); });
    }
    if (f.residual != nullptr) {
      change([&](Vec x, int i, int v) { return x + load(f.residual + f.offset(i) + v * kWidth); });
    }
    if (f.relu) change([&](Vec x, int, int) { return positive(x); });
    if (f.stream) {
      put([&](int i) { return f.row(i); }, stream);
    } else {
      put([&](int i) { return f.row(i); });
    }
  }

 private:
  template <class F>
  TAXON_INLINE void change(F f) {
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i) {
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) acc[i][v] = f(acc[i][v], i, v);
    }
  }
  template <class F>
  TAXON_INLINE void put(F row, void (*to)(float*, Vec) = store<Vec>) const {
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i) {
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) to(row(i) + v * kWidth, acc[i][v]);
    }
  }
};

template <int R, int V>
void tile_of(const Tile& t) {
  const Finish finish = {t.c,        t.c_rows,     0,      t.cols,  t.bias,
                         t.residual, t.accumulate, t.relu, t.stream};
  if (!t.stream) finish.prefetch<R, V>();
  Block<R, V> block;
  block.clear();
  const float* rows[R];
  for (int i = 0; i < R; ++i) rows[i] = static_cast<const float*>(t.a) + t.a_rows[i];
  const auto* b = static_cast<const float*>(t.b);
  const int64_t b_stride = t.b_stride;
  const char* ahead = static_cast<const char*>(t.ahead == nullptr ? t.b : t.ahead);
  const Segment* const end = t.segments + t.segment_count;
  for (const Segment* s = t.segments; s != end; ++s) {
    const int64_t stop = s->offset + s->depth;
    if (s + 1 != end) {  // rows of the next segment, which may lie beyond the second-level cache
#pragma GCC unroll 16
      for (int i = 0; i < R; ++i) {
        __builtin_prefetch(rows[i] + s[1].offset);
        __builtin_prefetch(rows[i] + s[1].offset + 16);
      }
    }
#pragma GCC unroll 2
    for (int64_t k = s->offset; k < stop; ++k) {
      Vec bv[V];
      for (int v = 0; v < V; ++v) bv[v] = load(b + v * kWidth);
      b += b_stride;
      __builtin_prefetch(ahead, 0, 2);
      ahead += 64;
#pragma GCC unroll 16
      for (int i = 0; i < R; ++i) {
        const Vec av = broadcast(rows[i][k]);
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) block.acc[i][v] += av * bv[v];
      }
    }
  }
  block.finish(finish);
}

template <int R, int V, bool Scattered>
void outer_of(const OuterTile& t) {
  const Finish finish = {t.c, nullptr, t.ldc, t.cols, t.bias, nullptr, t.accumulate, t.relu, false};
  finish.prefetch<R, V>();
  Block<R, V> block;
  block.clear();
  int64_t rows[R];
  for (int i = 0; i < R; ++i) rows[i] = Scattered ? t.a_rows[i] : i;
  const float* const a0 = t.a;
  const float* const b0 = t.b;
#pragma GCC unroll 1
  for (int64_t p = 0; p < t.steps; ++p) {
    const float* a = a0 + t.a_steps[p];
    const float* b = b0 + t.b_steps[p];
    Vec bv[V];
    for (int v = 0; v < V; ++v) bv[v] = load(b + v * kWidth);
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i) {
      const Vec av = broadcast(a[Scattered ? rows[i] : i]);
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) block.acc[i][v] += av * bv[v];
    }
  }
  block.finish(finish);
}

// One instantiation a number of rows.
template <int V, int R = kTileRows>
TAXON_INLINE void tile_rows(const Tile& t, int rows) {
  if constexpr (R > 1) {
    if (rows < R) return tile_rows<V, R - 1>(t, rows);
  }
  tile_of<R, V>(t);
}
template <int V, bool Scattered, int R = kTileRows>
TAXON_INLINE void outer_rows(const OuterTile& t, int rows) {
  if constexpr (R > 1) {
    if (rows < R) return outer_rows<V, Scattered, R - 1>(t, rows);
  }
  outer_of<R, V, Scattered>(t);
}

void tile(const Tile& t, int rows, int vectors) {
  if (vectors == 1) {
    tile_rows<1>(t, rows);
  } else {
    tile_rows<2>(t, rows);
  }
}

void outer(const OuterTile& t, int rows, int vectors) {
  if (t.a_rows != nullptr) {
    vectors == 1 ? outer_rows<1, true>(t, rows) : outer_rows<2, true>(t, rows);
  } else {
    vectors == 1 ? outer_rows<1, false>(t, rows) : outer_rows<2, false>(t, rows);
  }
}

void finish() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

using Vec4 = float __attribute__((vector_size(16)));
using Vec8 = float __attribute__((vector_size(32)));

// Halves of a vector, added up.
TAXON_INLINE Vec4 fold(Vec4 v) {
  return v;
}
#if defined(TAXON_ISA_avx2) || defined(TAXON_ISA_avx512)
TAXON_INLINE Vec4 fold(Vec8 v) {
  return __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
}
#endif
#if defined(TAXON_ISA_avx512)
TAXON_INLINE Vec4 fold(Vec v) {
  return fold(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
              __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15));
}
#endif
TAXON_INLINE float sum(Vec v) {
  const Vec4 four = fold(v);
  return (four[0] + four[2]) + (four[1] + four[3]);
}

/// One dot product of length k. Row after row of B this way is one stream through memory, which the
/// caches deliver half as fast again as several side by side.
TAXON_INLINE float dot(const float* a, const float* b, int64_t k) {
  constexpr int kChains = 4;
  Vec acc[kChains] = {};
  int64_t d = 0;
  for (; d + kChains * kWidth <= k; d += kChains * kWidth) {
    for (int j = 0; j < kChains; ++j) acc[j] += load(a + d + j * kWidth) * load(b + d + j * kWidth);
  }
  for (; d + kWidth <= k; d += kWidth) acc[0] += load(a + d) * load(b + d);
  if (d < k) acc[1] += load_first(a + d, k - d) * load_first(b + d, k - d);
  return sum((acc[0] + acc[1]) + (acc[2] + acc[3]));
}

/// R x N dot products of length k.
template <int R, int N>
TAXON_INLINE void dot_block(const float* a, int64_t lda, const float* b, int64_t ldb, int64_t k,
                            float (&out)[R][N]) {
  Vec acc[R][N];
  for (int i = 0; i < R; ++i) {
    for (int j = 0; j < N; ++j) acc[i][j] = Vec{};
  }
  int64_t d = 0;
  for (; d + kWidth <= k; d += kWidth) {
    Vec bv[N];
    for (int j = 0; j < N; ++j) bv[j] = load(b + j * ldb + d);
    for (int i = 0; i < R; ++i) {
      const Vec av = load(a + i * lda + d);
      for (int j = 0; j < N; ++j) acc[i][j] += av * bv[j];
    }
  }
  for (int i = 0; i < R; ++i) {
    for (int j = 0; j < N; ++j) {
      float s = sum(acc[i][j]);
      for (int64_t e = d; e < k; ++e) s += a[i * lda + e] * b[j * ldb + e];
      out[i][j] = s;
    }
  }
}

/// The products of one row; a function of its own, so that the loops of `dots` keep their
/// registers.
__attribute__((noinline)) void dots_of_row(const float* a, const float* b, int64_t ldb,
                                           int64_t cols, int64_t k, float* c, const float* bias,
                                           bool accumulate, bool relu) {
  for (int64_t j = 0; j < cols; ++j) {
    float s = dot(a, b + j * ldb, k);
    if (accumulate) s += c[j];
    if (bias != nullptr) s += bias[j];
    c[j] = relu && s < 0 ? 0 : s;
  }
}

void dots(const float* a, int64_t lda, int64_t rows, const float* b, int64_t ldb, int64_t cols,
          int64_t k, float* c, int64_t ldc, const float* bias, bool accumulate, bool relu) {
  const auto put = [&](int64_t i, int64_t j, float s) {
    if (accumulate) s += c[i * ldc + j];
    if (bias != nullptr) s += bias[j];
    c[i * ldc + j] = relu && s < 0 ? 0 : s;
  };
  if (rows == 1) return dots_of_row(a, b, ldb, cols, k, c, bias, accumulate, relu);
  constexpr int N = 4;
  for (int64_t j = 0; j < cols;) {
    const bool many = j + N <= cols;
    for (int64_t i = 0; i < rows;) {
      const float* ai = a + i * lda;
      const float* bj = b + j * ldb;
      if (many && i + 2 <= rows) {
        float s[2][N];
        dot_block<2, N>(ai, lda, bj, ldb, k, s);
        for (int e = 0; e < 2 * N; ++e) put(i + e / N, j + e % N, s[e / N][e % N]);
        i += 2;
      } else if (many) {
        float s[1][N];
        dot_block<1, N>(ai, lda, bj, ldb, k, s);
        for (int e = 0; e < N; ++e) put(i, j + e, s[0][e]);
        ++i;
      } else {
        float s[1][1];
        dot_block<1, 1>(ai, lda, bj, ldb, k, s);
        put(i, j, s[0][0]);
        ++i;
      }
    }
    j += many ? N : 1;
  }
}

void pack_columns(const float* src, int64_t stride, int64_t cols, int64_t depth, void* dst,
                  int64_t width) {
  transpose(src, stride, cols, depth, static_cast<float*>(dst), width, width);
}
void pack_rows(const float* src, int64_t stride, int64_t depth, int64_t cols, void* dst,
               int64_t width) {
  f32.copy(src, stride, depth, cols, dst, width, width);
}

}  // namespace

const Micro micro = {{kTileRows, kWidth, sizeof(float), tile, finish, pack_columns, pack_rows},
                     outer,
                     dots,
                     transpose,
                     &f32};

}  // namespace taxon::kernels::TAXON_ISA
