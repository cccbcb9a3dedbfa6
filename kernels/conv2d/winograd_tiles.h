// Where the output tiles of a Winograd convolution lie and which pixels they read.
#pragma once

#include <taxon/kernels/conv2d.h>

#include "winograd_forms.h"

namespace taxon::kernels {

/// Images of h x w pixels of c channels, NHWC.
struct WinogradImages {
  int64_t h, w, c;
  int64_t element;  ///< bytes

  int64_t pixel() const { return c * element; }
};

/// The tiles of n images, numbered image by image, row by row.
struct WinogradTiles {
  const WinogradForm* form;
  int64_t rows, cols;    ///< tiles an image
  int64_t pad_h, pad_w;  ///< zeros above and left of the input

  int64_t an_image() const { return rows * cols; }
};
inline WinogradTiles winograd_tiles(const WinogradForm& form, int64_t out_h, int64_t out_w,
                                    int64_t pad_h, int64_t pad_w) {
  const int64_t more = form.tile - 1;
  return {&form, (out_h + more) / form.tile, (out_w + more) / form.tile, pad_h, pad_w};
}

/// One tile: its image, row and column.
struct WinogradPlace {
  int64_t image, row, col;
};
inline WinogradPlace winograd_place(const WinogradTiles& t, int64_t tile) {
  const int64_t image = tile / t.an_image(), rest = tile % t.an_image();
  return {image, rest / t.cols, rest % t.cols};
}

/// The addresses of size x size pixels from (top, left) on; `zeros` (at least c elements) for those
/// outside the image.
template <int size>
inline void winograd_pixels(const void* images, int64_t image, const WinogradImages& s, int64_t top,
                            int64_t left, const void* zeros, const void** pixels) {
  const char* base = static_cast<const char*>(images);
  const int64_t step = s.pixel();
  const int64_t corner = ((image * s.h + top) * s.w + left) * step;  // may lie outside
  const bool inside = top >= 0 && left >= 0 && top + size <= s.h && left + size <= s.w;
  if (inside) {
    for (int64_t i = 0; i < size; ++i) {
      for (int64_t j = 0; j < size; ++j)
        pixels[i * size + j] = base + (corner + (i * s.w + j) * step);
    }
    return;
  }
  for (int64_t i = 0; i < size; ++i) {
    const bool row = top + i >= 0 && top + i < s.h;
    for (int64_t j = 0; j < size; ++j) {
      const bool there = row && left + j >= 0 && left + j < s.w;
      pixels[i * size + j] = there ? base + (corner + (i * s.w + j) * step) : zeros;
    }
  }
}

/// The input pixels of a tile.
inline void winograd_input_pixels(const void* x, const WinogradImages& s, const WinogradTiles& t,
                                  int64_t tile, const void* zeros, const void** pixels) {
  const WinogradPlace p = winograd_place(t, tile);
  const int64_t top = p.row * t.form->step - t.pad_h, left = p.col * t.form->step - t.pad_w;
  switch (t.form->window) {
    case 5:
      return winograd_pixels<5>(x, p.image, s, top, left, zeros, pixels);
    case 6:
      return winograd_pixels<6>(x, p.image, s, top, left, zeros, pixels);
    default:
      return winograd_pixels<9>(x, p.image, s, top, left, zeros, pixels);
  }
}

/// The 4x4 output pixels of a tile, to be read.
inline void winograd_output_pixels(const void* y, const WinogradImages& s, const WinogradTiles& t,
                                   int64_t tile, const void* zeros, const void** pixels) {
  const WinogradPlace p = winograd_place(t, tile);
  winograd_pixels<4>(y, p.image, s, p.row * 4, p.col * 4, zeros, pixels);
}

/// Transformed values: [xi][slab][tile][row], rows of up to kSlab words, xi strides padded by a
/// cache line so that they do not fall into the same sets of the caches.
struct WinogradLayout {
  int64_t values, depth, slabs, row;  ///< depth: words of a tile
  int64_t tiles;                      ///< most in one block

  int64_t slab() const { return tiles * row; }
  int64_t xi() const { return slabs * slab() + 16; }
  int64_t elements() const { return values * xi(); }
};
WinogradLayout winograd_layout(int64_t values, int64_t depth, int64_t tiles);

}  // namespace taxon::kernels
