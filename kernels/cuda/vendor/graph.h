// A cuDNN operation graph as plain data, and its making into finalised descriptors. Tensors are
// named by the numbers that the variant pack gives them pointers by.
#pragma once

#include <array>
#include <cstdint>
#include <variant>
#include <vector>

#include "descriptor.h"

namespace taxon::kernels::cuda::vendor {

using Sizes = std::vector<std::int64_t>;

struct Tensor {
  std::int64_t id = 0;
  Sizes dims, strides;  ///< N, C, H, W, whatever the order in memory; strides in elements
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  std::int64_t alignment = 16;  ///< bytes that divide the address
  bool is_virtual = false;      ///< passed on inside the graph, never in memory
  bool by_value = false;        ///< one f32, given by the host
  float value = 0;
};

enum class ConvolutionKind { forward, backward_data, backward_weight };
struct Convolution {
  ConvolutionKind kind;
  std::int64_t x, w, y;  ///< tensors; backward: the gradient in the place of what it is of
  Sizes pad_before, pad_after, stride, dilation;  ///< of height and width
};

/// y = mode(x, b). For RELU_BWD: y is dx, b is dy.
struct Pointwise {
  cudnnPointwiseMode_t mode;
  std::int64_t x, b, y;  ///< b: 0 where the mode has one operand
};

/// y = the sum of x over the axes where y has 1.
struct Sum {
  std::int64_t x, y;
};

/// Batch normalisation in training: y, mean and 1 / sqrt(var + epsilon) of x.
struct NormForward {
  std::int64_t x, scale, bias, epsilon, y, mean, inverse;
};
struct NormBackward {
  std::int64_t x, dy, scale, mean, inverse, dx, dscale, dbias;
};

/// Pooling of height and width. Backward: x and y are the gradients.
struct Resample {
  bool backward;
  cudnnResampleMode_t mode;
  std::int64_t x, y, index;  ///< index: where each maximum lies in its window; 0: not wanted
  Sizes window, stride, pad_before, pad_after;
};

using Operation = std::variant<Convolution, Pointwise, Sum, NormForward, NormBackward, Resample>;

struct Graph {
  std::vector<Tensor> tensors;
  std::vector<Operation> operations;

  const Tensor& tensor(std::int64_t id) const;
};

/// The descriptors of a graph; they live as long as what is made of it.
struct FinalGraph {
  std::vector<Descriptor> parts;
  Descriptor graph;
};

/// handle: null where plans are made for a device that is not there, of its properties alone.
/// deterministic: sums must be.
FinalGraph finalize(const Graph& graph, cudnnHandle_t handle, bool deterministic);

}  // namespace taxon::kernels::cuda::vendor
