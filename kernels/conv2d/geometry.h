// The geometry that the fast convolutions share: a convolution in gather form along each axis, and
// the cutting of its output into blocks whose padded sources fit the cache.
#pragma once

#include <taxon/kernels/conv2d.h>

namespace taxon::kernels {

/// One axis of a gather convolution: output grid point i, tap t reads the padded source at
/// i * step + tap_offset + t * tap_step; padded index p is source index p * source_step +
/// source_origin, or zero where that lies outside [0, source_count).
struct Axis {
  int64_t count = 0, step = 1;
  int64_t taps = 0, tap_offset = 0, tap_step = 0;  ///< in padded elements
  int64_t weight_first = 0, weight_step = 1;       ///< which row (column) of the filter a tap is
  int64_t source_count = 0, source_step = 1, source_origin = 0;
  int64_t dest_origin = 0, dest_step = 1;  ///< where grid point i lies in the output
  int64_t reach = 0;                       ///< the largest offset of a tap

  int64_t padded(int64_t points) const { return points <= 0 ? 0 : (points - 1) * step + reach + 1; }
};

/// Sizes along one axis as the caller gives them.
struct AxisArgs {
  int64_t in, out, filter, stride, pad, dilation;
};
AxisArgs height_of(const Conv2dArgs& args);
AxisArgs width_of(const Conv2dArgs& args);

Axis forward_axis(const AxisArgs& a);
/// The gradient of the input, gathered: input points i with (i + pad) % stride == phase are a
/// convolution of the output's gradient with the taps r of (r * dilation) % stride == phase.
Axis backward_axis(const AxisArgs& a, int64_t phase);

/// How the output grid of all images is cut: bands of rows of one image, or several whole images.
struct Blocks {
  int64_t images = 1;  ///< whole images a block (bands == 1), or 1
  int64_t bands = 1;   ///< blocks an image
  int64_t rows = 0;    ///< most grid rows of one image in a block
  int64_t count = 0;   ///< blocks in all
};
/// `pixels`: grid points wanted a block; `bytes`: most bytes of padded source in one, where
/// `pixel_bytes` is the size of one padded pixel.
Blocks cut_blocks(int64_t images, const Axis& h, const Axis& w, int64_t pixels, int64_t pixel_bytes,
                  int64_t bytes);

/// Block b: images [image, image + images), grid rows [row, row + rows).
struct Block {
  int64_t image, images, row, rows;
};
Block block_at(const Blocks& blocks, int64_t images, const Axis& h, int64_t b);

}  // namespace taxon::kernels
