// 2-D convolution (cross-correlation, as in every deep learning framework), NHWC activations and
// weights [out, kh, kw, in/groups]. The three directions share one argument struct.
#pragma once

#include <taxon/kernels/exec.h>

namespace taxon::kernels {

struct Conv2dArgs {
  int64_t n = 0, h = 0, w = 0, c = 0;  ///< input: n images of h x w x c
  int64_t k = 0, r = 0, s = 0;         ///< filters: k of r x s x (c / groups)
  int64_t oh = 0, ow = 0;              ///< output: n x oh x ow x k
  int64_t stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0, dilation_h = 1, dilation_w = 1;
  int64_t groups = 1;
  // forward: reads x, weight, bias; writes y. backward_data: reads y (the gradient of the output)
  // and weight; writes x. backward_weight: reads x and y (gradient); writes weight, and bias if not
  // null (the sum of y over n, oh, ow).
  void* x = nullptr;
  void* weight = nullptr;
  void* bias = nullptr;  ///< k elements, or null
  void* y = nullptr;
  const void* residual = nullptr;  ///< forward only: like y, added after the bias; or null
  bool relu = false;               ///< forward only: max(., 0) after all else
  const void* prepared = nullptr;  ///< what the row's prepare made of weight; or null
  bool exact = false;  ///< sums of products only: rows that multiply less (Winograd) decline
};

Rows<Conv2dArgs> conv2d_forward_rows(Type type);          ///< f32, bf16, f64
Rows<Conv2dArgs> conv2d_backward_data_rows(Type type);    ///< f32, bf16, f64
Rows<Conv2dArgs> conv2d_backward_weight_rows(Type type);  ///< f32, bf16, f64

}  // namespace taxon::kernels
