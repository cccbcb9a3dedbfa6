// Tiles of products of bf16 pairs by VDPBF16PS: twice the multiplications of f32 in an instruction.
// Accumulators of 14 x 32 stay in registers, as in micro.isa.cpp.
#include "gemm/micro.h"
#include "gemm/pairs.h"

#include <immintrin.h>

namespace taxon::kernels::avx512bf16 {
namespace {

constexpr int kRows = 14, kWidth = 16;

inline __attribute__((always_inline)) __m512bh pair_of(const Bf16* p) {
  int32_t pair;
  __builtin_memcpy(&pair, p, sizeof pair);
  return reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
}

/// bias, residual and ReLU are none: what reads the sums rounds them as well.
template <int R, int V>
void tile_of(const Tile& t) {
  __m512 acc[R][V];
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) acc[i][v] = _mm512_setzero_ps();
  }
  const Bf16* rows[R];
  for (int i = 0; i < R; ++i) rows[i] = static_cast<const Bf16*>(t.a) + t.a_rows[i];
  const auto* b = static_cast<const Bf16*>(t.b);
  const int64_t b_stride = 2 * t.b_stride;
  const Segment* const end = t.segments + t.segment_count;
  for (const Segment* s = t.segments; s != end; ++s) {
    const int64_t stop = s->offset + s->depth;
#pragma GCC unroll 2
    for (int64_t k = s->offset; k < stop; k += 2) {
      __m512bh bv[V];
      for (int v = 0; v < V; ++v) {
        bv[v] = reinterpret_cast<__m512bh>(_mm512_loadu_si512(b + v * 2 * kWidth));
      }
      b += b_stride;
#pragma GCC unroll 16
      for (int i = 0; i < R; ++i) {
        const __m512bh av = pair_of(rows[i] + k);
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) acc[i][v] = _mm512_dpbf16_ps(acc[i][v], av, bv[v]);
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i) {
    float* c = t.c + t.c_rows[i];
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) {
      __m512 sum = acc[i][v];
      if (t.accumulate) sum = sum + _mm512_loadu_ps(c + v * kWidth);
      _mm512_storeu_ps(c + v * kWidth, sum);
    }
  }
}

template <int V, int R = kRows>
inline __attribute__((always_inline)) void tile_rows(const Tile& t, int rows) {
  if constexpr (R > 1) {
    if (rows < R) return tile_rows<V, R - 1>(t, rows);
  }
  tile_of<R, V>(t);
}

void tile(const Tile& t, int rows, int vectors) {
  vectors == 1 ? tile_rows<1>(t, rows) : tile_rows<2>(t, rows);
}

void finish() {}

}  // namespace

const Products products = {
    kRows, kWidth, sizeof(Bf16), tile, finish, avx512::pack_pair_columns, avx512::pack_pair_rows};

}  // namespace taxon::kernels::avx512bf16
