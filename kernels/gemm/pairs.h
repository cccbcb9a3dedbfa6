// Pairs of bf16, as VDPBF16PS and AMX multiply them: two steps of the inner dimension in 32 bits.
// One set per instruction set, compiled from gemm/pairs.isa.cpp. Strides are in elements.
#pragma once

#include <taxon/kernels/exec.h>

#include <stdint.h>

namespace taxon::kernels {

/// Of pixels, for the gradient of the weights.
struct Pairs {
  /// A panel whose steps are pixels, at offsets[i] from src; zeros where columns or, at the end, a
  /// pixel are missing.
  void (*pack_pixels)(const Bf16* src, const int64_t* offsets, int64_t pixels, int64_t cols,
                      Bf16* dst, int64_t width);
  /// dst[col * dst_stride + row] = src[row * stride + col]; an odd number of rows gets one of
  /// zeros.
  void (*transpose)(const Bf16* src, int64_t stride, int64_t rows, int64_t cols, Bf16* dst,
                    int64_t dst_stride);
};

/// Products::pack_columns and pack_rows: [step / 2][width][2], rounded to nearest even.
#define TAXON_PAIRS_OF(isa)                                                                        \
  namespace isa {                                                                                  \
  void pack_pair_columns(const float* src, int64_t stride, int64_t cols, int64_t depth, void* dst, \
                         int64_t width);                                                           \
  void pack_pair_rows(const float* src, int64_t stride, int64_t depth, int64_t cols, void* dst,    \
                      int64_t width);                                                              \
  extern const Pairs pairs;                                                                        \
  }
TAXON_PAIRS_OF(baseline)
TAXON_PAIRS_OF(avx2)
TAXON_PAIRS_OF(avx512)
#undef TAXON_PAIRS_OF

}  // namespace taxon::kernels
