// See geometry.h.
#include "geometry.h"

#include "gemm/carver.h"

#include <algorithm>

namespace taxon::kernels {
namespace {

int64_t floor_div(int64_t a, int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

}  // namespace

AxisArgs height_of(const Conv2dArgs& a) {
  return {a.h, a.oh, a.r, a.stride_h, a.pad_h, a.dilation_h};
}
AxisArgs width_of(const Conv2dArgs& a) {
  return {a.w, a.ow, a.s, a.stride_w, a.pad_w, a.dilation_w};
}

Axis forward_axis(const AxisArgs& a) {
  Axis x;
  x.count = a.out;
  // A single tap needs no source points but those it reads.
  x.step = a.filter == 1 ? 1 : a.stride;
  x.source_step = a.filter == 1 ? a.stride : 1;
  x.source_count = a.in;
  x.source_origin = -a.pad;
  x.taps = a.filter;
  x.tap_step = a.dilation;
  x.reach = (a.filter - 1) * a.dilation;
  return x;
}

Axis backward_axis(const AxisArgs& a, int64_t phase) {
  Axis x;
  // Input point i = q * stride + phase - pad for q in [first, last].
  const int64_t first = -floor_div(phase - a.pad, a.stride);
  const int64_t last = floor_div(a.in - 1 + a.pad - phase, a.stride);
  x.count = std::max<int64_t>(0, last - first + 1);
  x.dest_origin = first * a.stride + phase - a.pad;
  x.dest_step = a.stride;
  x.source_count = a.out;
  // Tap r reads output point q - (r * dilation - phase) / stride.
  int64_t low = 0, high = 0, taps = 0;
  for (int64_t r = 0; r < a.filter; ++r) {
    if ((r * a.dilation) % a.stride != phase) continue;
    const int64_t shift = (r * a.dilation - phase) / a.stride;
    if (taps == 0) {
      x.weight_first = r;
      low = shift;
    }
    if (taps == 1) {
      x.weight_step = r - x.weight_first;
      x.tap_step = low - shift;
    }
    high = shift;
    ++taps;
  }
  x.taps = taps;
  x.tap_offset = high - low;
  x.reach = high - low;
  x.source_origin = first - high;
  return x;
}

Blocks cut_blocks(int64_t images, const Axis& h, const Axis& w, int64_t pixels, int64_t pixel_bytes,
                  int64_t bytes) {
  Blocks b;
  const int64_t width = w.padded(w.count) * pixel_bytes;
  const auto fits = [&](int64_t many, int64_t rows) {
    return many * rows * w.count <= pixels && many * h.padded(rows) * width <= bytes;
  };
  if (fits(1, h.count)) {
    while (b.images < images && fits(b.images + 1, h.count)) ++b.images;
    const int64_t parts = ceil_div(images, b.images);
    b.images = ceil_div(images, parts);  // evenly
    b.rows = h.count;
    b.count = ceil_div(images, b.images);
    return b;
  }
  while (b.bands < h.count && !fits(1, ceil_div(h.count, b.bands))) ++b.bands;
  b.rows = ceil_div(h.count, b.bands);
  b.count = images * b.bands;
  return b;
}

Block block_at(const Blocks& blocks, int64_t images, const Axis& h, int64_t b) {
  if (blocks.bands == 1) {
    const int64_t first = b * blocks.images;
    return {first, std::min(blocks.images, images - first), 0, h.count};
  }
  const int64_t band = b % blocks.bands;
  const int64_t row = split_at(h.count, blocks.bands, band);
  return {b / blocks.bands, 1, row, split_at(h.count, blocks.bands, band + 1) - row};
}

}  // namespace taxon::kernels
