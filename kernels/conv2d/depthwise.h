// Depthwise convolution: as many groups as input channels and as filters.
#pragma once

#include <taxon/kernels/conv2d.h>

#include "gemm/micro.h"

namespace taxon::kernels {

/// out[c] = sum over taps of sources[t][c] * weights[t][c], + bias[c], + residual[c], then ReLU.
struct DepthwisePixel {
  const float* const* sources;
  const float* const* weights;
  int64_t taps, channels;
  const float* bias;      ///< or null
  const float* residual;  ///< or null
  bool relu;
  float* out;
};

struct DepthwiseMicro {
  void (*weighted_sums)(const DepthwisePixel&);
  /// sums[t][c] += sources[t][c] * y[c]
  void (*add_products)(const float* const* sources, float* const* sums, int64_t taps,
                       int64_t channels, const float* y);
};

namespace baseline {
extern const DepthwiseMicro depthwise;
}
namespace avx2 {
extern const DepthwiseMicro depthwise;
}
namespace avx512 {
extern const DepthwiseMicro depthwise;
}

const char* depthwise_declines(const Conv2dArgs& args);
size_t depthwise_scratch(const Conv2dArgs& args, int threads);
void depthwise_forward(const Conv2dArgs& args, const Exec& exec, const Micro& micro,
                       const DepthwiseMicro& depthwise);
void depthwise_backward_data(const Conv2dArgs& args, const Exec& exec, const Micro& micro,
                             const DepthwiseMicro& depthwise);
void depthwise_backward_weight(const Conv2dArgs& args, const Exec& exec, const Micro& micro,
                               const DepthwiseMicro& depthwise);

}  // namespace taxon::kernels
