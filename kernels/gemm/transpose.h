// dst[j][i] = src[i][j] for rows x cols of src, each row of dst filled up with zeros to `padded`.
#pragma once

#include <stdint.h>

namespace taxon::kernels {

#define TAXON_TRANSPOSE(isa)                                                                   \
  namespace isa {                                                                              \
  void transpose(const float* src, int64_t src_stride, int64_t rows, int64_t cols, float* dst, \
                 int64_t dst_stride, int64_t padded);                                          \
  }
TAXON_TRANSPOSE(baseline)
TAXON_TRANSPOSE(avx2)
TAXON_TRANSPOSE(avx512)
#undef TAXON_TRANSPOSE

}  // namespace taxon::kernels
