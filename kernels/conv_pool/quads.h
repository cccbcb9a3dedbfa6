// What both directions do with planes; for the .isa.cpp files of this folder.
#pragma once

#include "conv_pool/planes.h"
#include "simd/simd.h"

namespace taxon::kernels {
namespace {

typedef float Quad __attribute__((vector_size(16)));
typedef uint8_t Bytes __attribute__((vector_size(lanes)));

/// Makes the compiler keep x in a register: it would rather read memory again for every use, which
/// for vectors across two lines of the cache costs twice.
TAXON_INLINE Vec kept(Vec x) {
#if TAXON_SIMD_X86
  __asm__("" : "+v"(x));
#endif
  return x;
}

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

/// The pixels from the first on that can be moved in fours of pixels and filters without touching
/// anything behind the last filter of the last pixel.
TAXON_INLINE int64_t pixels_in_fours(const ConvPoolArgs& g, const Planes& p) {
  int64_t pixels = p.cells / 4 * 4;
  while (pixels > 0 && (pixels - 1) * g.k + p.quads > p.cells * g.k) pixels -= 4;
  return pixels;
}

/// Planes to one image of pixels: what lands behind a pixel's last filter is overwritten by the
/// next.
TAXON_INLINE void planes_to_pixels(const ConvPoolArgs& g, const Planes& p, const float* planes,
                                   float* y) {
  const int64_t fours = pixels_in_fours(g, p);
  for (int64_t i = 0; i < fours; i += 4) {
    float block[4][8];
    for (int64_t k = 0; k < p.quads; k += 4) {
      swap_quads(planes + k * p.cell_plane + i, p.cell_plane, &block[0][k], 8);
    }
    for (int64_t j = 0; j < 4; ++j) {
      for (int64_t k = 0; k < p.quads; k += 4) {
        __builtin_memcpy(y + (i + j) * g.k + k, &block[j][k], sizeof(Quad));
      }
    }
  }
  for (int64_t i = fours; i < p.cells; ++i) {
    for (int64_t k = 0; k < g.k; ++k) y[i * g.k + k] = planes[k * p.cell_plane + i];
  }
}

TAXON_INLINE void pixels_to_planes(const ConvPoolArgs& g, const Planes& p, const float* y,
                                   float* planes) {
  const int64_t fours = pixels_in_fours(g, p);
  for (int64_t i = 0; i < fours; i += 4) {
    for (int64_t k = 0; k < p.quads; k += 4) {
      swap_quads(y + i * g.k + k, g.k, planes + k * p.cell_plane + i, p.cell_plane);
    }
  }
  for (int64_t i = fours; i < p.cells; ++i) {
    for (int64_t k = 0; k < g.k; ++k) planes[k * p.cell_plane + i] = y[i * g.k + k];
  }
}

/// The input's planes hold zeros around the image from here on.
TAXON_INLINE void clear(float* x, int64_t n) {
  each(0, n, [&](int64_t i, auto part) { part.store(x + i, Vec{}); });
}

TAXON_INLINE void fill_planes(const ConvPoolArgs& g, const Planes& p, int64_t n, float* planes) {
  const int64_t space = p.in_width - g.pad_w, cols = g.w < space ? g.w : space;
  for (int64_t row = 0; row < p.in_rows; ++row) {
    const int64_t h = row - g.pad_h;
    if (h < 0 || h >= g.h) continue;
    const float* x = static_cast<const float*>(g.x) + (n * g.h + h) * g.w * g.c;
    for (int64_t c = 0; c < g.c; ++c) {
      float* to = planes + (c * p.in_rows + row) * p.in_width + g.pad_w;
      if (g.c == 1) {
        each(0, cols, [&](int64_t i, auto part) { part.store(to + i, part.load(x + i)); });
      } else {
        for (int64_t i = 0; i < cols; ++i) to[i] = x[i * g.c + c];
      }
    }
  }
}

// The even and the odd elements of two vectors, and the two vectors from such.
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
TAXON_INLINE Vec even(Vec a, Vec b) {
  return __builtin_shufflevector(a, b, TAXON_EVEN);
}
TAXON_INLINE Vec odd(Vec a, Vec b) {
  return __builtin_shufflevector(a, b, TAXON_ODD);
}
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

TAXON_INLINE void store_bytes(uint8_t* to, Int x) {
  const Bytes bytes = __builtin_convertvector(x, Bytes);
  __builtin_memcpy(to, &bytes, sizeof bytes);
}
TAXON_INLINE Int load_bytes(const uint8_t* from) {
  Bytes bytes;
  __builtin_memcpy(&bytes, from, sizeof bytes);
  return __builtin_convertvector(bytes, Int);
}

}  // namespace
}  // namespace taxon::kernels
