// The products of Winograd's convolution: a few tiles' transformed inputs times a panel of
// transformed weights, for one of the points. Both operands and the result
// lie at fixed distances, so every address is a constant away from a pointer that moves once a
// step.
#include "conv2d/winograd.h"
#include "gemm/micro.h"
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

/// `rows` tiles times `vectors` vectors of columns; `row` elements from tile to tile of v.
template <int rows, int vectors, int row>
void product_of(const WinogradProduct& p) {
  Vec sums[rows][vectors] = {};
  for (int64_t part = 0; part < p.parts; ++part) {
    const float* u = p.u + part * p.u_part;
    for (int64_t first = 0; first < p.channels; first += row) {
      const float* v = p.v + part * p.v_part + first / row * p.slab_stride;
      const float* const end = v + (p.channels - first < row ? p.channels - first : row);
      if (first + row < p.channels) {  // the next slab may lie beyond the second-level cache
#pragma GCC unroll 1
        for (int i = 0; i < rows * row; i += 16) __builtin_prefetch(v + p.slab_stride + i);
      }
      for (; v != end; ++v, u += vectors * lanes) {
        Vec columns[vectors];
        for (int j = 0; j < vectors; ++j) columns[j] = load(u + j * lanes);
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
          const Vec value = broadcast(v[i * row]);
#pragma GCC unroll 2
          for (int j = 0; j < vectors; ++j) sums[i][j] = fma(value, columns[j], sums[i][j]);
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

/// One instantiation a number of rows.
struct Products {
  void (*by_rows[kTileRows])(const WinogradProduct&);
};
template <int vectors, int row, size_t... i>
constexpr Products products(Indices<i...>) {
  return {{product_of<static_cast<int>(i) + 1, vectors, row>...}};
}
template <int row>
void product(const WinogradProduct& p, int rows, int vectors) {
  static constexpr auto one = products<1, row>(all_rows), two = products<2, row>(all_rows);
  (vectors == 1 ? one : two).by_rows[rows - 1](p);
}

}  // namespace

namespace TAXON_ISA {

void winograd_product(const WinogradProduct& p, int rows, int vectors) {
  p.row == 16 ? product<16>(p, rows, vectors) : product<32>(p, rows, vectors);
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels
