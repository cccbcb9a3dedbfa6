// Transposes in blocks as wide as a vector, then of 4 x 4, then by elements.
#include "gemm/transpose.h"

#include "simd/pairs.h"

namespace taxon::kernels {
namespace {

constexpr int64_t kAhead = 64;  // elements

/// A square block. Interleaving each row with the one half the block further on, as often as the
/// number of rows can be halved, transposes it.
TAXON_INLINE void transpose_block(const float* src, int64_t src_stride, float* dst,
                                  int64_t dst_stride) {
  constexpr int n = static_cast<int>(lanes);
  Vec row[n], next[n];
#pragma GCC unroll 16
  for (int i = 0; i < n; ++i) {
    row[i] = load(src + i * src_stride);
    // Rows far apart are more streams than the processor follows by itself.
    __builtin_prefetch(src + i * src_stride + kAhead, 0, 2);
  }
#pragma GCC unroll 4
  for (int halves = 1; halves < n; halves *= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < n / 2; ++i) {
      next[2 * i] = low_pairs(row[i], row[i + n / 2]);
      next[2 * i + 1] = high_pairs(row[i], row[i + n / 2]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < n; ++i) row[i] = next[i];
  }
#pragma GCC unroll 16
  for (int i = 0; i < n; ++i) store(dst + i * dst_stride, row[i]);
}

/// Rows and columns of src.
struct Part {
  int64_t row, rows, col, cols;
};
void transpose_small(const float* src, int64_t src_stride, float* dst, int64_t dst_stride,
                     const Part& p) {
  const int64_t rows4 = p.row + (p.rows - p.row) / 4 * 4, cols4 = p.col + (p.cols - p.col) / 4 * 4;
  for (int64_t j = p.col; j < cols4; j += 4) {
    for (int64_t i = p.row; i < rows4; i += 4) {
      swap_quads(src + i * src_stride + j, src_stride, dst + j * dst_stride + i, dst_stride);
    }
  }
  for (int64_t j = p.col; j < p.cols; ++j) {
    for (int64_t i = j < cols4 ? rows4 : p.row; i < p.rows; ++i) {
      dst[j * dst_stride + i] = src[i * src_stride + j];
    }
  }
}

}  // namespace

namespace TAXON_ISA {

void transpose(const float* src, int64_t src_stride, int64_t rows, int64_t cols, float* dst,
               int64_t dst_stride, int64_t padded) {
  const int64_t whole_rows = rows / lanes * lanes, whole_cols = cols / lanes * lanes;
  for (int64_t i = 0; i < whole_rows; i += lanes) {
    for (int64_t j = 0; j < whole_cols; j += lanes) {
      transpose_block(src + i * src_stride + j, src_stride, dst + j * dst_stride + i, dst_stride);
    }
  }
  transpose_small(src, src_stride, dst, dst_stride, {0, whole_rows, whole_cols, cols});
  transpose_small(src, src_stride, dst, dst_stride, {whole_rows, rows, 0, cols});
  if (padded == rows) return;
  for (int64_t j = 0; j < cols; ++j) {
    float* to = dst + j * dst_stride;
    each(rows, padded, [&](int64_t i, auto part) { part.store(to + i, Vec{}); });
  }
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels
