// The vector kernels of this family, one set per instruction set, and how they split their work.
#pragma once

#include <taxon/kernels/norm.h>

#include "simd/rows.h"

namespace taxon::kernels {

TAXON_VECTOR_KERNEL(batch_norm, BatchNormArgs)
TAXON_VECTOR_KERNEL(batch_norm_bf16, BatchNormArgs)
TAXON_VECTOR_KERNEL(batch_norm_grad, BatchNormGradArgs)
TAXON_VECTOR_KERNEL(batch_norm_grad_bf16, BatchNormGradArgs)
TAXON_VECTOR_KERNEL(layer_norm, LayerNormArgs)
TAXON_VECTOR_KERNEL(layer_norm_bf16, LayerNormArgs)
TAXON_VECTOR_KERNEL(layer_norm_grad, LayerNormGradArgs)
TAXON_VECTOR_KERNEL(layer_norm_grad_bf16, LayerNormGradArgs)

/// Rows are cut into at most 8 chunks whose partial results combine in order.
static inline int64_t norm_chunks(int64_t rows, int64_t cols) {
  const int64_t by_rows = rows / 64, by_size = rows * cols / 16384;
  int64_t chunks = by_rows < by_size ? by_rows : by_size;
  chunks = chunks < 8 ? chunks : 8;
  return chunks < 1 ? 1 : chunks;
}

/// Columns rounded up so that every array of the scratch memory starts on a cache line.
static inline int64_t norm_stride(int64_t cols) {
  return (cols + 15) / 16 * 16;
}

/// Scratch of every kernel here: for each chunk two f64 and three f32 arrays, and six f32 arrays
/// for all. Batch normalisation may fold up to 64 channels from fewer, in no more chunks.
static inline int64_t norm_scratch(int64_t rows, int64_t cols) {
  return norm_stride(cols < 64 ? 64 : cols) * (norm_chunks(rows, cols) * (2 * 8 + 3 * 4) + 6 * 4);
}

}  // namespace taxon::kernels
