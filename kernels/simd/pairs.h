// Two vectors of floats as one of pairs and back: the even and the odd elements, and interleaving.
#pragma once

#include "simd/simd.h"

namespace taxon::kernels {
namespace {

#if TAXON_ISA_avx512
#define TAXON_EVEN 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define TAXON_ODD 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define TAXON_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define TAXON_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif TAXON_ISA_avx2
#define TAXON_EVEN 0, 2, 4, 6, 8, 10, 12, 14
#define TAXON_ODD 1, 3, 5, 7, 9, 11, 13, 15
#define TAXON_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define TAXON_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
#define TAXON_EVEN 0, 2, 4, 6
#define TAXON_ODD 1, 3, 5, 7
#define TAXON_LOW 0, 4, 1, 5
#define TAXON_HIGH 2, 6, 3, 7
#endif
/// The elements at even places of a, then of b.
TAXON_INLINE Vec even(Vec a, Vec b) {
  return __builtin_shufflevector(a, b, TAXON_EVEN);
}
TAXON_INLINE Vec odd(Vec a, Vec b) {
  return __builtin_shufflevector(a, b, TAXON_ODD);
}
/// The first halves, interleaved: a[0], b[0], a[1], ...
TAXON_INLINE Vec low_pairs(Vec a, Vec b) {
  return __builtin_shufflevector(a, b, TAXON_LOW);
}
TAXON_INLINE Vec high_pairs(Vec a, Vec b) {
  return __builtin_shufflevector(a, b, TAXON_HIGH);
}
#undef TAXON_EVEN
#undef TAXON_ODD
#undef TAXON_LOW
#undef TAXON_HIGH

typedef float Quad __attribute__((vector_size(16)));

/// 4 x 4 elements, rows and columns swapped, in two steps of interleaving.
TAXON_INLINE void swap_quads(const float* src, int64_t src_stride, float* dst, int64_t dst_stride) {
  Quad r[4];
  for (int i = 0; i < 4; ++i) __builtin_memcpy(&r[i], src + i * src_stride, sizeof(Quad));
  const Quad a = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
  const Quad b = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
  const Quad c = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
  const Quad d = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
  const Quad out[4] = {
      __builtin_shufflevector(a, c, 0, 1, 4, 5), __builtin_shufflevector(a, c, 2, 3, 6, 7),
      __builtin_shufflevector(b, d, 0, 1, 4, 5), __builtin_shufflevector(b, d, 2, 3, 6, 7)};
  for (int i = 0; i < 4; ++i) __builtin_memcpy(dst + i * dst_stride, &out[i], sizeof(Quad));
}

}  // namespace
}  // namespace taxon::kernels
