// Convolution with few filters, then the maximum over windows of 2x2, as one operation: the images
// in between, larger than what comes in and goes out, are never written to memory.
#pragma once

#include <taxon/kernels/exec.h>

namespace taxon::kernels {

/// Stride 1, one group, NHWC; the windows lie side by side, a last odd row or column is left out.
struct ConvPoolArgs {
  int64_t n = 0, h = 0, w = 0, c = 0;  ///< input: n images of h x w x c
  int64_t k = 0, r = 0, s = 0;         ///< filters: k of r x s x c
  int64_t pad_h = 0, pad_w = 0;
  int64_t oh = 0, ow = 0;  ///< output: n x oh x ow x k, oh = (h + 2 pad_h - r + 1) / 2
  bool relu = false;       ///< negative values are cut off
  // forward reads x, weight, bias; writes y and code. backward_weight reads x, y (the gradient of
  // the output) and code; writes weight and, if not null, bias.
  const void* x = nullptr;
  void* weight = nullptr;
  void* bias = nullptr;  ///< k elements, or null
  void* y = nullptr;
  /// [n, k, oh, ow]: which of the window's four values is the first maximum (NaN wins), row by row;
  /// 4 where ReLU cut it off.
  uint8_t* code = nullptr;
};
/// The gradient of the convolution's output from that of the maxima.
struct ConvPoolSpreadArgs {
  int64_t n = 0, k = 0, oh = 0, ow = 0;  ///< of the maxima
  int64_t h = 0, w = 0;                  ///< of the convolution's output
  const void* dy = nullptr;              ///< [n, oh, ow, k]
  const uint8_t* code = nullptr;         ///< [n, k, oh, ow]
  void* dx = nullptr;                    ///< [n, h, w, k], written completely
};

/// Whether the fast rows take it: at most 4 channels and 8 filters, images of a few hundred rows.
bool conv_pool_fits(const ConvPoolArgs& args);

Rows<ConvPoolArgs> conv_pool_rows(Type type);  ///< f32, f64 (as all below)
Rows<ConvPoolArgs> conv_pool_backward_weight_rows(Type type);
Rows<ConvPoolSpreadArgs> conv_pool_spread_rows(Type type);

}  // namespace taxon::kernels
