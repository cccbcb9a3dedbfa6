// What the convolutions share: the sizes as kernels use them, and where a row of the implicit
// matrix lies in the image.
#pragma once

#include <taxon/kernels/conv2d.h>

#include "cuda/device.h"

namespace taxon::kernels::cuda {

/// One axis: input point i = o * stride + t * dilation - pad for output point o and tap t.
struct ConvAxis {
  int in = 0, out = 0, taps = 1, stride = 1, pad = 0, dilation = 1;
  Divisor by_stride;

  __device__ __forceinline__ bool input(int o, int t, int& i) const {
    i = o * stride + t * dilation - pad;
    return i >= 0 && i < in;
  }
  /// The output point that reads input point i at tap t, if any.
  __device__ __forceinline__ bool output(int i, int t, int& o) const {
    o = i + pad - t * dilation;
    if (o < 0) return false;
    const int rest = by_stride.split(o);
    return rest == 0 && o < out;
  }
};

struct ConvShape {
  ConvAxis y, x;
  int n = 0, c = 0, k = 0;        ///< images, channels, filters
  int channels = 0, filters = 0;  ///< of a group
  int groups = 1;
  Divisor by_channels, by_filters, by_taps_x, by_out_x, by_out_y, by_in_x, by_in_y;

  __device__ __forceinline__ int64_t input_at(int image, int iy, int ix) const {
    return ((static_cast<int64_t>(image) * y.in + iy) * x.in + ix) * c;
  }
  __device__ __forceinline__ int64_t output_at(int image, int oy, int ox) const {
    return ((static_cast<int64_t>(image) * y.out + oy) * x.out + ox) * k;
  }
};

inline ConvShape shape_of(const Conv2dArgs& a) {
  const auto to_int = [](int64_t v) { return static_cast<int>(v); };
  const auto safe = [](int64_t v) { return Divisor(v > 0 ? v : 1); };
  ConvShape s;
  s.y = {to_int(a.h),     to_int(a.oh),         to_int(a.r),     to_int(a.stride_h),
         to_int(a.pad_h), to_int(a.dilation_h), safe(a.stride_h)};
  s.x = {to_int(a.w),     to_int(a.ow),         to_int(a.s),     to_int(a.stride_w),
         to_int(a.pad_w), to_int(a.dilation_w), safe(a.stride_w)};
  s.n = to_int(a.n);
  s.c = to_int(a.c);
  s.k = to_int(a.k);
  s.groups = to_int(a.groups);
  s.channels = to_int(a.c / a.groups);
  s.filters = to_int(a.k / a.groups);
  s.by_channels = safe(s.channels);
  s.by_filters = safe(s.filters);
  s.by_taps_x = safe(a.s);
  s.by_out_x = safe(a.ow);
  s.by_out_y = safe(a.oh);
  s.by_in_x = safe(a.w);
  s.by_in_y = safe(a.h);
  return s;
}

/// What becomes of forward's sums: + bias + residual, then ReLU.
template <class T>
struct ConvOutput {
  T* y;
  const float* bias;
  const T* residual;
  int k, filters;
  bool relu, packed;

  __device__ __forceinline__ float finish(int64_t at, int filter, float v) const {
    if (bias != nullptr) v += bias[filter];
    if (residual != nullptr) v += widen(residual[at]);
    return relu && v < 0 ? 0.0f : v;
  }
};

/// Rows of the tables that work without tiles: any shape (conv2d_direct.cu).
template <class T>
void direct_forward(const Conv2dArgs& args, const Exec& exec);
template <class T>
void direct_backward_data(const Conv2dArgs& args, const Exec& exec);
template <class T>
void direct_backward_weight(const Conv2dArgs& args, const Exec& exec);
size_t direct_backward_weight_scratch(const Conv2dArgs& args, int threads);

}  // namespace taxon::kernels::cuda
