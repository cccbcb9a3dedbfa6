// What both directions do with planes; for the .isa.cpp files of this folder.
#pragma once

#include "conv_pool/planes.h"
#include "simd/pairs.h"

namespace taxon::kernels {
namespace {

typedef uint8_t Bytes __attribute__((vector_size(lanes)));

/// Makes the compiler keep x in a register: it would rather read memory again for every use, which
/// for vectors across two lines of the cache costs twice.
TAXON_INLINE Vec kept(Vec x) {
#if TAXON_SIMD_X86
  __asm__("" : "+v"(x));
#endif
  return x;
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
