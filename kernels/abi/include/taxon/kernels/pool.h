// Pooling over NHWC images.
#pragma once

#include <taxon/kernels/exec.h>

namespace taxon::kernels {

struct PoolArgs {
  int64_t n = 0, h = 0, w = 0, c = 0, oh = 0, ow = 0;
  int64_t r = 1, s = 1;  ///< window
  int64_t stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0;
  /// average only: divide by r*s even where the window hangs over the padded edge (PyTorch's
  /// default)
  bool count_include_pad = true;
  const void* x = nullptr;
  void* y = nullptr;
  // Maximum only. Where the first maximum lies (NaN wins), [n, oh, ow, c], in one of two forms:
  bool relu = false;         ///< then max(., 0)
  int32_t* index = nullptr;  ///< h*W + w, or null; -1: nowhere (padding only, or cut off by ReLU)
  uint8_t* code = nullptr;   ///< row of the window * s + column, r*s <= 255; 255: nowhere; or null
};
/// Gradient: reads dy (and index or code for max), writes dx completely.
struct PoolGradArgs {
  int64_t n = 0, h = 0, w = 0, c = 0, oh = 0, ow = 0;
  int64_t r = 1, s = 1;
  int64_t stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0;
  bool count_include_pad = true;
  const void* dy = nullptr;
  const int32_t* index = nullptr;
  const uint8_t* code = nullptr;
  void* dx = nullptr;
};
/// Adaptive average: output cell i covers rows floor(i*h/oh) .. ceil((i+1)*h/oh) (PyTorch's rule);
/// oh = ow = 1 is global average pooling.
struct AdaptiveAvgPoolArgs {
  int64_t n = 0, h = 0, w = 0, c = 0, oh = 1, ow = 1;
  const void* x = nullptr;  ///< forward: input; backward: gradient of the output
  void* y = nullptr;  ///< forward: output; backward: gradient of the input, written completely
};

Rows<PoolArgs> max_pool_rows(Type type);  ///< f32, bf16, f64 (as all below)
Rows<PoolGradArgs> max_pool_grad_rows(Type type);
Rows<PoolArgs> avg_pool_rows(Type type);
Rows<PoolGradArgs> avg_pool_grad_rows(Type type);
Rows<AdaptiveAvgPoolArgs> adaptive_avg_pool_rows(Type type);
Rows<AdaptiveAvgPoolArgs> adaptive_avg_pool_grad_rows(Type type);

}  // namespace taxon::kernels
