// Layers with PyTorch's names, defaults and initialisation. Weights are drawn from (seed, name order):
// every constructor that draws takes an Init.
#pragma once

#include <taxon/core/ops.h>
#include <taxon/layers/module.h>

namespace taxon {

/// Where initial weights come from: each drawing advances the stream, so a model built twice from the
/// same seed has the same weights.
struct Init {
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;
};

struct LinearOptions {
  bool bias = true;
};
/// y = x W^T + b; W [out, in]. Initialised as torch: U(-1/sqrt(in), 1/sqrt(in)) for both.
class Linear : public Module {
 public:
  Linear(std::int64_t in, std::int64_t out, Init& init, LinearOptions options = {});
  Tensor forward(const Tensor& x) override;
  std::string str() const override;
  Tensor& weight;
  Tensor* bias = nullptr;
};

struct ConvOptions {
  std::int64_t stride = 1, padding = 0, dilation = 1, groups = 1;
  bool bias = true;
};
/// NHWC; weight [out, k, k, in/groups] in memory (OIHW in files).
class Conv2d : public Module {
 public:
  Conv2d(std::int64_t in, std::int64_t out, std::int64_t kernel, Init& init, ConvOptions options = {});
  Tensor forward(const Tensor& x) override;
  std::string str() const override;
  Tensor& weight;
  Tensor* bias = nullptr;
  const ConvOptions options;
};

struct NormOptions {
  double eps = 1e-5, momentum = 0.1;
  bool affine = true;
};
/// Over all axes but the last. running_var follows the unbiased variance, as torch.
class BatchNorm2d : public Module {
 public:
  explicit BatchNorm2d(std::int64_t channels, NormOptions options = {});
  Tensor forward(const Tensor& x) override;
  std::string str() const override;
  Tensor* weight = nullptr;
  Tensor* bias = nullptr;
  Tensor& running_mean;
  Tensor& running_var;
  const NormOptions options;
};

}  // namespace taxon
