// Panels of bf16 pairs, as VDPBF16PS and AMX read them: [step / 2][width][2], from f32 rounded to
// nearest even. One set per instruction set, compiled from gemm/pairs.isa.cpp; see Products.
#pragma once

#include <stdint.h>

namespace taxon::kernels {

#define TAXON_PAIRS(isa)                                                                           \
  namespace isa {                                                                                  \
  void pack_pair_columns(const float* src, int64_t stride, int64_t cols, int64_t depth, void* dst, \
                         int64_t width);                                                           \
  void pack_pair_rows(const float* src, int64_t stride, int64_t depth, int64_t cols, void* dst,    \
                      int64_t width);                                                              \
  }
TAXON_PAIRS(baseline)
TAXON_PAIRS(avx2)
TAXON_PAIRS(avx512)
#undef TAXON_PAIRS

}  // namespace taxon::kernels
