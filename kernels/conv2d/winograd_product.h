// The products of Winograd's convolution, for one of the points: a few tiles' transformed inputs
// times a panel of transformed weights, and sums over tiles for the gradient of the weights.
// Operands and result lie at fixed distances, so every address is a constant away from a pointer
// that moves once a step. A step is a word: one multiplication of f32, or two of bf16 (see
// WinogradMicro).
#pragma once

#include "conv2d/winograd.h"
#include "simd/simd.h"

namespace taxon::kernels {
namespace {

template <size_t...>
struct Indices {};
template <size_t n, size_t... i>
constexpr auto indices() {
  if constexpr (n == 0) {
    return Indices<i...>{};
  } else {
    return indices<n - 1, n - 1, i...>();
  }
}
constexpr auto all_rows = indices<kTileRows>();

#if TAXON_ISA_avx512bf16
/// Words of pairs, which no arithmetic of floats may touch: broadcast by bits.
TAXON_INLINE Vec word(const float& w) {
  int32_t pair;
  __builtin_memcpy(&pair, &w, sizeof pair);
  return reinterpret_cast<Vec>(_mm512_set1_epi32(pair));
}
TAXON_INLINE Vec multiply_add(Vec a, Vec b, Vec sum) {
  return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
}
#else
TAXON_INLINE Vec word(const float& w) {
  return broadcast(w);
}
TAXON_INLINE Vec multiply_add(Vec a, Vec b, Vec sum) {
  return fma(a, b, sum);
}
#endif

/// `rows` tiles times `vectors` vectors of columns; `row` elements from tile to tile of v.
template <int rows, int vectors, int row>
void product_of(const WinogradProduct& p) {
  Vec sums[rows][vectors] = {};
  for (int64_t part = 0; part < p.parts; ++part) {
    const float* u = p.u + part * p.u_part;
    for (int64_t first = 0; first < p.depth; first += row) {
      const float* v = p.v + part * p.v_part + first / row * p.slab_stride;
      const float* const end = v + (p.depth - first < row ? p.depth - first : row);
      if (first + row < p.depth) {  // the next slab may lie beyond the second-level cache
#pragma GCC unroll 1
        for (int i = 0; i < rows * row; i += 16) __builtin_prefetch(v + p.slab_stride + i);
      }
      for (; v != end; ++v, u += vectors * lanes) {
        Vec columns[vectors];
        for (int j = 0; j < vectors; ++j) columns[j] = load(u + j * lanes);
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
          const Vec value = word(v[i * row]);
#pragma GCC unroll 2
          for (int j = 0; j < vectors; ++j)
            sums[i][j] = multiply_add(value, columns[j], sums[i][j]);
        }
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < vectors; ++j) store(p.m + (i * vectors + j) * lanes, sums[i][j]);
  }
}

/// Sums over tiles: `rows` filters times `vectors` vectors of channels.
template <int rows, int vectors>
void outer_of(const WinogradOuter& p) {
  Vec sums[rows][vectors] = {};
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
    for (int64_t j = 0; j<vectors; j += 16 / lanes> vectors ? vectors : 16 / lanes) {
      __builtin_prefetch(p.sums + i * p.sums_row + j * lanes, 1);
    }
  }
  const float *grad = p.grad, *input = p.input;
#pragma GCC unroll 1
  for (int64_t step = 0; step < p.steps; ++step, grad += p.grad_row, input += p.input_row) {
    Vec columns[vectors];
    for (int j = 0; j < vectors; ++j) columns[j] = load(input + j * lanes);
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
      const Vec value = word(grad[i]);
#pragma GCC unroll 2
      for (int j = 0; j < vectors; ++j) sums[i][j] = multiply_add(value, columns[j], sums[i][j]);
    }
  }
  for (int j = 0; j < vectors; ++j) {
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
      float* const to = p.sums + i * p.sums_row + j * lanes;
      store(to, p.accumulate ? load(to) + sums[i][j] : sums[i][j]);
    }
  }
}

/// One instantiation a number of rows.
template <class Args>
struct ByRows {
  void (*of[kTileRows])(const Args&);
};
template <int vectors, int row, size_t... i>
constexpr ByRows<WinogradProduct> products(Indices<i...>) {
  return {{product_of<static_cast<int>(i) + 1, vectors, row>...}};
}
template <int vectors, size_t... i>
constexpr ByRows<WinogradOuter> outers(Indices<i...>) {
  return {{outer_of<static_cast<int>(i) + 1, vectors>...}};
}
template <int row>
void product_by_rows(const WinogradProduct& p, int rows, int vectors) {
  static constexpr auto one = products<1, row>(all_rows), two = products<2, row>(all_rows);
  (vectors == 1 ? one : two).of[rows - 1](p);
}

}  // namespace

namespace TAXON_ISA {

void winograd_product(const WinogradProduct& p, int rows, int vectors) {
  p.row == 16 ? product_by_rows<16>(p, rows, vectors) : product_by_rows<32>(p, rows, vectors);
}

void winograd_outer(const WinogradOuter& p, int rows, int vectors) {
  static constexpr auto one = outers<1>(all_rows), two = outers<2>(all_rows);
  (vectors == 1 ? one : two).of[rows - 1](p);
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels
