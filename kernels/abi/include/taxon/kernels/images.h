// Batches from pixels that lie in a device's memory: picked, shifted, mirrored, cut and normalised.
#pragma once

#include <taxon/kernels/exec.h>

namespace taxon::kernels {

/// What becomes of one sample. In this order: moved by (dy, dx), what comes from outside being 0 or
/// a reflection; mirrored; the rows [top, bottom) of the columns [left, right) filled.
struct ImagePlan {
  int32_t index = 0;  ///< of the image
  int32_t dy = 0, dx = 0, mirror = 0;
  int32_t top = 0, left = 0, bottom = 0, right = 0;  ///< within the image; empty: nothing
};

/// x[n, h, w, c] = pixels[plan[n].index, h', w', c] * scale[c] + shift[c], with `fill` in place of
/// the pixel where the plan fills. The caller has checked the indices.
struct ImagesArgs {
  static constexpr int most_channels = 4;
  int64_t n = 0, height = 0, width = 0, channels = 3;
  bool reflect = false;                   ///< about the border's pixel: -1 shows 1
  const unsigned char* pixels = nullptr;  ///< [any, height, width, channels]
  const ImagePlan* plan = nullptr;        ///< [n], or null: image n as it is
  float scale[most_channels] = {}, shift[most_channels] = {};
  unsigned char fill[most_channels] = {};
  float* x = nullptr;
};

Rows<ImagesArgs> images_rows();

}  // namespace taxon::kernels
