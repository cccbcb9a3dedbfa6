// Positions in a window as bytes in memory and vectors of integers in registers; for the .isa.cpp
// files of this folder.
#pragma once

#include "simd/simd.h"

namespace taxon::kernels {
namespace {

typedef uint8_t Bytes __attribute__((vector_size(lanes)));

TAXON_INLINE void store_codes(Full, uint8_t* to, Int x) {
  const Bytes bytes = __builtin_convertvector(x, Bytes);
  __builtin_memcpy(to, &bytes, sizeof bytes);
}
TAXON_INLINE Int load_codes(Full, const uint8_t* from) {
  Bytes bytes;
  __builtin_memcpy(&bytes, from, sizeof bytes);
  return __builtin_convertvector(bytes, Int);
}

#if TAXON_ISA_avx512
TAXON_INLINE void store_codes(Tail part, uint8_t* to, Int x) {
  _mm512_mask_cvtepi32_storeu_epi8(to, first_lanes(part.n), reinterpret_cast<__m512i>(x));
}
TAXON_INLINE Int load_codes(Tail part, const uint8_t* from) {
  const __m128i bytes = _mm_maskz_loadu_epi8(first_lanes(part.n), from);
  return reinterpret_cast<Int>(_mm512_maskz_cvtepu8_epi32(all_lanes, bytes));
}
#else
TAXON_INLINE void store_codes(Tail part, uint8_t* to, Int x) {
  const Bytes bytes = __builtin_convertvector(x, Bytes);
  for (int64_t i = 0; i < part.n; ++i) to[i] = bytes[i];
}
TAXON_INLINE Int load_codes(Tail part, const uint8_t* from) {
  Bytes bytes = {};
  for (int64_t i = 0; i < part.n; ++i) bytes[i] = from[i];
  return __builtin_convertvector(bytes, Int);
}
#endif

}  // namespace
}  // namespace taxon::kernels
