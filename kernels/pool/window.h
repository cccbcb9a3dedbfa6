// The index arithmetic of pooling windows, for one axis. Included by files of every instruction
// set: static functions of integers only.
#pragma once

#include <stdint.h>

namespace taxon::kernels {

/// The code of a maximum that lies nowhere.
constexpr uint8_t kNowhere = 255;

struct Range {
  int64_t first, last;  ///< [first, last)
};

static inline int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}
static inline int64_t most(int64_t a, int64_t b) {
  return a > b ? a : b;
}
static inline int64_t ceil_div(int64_t a, int64_t b) {
  return a > 0 ? (a + b - 1) / b : -(-a / b);
}

/// The inputs that output o covers, clipped to the image.
static inline Range window(int64_t o, int64_t size, int64_t stride, int64_t pad, int64_t extent) {
  const int64_t first = o * stride - pad;
  return {most(first, 0), least(first + size, extent)};
}

/// By how many an average over output o divides along this axis when padding counts (the part of
/// the window beyond the padded edge never does).
static inline int64_t padded_size(int64_t o, int64_t size, int64_t stride, int64_t pad,
                                  int64_t extent) {
  const int64_t first = o * stride - pad;
  return least(first + size, extent + pad) - first;
}

/// The outputs whose windows cover input i.
static inline Range outputs_over(int64_t i, int64_t size, int64_t stride, int64_t pad,
                                 int64_t outputs) {
  const int64_t first = ceil_div(i + pad - size + 1, stride);
  return {most(first, 0), least((i + pad) / stride + 1, outputs)};
}

/// The same from that of i - 1, without dividing; {0, 0} before the first input.
static inline Range next_outputs(Range range, int64_t i, int64_t size, int64_t stride, int64_t pad,
                                 int64_t outputs) {
  while (range.first < outputs && range.first * stride - pad + size <= i) ++range.first;
  while (range.last < outputs && range.last * stride - pad <= i) ++range.last;
  return range;
}

/// Adaptive pooling: the inputs of cell o, and the cells that hold input i.
static inline Range cell(int64_t o, int64_t extent, int64_t cells) {
  return {o * extent / cells, ((o + 1) * extent + cells - 1) / cells};
}
static inline Range cells_over(int64_t i, int64_t extent, int64_t cells) {
  return {i * cells / extent, ((i + 1) * cells + extent - 1) / extent};
}

/// Elements that the average of output (i, j) divides by.
template <class Args>
static inline int64_t divisor(const Args& g, int64_t i, int64_t j) {
  if (g.count_include_pad) {
    return padded_size(i, g.r, g.stride_h, g.pad_h, g.h) *
           padded_size(j, g.s, g.stride_w, g.pad_w, g.w);
  }
  const Range y = window(i, g.r, g.stride_h, g.pad_h, g.h);
  const Range x = window(j, g.s, g.stride_w, g.pad_w, g.w);
  return most((y.last - y.first) * (x.last - x.first), 1);
}

}  // namespace taxon::kernels
