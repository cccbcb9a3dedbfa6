// How values of one storage type (f32 or bf16) move into the work memory of the inner kernels (f32,
// or bf16 as it is) and out of it. One set per storage type and instruction set, compiled from
// gemm/storage.isa.cpp.
#pragma once

#include <stdint.h>

namespace taxon::kernels {

/// Rows of products and where they go: row i of `sums` (rows `stride` apart) to offsets[i] from y,
/// + bias, + residual, then ReLU.
struct WriteRows {
  const float* sums;
  int64_t stride, rows, cols;
  void* y;
  const int64_t* offsets;  ///< in elements
  const float* bias;       ///< [cols], or null
  const void* residual;    ///< laid out as y, or null
  bool relu;
};

/// Strides and sizes are in elements.
struct Storage {
  int64_t element;  ///< bytes of what is stored
  int64_t work;     ///< and of what copy and to_slabs make of it
  /// rows x cols from src to dst, each row filled up with zeros to `padded` columns.
  void (*copy)(const void* src, int64_t src_stride, int64_t rows, int64_t cols, void* dst,
               int64_t dst_stride, int64_t padded);
  /// Rows (or pixels) of `depth` elements into slabs (see kSlab): dst[slab * slab_stride + row *
  /// row_stride + d].
  void (*to_slabs)(const void* src, int64_t src_stride, int64_t rows, int64_t depth, void* dst,
                   int64_t row_stride, int64_t slab_stride);
  /// dst[j] (+)= sum over rows of src[row][j]
  void (*column_sums)(const void* src, int64_t src_stride, int64_t rows, int64_t cols, float* dst,
                      bool accumulate);
  void (*write)(const WriteRows&);

  const void* at(const void* base, int64_t i) const {
    return base == nullptr ? nullptr : static_cast<const char*>(base) + i * element;
  }
  void* at(void* base, int64_t i) const { return static_cast<char*>(base) + i * element; }
  void* work_at(void* base, int64_t i) const { return static_cast<char*>(base) + i * work; }
};

namespace baseline {
extern const Storage f32, bf16, bf16_kept;
}
namespace avx2 {
extern const Storage f32, bf16, bf16_kept;
}
namespace avx512 {
extern const Storage f32, bf16, bf16_kept;  // kept: work memory holds bf16 too
}

}  // namespace taxon::kernels
