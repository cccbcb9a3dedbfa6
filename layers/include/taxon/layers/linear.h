// Layers with weights: Linear and Conv2d.
#pragma once

#include <taxon/core/ops.h>
#include <taxon/layers/init.h>
#include <taxon/layers/module.h>

#include <array>

namespace taxon {

struct LinearOptions {
  bool bias = true;
  /// Height, width, channels of the image whose Flatten feeds this layer; 0: none. Memory flattens
  /// in HWC order, PyTorch in CHW order: files hold the columns in PyTorch's order.
  std::array<std::int64_t, 3> flattened = {0, 0, 0};
};

/// y = x W^T + b for x [.., in]; W [out, in]. Both start as U(-1/sqrt(in), 1/sqrt(in)), as torch.
class Linear : public Module {
 public:
  Linear(std::int64_t in, std::int64_t out, Init& init, LinearOptions options = {});
  Tensor forward(const Tensor& x) override { return forward(x, false); }
  /// With a ReLU in the same pass over memory, if asked for.
  Tensor forward(const Tensor& x, bool relu);
  std::string str() const override;
  std::int64_t in() const { return weight.dim(1); }
  std::int64_t out() const { return weight.dim(0); }

  /// For inference: see Conv2dOptions::keep_prepared.
  void keep_prepared() { keep_prepared_ = true; }

  const LinearOptions options;
  Tensor& weight;
  Tensor& bias;  ///< undefined without bias

 protected:
  Tensor to_file(const std::string& name, const Tensor& value) const override;
  Tensor from_file(const std::string& name, const Tensor& value) const override;

 private:
  bool keep_prepared_ = false;
};

/// How a convolution's weights start. torch: U(-1/sqrt(fan_in), 1/sqrt(fan_in)), torch's default.
/// rectifier: Init::kaiming_normal with fan_out, as torchvision's ResNets.
enum class ConvInit : std::uint8_t { torch, rectifier };

struct ConvOptions {
  std::int64_t stride = 1, padding = 0, dilation = 1, groups = 1;
  bool bias = true;
  ConvInit init = ConvInit::torch;
};

/// Square convolution of NHWC images; weight [out, k, k, in/groups] in memory, OIHW in files.
/// Starts as U(-1/sqrt(fan_in), 1/sqrt(fan_in)) with fan_in = k k in/groups, as torch.
class Conv2d : public Module {
 public:
  Conv2d(std::int64_t in, std::int64_t out, std::int64_t kernel, Init& init,
         ConvOptions options = {});
  Tensor forward(const Tensor& x) override { return forward(x, {}); }
  /// The same and what follows it (a residual added, ReLU) in one pass over memory.
  Tensor forward(const Tensor& x, const Epilogue& after);
  std::string str() const override;
  std::int64_t in() const { return weight.dim(3) * options.groups; }
  std::int64_t out() const { return weight.dim(0); }
  std::int64_t kernel() const { return weight.dim(1); }
  /// For inference: see Conv2dOptions::keep_prepared.
  void keep_prepared() { keep_prepared_ = true; }

  const ConvOptions options;
  Tensor& weight;
  Tensor& bias;  ///< undefined without bias

 protected:
  Tensor to_file(const std::string& name, const Tensor& value) const override;
  Tensor from_file(const std::string& name, const Tensor& value) const override;

 private:
  bool keep_prepared_ = false;
};

}  // namespace taxon
